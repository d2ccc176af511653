//! `waiver-ambiguous`: a waiver that could be about several files.
use std::collections::BTreeSet;

use crate::finding::{Plane, Severity};
use crate::registry::waivers::{self, Waiver};
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "waiver-ambiguous",
    plane: Plane::Registry,
    severity: Severity::Error,
    purpose: "a waiver matches findings in several files and names none",
    doc: Doc {
        what: "An entry of `waivers.toml` without `file` whose rule, topic and pointer match findings in several \
               files, such as those of two versions. It accepts none of them.",
        why: "The same place in two versions is two changes, with reasons of their own: who accepted one has \
              perhaps not seen the other.",
        example: "v2 and v3 are both edited at `/properties/voucher/maxLength`, and one waiver names the place.",
        fix: "Write `file = \"topics/order.placed/v2.json\"` in the waiver, and another waiver for each other file \
              that is meant.",
    },
    check: Check::Waiver,
};

/// What to report about the waiver at `index`, which matches findings in `files`.
#[must_use]
pub fn problem(index: usize, waiver: &Waiver, files: &BTreeSet<String>) -> Problem {
    let names: Vec<&str> = files.iter().map(String::as_str).collect();
    let message = format!(
        "there are findings of `{}` at `{}` in {}, and the waiver names no file",
        waiver.rule,
        waiver.pointer,
        names.join(" and ")
    );
    Problem::new(waivers::PATH, format!("/waivers/{index}"), message)
        .fix("write `file = …` in it, and a waiver for each other file that is meant")
}
