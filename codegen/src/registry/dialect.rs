//! Keywords that rule something in one draft and nothing in another: a rule that validators of the schema's draft do not
//! know is lost in silence, or kept by some of them.
use referencing::Draft;

use super::document::Document;
use crate::finding::{Finding, Severity};

/// A keyword and the drafts that have it.
#[derive(Debug)]
pub(super) struct Era {
    name: &'static str,
    since: Draft,
    until: Draft,
    /// What to do in a draft that does not have it.
    instead: &'static str,
}

const NEWER: &str = "name a newer draft in `$schema`, or remove it";

const fn since(name: &'static str, since: Draft) -> Era {
    Era {
        name,
        since,
        until: Draft::Draft202012,
        instead: NEWER,
    }
}

const fn until(name: &'static str, until: Draft, instead: &'static str) -> Era {
    Era {
        name,
        since: Draft::Draft4,
        until,
        instead,
    }
}

/// Those that reject; what only describes is lost without harm.
const ERAS: &[Era] = &[
    since("const", Draft::Draft6),
    since("contains", Draft::Draft6),
    since("propertyNames", Draft::Draft6),
    since("if", Draft::Draft7),
    since("dependentRequired", Draft::Draft201909),
    since("dependentSchemas", Draft::Draft201909),
    since("unevaluatedProperties", Draft::Draft201909),
    since("unevaluatedItems", Draft::Draft201909),
    since("minContains", Draft::Draft201909),
    since("maxContains", Draft::Draft201909),
    since("prefixItems", Draft::Draft202012),
    since("$dynamicRef", Draft::Draft202012),
    until(
        "dependencies",
        Draft::Draft7,
        "write `dependentRequired` where it names members, `dependentSchemas` where it has a schema",
    ),
    until(
        "additionalItems",
        Draft::Draft201909,
        "write `items` for what follows `prefixItems`",
    ),
    Era {
        name: "$recursiveRef",
        since: Draft::Draft201909,
        until: Draft::Draft201909,
        instead: "write `$dynamicRef`, or `$ref`",
    },
];

/// The keyword of this name, where the draft does not have it.
pub(super) fn stranger(name: &str, draft: Draft) -> Option<&'static Era> {
    let era = ERAS.iter().find(|era| era.name == name)?;
    (draft < era.since || draft > era.until).then_some(era)
}

impl Era {
    /// What is wrong with it at a place.
    pub(super) fn finding(&self, document: &Document, draft: Draft, pointer: &str) -> Finding {
        let mut finding = document.finding(
            "foreign-keyword",
            pointer,
            format!(
                "`{}` is no keyword of {}: validators of that draft need not know it",
                self.name,
                name(draft)
            ),
        );
        finding.severity = Severity::Warning;
        finding.fix = Some(self.instead.to_owned());
        finding
    }
}

const fn name(draft: Draft) -> &'static str {
    match draft {
        Draft::Draft4 => "draft-04",
        Draft::Draft6 => "draft-06",
        Draft::Draft7 => "draft-07",
        Draft::Draft201909 => "draft 2019-09",
        _ => "draft 2020-12",
    }
}
