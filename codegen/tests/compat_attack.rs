//! The prover under attack: random pairs of schemas over every keyword, random messages that an independent
//! validator judges. A proof with a counterexample is the worst defect there is; a witness is confirmed twice.
//!
//! `TOPICWRIGHT_ATTACK_PAIRS` sets how many pairs are tried, `TOPICWRIGHT_ATTACK_SEED` which ones,
//! `TOPICWRIGHT_ATTACK_FROM` shows all from that one on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]
mod attacker;

use std::collections::BTreeMap;

use attacker::{Generator, closed::closed};
use jsonschema::canonical::Containment;
use referencing::Draft;
use serde_json::Value;
use topicwright::compat::{Source, Verdict, View, Witness, compat};

fn validator(schema: &Value, draft: Draft) -> Option<jsonschema::Validator> {
    jsonschema::options()
        .with_draft(draft)
        .should_validate_formats(false)
        .build(schema)
        .ok()
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// What the canonical form says, where it decides. It overflows the stack on some references (jsonschema 0.61).
fn covers(writer: &Value, reader: &Value, draft: Draft) -> Option<Containment> {
    let text = format!("{writer}{reader}");
    if text.contains("\"$ref\"")
        || (text.contains("multipleOf") && text.contains("9007199254740993"))
    {
        return None;
    }
    let canonical = |schema: &Value| {
        jsonschema::canonical::options()
            .with_draft(draft)
            .canonicalize(schema)
            .ok()
    };
    canonical(reader)?.covers(&canonical(writer)?).ok()
}

/// Every listed value, and what is near.
fn listed(schema: &Value, found: &mut Vec<Value>) {
    match schema {
        Value::Object(members) => {
            for (keyword, value) in members {
                match keyword.as_str() {
                    "const" => found.push(value.clone()),
                    "enum" => found.extend(value.as_array().into_iter().flatten().cloned()),
                    _ => listed(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| listed(item, found)),
        number @ Value::Number(_) => found.push(number.clone()),
        _ => {}
    }
}

/// Messages that may break a proof: random ones, listed ones, one that the writer surely sends, and their like.
fn messages(generator: &mut Generator, writer: &Value, reader: &Value, draft: Draft) -> Vec<Value> {
    let mut seeds = Vec::new();
    listed(writer, &mut seeds);
    listed(reader, &mut seeds);
    let source = |schema: &Value| Source::alone(schema.clone(), draft);
    for (schema, other) in [(writer, Value::Bool(false)), (reader, Value::Bool(false))] {
        let never = Source::alone(other, Draft::Draft202012);
        if let Ok(Verdict::Incompatible(witness)) = compat(source(schema), never, View::Strict) {
            seeds.push(witness.value);
        }
    }
    let mut messages: Vec<Value> = (0..200).map(|_| generator.value(3)).collect();
    for seed in &seeds {
        let mut value = seed.clone();
        for _ in 0..10 {
            messages.push(value.clone());
            value = generator.changed(&value);
        }
    }
    // The validator divides as floats do, which is wrong beyond 2^53.
    if format!("{writer}{reader}").contains("multipleOf") {
        messages.retain(|message| !has_large_number(message));
    }
    messages
}

fn has_large_number(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_f64().is_some_and(|number| number.abs() > 9e15),
        Value::Array(items) => items.iter().any(has_large_number),
        Value::Object(members) => members.values().any(has_large_number),
        _ => false,
    }
}

#[derive(Default)]
struct Tally {
    proofs: u64,
    witnesses: u64,
    unknown: u64,
    refused: u64,
    covered: u64,
    reasons: BTreeMap<String, usize>,
}

/// One question: `sends` judges the writer's messages, closed or not.
fn attack(
    generator: &mut Generator,
    (writer, reader, draft, view): (&Value, &Value, Draft, View),
    (sends, reads): (&jsonschema::Validator, &jsonschema::Validator),
    case: &str,
    tally: &mut Tally,
) {
    let started = std::time::Instant::now();
    let source = |schema: &Value| Source::alone(schema.clone(), draft);
    let verdict = compat(source(writer), source(reader), view);
    let seconds = started.elapsed().as_secs_f64();
    assert!(seconds < 20.0, "{seconds} s: {case}");
    let covered = || {
        (view == View::Strict)
            .then(|| covers(writer, reader, draft))
            .flatten()
    };
    let verdict = match verdict {
        Ok(verdict) => verdict,
        Err(error) => {
            // A resource of its own does not see the others' definitions.
            assert!(error.problem.contains("leads nowhere"), "{error}: {case}");
            tally.refused += 1;
            return;
        }
    };
    match verdict {
        Verdict::Compatible(_) => {
            tally.proofs += 1;
            for message in messages(generator, writer, reader, draft) {
                assert!(
                    !sends.is_valid(&message) || reads.is_valid(&message),
                    "{message} breaks a proof: {case}"
                );
            }
            if covered() == Some(Containment::No) {
                complain(&format!("the canonical form denies a proof: {case}"));
            }
        }
        Verdict::Incompatible(Witness { value, .. }) => {
            tally.witnesses += 1;
            assert!(sends.is_valid(&value), "{value} is no message: {case}");
            assert!(!reads.is_valid(&value), "{value} breaks nothing: {case}");
            if covered() == Some(Containment::Yes) {
                complain(&format!("the canonical form does not see {value}: {case}"));
            }
        }
        Verdict::Unknown(reason) => {
            tally.unknown += 1;
            if covered().is_some_and(|answer| answer != Containment::Unknown) {
                tally.covered += 1;
            }
            let key = format!("{}: {:.70}", reason.keyword, reason.reason);
            *tally.reasons.entry(key).or_default() += 1;
            if std::env::var_os("TOPICWRIGHT_ATTACK_SHOW").is_some() {
                println!("{reason:?}: {case}");
            }
        }
    }
}

fn complain(text: &str) {
    assert!(
        std::env::var_os("TOPICWRIGHT_ATTACK_GO_ON").is_some(),
        "{text}"
    );
    println!("{text}");
}

#[test]
fn no_proof_has_a_counterexample_and_every_witness_is_one() {
    let pairs = setting("TOPICWRIGHT_ATTACK_PAIRS", 4_000);
    let seed = setting("TOPICWRIGHT_ATTACK_SEED", 1);
    let mut tally = Tally::default();
    let from = setting("TOPICWRIGHT_ATTACK_FROM", 0);
    for number in from..pairs {
        let draft = [
            Draft::Draft7,
            Draft::Draft202012,
            Draft::Draft201909,
            Draft::Draft202012,
            Draft::Draft6,
            Draft::Draft4,
        ][usize::try_from(number % 6).unwrap()];
        let mut generator =
            Generator::new(seed.wrapping_mul(1_000_003).wrapping_add(number), draft);
        let (writer, reader) = generator.pair();
        let (Some(writes), Some(reads)) = (validator(&writer, draft), validator(&reader, draft))
        else {
            continue;
        };
        let case =
            format!("seed {seed} pair {number} {draft:?}\n writer {writer}\n reader {reader}");
        if from > 0 {
            println!("{case}");
        }
        let question = (&writer, &reader, draft, View::Strict);
        attack(
            &mut generator,
            question,
            (&writes, &reads),
            &case,
            &mut tally,
        );
        let text = writer.to_string();
        // The closed form is written for one resource without dynamic references.
        let is_dynamic = ["$dynamic", "$recursive", "$id"]
            .iter()
            .any(|keyword| text.contains(keyword));
        if draft < Draft::Draft201909 || is_dynamic || generator.dynamic {
            continue;
        }
        let shut = closed(&writer);
        let sends = validator(&shut, draft).unwrap_or_else(|| panic!("{shut}: {case}"));
        let case = format!("as a stream, closed {shut}: {case}");
        let question = (&writer, &reader, draft, View::Stream);
        attack(
            &mut generator,
            question,
            (&sends, &reads),
            &case,
            &mut tally,
        );
    }
    let Tally {
        proofs,
        witnesses,
        unknown,
        refused,
        covered,
        reasons,
    } = tally;
    println!(
        "{proofs} proofs, {witnesses} witnesses, {unknown} unknown, {covered} of them decided by the canonical form"
    );
    for (reason, count) in reasons {
        println!("{count:6} {reason}");
    }
    assert!(
        proofs > pairs / 20 && witnesses > pairs / 5,
        "{proofs} {witnesses} of {pairs}"
    );
    assert!(unknown < pairs / 10, "{unknown} of {pairs}");
    assert!(refused < pairs / 20, "{refused} of {pairs}");
}
