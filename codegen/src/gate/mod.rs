//! The gate: two registries in, findings out.
//!
//! Matches old and new, asks the prover, runs every rule on every pair and takes waivers into account.
//! Reading files, git and the clock is the command line's, printing is [`crate::report`]'s.
pub mod api;
mod columns;
pub mod day;
pub mod difference;
pub mod lock_fit;
pub(crate) mod readings;
pub mod rollout;
pub mod side;
pub(crate) mod size;
mod waive;
mod walk;

pub(crate) use columns::add_column;

use crate::compat::Verdict;
use crate::finding::{Finding, Severity};
use crate::registry::waivers::Waiver;
use crate::registry::{Topic, TopicVersion};
use crate::rules::pair::{Direction, RegistryPair};
use day::Day;
use rollout::Rollout;
use side::Side;

/// What the gate says about a change.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Errors and warnings, sorted by file and place.
    pub findings: Vec<Finding>,
    /// What someone has accepted, and who.
    pub waived: Vec<Waived>,
    /// What is worth knowing and no finding.
    pub notes: Vec<Finding>,
    /// What was asked of the prover about versions and the envelope.
    pub compared: Vec<Compared>,
    /// Columns that the change adds.
    pub columns: Vec<NewColumn>,
    /// Paths that the change adds to the payload.
    pub paths: Vec<NewPath>,
    /// The change for users of the generated types; `None` where their API stays as it is.
    pub api: Option<api::Verdict>,
    /// In which order to roll it out.
    pub rollout: Rollout,
}

/// A finding that someone has accepted.
#[derive(Clone, Debug)]
pub struct Waived {
    /// The finding.
    pub finding: Finding,
    /// Who accepts it, why and until when.
    pub waiver: Waiver,
}

/// A question that the prover was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Topic; `None` for the envelope.
    pub topic: Option<String>,
    /// Who writes: `v1`.
    pub writer: String,
    /// Who reads: `v2`.
    pub reader: String,
    /// Which of both is newer.
    pub direction: Direction,
    /// Whether the compatibility level promises it.
    pub promised: bool,
    /// The answer.
    pub answer: Answer,
}

/// The prover's answer in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Proved.
    Compatible,
    /// A message breaks the reader.
    Incompatible,
    /// Beyond reach.
    Unknown,
}

impl Answer {
    /// The word for a verdict.
    #[must_use]
    pub const fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Compatible(_) => Self::Compatible,
            Verdict::Incompatible(_) => Self::Incompatible,
            Verdict::Unknown(_) => Self::Unknown,
        }
    }

    /// As printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Compatible => "compatible",
            Self::Incompatible => "incompatible",
            Self::Unknown => "unknown",
        }
    }
}

/// A column that the change adds to a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewColumn {
    /// `database.table`.
    pub table: String,
    /// Column.
    pub name: String,
    /// Type.
    pub sql_type: String,
    /// What it takes, in words: `8 bytes a row before compression`.
    pub bytes: String,
    /// The statement that adds it.
    pub sql: String,
}

/// A path that the change adds to the payload, which needs no change of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPath {
    /// `database.table`.
    pub table: String,
    /// `payload_json.source.host`.
    pub path: String,
    /// Type of its values.
    pub sql_type: String,
    /// What it takes, in words.
    pub bytes: String,
}

impl Outcome {
    /// The outcome for a registry that does not load: its problems, and nothing compared.
    #[must_use]
    pub fn unloadable(findings: Vec<Finding>) -> Self {
        Self {
            findings,
            waived: Vec::new(),
            notes: Vec::new(),
            compared: Vec::new(),
            columns: Vec::new(),
            paths: Vec::new(),
            api: None,
            rollout: Rollout::default(),
        }
    }

    /// Whether something stands against the change.
    #[must_use]
    pub fn stops(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.severity == Severity::Error)
    }
}

/// Versions whose events may still be read: those whose removal date has not passed.
pub(crate) fn live(topic: &Topic, today: Day) -> impl Iterator<Item = &TopicVersion> {
    readings::live(topic, today)
}

/// Compares a registry with the one it started from; without one, everything is new.
#[must_use]
pub fn check(old: Option<&Side>, new: &Side, today: Day) -> Outcome {
    let nothing;
    let old = match old {
        Some(old) => old,
        None => {
            nothing = new.before_anything();
            &nothing
        }
    };
    let around = RegistryPair { old, new, today };
    let readings = readings::all(&around);
    let api::Comparison { changes, refused } = api::compare(old, new);
    let (found, notes): (Vec<Finding>, Vec<Finding>) = walk::findings(&around, &readings, &changes)
        .into_iter()
        .partition(|finding| finding.severity > Severity::Note);
    let (mut findings, waived) = waive::apply(found, &around);
    // Nobody can accept these: nothing can be generated from such a registry.
    findings.extend(refused);
    findings.extend(new.problems.iter().cloned());
    walk::sort(&mut findings);
    Outcome {
        findings,
        waived,
        notes,
        compared: readings::summary(&readings),
        columns: columns::added(&around),
        paths: columns::added_paths(&around),
        api: api::verdict(&changes),
        rollout: rollout::advice(&around, &readings),
    }
}
