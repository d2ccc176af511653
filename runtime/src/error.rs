//! The one error of the runtime: who must act, what failed and where, why, and what to do.
//!
//! Retries are decided on [`Error::retryable`], which comes from numeric codes, never from text.
//! Nothing here may carry a payload, a record key or a secret.
use std::fmt;

/// Who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The producer of a record: it goes to the dead letter topic.
    Record,
    /// The operator: settings, permissions, a missing topic or table.
    Config,
    /// Nobody yet: a server is away or busy; the same request may succeed later.
    Service,
    /// Us.
    Bug,
}

/// Something could not be done.
#[derive(Clone, Debug)]
pub struct Error {
    /// Who must act.
    pub kind: Kind,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// What could not be done.
    pub what: String,
    /// Where: topic, partition, offset, table, token and such, in this order.
    pub context: Vec<(&'static str, String)>,
    /// The cause, as the other side says it.
    pub why: Option<String>,
    /// What to do.
    pub fix: Option<String>,
}

/// A result of the runtime.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self {
            kind,
            retryable: matches!(kind, Kind::Service),
            what: what.into(),
            context: Vec::new(),
            why: None,
            fix: None,
        }
    }

    /// A record is at fault.
    pub fn record(what: impl Into<String>) -> Self {
        Self::new(Kind::Record, what)
    }

    /// The operator must act.
    pub fn config(what: impl Into<String>) -> Self {
        Self::new(Kind::Config, what)
    }

    /// A server is away or busy.
    pub fn service(what: impl Into<String>) -> Self {
        Self::new(Kind::Service, what)
    }

    /// Our own defect.
    pub fn bug(what: impl Into<String>) -> Self {
        Self::new(Kind::Bug, what)
    }

    /// Adds the cause.
    #[must_use]
    pub fn why(mut self, why: impl fmt::Display) -> Self {
        self.why = Some(why.to_string());
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// Adds where it happened.
    #[must_use]
    pub fn at(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.context.push((name, value.to_string()));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.what)?;
        for (index, (name, value)) in self.context.iter().enumerate() {
            let open = if index == 0 { " (" } else { ", " };
            write!(formatter, "{open}{name} {value}")?;
        }
        if !self.context.is_empty() {
            formatter.write_str(")")?;
        }
        if let Some(why) = &self.why {
            write!(formatter, "\n  why: {why}")?;
        }
        if let Some(fix) = &self.fix {
            write!(formatter, "\n  fix: {fix}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_where_why_and_fix() {
        let error = Error::service("cannot insert a block")
            .at("table", "game.events_raw")
            .at("rows", 3)
            .why("connection refused")
            .fix("start ClickHouse");
        assert_eq!(
            error.to_string(),
            "cannot insert a block (table game.events_raw, rows 3)\n  why: connection refused\n  fix: start ClickHouse"
        );
        assert!(error.retryable);
        assert!(!Error::config("no").retryable);
    }
}
