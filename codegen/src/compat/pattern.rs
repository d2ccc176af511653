//! Patterns as automata over UTF-8 bytes.
//!
//! What a pattern means is read by `ecma`; the automaton is built by `regex-automata` and copied into a table in which
//! a match, once found, stays found. Look-around and back-references have no automaton; such a pattern can still be
//! tried on a string. Where the independent validator's engine says otherwise of that string, nobody knows.
use std::collections::HashMap;
use std::sync::Arc;

use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::hybrid;
use regex_automata::nfa::thompson;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, Look, Repetition};

use super::ecma::{Expression, is_found};

/// Largest automaton, in bytes; larger ones come from counted repetitions of large classes.
const SIZE_LIMIT: usize = 4 << 20;

/// Most states of the copied table.
const STATE_LIMIT: usize = 20_000;

/// Most cells of tables that are built for one question: a second or two.
const BUILT: usize = 6 << 20;

/// Most bytes of states that are made on the way.
const LAZY_CAPACITY: usize = 64 << 20;

/// What is beyond automata.
const NO_AUTOMATON: &str = "look-around (other than look-ahead at the start) and back-references are only tried on single texts; write the pattern without, or in several patterns under `allOf`";

/// Index of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct PatternId(u32);

/// A deterministic automaton that accepts exactly the strings in which the pattern is found.
#[derive(Debug)]
pub(super) struct Automaton {
    /// Byte to class.
    classes: [u8; 256],
    width: usize,
    /// `state * width + class` to state.
    next: Vec<u32>,
    accepts: Vec<bool>,
}

impl Automaton {
    pub(super) const START: u32 = 0;

    pub(super) fn class(&self, byte: u8) -> u8 {
        self.classes[byte as usize]
    }

    pub(super) fn step(&self, state: u32, byte: u8) -> u32 {
        self.next[state as usize * self.width + self.classes[byte as usize] as usize]
    }

    pub(super) fn accepts(&self, state: u32) -> bool {
        self.accepts[state as usize]
    }

    /// Whether the state's answer cannot change any more.
    pub(super) fn is_settled(&self, state: u32) -> bool {
        let row = state as usize * self.width;
        self.next[row..row + self.width]
            .iter()
            .all(|next| *next == state)
    }

    fn is_match(&self, text: &str) -> bool {
        let end = text
            .bytes()
            .fold(Self::START, |state, byte| self.step(state, byte));
        self.accepts(end)
    }
}

#[derive(Debug)]
struct Pattern {
    source: String,
    /// Where it was seen first.
    pointer: String,
    /// What it means, or why that is not known.
    meaning: Result<Expression, String>,
    automaton: Option<Result<Arc<Automaton>, String>>,
    /// What stands in where the table is too large.
    standing_in: Option<StandingIn>,
    /// The independent validator's engine, once it was asked for.
    other: Option<Option<fancy_regex::Regex>>,
}

/// A pattern without a table.
#[derive(Clone, Debug, Default)]
pub(super) struct StandingIn {
    /// Its states are made on the way.
    pub(super) lazy: Option<Arc<hybrid::dfa::DFA>>,
    /// It is found where this automaton accepts from some place on.
    pub(super) anchored: Option<Arc<Automaton>>,
}

impl Pattern {
    /// The independent validator's engine; none where it does not take the pattern.
    fn other(&mut self) -> Option<&fancy_regex::Regex> {
        let source = &self.source;
        let compile = || {
            let translated = jsonschema_regex::to_rust_regex(source).ok()?;
            fancy_regex::Regex::new(&translated).ok()
        };
        self.other.get_or_insert_with(compile).as_ref()
    }
}

/// All patterns.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    patterns: Vec<Pattern>,
    index: HashMap<String, PatternId>,
    utf8: Option<Arc<Automaton>>,
    /// Cells of tables that were built for the current question.
    built: usize,
}

impl Patterns {
    pub(super) fn intern(&mut self, source: &str, pointer: &str) -> PatternId {
        if let Some(known) = self.index.get(source) {
            return *known;
        }
        let id = PatternId(u32::try_from(self.patterns.len()).unwrap_or(u32::MAX));
        let mut pattern = Pattern {
            source: source.to_owned(),
            pointer: pointer.to_owned(),
            meaning: Expression::read(source),
            automaton: None,
            standing_in: None,
            other: None,
        };
        if pattern.meaning.is_err()
            && let Some(alike) = Expression::without_what_may_be_missing(source)
            && pattern.other().is_some()
        {
            pattern.meaning = Ok(alike);
        }
        self.patterns.push(pattern);
        self.index.insert(source.to_owned(), id);
        id
    }

    pub(super) fn pointer(&self, id: PatternId) -> &str {
        &self.patterns[id.0 as usize].pointer
    }

    /// Why nobody knows what the pattern means.
    pub(super) fn doubt(&self, id: PatternId) -> Option<&str> {
        let meaning = &self.patterns[id.0 as usize].meaning;
        meaning.as_ref().err().map(String::as_str)
    }

    /// Whether the independent validator's engine takes the pattern, whatever it makes of it.
    pub(super) fn is_taken_elsewhere(&mut self, id: PatternId) -> bool {
        self.patterns[id.0 as usize].other().is_some()
    }

    /// Whether the pattern asks for edges of words.
    pub(super) fn has_boundary(&self, id: PatternId) -> bool {
        let meaning = &self.patterns[id.0 as usize].meaning;
        meaning.as_ref().is_ok_and(|known| known.has_boundary)
    }

    /// Whether what looks ahead may be asked apart: a back-reference counts groups, or asks for what one found.
    pub(super) fn is_divisible(&self, id: PatternId) -> bool {
        let meaning = &self.patterns[id.0 as usize].meaning;
        (meaning.as_ref()).is_ok_and(|known| known.has_look_around && !known.has_back_reference)
    }

    /// The pattern's automaton.
    ///
    /// # Errors
    /// Why it has none.
    pub(super) fn automaton(&mut self, id: PatternId) -> Result<Arc<Automaton>, String> {
        let pattern = &mut self.patterns[id.0 as usize];
        if let Some(known) = &pattern.automaton {
            return known.clone();
        }
        if self.built > BUILT {
            // Another question may have the time.
            return Err("the automata of so many large patterns take too long to build".to_owned());
        }
        let built = match &pattern.meaning {
            Ok(meaning) => match meaning.plain() {
                Some(plain) => build(plain, &mut self.built).map(Arc::new),
                None => Err(NO_AUTOMATON.to_owned()),
            },
            Err(doubt) => Err(doubt.clone()),
        };
        pattern.automaton = Some(built.clone());
        built
    }

    /// What a pattern can be walked with that has no automaton for being too large.
    pub(super) fn standing_in(&mut self, id: PatternId) -> StandingIn {
        let pattern = &mut self.patterns[id.0 as usize];
        if pattern.automaton.is_none() {
            // It was not tried: there have been too many for this question.
            return StandingIn::default();
        }
        if let Some(known) = &pattern.standing_in {
            return known.clone();
        }
        let plain = pattern.meaning.as_ref().ok().and_then(Expression::plain);
        let made = plain.map_or_else(StandingIn::default, |plain| StandingIn {
            lazy: lazy(&plain).map(Arc::new),
            anchored: anchored(&plain, &mut self.built).map(Arc::new),
        });
        pattern.standing_in = Some(made.clone());
        made
    }

    /// A new question may build automata again.
    pub(super) fn begin(&mut self) {
        self.built = 0;
    }

    /// The automaton of all UTF-8 texts.
    ///
    /// # Errors
    /// Never in practice: the pattern is ours.
    pub(super) fn utf8(&mut self) -> Result<Arc<Automaton>, String> {
        if let Some(known) = &self.utf8 {
            return Ok(Arc::clone(known));
        }
        let automaton = Arc::new(build(
            Hir::concat(vec![Hir::look(Look::Start), texts(), Hir::look(Look::End)]),
            &mut 0,
        )?);
        self.utf8 = Some(Arc::clone(&automaton));
        Ok(automaton)
    }

    /// Whether the pattern is found in a text; `None` where nobody here can tell.
    pub(super) fn is_match(&mut self, id: PatternId, text: &str) -> Option<bool> {
        let automaton = self.automaton(id);
        let pattern = &mut self.patterns[id.0 as usize];
        let meaning = pattern.meaning.as_ref().ok()?;
        let found = match automaton {
            Ok(automaton) if text.is_ascii() || !meaning.has_boundary => {
                return Some(automaton.is_match(text));
            }
            Ok(automaton) => automaton.is_match(text),
            Err(_) => is_found(meaning, text)?,
        };
        match pattern.other().map(|other| other.is_match(text)) {
            Some(Ok(otherwise)) if otherwise != found => None,
            Some(Ok(_) | Err(_)) | None => Some(found),
        }
    }
}

/// Any text.
fn texts() -> Hir {
    let any = ClassUnicode::new([ClassUnicodeRange::new('\0', char::MAX)]);
    Hir::repetition(Repetition {
        min: 0,
        max: None,
        greedy: true,
        sub: Box::new(Hir::class(Class::Unicode(any))),
    })
}

/// Between the bytes of one character there is no edge of a word either, but nobody looks there.
fn splits_characters(pattern: &Hir) -> bool {
    (pattern.properties().look_set()).contains(Look::WordAsciiNegate)
}

fn states(pattern: &Hir) -> Result<thompson::NFA, Box<thompson::BuildError>> {
    let config = thompson::Config::new()
        .nfa_size_limit(Some(SIZE_LIMIT))
        .which_captures(thompson::WhichCaptures::None);
    thompson::Compiler::new()
        .configure(config)
        .build_from_hir(pattern)
        .map_err(Box::new)
}

fn lazy(pattern: &Hir) -> Option<hybrid::dfa::DFA> {
    if splits_characters(pattern) {
        return None;
    }
    let config = hybrid::dfa::Config::new()
        .match_kind(MatchKind::All)
        .cache_capacity(LAZY_CAPACITY)
        .skip_cache_capacity_check(true)
        // States that were given numbers must not be forgotten.
        .minimum_cache_clear_count(Some(0));
    hybrid::dfa::Builder::new()
        .configure(config)
        .build_from_nfa(states(pattern).ok()?)
        .ok()
}

/// The automaton of texts that begin with the pattern; none where what stands before it matters.
fn anchored(pattern: &Hir, cost: &mut usize) -> Option<Automaton> {
    let looks = pattern.properties().look_set().remove(Look::End);
    if !looks.is_empty() {
        return None;
    }
    let from_start = Hir::concat(vec![Hir::look(Look::Start), pattern.clone()]);
    build(from_start, cost).ok()
}

fn build(pattern: Hir, cost: &mut usize) -> Result<Automaton, String> {
    let pattern = if splits_characters(&pattern) {
        Hir::concat(vec![Hir::look(Look::Start), texts(), pattern])
    } else {
        pattern
    };
    let nfa = states(&pattern).map_err(|error| {
        if error.size_limit().is_some() {
            *cost += SIZE_LIMIT / 4;
            return format!("its automaton is larger than {} MB", SIZE_LIMIT >> 20);
        }
        format!("the pattern has no automaton: {error}")
    })?;
    let dfa = dense::Builder::new()
        .configure(
            dense::Config::new()
                .match_kind(MatchKind::All)
                .start_kind(StartKind::Unanchored)
                .dfa_size_limit(Some(SIZE_LIMIT))
                .determinize_size_limit(Some(SIZE_LIMIT)),
        )
        .build_from_nfa(&nfa)
        .map_err(|error| {
            if error.is_size_limit_exceeded() {
                *cost += SIZE_LIMIT / 4;
                return format!("its automaton is larger than {} MB", SIZE_LIMIT >> 20);
            }
            format!("the pattern has no automaton: {error}")
        })?;
    let copied = copy(&dfa);
    *cost += dfa.memory_usage() / 4;
    copied
}

/// Copies the reachable part. A match state of the library says that a match ended before the last byte, or at
/// the end of the text; here such a state is left for one that accepts for good.
fn copy(dfa: &dense::DFA<Vec<u32>>) -> Result<Automaton, String> {
    let mut classes = [0_u8; 256];
    let mut samples: Vec<u8> = Vec::new();
    let mut seen: HashMap<u8, u8> = HashMap::new();
    for byte in 0..=255_u8 {
        let class = dfa.byte_classes().get(byte);
        let own = *seen.entry(class).or_insert_with(|| {
            samples.push(byte);
            // There are at most 256 bytes.
            u8::try_from(samples.len() - 1).unwrap_or(u8::MAX)
        });
        classes[byte as usize] = own;
    }
    let width = samples.len();
    let start = dfa
        .start_state(&start::Config::new().anchored(Anchored::No))
        .map_err(|error| format!("the pattern has no start: {error}"))?;
    /// Stands for every state after a match.
    const FOUND: Option<regex_automata::util::primitives::StateID> = None;
    let mut order = vec![Some(start)];
    let mut ids = HashMap::from([(Some(start), 0_u32)]);
    let mut automaton = Automaton {
        classes,
        width,
        next: Vec::new(),
        accepts: Vec::new(),
    };
    let mut at = 0;
    while let Some(state) = order.get(at).copied() {
        at += 1;
        let Some(state) = state else {
            automaton.accepts.push(true);
            let own = ids[&FOUND];
            automaton.next.extend(std::iter::repeat_n(own, width));
            continue;
        };
        automaton
            .accepts
            .push(dfa.is_match_state(state) || dfa.is_match_state(dfa.next_eoi_state(state)));
        for byte in &samples {
            let next = dfa.next_state(state, *byte);
            if dfa.is_quit_state(next) {
                return Err("the pattern needs more than an automaton of bytes".to_owned());
            }
            let next = if dfa.is_match_state(next) {
                FOUND
            } else {
                Some(next)
            };
            let id = match ids.get(&next) {
                Some(id) => *id,
                None => {
                    let id = u32::try_from(order.len()).unwrap_or(u32::MAX);
                    if order.len() >= STATE_LIMIT {
                        return Err(format!("the pattern has more than {STATE_LIMIT} states"));
                    }
                    order.push(next);
                    ids.insert(next, id);
                    id
                }
            };
            automaton.next.push(id);
        }
    }
    Ok(automaton)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn automata_find_what_patterns_find() {
        let mut patterns = Patterns::default();
        for (source, found, missed) in [
            ("a", &["a", "bab", "aa"][..], &["", "b"][..]),
            ("^a$", &["a"], &["aa", "", "a\n"]),
            ("^a+|b$", &["a", "ax", "xb"], &["xa", "bx"]),
            ("", &["", "x"], &[]),
            ("^$", &[""], &["x"]),
            ("a\\b", &["a", "a b"], &["ab"]),
            ("^[äé]{2}$", &["äé"], &["ä", "äéä"]),
            ("^(?=a)", &["ab"], &["b"]),
            ("^a(:[[:digit:]]+)?", &["a", "a:1", "a:", "ab"], &["", "b"]),
        ] {
            let id = patterns.intern(source, "");
            for text in found {
                assert_eq!(
                    patterns.is_match(id, text),
                    Some(true),
                    "{source} in {text:?}"
                );
            }
            for text in missed {
                assert_eq!(
                    patterns.is_match(id, text),
                    Some(false),
                    "{source} in {text:?}"
                );
            }
        }
    }
}
