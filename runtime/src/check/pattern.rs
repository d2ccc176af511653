//! Patterns of schemas: whether, never where, one occurs in a text.
//!
//! A text is walked through an automaton's table, one look-up a byte, each waiting for the one before. Texts of a
//! stream begin alike (types of events, times of the same minute), so where the beginning led is remembered.
use std::cell::Cell;
use std::sync::OnceLock;

use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::util::primitives::StateID;
use regex_automata::{Input, meta};

/// Largest automaton of a pattern, in bytes. A larger pattern is matched by the usual means.
const AUTOMATON_BYTES: usize = 1 << 20;

/// Bytes of a beginning.
const BEGINNING: usize = 16;

/// Beginnings that a thread remembers; patterns share them.
const REMEMBERED: usize = 16;

/// A pattern of a schema, compiled on first use. The source is Rust regex syntax, translated and tried by codegen.
#[derive(Debug)]
pub struct Pattern {
    source: &'static str,
    compiled: OnceLock<Compiled>,
}

#[derive(Debug)]
enum Compiled {
    Table(Box<Table>),
    Other(meta::Regex),
    /// The source does not compile.
    Nothing,
}

/// An automaton, and where it starts.
#[derive(Debug)]
struct Table {
    automaton: dense::DFA<Vec<u32>>,
    start: StateID,
}

/// Where a beginning led an automaton.
#[derive(Clone, Copy)]
struct Memory {
    /// The pattern, by where its automaton is: patterns are static.
    table: usize,
    beginning: Beginning,
    state: StateID,
}

/// The first bytes of a text, at most [`BEGINNING`]; no two are alike.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Beginning {
    /// All bytes, some of them twice where there are fewer than [`BEGINNING`].
    bytes: u128,
    length: usize,
}

impl Beginning {
    const NONE: Self = Self {
        bytes: 0,
        length: 0,
    };

    /// Reads words that overlap: copying a length that varies costs more than walking the bytes.
    #[inline]
    fn of(text: &[u8]) -> Self {
        if let Some(bytes) = text.first_chunk::<BEGINNING>() {
            return Self {
                bytes: u128::from_le_bytes(*bytes),
                length: BEGINNING,
            };
        }
        let bytes = if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
            u128::from(u64::from_le_bytes(*first)) | u128::from(u64::from_le_bytes(*last)) << 64
        } else if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
            u128::from(u32::from_le_bytes(*first)) | u128::from(u32::from_le_bytes(*last)) << 64
        } else {
            text.iter()
                .fold(0, |bytes, byte| bytes << 8 | u128::from(*byte))
        };
        Self {
            bytes,
            length: text.len(),
        }
    }
}

thread_local! {
    static MEMORIES: [Cell<Memory>; REMEMBERED] = const {
        [const {
            Cell::new(Memory { table: 0, beginning: Beginning::NONE, state: StateID::ZERO })
        }; REMEMBERED]
    };
}

impl Pattern {
    /// A pattern from translated source.
    #[must_use]
    pub const fn new(source: &'static str) -> Self {
        Self {
            source,
            compiled: OnceLock::new(),
        }
    }

    /// Whether the pattern occurs in the text. A source that does not compile matches nothing.
    #[must_use]
    pub fn matches(&'static self, text: &str) -> bool {
        match self.compiled.get_or_init(|| Compiled::new(self.source)) {
            Compiled::Table(table) => table.matches(text.as_bytes()),
            Compiled::Other(regex) => regex.is_match(text),
            Compiled::Nothing => false,
        }
    }
}

impl Compiled {
    fn new(source: &str) -> Self {
        if let Some(table) = Table::new(source) {
            return Self::Table(Box::new(table));
        }
        let config = meta::Config::new().which_captures(WhichCaptures::None);
        let regex = meta::Builder::new().configure(config).build(source);
        regex.map_or(Self::Nothing, Self::Other)
    }
}

/// What a walk has come to.
enum Walk {
    /// Whatever follows, the answer is this.
    Decided(bool),
    At(StateID),
}

impl Table {
    fn new(source: &str) -> Option<Self> {
        let limits = dense::Config::new()
            .start_kind(StartKind::Unanchored)
            .dfa_size_limit(Some(AUTOMATON_BYTES))
            .determinize_size_limit(Some(AUTOMATON_BYTES));
        let automaton = dense::Builder::new().configure(limits).build(source).ok()?;
        let start = automaton.start_state_forward(&Input::new("")).ok()?;
        Some(Self { automaton, start })
    }

    fn matches(&'static self, text: &[u8]) -> bool {
        let beginning = Beginning::of(text);
        let (first, rest) = text.split_at(beginning.length);
        let table = std::ptr::from_ref(self).addr();
        MEMORIES.with(|memories| {
            // The highest bits of the product differ where any bits of the addresses do.
            let spread = (table as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
            let cell = &memories[spread as usize % REMEMBERED];
            let memory = cell.get();
            let state = if memory.table == table && memory.beginning == beginning {
                memory.state
            } else {
                match self.walk(self.start, first) {
                    Walk::Decided(answer) => return answer,
                    Walk::At(state) => {
                        cell.set(Memory {
                            table,
                            beginning,
                            state,
                        });
                        state
                    }
                }
            };
            match self.walk(state, rest) {
                Walk::Decided(answer) => answer,
                // A match is told one step after it: the end of the text is a step.
                Walk::At(state) => {
                    let end = self.automaton.next_eoi_state(state);
                    self.automaton.is_match_state(end)
                }
            }
        })
    }

    #[inline]
    fn walk(&self, mut state: StateID, bytes: &[u8]) -> Walk {
        for byte in bytes {
            state = self.automaton.next_state(state, *byte);
            if self.automaton.is_special_state(state) {
                if self.automaton.is_match_state(state) {
                    return Walk::Decided(true);
                }
                if self.automaton.is_dead_state(state) {
                    return Walk::Decided(false);
                }
            }
        }
        Walk::At(state)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    const SOURCES: [&str; 6] = [
        "^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)+$",
        "^$",
        "b+c",
        "^20[0-9]{2}-[0-9]{2}T.*Z$",
        "[^\\x00-\\x7f]$|^aaaaaaaaaaaaaaaaaa",
        // Beyond the largest table.
        "^(\\w{1,40} ){1,3}c?$",
    ];
    static PATTERNS: [Pattern; 6] = {
        let [a, b, c, d, e, f] = SOURCES;
        [
            Pattern::new(a),
            Pattern::new(b),
            Pattern::new(c),
            Pattern::new(d),
            Pattern::new(e),
            Pattern::new(f),
        ]
    };
    static EXPECTED: LazyLock<[meta::Regex; 6]> =
        LazyLock::new(|| SOURCES.map(|source| meta::Regex::new(source).expect("compiles")));

    #[test]
    fn patterns_of_any_size_are_matched() {
        let tables = SOURCES.map(|source| matches!(Compiled::new(source), Compiled::Table(_)));
        assert_eq!(tables, [true, true, true, true, true, false]);
        static BROKEN: Pattern = Pattern::new("(");
        assert!(!BROKEN.matches("("));
    }

    proptest! {
        #[test]
        fn what_is_remembered_changes_no_answer(
            texts in proptest::collection::vec(
                ("(|a{14,20}|b|2025-11T22:05:3|shop.purch)", "[abc.é Z0]{0,6}"), 1..20)
        ) {
            for (beginning, end) in texts {
                let text = format!("{beginning}{end}");
                for (pattern, expected) in PATTERNS.iter().zip(&*EXPECTED) {
                    let expected = expected.is_match(&text);
                    prop_assert_eq!(pattern.matches(&text), expected, "{} in {:?}", pattern.source, text);
                }
            }
        }
    }
}
