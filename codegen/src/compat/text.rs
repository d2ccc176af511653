//! Strings: lengths, patterns and exceptions as one walk over automata, shortest string first.
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use super::format;
use super::formula::{Formulas, Gap};
use super::pattern::{Automaton, PatternId};
use super::solve::Answer;

/// Most states of a walk.
const STATES: usize = 60_000;

/// Longest string built where no pattern asks for its letters.
const LONGEST: u64 = 100_000;

/// Bytes in the order in which a reader would like to see them.
const PREFERRED: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_. :/@+,;!?#$%&'()*<=>[]^`{|}~\"\\";

/// What is asked of a string.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    /// Code points.
    pub(super) min: u64,
    /// Code points.
    pub(super) max: Option<u64>,
    pub(super) patterns: Vec<PatternId>,
    pub(super) no_patterns: Vec<PatternId>,
    pub(super) formats: Vec<Box<str>>,
    pub(super) no_formats: Vec<Box<str>>,
    pub(super) excluded: Vec<String>,
}

impl Texts {
    pub(super) fn solve(&self, formulas: &mut Formulas) -> Answer {
        if self.max.is_some_and(|max| max < self.min) {
            return Answer::Unsat;
        }
        if !self.formats.is_empty() || !self.no_formats.is_empty() {
            return format::solve(self, formulas);
        }
        if self.patterns.is_empty() && self.no_patterns.is_empty() {
            return self.plain();
        }
        let mut automata = Vec::new();
        for (pattern, wanted) in self
            .patterns
            .iter()
            .map(|pattern| (pattern, true))
            .chain(self.no_patterns.iter().map(|pattern| (pattern, false)))
        {
            match formulas.patterns.automaton(*pattern) {
                Ok(automaton) => automata.push((automaton, wanted)),
                Err(reason) => {
                    return Answer::Unknown(Gap {
                        keyword: "pattern",
                        pointer: formulas.patterns.pointer(*pattern).to_owned(),
                        reason,
                    });
                }
            }
        }
        match formulas.patterns.utf8() {
            Ok(automaton) => automata.push((automaton, true)),
            Err(reason) => return Answer::unknown("pattern", &reason),
        }
        self.walk(formulas, &automata)
    }

    /// Without patterns letters do not matter.
    fn plain(&self) -> Answer {
        let excluded: HashSet<&String> = self.excluded.iter().collect();
        let is_free = |text: &String| !excluded.contains(text);
        let longest = self.max.unwrap_or(u64::MAX).min(self.min.saturating_add(1));
        if self.min > LONGEST {
            return Answer::unknown(
                "minLength",
                "no string is built that is longer than 100,000 characters",
            );
        }
        for length in self.min..=longest {
            // Texts that differ by their first letter: of one letter these are all there are.
            let tail = "a".repeat(usize::try_from(length.saturating_sub(1)).unwrap_or(0));
            if length == 0 {
                if is_free(&String::new()) {
                    return Answer::Sat(Value::String(String::new()));
                }
                continue;
            }
            let free = ('a'..='z')
                .chain('A'..='Z')
                .chain('0'..='9')
                .chain('\u{100}'..=char::MAX)
                .chain('\0'..='\u{ff}')
                .map(|letter| format!("{letter}{tail}"))
                .find(is_free);
            if let Some(text) = free {
                return Answer::Sat(Value::String(text));
            }
        }
        Answer::Unsat
    }

    fn walk(&self, formulas: &Formulas, automata: &[(Arc<Automaton>, bool)]) -> Answer {
        let trie = Trie::new(&self.excluded);
        let letters = letters(automata, &trie);
        // Code points are counted as far as they matter.
        let cap = self.max.map_or(self.min, |max| max.saturating_add(1));
        let start = State {
            places: automata.iter().map(|_| Automaton::START).collect(),
            trie: Some(0),
            length: 0,
        };
        let mut steps: Vec<(usize, u8)> = vec![(0, 0)];
        let mut states = vec![start.clone()];
        let mut seen: HashMap<State, ()> = HashMap::from([(start, ())]);
        let mut queue = VecDeque::from([0_usize]);
        while let Some(index) = queue.pop_front() {
            let state = states[index].clone();
            if self.accepts(&state, automata, &trie) {
                return spelled(&steps, index);
            }
            formulas.budget.spend(2 * letters.len());
            for byte in &letters {
                let places: Box<[u32]> = state
                    .places
                    .iter()
                    .zip(automata)
                    .map(|(place, (automaton, _))| automaton.step(*place, *byte))
                    .collect();
                let starts_letter = byte & 0xc0 != 0x80;
                let length = if starts_letter {
                    (state.length + 1).min(cap)
                } else {
                    state.length
                };
                let next = State {
                    trie: state.trie.and_then(|node| trie.step(node, *byte)),
                    places,
                    length,
                };
                if self.max.is_some_and(|max| next.length > max)
                    || is_dead(&next, automata)
                    || seen.contains_key(&next)
                {
                    continue;
                }
                if states.len() >= STATES || formulas.budget.is_spent() {
                    return Answer::unknown(
                        "pattern",
                        "more than 60,000 states of patterns and lengths",
                    );
                }
                seen.insert(next.clone(), ());
                states.push(next);
                steps.push((index, *byte));
                queue.push_back(states.len() - 1);
            }
        }
        Answer::Unsat
    }

    fn accepts(&self, state: &State, automata: &[(Arc<Automaton>, bool)], trie: &Trie) -> bool {
        state.length >= self.min
            && !state.trie.is_some_and(|node| trie.ends[node])
            && state
                .places
                .iter()
                .zip(automata)
                .all(|(place, (automaton, wanted))| automaton.accepts(*place) == *wanted)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    places: Box<[u32]>,
    /// Where among the exceptions; none once the string differs from all.
    trie: Option<usize>,
    length: u64,
}

/// No way leads from here to a string that is asked for.
fn is_dead(state: &State, automata: &[(Arc<Automaton>, bool)]) -> bool {
    state
        .places
        .iter()
        .zip(automata)
        .any(|(place, (automaton, wanted))| {
            automaton.accepts(*place) != *wanted && automaton.is_settled(*place)
        })
}

fn spelled(steps: &[(usize, u8)], end: usize) -> Answer {
    let mut bytes = Vec::new();
    let mut at = end;
    while at != 0 {
        bytes.push(steps[at].1);
        at = steps[at].0;
    }
    bytes.reverse();
    String::from_utf8(bytes).map_or_else(
        |_| Answer::unknown("pattern", "the string found is no UTF-8"),
        |text| Answer::Sat(Value::String(text)),
    )
}

/// One byte of each group that no automaton tells apart.
fn letters(automata: &[(Arc<Automaton>, bool)], trie: &Trie) -> Vec<u8> {
    let mut seen = HashSet::new();
    let rest = (0..=255_u8).filter(|byte| !PREFERRED.contains(byte));
    PREFERRED
        .iter()
        .copied()
        .chain(rest)
        .filter(|byte| {
            let mut group: Vec<u16> = automata
                .iter()
                .map(|(automaton, _)| u16::from(automaton.class(*byte)))
                .collect();
            group.push(u16::from(byte & 0xc0 == 0x80));
            // Letters of exceptions are apart from all others.
            group.push(if trie.letters[*byte as usize] {
                256 + u16::from(*byte)
            } else {
                0
            });
            seen.insert(group)
        })
        .collect()
}

/// The exceptions, letter by letter.
struct Trie {
    next: Vec<HashMap<u8, usize>>,
    ends: Vec<bool>,
    letters: [bool; 256],
}

impl Trie {
    fn new(texts: &[String]) -> Self {
        let mut trie = Self {
            next: vec![HashMap::new()],
            ends: vec![false],
            letters: [false; 256],
        };
        for text in texts {
            let mut node = 0;
            for byte in text.bytes() {
                trie.letters[byte as usize] = true;
                node = match trie.next[node].get(&byte) {
                    Some(next) => *next,
                    None => {
                        trie.next.push(HashMap::new());
                        trie.ends.push(false);
                        let made = trie.next.len() - 1;
                        trie.next[node].insert(byte, made);
                        made
                    }
                };
            }
            trie.ends[node] = true;
        }
        trie
    }

    fn step(&self, node: usize, byte: u8) -> Option<usize> {
        self.next[node].get(&byte).copied()
    }
}
