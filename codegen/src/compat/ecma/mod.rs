//! Regular expressions as ECMA-262 defines them with the `u` flag, which is what JSON Schema asks for.
//!
//! Other engines read some texts otherwise: `[]a]` is a set to most and never found in ECMA-262, `\A` is the start to
//! some and the letter to others. Where ECMA-262 refuses a text with the `u` flag and engines that take it differ, the
//! text is refused here with the reason, so no verdict rests on one engine's habit. What only the flag refuses, and
//! everyone else reads alike (`\-`, `[\w-.]`, a lone brace), is read so.
mod matcher;
mod parse;
mod plain;
mod sets;

use std::ops::Range;

use regex_syntax::hir::{ClassUnicode, Hir};

pub(super) use matcher::is_found;

/// A regular expression.
#[derive(Debug)]
pub(super) struct Expression {
    tree: Tree,
    /// Capturing groups.
    groups: usize,
    pub(super) has_look_around: bool,
    pub(super) has_back_reference: bool,
    /// Whether it asks for edges of words, which are of ASCII here.
    pub(super) has_boundary: bool,
}

impl Expression {
    /// # Errors
    /// Why the text is none, or means different things to different engines.
    pub(super) fn read(source: &str) -> Result<Self, String> {
        parse::parse(source)
    }

    /// The same for a pattern that is read differently, where the difference cannot matter.
    ///
    /// A group at the end that need not be there is never asked for, as patterns are searched for: `^a(:[[:digit:]]+)?`
    /// is found where `^a` is.
    pub(super) fn without_what_may_be_missing(source: &str) -> Option<Self> {
        let kept = source
            .strip_suffix(")?")
            .or_else(|| source.strip_suffix(")*"))?;
        let (head, group) = kept.rsplit_once('(')?;
        let is_escaped = (head.len() - head.trim_end_matches('\\').len()) % 2 == 1;
        let captures = !group.starts_with('?') || group.starts_with("?:");
        if is_escaped || !captures || group.contains(')') || group.ends_with('\\') {
            return None;
        }
        parse::parse(head).ok().filter(|head| !head.has_look_around)
    }

    /// The same without groups, for an automaton; none where look-around or back-references need more than that.
    pub(super) fn plain(&self) -> Option<Hir> {
        plain::plain(&self.tree)
    }
}

/// What an expression is made of.
#[derive(Debug)]
enum Tree {
    /// One character of a set.
    One(ClassUnicode),
    Start,
    End,
    /// Between a letter, digit or `_` of ASCII and anything else, or not there.
    Boundary {
        negated: bool,
    },
    Sequence(Vec<Tree>),
    Choice(Vec<Tree>),
    /// What it found is remembered under its number, from 1.
    Group {
        number: usize,
        inside: Box<Tree>,
    },
    Repeat {
        inside: Box<Tree>,
        min: u32,
        max: Option<u32>,
        greedy: bool,
        /// Groups inside, forgotten at each turn.
        groups: Range<usize>,
    },
    Look {
        ahead: bool,
        negated: bool,
        inside: Box<Tree>,
    },
    /// What a group found; nothing where it found nothing.
    Back(usize),
}
