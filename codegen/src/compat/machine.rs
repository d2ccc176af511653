//! The automata of one walk, whose places are told apart by numbers.
//!
//! Most patterns have a table. One whose table would be too large is made into states on the way, as far as the walk
//! comes; where it has to be found, it is enough to guess where it begins, which takes no more states than it has
//! parts.
use std::collections::HashMap;
use std::sync::Arc;

use regex_automata::Anchored;
use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::util::start;

use super::pattern::Automaton;

/// One pattern in a walk.
#[derive(Debug)]
pub(super) enum Machine {
    /// Every state is known.
    Table {
        automaton: Arc<Automaton>,
        /// Whether the pattern is to be found.
        wanted: bool,
    },
    /// States come with the walk.
    Lazy(Box<Lazy>),
    /// Found where it begins at a place that is guessed; place 0 is before that.
    Somewhere(Arc<Automaton>),
}

impl Machine {
    /// Where a walk begins.
    pub(super) fn start(&self) -> u32 {
        match self {
            Self::Table { .. } => Automaton::START,
            Self::Lazy(_) | Self::Somewhere(_) => 0,
        }
    }

    /// What a step costs, in formulas looked at.
    pub(super) const fn cost(&self) -> usize {
        match self {
            Self::Table { .. } => 3,
            Self::Somewhere(_) => 8,
            Self::Lazy(_) => 60,
        }
    }

    /// Bytes with the same number are alike everywhere.
    pub(super) fn class(&self, byte: u8) -> u8 {
        match self {
            Self::Table { automaton, .. } | Self::Somewhere(automaton) => automaton.class(byte),
            Self::Lazy(lazy) => lazy.dfa.byte_classes().get(byte),
        }
    }

    /// Where a byte leads: to one place, or to one of two.
    ///
    /// # Errors
    /// The pattern has too many states.
    pub(super) fn step(&mut self, place: u32, byte: u8) -> Result<(u32, Option<u32>), TooMany> {
        Ok(match self {
            Self::Table { automaton, .. } => (automaton.step(place, byte), None),
            Self::Lazy(lazy) => (lazy.step(place, byte)?, None),
            Self::Somewhere(automaton) => match place.checked_sub(1) {
                None => (0, Some(automaton.step(Automaton::START, byte) + 1)),
                Some(inside) => (automaton.step(inside, byte) + 1, None),
            },
        })
    }

    /// Whether a text that ends here is one that is asked for.
    ///
    /// # Errors
    /// The pattern has too many states.
    pub(super) fn accepts(&mut self, place: u32) -> Result<bool, TooMany> {
        Ok(match self {
            Self::Table { automaton, wanted } => automaton.accepts(place) == *wanted,
            Self::Lazy(lazy) => lazy.accepts(place)? == lazy.wanted,
            Self::Somewhere(automaton) => {
                automaton.accepts(place.checked_sub(1).unwrap_or(Automaton::START))
            }
        })
    }

    /// Whether no way leads from here to a text that is asked for.
    pub(super) fn is_dead(&self, place: u32) -> bool {
        match self {
            Self::Table { automaton, wanted } => {
                automaton.accepts(place) != *wanted && automaton.is_settled(place)
            }
            Self::Lazy(lazy) => match lazy.states[place as usize] {
                Some(state) => lazy.wanted && state.is_dead(),
                None => !lazy.wanted,
            },
            Self::Somewhere(automaton) => place
                .checked_sub(1)
                .is_some_and(|inside| !automaton.accepts(inside) && automaton.is_settled(inside)),
        }
    }
}

/// A pattern whose states are made when they are asked for.
#[derive(Debug)]
pub(super) struct Lazy {
    dfa: Arc<DFA>,
    cache: Cache,
    wanted: bool,
    /// By place; none is the state after a match.
    states: Vec<Option<LazyStateID>>,
    places: HashMap<Option<LazyStateID>, u32>,
}

/// A pattern has more states than there is room for.
#[derive(Debug)]
pub(super) struct TooMany;

impl Lazy {
    /// `None` where the pattern has no start of its own.
    pub(super) fn new(dfa: Arc<DFA>, wanted: bool) -> Option<Self> {
        let mut cache = dfa.create_cache();
        let config = start::Config::new().anchored(Anchored::No);
        let start = dfa.start_state(&mut cache, &config).ok()?;
        Some(Self {
            dfa,
            cache,
            wanted,
            states: vec![Some(start)],
            places: HashMap::from([(Some(start), 0)]),
        })
    }

    fn step(&mut self, place: u32, byte: u8) -> Result<u32, TooMany> {
        let Some(state) = self.states[place as usize] else {
            return Ok(place);
        };
        let next = self.dfa.next_state(&mut self.cache, state, byte);
        let next = next.map_err(|_| TooMany)?;
        if next.is_quit() {
            return Err(TooMany);
        }
        // A match state says that a match ended before this byte, and what is found stays found.
        let next = (!next.is_match()).then_some(next);
        let states = &mut self.states;
        Ok(*self.places.entry(next).or_insert_with(|| {
            states.push(next);
            u32::try_from(states.len() - 1).unwrap_or(u32::MAX)
        }))
    }

    fn accepts(&mut self, place: u32) -> Result<bool, TooMany> {
        let Some(state) = self.states[place as usize] else {
            return Ok(true);
        };
        let end = self.dfa.next_eoi_state(&mut self.cache, state);
        Ok(end.map_err(|_| TooMany)?.is_match())
    }
}
