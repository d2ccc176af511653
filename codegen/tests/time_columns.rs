//! What a time column demands of the field that fills it is a part of what readers accept: for the gate, for `validate`
//! and `sample`, for examples, and for the generated checks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use topicwright::finding::Finding;
use topicwright::gate::day::Day;
use topicwright::gate::side::Side;
use topicwright::gate::{self, Outcome};
use topicwright::registry::files::Files;
use topicwright::sample::{Dice, Sampler};
use topicwright::validate::{Envelopes, Refusal, Schema, Unnamed};

mod edited;

use edited::TODAY;

const V2: &str = "topics/order.placed/v2.json";

/// The web shop with a promise that is a time by its format alone, which asserts nothing.
fn webshop() -> Files {
    let mut files = edited::webshop();
    for version in ["topics/order.placed/v1.json", V2] {
        edit(
            &mut files,
            version,
            "\"$ref\": \"../../common/shop.json#/$defs/utc\",",
            "\"type\": \"string\",\n      \"format\": \"date-time\",\n      \"examples\": [\"2026-03-14T09:26:53Z\"],",
        );
    }
    files
}

fn side(files: &Files) -> Side {
    Side::load(files).unwrap_or_else(|findings| panic!("{}", listed(&findings)))
}

fn listed(findings: &[Finding]) -> String {
    let texts: Vec<String> = findings.iter().map(ToString::to_string).collect();
    texts.join("\n\n")
}

fn edit(files: &mut Files, file: &str, old: &str, new: &str) {
    let text = files.0.get_mut(file).unwrap_or_else(|| panic!("{file}"));
    assert!(text.contains(old), "{file} has no {old}");
    *text = text.replacen(old, new, 1);
}

fn checked(old: &Files, new: &Files) -> Outcome {
    gate::check(Some(&side(old)), &side(new), Day::read(TODAY).unwrap())
}

/// A third version whose promise of a delivery is any text, and fills no column.
fn in_words() -> Files {
    let mut files = webshop();
    let text = files.0[V2].clone();
    files
        .0
        .insert("topics/order.placed/v3.json".to_owned(), text);
    edit(
        &mut files,
        "topics/order.placed/v3.json",
        "\"format\": \"date-time\",\n      \"examples\": [\"2026-03-14T09:26:53Z\"],\n      \"description\": \"Promised delivery.\",\n      \"x-column\": \"promised_at\"",
        "\"examples\": [\"soon\"],\n      \"description\": \"Promised delivery, in words.\"",
    );
    files
}

/// The web shop where the text of a promise is any text, and its column takes text as well.
fn any_text() -> Files {
    let mut files = webshop();
    edit(
        &mut files,
        "registry.toml",
        "type = \"DateTime64(3)\"\ndescription = \"Promised delivery\"\ncodec = \"Delta, ZSTD(1)\"",
        "type = \"String\"\ndescription = \"Promised delivery\"",
    );
    files
}

fn order(promised: &str) -> serde_json::Value {
    serde_json::json!({
        "order_id": 1, "total_cents": 5, "lines": [{"sku": "MUG-01", "quantity": 1}],
        "country": "KR", "promised_at": promised
    })
}

#[test]
fn what_a_column_refuses_breaks_a_reader() {
    let outcome = checked(&webshop(), &in_words());
    let breaks: Vec<&Finding> = outcome
        .findings
        .iter()
        .filter(|finding| finding.rule == "reader-breaks")
        .collect();
    assert!(!breaks.is_empty(), "{}", listed(&outcome.findings));
    for finding in breaks {
        assert_eq!(finding.file, "topics/order.placed/v3.json");
        assert_eq!(finding.pointer, "/properties/promised_at");
        let said = "is no RFC 3339 timestamp, as its DateTime64(3) column demands";
        assert!(finding.message.contains(said), "{finding}");
        assert!(!finding.message.contains("[0-9]"), "{finding}");
    }
}

/// No schema changes, and messages of before are refused.
#[test]
fn a_column_that_demands_more_of_a_released_version_breaks_its_messages() {
    let outcome = checked(&any_text(), &webshop());
    let breaks: Vec<&Finding> = outcome
        .findings
        .iter()
        .filter(|finding| finding.rule == "reader-breaks")
        .collect();
    let text = listed(&outcome.findings);
    assert!(
        breaks.iter().any(|finding| finding
            .message
            .contains("readers of v2 reject what the old v2 allows")),
        "{text}"
    );
    assert!(
        breaks
            .iter()
            .all(|finding| finding.message.contains("timestamp")),
        "{text}"
    );
    // The other way nothing is demanded any more, but by the workers that still run.
    let outcome = checked(&webshop(), &any_text());
    let breaks = outcome
        .findings
        .iter()
        .filter(|finding| finding.rule == "reader-breaks");
    let readers: Vec<bool> = breaks
        .map(|finding| finding.message.contains("readers of the old v"))
        .collect();
    assert!(
        !readers.is_empty() && readers.iter().all(|is_old| *is_old),
        "{}",
        listed(&outcome.findings)
    );
}

#[test]
fn the_same_demand_on_both_sides_is_proved() {
    let mut new = webshop();
    let text = new.0[V2].clone();
    new.0.insert("topics/order.placed/v3.json".to_owned(), text);
    let outcome = checked(&webshop(), &new);
    let is_reader = |finding: &&Finding| finding.rule.starts_with("reader-");
    let found: Vec<&Finding> = outcome.findings.iter().filter(is_reader).collect();
    assert_eq!(found, Vec::<&Finding>::new());
}

#[test]
fn validate_refuses_what_the_worker_refuses() {
    let side = side(&webshop());
    let schema = Schema::new(&side.read, V2).unwrap();
    assert!(schema.accepts(&order("2026-03-14T09:26:53Z")));
    let refusals: Vec<Refusal> = schema.refusals(&order("soon"), "").collect();
    let [refusal] = &refusals[..] else {
        panic!("{refusals:?}")
    };
    assert_eq!(refusal.pointer, "/promised_at");
    assert_eq!(
        refusal.reason,
        "the value is no RFC 3339 timestamp, as its DateTime64(3) column demands"
    );
    let keyword = refusal.keyword.as_ref().unwrap();
    assert_eq!(
        (keyword.file.as_str(), keyword.pointer.as_str()),
        (V2, "/properties/promised_at")
    );
    assert!(keyword.position.line > 50, "{keyword:?}");
    let topic = side.topic("order.placed").unwrap();
    let events = Envelopes::new(&side.registry, &side.read, topic, Unnamed::First).unwrap();
    let of = |time: &str| {
        let event = serde_json::json!({
            "type": "order.placed", "v": 2, "id": "x", "customer": "c", "at": time, "data": order("2026-03-14T09:26:53Z")
        });
        let refusals = events.refusals(&event);
        refusals
            .into_iter()
            .map(|refusal| refusal.reason)
            .collect::<Vec<_>>()
    };
    assert!(
        of("2026-11-29T10:00Z")
            .iter()
            .any(|reason| reason.contains("timestamp"))
    );
    assert!(
        !of("2026-11-29T10:00:00Z")
            .iter()
            .any(|reason| reason.contains("timestamp"))
    );
}

#[test]
fn samples_fit_their_columns() {
    let side = side(&webshop());
    let topic = side.topic("order.placed").unwrap();
    let version = topic.versions.last().unwrap();
    let mut sampler = Sampler::of_payloads(&side.read, topic, version).unwrap();
    let schema = Schema::new(&side.read, &version.path).unwrap();
    let mut dice = Dice::new(1);
    for _ in 0..50 {
        let (payload, _) = sampler.sample(&mut dice).unwrap();
        assert!(schema.accepts(&payload), "{payload}");
    }
}

#[test]
fn an_example_that_no_worker_takes_is_none() {
    let mut files = webshop();
    files.0.insert(
        "topics/order.placed/examples/v2/soon.json".to_owned(),
        order("soon").to_string(),
    );
    let findings = topicwright::emit_files(&files).unwrap_err();
    let text = listed(&findings);
    assert_eq!(findings.len(), 1, "{text}");
    assert_eq!(findings[0].rule, "invalid-example");
    assert!(text.contains("is no RFC 3339 timestamp"), "{text}");
}

/// The check that producers and workers go by says where, and the writer that comes after it refuses nothing.
#[test]
fn the_generated_check_knows_the_demand() {
    let (emitted, _) = topicwright::emit_files(&webshop()).unwrap();
    let code = |path: &str| {
        let file = emitted.iter().find(|file| file.path == path).unwrap();
        file.contents.clone()
    };
    let version = code("generated/src/topics/order_placed/v2.rs");
    assert!(version.contains("const CHECK: Check = fits_columns;"));
    let check = r#"check::is_time(value.get("promised_at"), at.member("promised_at"))?;"#;
    assert!(version.contains(check));
    assert!(
        version.contains(r#"block.promised_at.push(row::time(row.payload.get("promised_at")));"#)
    );
    assert!(!code("generated/src/topics/cart_updated/v1.rs").contains("fits_columns"));
}

#[test]
fn a_topic_takes_no_time_from_a_member_of_which_the_envelope_says_nothing() {
    let mut files = webshop();
    let text = files.0.get_mut("topics/order.returned/topic.toml").unwrap();
    text.push_str("\n[columns.promised_at]\nfrom = \"/customer\"\n");
    let findings = topicwright::emit_files(&files).unwrap_err();
    let text = listed(&findings);
    assert!(text.contains("column-type-mismatch"), "{text}");
    assert!(text.contains("`/customer` may be no time"), "{text}");
    assert!(text.contains("\"x-column\": \"promised_at\""), "{text}");
    // The event's own time is one.
    let mut files = webshop();
    let manifest = files.0.get_mut("topics/order.returned/topic.toml").unwrap();
    manifest.push_str("\n[columns.promised_at]\nfrom = \"/at\"\n");
    assert!(topicwright::emit_files(&files).is_ok());
}
