//! Examples of older versions held against the newest one: where what refuses them stands, and that each is told
//! once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use topicwright::finding::Finding;
use topicwright::gate::day::Day;
use topicwright::gate::side::Side;
use topicwright::gate::{self, Outcome};
use topicwright::registry::files::Files;

mod edited;

const COMMON: &str = "common/shop.json";
const ORDER: &str = "topics/order.placed";

fn replace(files: &mut Files, path: &str, old: &str, new: &str) {
    let text = files.0.get_mut(path).unwrap_or_else(|| panic!("{path}"));
    assert!(text.contains(old), "{path} has no {old}");
    *text = text.replacen(old, new, 1);
}

/// With a version 3 like version 2.
fn with_third(files: &Files) -> Files {
    let mut files = files.clone();
    let second = files.0[&format!("{ORDER}/v2.json")].clone();
    files.0.insert(format!("{ORDER}/v3.json"), second);
    files
}

fn checked(old: &Files, new: &Files) -> Outcome {
    let [old, new] = [old, new].map(|files| Side::load(files).unwrap());
    gate::check(Some(&old), &new, Day::read("2026-11-24").unwrap())
}

fn rejected(outcome: &Outcome) -> Vec<&Finding> {
    let of_rule = |finding: &&Finding| finding.rule == "old-example-rejected";
    outcome.findings.iter().filter(of_rule).collect()
}

/// The web shop's, with a number in `common/` that is smaller than those of most orders, which version 3 refers to.
fn small_orders(id: &str) -> (Files, Files) {
    let mut old = edited::webshop();
    let small = r#""small": {
      "description": "Number of a small order.",
      "type": "integer",
      "minimum": 1,
      "maximum": 700001
    }"#;
    match id {
        "" => replace(
            &mut old,
            COMMON,
            "\"$defs\": {",
            &format!("\"$defs\": {{\n    {small},"),
        ),
        id => {
            let text =
                format!("{{\n  \"$id\": \"{id}\",\n  \"$defs\": {{\n    {small}\n  }}\n}}\n");
            old.0.insert("common/small.json".to_owned(), text);
        }
    }
    let mut new = with_third(&old);
    let target = if id.is_empty() {
        "../../common/shop.json"
    } else {
        id
    };
    let third = format!("{ORDER}/v3.json");
    let (old_reference, reference) = (
        "../../common/shop.json#/$defs/order_id",
        format!("{target}#/$defs/small"),
    );
    replace(&mut new, &third, old_reference, &reference);
    (old, new)
}

#[test]
fn the_keyword_that_refuses_is_named_where_it_stands_and_once() {
    for (id, file) in [
        ("", COMMON),
        ("https://shop.example/small.json", "common/small.json"),
    ] {
        let (old, new) = small_orders(id);
        let outcome = checked(&old, &new);
        let found = rejected(&outcome);
        assert_eq!(found.len(), 1, "{found:#?}");
        let finding = found[0];
        assert_eq!(
            (finding.file.as_str(), finding.pointer.as_str()),
            (file, "/$defs/small/maximum")
        );
        let line = new.0[file].lines().nth(finding.position.line - 1).unwrap();
        assert_eq!(line.trim(), "\"maximum\": 700001");
        assert_eq!(
            finding.message,
            "v3 rejects 2 examples of v2 and 1 example of v1, first the v2 example express at `/order_id`: \
             700003 is greater than the maximum of 700001"
        );
        let first = format!("{ORDER}/examples/v2/express.json");
        assert_eq!(finding.old.as_ref().unwrap().file, first);
        assert!(finding.evidence.as_ref().unwrap().contains("700003"));
    }
}

/// Both versions refer to what was edited, so the example's own version refuses it by the same keyword.
#[test]
fn what_its_own_version_refuses_alike_is_told_there() {
    let old = edited::webshop();
    let mut new = old.clone();
    replace(&mut new, COMMON, "9007199254740991", "700001");
    let outcome = checked(&old, &new);
    assert!(rejected(&outcome).is_empty(), "{:#?}", rejected(&outcome));
    let invalid = format!("{ORDER}/examples/v1/promised.json");
    let findings = outcome.findings.iter();
    let told = findings.filter(|finding| finding.file == invalid);
    assert_eq!(
        told.map(|finding| finding.rule).collect::<Vec<_>>(),
        ["invalid-example"]
    );
    // What only the newest version refuses is told beside it.
    let second = format!("{ORDER}/v2.json");
    replace(&mut new, &second, "\"maxItems\": 100", "\"maxItems\": 0");
    replace(&mut new, &second, "\"minItems\": 1,", "");
    let outcome = checked(&old, &new);
    let places: Vec<&str> = rejected(&outcome)
        .iter()
        .map(|finding| finding.pointer.as_str())
        .collect();
    assert_eq!(places, ["/properties/lines/maxItems"]);
}

/// One keyword waived hides no other.
#[test]
fn every_keyword_that_refuses_an_example_is_told() {
    let (old, mut new) = small_orders("");
    let third = format!("{ORDER}/v3.json");
    replace(&mut new, &third, "1000000000", "10");
    let outcome = checked(&old, &new);
    let mut places: Vec<&str> = rejected(&outcome)
        .iter()
        .map(|finding| finding.pointer.as_str())
        .collect();
    places.sort_unstable();
    assert_eq!(
        places,
        ["/$defs/small/maximum", "/properties/total_cents/maximum"]
    );
}

/// After its removal date nobody reads messages of a version.
#[test]
fn removed_versions_hold_nobody() {
    let versions = |removal: &str| {
        let (mut old, mut new) = small_orders("");
        for files in [&mut old, &mut new] {
            let text = files.0.get_mut(&format!("{ORDER}/topic.toml")).unwrap();
            text.push_str(&format!(
                "\n[[deprecations]]\nversion = 1\nsince = \"2026-10-01\"\nremoval = \"{removal}\"\nreason = \"old\"\n"
            ));
        }
        rejected(&checked(&old, &new))[0].message.clone()
    };
    let with = "v3 rejects 2 examples of v2 and 1 example of v1, ";
    assert!(
        versions("2026-11-24").starts_with(with),
        "{}",
        versions("2026-11-24")
    );
    let without = "v3 rejects 2 examples of v2, ";
    assert!(
        versions("2026-11-23").starts_with(without),
        "{}",
        versions("2026-11-23")
    );
}
