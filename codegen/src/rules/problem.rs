//! What a rule reports: a place by file and pointer, before the gate looks up lines.
use crate::finding::Severity;

/// A problem found by a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub at: Place,
    /// The other side's place.
    pub old: Option<Place>,
    /// The topic it is about, where the judged pair is not one topic's.
    pub topic: Option<String>,
    /// Where it is not the rule's own.
    pub severity: Option<Severity>,
    /// What is wrong, old and new, and for whom.
    pub message: String,
    /// What shows it.
    pub evidence: Option<String>,
    /// What to do.
    pub fix: Option<String>,
}

/// A file below the registry folder and a JSON pointer into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// File.
    pub file: String,
    /// Pointer; where it leads to nothing, its nearest ancestor is meant.
    pub pointer: String,
}

impl Place {
    /// A place.
    #[must_use]
    pub fn new(file: &str, pointer: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            pointer: pointer.into(),
        }
    }
}

impl Problem {
    /// A problem at a place.
    #[must_use]
    pub fn new(file: &str, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            at: Place::new(file, pointer),
            old: None,
            topic: None,
            severity: None,
            message: message.into(),
            evidence: None,
            fix: None,
        }
    }

    /// With the other side's place.
    #[must_use]
    pub fn old(mut self, file: &str, pointer: impl Into<String>) -> Self {
        self.old = Some(Place::new(file, pointer));
        self
    }

    /// About a topic.
    #[must_use]
    pub fn of(mut self, topic: &str) -> Self {
        self.topic = Some(topic.to_owned());
        self
    }

    /// With what shows it.
    #[must_use]
    pub fn evidence(mut self, evidence: impl Into<String>) -> Self {
        self.evidence = Some(evidence.into());
        self
    }

    /// With what to do.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// With another severity than the rule's.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }
}
