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
        steps("BACKWARD_TRANSITIVE", |_| {}, "10"),
        [writers, &readers("v1 and v2")]
    );
    // Only the version before is asked.
    assert_eq!(steps("BACKWARD", |_| {}, "10"), [writers, &readers("v2")]);
    let wide = |files: &mut Files| replace(files, "v1.json", "1000000000", "2000000000");
    // Messages of v2 are read, those of v1 are not.
    assert_eq!(
        steps("BACKWARD_TRANSITIVE", wide, "1000000000"),
        [writers, &readers("v1")]
    );
    assert_eq!(
        steps("BACKWARD_TRANSITIVE", wide, "1500000000"),
        [&readers("v1"), writers]
    );
    assert_eq!(
        steps("BACKWARD_TRANSITIVE", |_| {}, "1000000000"),
        ["consumers and producers of order.placed to v3, in any order"]
    );
}
