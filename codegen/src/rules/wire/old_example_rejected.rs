//! `old-example-rejected`: an example of an older version fails against the newest.
use std::collections::BTreeMap;

use crate::finding::{Plane, Severity};
use crate::gate;
use crate::gate::rollout::listed;
use crate::registry::manifest::CompatibilityLevel;
use crate::registry::{Example, TopicVersion};
use crate::rules::pair::SuccessorPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};
use crate::validate::{Keyword, Refusal, Schema};

/// The rule.
pub static RULE: Rule = Rule {
    id: "old-example-rejected",
    plane: Plane::Wire,
    severity: Severity::Error,
    purpose: "an example of an older version fails against the newest",
    doc: Doc {
        what: "Where the level promises that new readers read old messages, every example of the versions before \
               is held against the newest one with an independent validator: of all of them with \
               `_TRANSITIVE`, of the last one else. Versions whose removal date has passed are left out. A keyword \
               that refuses many examples is one finding. What an example's own version refuses by the same \
               keyword is `invalid-example` alone.",
        why: "Examples are real messages. They also hold what no proof looks at: members that the old schema \
              never declared and that the new one now gives another type.",
        example: "`express_v1.json` has an undeclared `\"gift\": \"yes\"`; v3 declares `gift` as a boolean.",
        fix: "Accept the example, or correct it if no producer writes such messages.",
    },
    check: Check::Successor(check),
};

/// A keyword of the newest version with the examples that it refuses.
struct Refuses<'a> {
    keyword: Keyword,
    /// Where and why it refuses the first one.
    first: Refusal,
    /// Each with its version, once.
    examples: Vec<(u32, &'a Example)>,
}

fn check(pair: &SuccessorPair<'_>) -> Vec<Problem> {
    let topic = pair.topic;
    let transitive = match topic.manifest.compatibility {
        CompatibilityLevel::Backward | CompatibilityLevel::Full => false,
        CompatibilityLevel::BackwardTransitive | CompatibilityLevel::FullTransitive => true,
        CompatibilityLevel::None
        | CompatibilityLevel::Forward
        | CompatibilityLevel::ForwardTransitive => return Vec::new(),
    };
    let newest = topic.versions.last().map(|version| version.number);
    if newest != Some(pair.new.number) {
        return Vec::new();
    }
    let mut older: Vec<&TopicVersion> = gate::live(topic, pair.around.today)
        .filter(|version| version.number < pair.new.number)
        .collect();
    older.reverse();
    older.truncate(if transitive { usize::MAX } else { 1 });
    refusing(pair, &older)
        .iter()
        .filter_map(|refuses| problem(pair, refuses))
        .collect()
}

/// Every keyword that refuses examples of older versions, by its place.
fn refusing<'a>(pair: &SuccessorPair<'_>, older: &[&'a TopicVersion]) -> Vec<Refuses<'a>> {
    let documents = &pair.around.new.read;
    let Ok(newest) = Schema::new(documents, &pair.new.path) else {
        return Vec::new();
    };
    let mut found: BTreeMap<(String, String), Refuses<'a>> = BTreeMap::new();
    for version in older {
        let refused = |example: &&Example| !newest.accepts(&example.payload);
        let refused: Vec<&Example> = version.examples.iter().filter(refused).collect();
        if refused.is_empty() {
            continue;
        }
        // What an example's own version refuses by the same keyword, as after an edit of a file that both refer
        // to, is told as `invalid-example`, and nobody can accept that.
        let own = Schema::new(documents, &version.path).ok();
        for example in refused {
            let own = own.iter();
            let told: Vec<Refusal> = own
                .flat_map(|own| own.refusals(&example.payload, ""))
                .collect();
            let refusals = newest.refusals(&example.payload, "");
            for refusal in refusals.filter(|refusal| !told.contains(refusal)) {
                let Some(keyword) = refusal.keyword.clone() else {
                    continue;
                };
                let place = (keyword.file.clone(), keyword.pointer.clone());
                let refuses = found.entry(place).or_insert_with(|| Refuses {
                    keyword,
                    first: refusal,
                    examples: Vec::new(),
                });
                let last = refuses.examples.last();
                if last.is_none_or(|(_, last)| last.path != example.path) {
                    refuses.examples.push((version.number, example));
                }
            }
        }
    }
    found.into_values().collect()
}

fn problem(pair: &SuccessorPair<'_>, refuses: &Refuses<'_>) -> Option<Problem> {
    let Refuses {
        keyword,
        first,
        examples,
    } = refuses;
    let (version, example) = examples.first()?;
    let place = &first.pointer;
    // The payload itself has no pointer to show.
    let shown = match place.as_str() {
        "" => String::new(),
        place => format!(" at `{place}`"),
    };
    let which = format!("the v{version} example {}", example.name);
    let which = match examples.len() {
        1 => which,
        _ => format!("{}, first {which}", counted(examples)),
    };
    let message = format!(
        "v{} rejects {which}{shown}: {}",
        pair.new.number, first.reason
    );
    Some(
        Problem::new(&keyword.file, keyword.pointer.clone(), message)
            .old(&example.path, place)
            .evidence(example.payload.to_string())
            .fix(match examples.len() {
                1 => "accept it, or correct the example if nobody writes such messages",
                _ => "accept them, or correct the examples if nobody writes such messages",
            }),
    )
}

/// `1 example of v2 and 3 examples of v1`.
fn counted(examples: &[(u32, &Example)]) -> String {
    let versions = examples.chunk_by(|left, right| left.0 == right.0);
    let counts: Vec<String> = versions
        .filter_map(|of| {
            let (version, _) = of.first()?;
            let noun = if of.len() == 1 { "example" } else { "examples" };
            Some(format!("{} {noun} of v{version}", of.len()))
        })
        .collect();
    listed(&counts)
}
