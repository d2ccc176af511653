//! `format` as an annotation, and asserted where it is asked for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use referencing::Draft;
use serde_json::{Value, json};
use topicwright::compat::{Prover, Source, Verdict, View};

fn verdict(mut prover: Prover, writer: Value, reader: Value) -> Verdict {
    let mut add = |schema| {
        prover
            .add(Source::alone(schema, Draft::Draft202012))
            .unwrap()
    };
    let (writer, reader) = (add(writer), add(reader));
    prover.compare(writer, reader, View::Strict, None)
}

#[test]
fn a_format_says_nothing_unless_asked() {
    let (any, date) = (
        json!({"type": "string"}),
        json!({"type": "string", "format": "date"}),
    );
    let annotated = verdict(Prover::default(), any.clone(), date.clone());
    assert!(matches!(annotated, Verdict::Compatible(_)), "{annotated:?}");
    let Verdict::Incompatible(witness) =
        verdict(Prover::asserting_formats(), any.clone(), date.clone())
    else {
        panic!("a text that is no date");
    };
    assert!(witness.reason.contains("date"), "{witness:?}");
    let narrower = verdict(Prover::asserting_formats(), date, any);
    assert!(matches!(narrower, Verdict::Compatible(_)), "{narrower:?}");
}

#[test]
fn formats_are_compared_by_samples_and_lengths() {
    let format = |name: &str| json!({"type": "string", "format": name});
    for (writer, reader, expected) in [
        (format("date"), format("date"), "compatible"),
        (format("date"), format("date-time"), "incompatible"),
        (format("ipv4"), format("ipv6"), "incompatible"),
        (format("uuid"), json!({"minLength": 36}), "unknown"),
        (format("uuid"), json!({"maxLength": 10}), "incompatible"),
        (format("no-such-format"), format("another"), "compatible"),
        (
            json!({"enum": ["2026-02-28"]}),
            format("date"),
            "compatible",
        ),
        (
            json!({"enum": ["2026-02-30"]}),
            format("date"),
            "incompatible",
        ),
        (
            json!({"type": "integer"}),
            json!({"format": "date"}),
            "compatible",
        ),
    ] {
        let found = match verdict(Prover::asserting_formats(), writer.clone(), reader.clone()) {
            Verdict::Compatible(_) => "compatible",
            Verdict::Incompatible(_) => "incompatible",
            Verdict::Unknown(_) => "unknown",
        };
        assert_eq!(found, expected, "{writer} {reader}");
    }
}
