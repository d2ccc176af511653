//! Strings: lengths, patterns and exceptions as one walk over automata, shortest string first.
use std::collections::{HashMap, HashSet, VecDeque};

use serde_json::Value;

use super::budget::WORK;
use super::format;
use super::formula::{Formulas, Gap};
use super::machine::{Lazy, Machine, TooMany};
use super::pattern::PatternId;
use super::solve::Answer;

/// Most states of a walk.
const STATES: usize = 60_000;

/// So many code points are counted without a second thought.
const SHORT: u64 = 64;

/// What a step of a walk costs besides, in formulas looked at: a state is made, and looked for among the others.
const STEP: usize = 20;

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
        if self.min > SHORT {
            // How long a text must be seldom matters, and is dear to count.
            let of_any_length = Self {
                min: 0,
                ..self.clone()
            };
            if of_any_length.solve(formulas) == Answer::Unsat {
                return Answer::Unsat;
            }
        }
        let found = self.patterns.iter().map(|pattern| (*pattern, true));
        let missing = self.no_patterns.iter().map(|pattern| (*pattern, false));
        let mut machines = Vec::new();
        // A pattern whose automaton is too large, should the walk come to no end.
        let mut too_large = None;
        for (pattern, wanted) in found.chain(missing) {
            match formulas.patterns.automaton(pattern) {
                Ok(automaton) => machines.push(Machine::Table { automaton, wanted }),
                Err(reason) => {
                    let gap = Gap {
                        keyword: "pattern",
                        pointer: formulas.patterns.pointer(pattern).to_owned(),
                        reason,
                    };
                    let Some(machine) = stand_in(formulas, pattern, wanted) else {
                        return Answer::Unknown(gap);
                    };
                    machines.push(machine);
                    too_large.get_or_insert(gap);
                }
            }
        }
        match formulas.patterns.utf8() {
            Ok(automaton) => machines.push(Machine::Table {
                automaton,
                wanted: true,
            }),
            Err(reason) => return Answer::unknown("pattern", &reason),
        }
        self.walk(formulas, &mut machines)
            .unwrap_or_else(|TooMany| too_large.map_or_else(too_many, Answer::Unknown))
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

    /// The shortest text, by a walk in the order of lengths: of two ways to the same places the shorter one serves for
    /// whatever comes after, so lengths are told apart only until they are long enough.
    fn walk(&self, formulas: &Formulas, machines: &mut [Machine]) -> Result<Answer, TooMany> {
        let trie = Trie::new(&self.excluded);
        let letters = letters(machines, &trie);
        let start = State {
            places: machines.iter().map(Machine::start).collect(),
            trie: Some(0),
            enough: 0,
        };
        let mut spent = 0;
        let cost = STEP + machines.iter().map(Machine::cost).sum::<usize>();
        let mut steps: Vec<(usize, u8)> = vec![(0, 0)];
        // With the code points that lead there.
        let mut states = vec![(start.clone(), 0)];
        let mut shortest: HashMap<State, u64> = HashMap::from([(start, 0)]);
        let mut queue = VecDeque::from([0_usize]);
        while let Some(index) = queue.pop_front() {
            let (state, length) = states[index].clone();
            if shortest.get(&state).is_some_and(|known| *known < length) {
                continue;
            }
            if self.accepts(&state, machines, &trie)? {
                return Ok(spelled(&steps, index));
            }
            formulas.budget.spend(cost * letters.len());
            spent += cost * letters.len();
            for byte in &letters {
                let starts_letter = byte & 0xc0 != 0x80;
                let next_length = length + u64::from(starts_letter);
                if self.max.is_some_and(|max| next_length > max) {
                    continue;
                }
                for places in after(&state.places, *byte, machines)? {
                    let next = State {
                        trie: state.trie.and_then(|node| trie.step(node, *byte)),
                        places,
                        enough: next_length.min(self.min),
                    };
                    let is_dead = (next.places.iter().zip(&*machines))
                        .any(|(place, machine)| machine.is_dead(*place));
                    let known = shortest.get(&next);
                    if is_dead || known.is_some_and(|known| *known <= next_length) {
                        continue;
                    }
                    // One pattern is not to take the time of all others, or nobody would know which it was.
                    if states.len() >= STATES || spent > WORK / 2 || formulas.budget.is_spent() {
                        return Err(TooMany);
                    }
                    shortest.insert(next.clone(), next_length);
                    states.push((next, next_length));
                    steps.push((index, *byte));
                    if starts_letter {
                        queue.push_back(states.len() - 1);
                    } else {
                        queue.push_front(states.len() - 1);
                    }
                }
            }
        }
        Ok(Answer::Unsat)
    }

    fn accepts(
        &self,
        state: &State,
        machines: &mut [Machine],
        trie: &Trie,
    ) -> Result<bool, TooMany> {
        if state.enough < self.min || state.trie.is_some_and(|node| trie.ends[node]) {
            return Ok(false);
        }
        for (place, machine) in state.places.iter().zip(machines) {
            if !machine.accepts(*place)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// What a pattern is walked with whose automaton is too large.
fn stand_in(formulas: &mut Formulas, pattern: PatternId, wanted: bool) -> Option<Machine> {
    let standing_in = formulas.patterns.standing_in(pattern);
    if let Some(anchored) = standing_in.anchored.filter(|_| wanted) {
        return Some(Machine::Somewhere(anchored));
    }
    let lazy = standing_in.lazy.and_then(|dfa| Lazy::new(dfa, wanted));
    lazy.map(|lazy| Machine::Lazy(Box::new(lazy)))
}

/// All that a byte may lead to.
fn after(places: &[u32], byte: u8, machines: &mut [Machine]) -> Result<Vec<Box<[u32]>>, TooMany> {
    let mut all: Vec<Vec<u32>> = vec![Vec::with_capacity(places.len())];
    for (place, machine) in places.iter().zip(machines) {
        let (next, other) = machine.step(*place, byte)?;
        if let Some(other) = other {
            let with_other = all.iter().map(|so_far| {
                let mut so_far = so_far.clone();
                so_far.push(other);
                so_far
            });
            let with_other: Vec<Vec<u32>> = with_other.collect();
            all.iter_mut().for_each(|so_far| so_far.push(next));
            all.extend(with_other);
        } else {
            all.iter_mut().for_each(|so_far| so_far.push(next));
        }
    }
    Ok(all.into_iter().map(Vec::into_boxed_slice).collect())
}

fn too_many() -> Answer {
    Answer::unknown("pattern", "more than 60,000 states of patterns and lengths")
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    places: Box<[u32]>,
    /// Where among the exceptions; none once the string differs from all.
    trie: Option<usize>,
    /// Code points, as far as they are asked for.
    enough: u64,
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
fn letters(machines: &[Machine], trie: &Trie) -> Vec<u8> {
    let mut seen = HashSet::new();
    let rest = (0..=255_u8).filter(|byte| !PREFERRED.contains(byte));
    PREFERRED
        .iter()
        .copied()
        .chain(rest)
        .filter(|byte| {
            let mut group: Vec<u16> = machines
                .iter()
                .map(|machine| u16::from(machine.class(*byte)))
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
