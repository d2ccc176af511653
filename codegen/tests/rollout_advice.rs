//! In which order to roll a version out where versions before the last one are still read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use topicwright::gate;
use topicwright::gate::day::Day;
use topicwright::gate::side::Side;
use topicwright::registry::files::Files;

mod edited;

const ORDER: &str = "topics/order.placed";

fn replace(files: &mut Files, path: &str, old: &str, new: &str) {
    let path = format!("{ORDER}/{path}");
    let text = files.0.get_mut(&path).unwrap_or_else(|| panic!("{path}"));
    assert!(text.contains(old), "{path} has no {old}");
    *text = text.replacen(old, new, 1);
}

/// Steps for a version 3 that takes totals up to `total`.
fn steps(level: &str, before: impl Fn(&mut Files), total: &str) -> Vec<String> {
    let mut old = edited::webshop();
    replace(&mut old, "topic.toml", "FULL_TRANSITIVE", level);
    before(&mut old);
    let mut new = old.clone();
    let second = new.0[&format!("{ORDER}/v2.json")].clone();
    new.0.insert(format!("{ORDER}/v3.json"), second);
    replace(&mut new, "v3.json", "1000000000", total);
    let [old, new] = [old, new].map(|files| Side::load(&files).unwrap());
    let outcome = gate::check(Some(&old), &new, Day::read("2026-11-24").unwrap());
    outcome.rollout.steps
}

#[test]
fn every_version_whose_messages_break_the_new_one_is_named() {
    let readers = |versions: &str| {
        format!("consumers of order.placed to v3, once no message of {versions} is retained")
    };
    let writers = "producers of order.placed to v3";
    assert_eq!(
        steps("FULL_TRANSITIVE", |_| {}, "10"),
        [writers, &readers("v1 and v2")]
    );
    // Only the version before is asked.
    assert_eq!(steps("FULL", |_| {}, "10"), [writers, &readers("v2")]);
    let wide = |files: &mut Files| replace(files, "v1.json", "1000000000", "2000000000");
    // Messages of v2 are read, those of v1 are not.
    assert_eq!(
        steps("FULL_TRANSITIVE", wide, "1000000000"),
        [writers, &readers("v1")]
    );
    assert_eq!(
        steps("FULL_TRANSITIVE", wide, "1500000000"),
        [&readers("v1"), writers]
    );
    assert_eq!(
        steps("FULL_TRANSITIVE", |_| {}, "1000000000"),
        ["consumers and producers of order.placed to v3, in any order"]
    );
}

/// A worker of before takes a newer version only where its own level promised that.
#[test]
fn workers_that_know_no_newer_version_move_first() {
    assert_eq!(
        steps("BACKWARD", |_| {}, "1000000000"),
        [
            "consumers of order.placed to v3",
            "producers of order.placed to v3"
        ]
    );
    // Readers of v3 refuse what v2 allows, too.
    assert_eq!(
        steps("BACKWARD", |_| {}, "10"),
        ["order.placed: stop producers, let consumers read to the end, then move both to v3"]
    );
}

/// The version that runs today is the one that a change with two versions has to get along with.
#[test]
fn two_versions_in_one_change_follow_the_one_that_runs() {
    let mut old = edited::webshop();
    replace(&mut old, "topic.toml", "FULL_TRANSITIVE", "FULL");
    let mut new = old.clone();
    let second = new.0[&format!("{ORDER}/v2.json")].clone();
    let voucher = "\"voucher\": {";
    for (path, schema) in [
        ("v3.json", second.replace(voucher, "\"coupon\": {")),
        (
            "v4.json",
            second.replace("\"type\": [\n        \"string\",\n        \"null\"\n      ],\n      \"maxLength\": 20,", "\"type\": \"integer\",")
                .replace("\"SPRING26\"", "7"),
        ),
    ] {
        new.0.insert(format!("{ORDER}/{path}"), schema);
    }
    let [old, new] = [old, new].map(|files| Side::load(&files).unwrap());
    let outcome = gate::check(Some(&old), &new, Day::read("2026-11-24").unwrap());
    let breaks = outcome.findings.iter().any(|finding| {
        finding.rule == "reader-breaks"
            && finding
                .message
                .starts_with("readers of v2 reject what v4 allows")
    });
    assert!(breaks, "{:#?}", outcome.findings);
    assert_eq!(
        outcome.rollout.steps.last().map(String::as_str),
        Some("order.placed: stop producers, let consumers read to the end, then move both to v4")
    );
}

/// A text that a column takes for a time no longer has to be one: workers of before refuse what is none.
#[test]
fn a_demand_that_goes_away_breaks_readers_of_before() {
    let mut old = edited::webshop();
    for version in ["v1.json", "v2.json"] {
        let demand = "\"$ref\": \"../../common/shop.json#/$defs/utc\",\n      \"description\": \"Promised delivery.\"";
        let text = "\"type\": \"string\",\n      \"description\": \"Promised delivery.\"";
        replace(&mut old, version, demand, text);
    }
    let mut new = old.clone();
    for version in ["v1.json", "v2.json"] {
        replace(
            &mut new,
            version,
            "\"x-column\": \"promised_at\"",
            "\"x-unit\": \"UTC\"",
        );
    }
    let [old, new] = [old, new].map(|files| Side::load(&files).unwrap());
    let outcome = gate::check(Some(&old), &new, Day::read("2026-11-24").unwrap());
    for version in [1, 2] {
        let said = format!("readers of the old v{version} reject what v{version} allows");
        let breaks = outcome
            .findings
            .iter()
            .any(|finding| finding.rule == "reader-breaks" && finding.message.starts_with(&said));
        assert!(breaks, "{said}: {:#?}", outcome.findings);
    }
}
