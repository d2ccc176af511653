//! The gate's rules, one file each: what a change may not do unseen, and why.
//!
//! A rule is a pure function on one matched pair of old and new; matching, places and waivers are the
//! gate's. Its id is its file's stem, its fixture folder, its page in `docs/rules/` and the key of its waivers.
pub mod clickhouse;
pub mod kafka;
pub mod pair;
pub mod problem;
pub mod rust;
pub mod waivers;
pub mod wire;

use crate::finding::{Plane, Severity};
use pair::{
    ApiPair, ColumnPair, FieldPair, Reading, RegistryPair, SuccessorPair, TablePair, TopicPair,
    VersionPair, ViewPair,
};
use problem::Problem;

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// Kebab-case, never reused.
    pub id: &'static str,
    /// The side of the system that it guards.
    pub plane: Plane,
    /// Severity of its findings, unless one says otherwise.
    pub severity: Severity,
    /// One line.
    pub purpose: &'static str,
    /// For people who meet it.
    pub doc: Doc,
    /// What it looks at.
    pub check: Check,
}

/// A rule explained; Markdown.
#[derive(Debug)]
pub struct Doc {
    /// What it finds, and what it does not.
    pub what: &'static str,
    /// Who is hurt, and how.
    pub why: &'static str,
    /// A change that it finds.
    pub example: &'static str,
    /// What to do instead.
    pub fix: &'static str,
}

/// The pair that a rule judges.
#[derive(Debug)]
pub enum Check {
    /// Both registries as a whole.
    Registry(fn(&RegistryPair<'_>) -> Vec<Problem>),
    /// A topic.
    Topic(fn(&TopicPair<'_>) -> Vec<Problem>),
    /// A version of a topic.
    Version(fn(&VersionPair<'_>) -> Vec<Problem>),
    /// A new or changed version and what it follows.
    Successor(fn(&SuccessorPair<'_>) -> Vec<Problem>),
    /// A field of a new or changed version, or of the envelope.
    Field(fn(&FieldPair<'_>) -> Vec<Problem>),
    /// A writer and a reader of which one is new or changed.
    Reading(fn(&Reading<'_>) -> Vec<Problem>),
    /// The public items of the generated types.
    Api(fn(&ApiPair<'_>) -> Vec<Problem>),
    /// A table.
    Table(fn(&TablePair<'_>) -> Vec<Problem>),
    /// A column of a table.
    Column(fn(&ColumnPair<'_>) -> Vec<Problem>),
    /// A view.
    View(fn(&ViewPair<'_>) -> Vec<Problem>),
    /// Waivers; the gate knows which of them matched.
    Waiver,
}

/// A pair that rules judge.
pub trait Judged {
    /// What a rule says of it; nothing where the rule judges pairs of another kind.
    fn judged_by(&self, check: &Check) -> Vec<Problem>;
}

macro_rules! judged {
    ($($kind:ident: $pair:ident),+) => {
        $(impl Judged for $pair<'_> {
            fn judged_by(&self, check: &Check) -> Vec<Problem> {
                if let Check::$kind(check) = check {
                    check(self)
                } else {
                    Vec::new()
                }
            }
        })+
    };
}

judged!(
    Registry: RegistryPair,
    Topic: TopicPair,
    Version: VersionPair,
    Successor: SuccessorPair,
    Field: FieldPair,
    Reading: Reading,
    Api: ApiPair,
    Table: TablePair,
    Column: ColumnPair,
    View: ViewPair
);

impl Doc {
    /// The explanation as Markdown, under `## ` headings.
    #[must_use]
    pub fn markdown(&self) -> String {
        let Self {
            what,
            why,
            example,
            fix,
        } = self;
        format!("{what}\n\n## Why\n\n{why}\n\n## Example\n\n{example}\n\n## Fix\n\n{fix}\n")
    }
}

impl Rule {
    /// Its page.
    #[must_use]
    pub fn page(&self) -> String {
        format!(
            "# {}\n\n{}, {}: {}.\n\n{}",
            self.id,
            self.plane.name(),
            self.severity.name(),
            self.purpose,
            self.doc.markdown()
        )
    }
}

/// Every rule, by plane and id.
#[must_use]
pub fn all() -> Vec<&'static Rule> {
    [
        wire::RULES,
        rust::RULES,
        clickhouse::RULES,
        kafka::RULES,
        waivers::RULES,
    ]
    .concat()
}

/// The rule of this id.
#[must_use]
pub fn named(id: &str) -> Option<&'static Rule> {
    all().into_iter().find(|rule| rule.id == id)
}
