//! The prover on thousands of cases that others judged: no verdict contradicts what is known, few are unknown,
//! every witness is one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]
mod corpus;

use corpus::{COLLECTIONS, Unknowns, VIEWS, cases};
use serde_json::Value;
use topicwright::compat::{Verdict, View};

/// Unknown answers of a collection that are still few, in a thousand; apart from what nobody could answer.
const STILL_FEW: usize = 5;

#[test]
fn no_verdict_contradicts_the_truth() {
    let mut wrong = Vec::new();
    for name in COLLECTIONS {
        let cases = cases(name);
        assert!(cases.len() > 100, "{name} is there");
        for view in VIEWS {
            let (mut compatible, mut incompatible) = (0, 0);
            let mut unknown = Unknowns::default();
            for case in &cases {
                match case.judge(view) {
                    Ok(Verdict::Compatible(_)) => {
                        compatible += 1;
                        if view == View::Strict && case.truth == "incompatible" {
                            wrong.push(format!(
                                "{}: proved, but {:?} breaks it",
                                case.id, case.counterexample
                            ));
                        }
                    }
                    Ok(Verdict::Incompatible(witness)) => {
                        incompatible += 1;
                        if case.truth == "compatible" {
                            wrong.push(format!(
                                "{}: {} is said to break it",
                                case.id, witness.value
                            ));
                        }
                        assert_eq!(
                            case.validated(&witness.value),
                            (true, false),
                            "{}: {}",
                            case.id,
                            witness.value
                        );
                        assert!(!witness.reason.is_empty());
                    }
                    Ok(Verdict::Unknown(why)) => {
                        println!(
                            "{}: {} at {}: {}",
                            case.id, why.keyword, why.pointer, why.reason
                        );
                        unknown.count(&why.reason);
                    }
                    Err(why) => {
                        println!("{}: {why}", case.id);
                        unknown.count(&why);
                    }
                }
            }
            println!(
                "{name}, {view:?}: {compatible} compatible, {incompatible} incompatible, {unknown:?} of {}",
                cases.len()
            );
            assert!(
                unknown.open * 1000 <= STILL_FEW * cases.len(),
                "{name}, {view:?}: {unknown:?} of {}",
                cases.len()
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Writers that emit what they declare: real event schemas where the difference was judged.
#[test]
fn closed_writers_break_what_their_judges_said() {
    let mut judged = 0;
    for case in cases("iglu-central") {
        let Some(closed) = &case.closed_writer else {
            continue;
        };
        judged += 1;
        let verdict = case.judge(View::Stream).unwrap();
        match (closed.as_str(), &verdict) {
            ("still incompatible", Verdict::Incompatible(_))
            | ("proved ok" | "open", Verdict::Compatible(_)) => {}
            _ => panic!("{}: {closed}, {verdict:?}", case.id),
        }
    }
    assert!(judged > 40);
}

/// A witness is for people: no larger than the smallest known counterexample needs, give or take.
#[test]
fn witnesses_are_small() {
    let (mut total, mut larger) = (0, Vec::new());
    for name in COLLECTIONS {
        for case in cases(name) {
            let (Some(known), Ok(Verdict::Incompatible(witness))) =
                (&case.counterexample, case.judge(View::Strict))
            else {
                continue;
            };
            total += 1;
            let (own, other) = (size(&witness.value), size(known));
            if own > 2 * other + 20 {
                larger.push(format!("{}: {own} for {other}", case.id));
            }
        }
    }
    assert!(total > 2000);
    assert!(
        larger.len() * 100 < total,
        "{} of {total}: {larger:#?}",
        larger.len()
    );
}

fn size(value: &Value) -> usize {
    value.to_string().len()
}
