//! Is there a value for which all of these formulas hold?
//!
//! A goal is a set of formulas on one value. It is taken apart until only keywords are left: conjunctions are
//! spread, types are tried one by one, disjunctions are narrowed by what is known and then tried branch by
//! branch. What is left goes to the theory of its type; arrays and objects ask again for their parts. A goal
//! that comes up again inside itself has no smaller value than itself, so it is refuted there.
use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::budget::PART;
use super::formula::{Formulas, Gap, Lit, Node, kind};
use super::narrow::State;
use super::pattern::PatternId;
use super::values::{kind_of, size, with_fraction};

/// So few choices are tried in the order of their branches.
const FEW: usize = 3;

/// Largest message built, in parts: what is larger is read by nobody.
pub(super) const SIZE: usize = 100_000;

/// What came of a goal.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// This value satisfies it.
    Sat(Value),
    Unsat,
    Unknown(Gap),
}

impl Answer {
    pub(super) fn unknown(keyword: &'static str, reason: &str) -> Self {
        Self::Unknown(Gap {
            keyword,
            pointer: String::new(),
            reason: reason.to_owned(),
        })
    }
}

pub(super) fn spent() -> Answer {
    Answer::unknown("budget", "more than 150,000,000 formulas looked at")
}

pub(super) fn too_large() -> Answer {
    Answer::unknown("budget", "no message is built with more than 100,000 parts")
}

pub(super) fn too_deep() -> Answer {
    Answer::unknown(
        "budget",
        "choices and values nested deeper than a thread's stack allows",
    )
}

/// What copying an answer costs.
fn weight(answer: &Answer) -> usize {
    match answer {
        Answer::Sat(value) => PART * size(value),
        Answer::Unsat | Answer::Unknown(_) => 0,
    }
}

/// Searches on behalf of one question, with what earlier questions found.
pub(super) struct Solver<'f> {
    pub(super) formulas: &'f mut Formulas,
    pub(super) memory: &'f mut HashMap<Box<[Lit]>, Answer>,
    /// Goals being worked on and how deep they are.
    active: HashMap<Box<[Lit]>, usize>,
    /// Goals refuted on the assumption that one being worked on is refuted too: the depth of that one.
    assumed: HashMap<Box<[Lit]>, usize>,
    /// The outermost goal that the current answer leans on.
    leans: usize,
    pub(super) steps: usize,
    limit: usize,
    /// Choices and values that the current one is inside of.
    nesting: usize,
}

impl<'f> Solver<'f> {
    pub(super) fn new(
        formulas: &'f mut Formulas,
        memory: &'f mut HashMap<Box<[Lit]>, Answer>,
        limit: usize,
    ) -> Self {
        Self {
            formulas,
            memory,
            active: HashMap::new(),
            assumed: HashMap::new(),
            leans: usize::MAX,
            steps: 0,
            limit,
            nesting: 0,
        }
    }

    /// Counts a step; whether there are any left.
    fn step(&mut self) -> bool {
        self.steps += 1;
        !self.is_exhausted()
    }

    fn is_exhausted(&self) -> bool {
        self.steps > self.limit || self.formulas.budget.is_spent()
    }

    fn exhausted(&self) -> Answer {
        if self.steps > self.limit {
            Answer::unknown("budget", &format!("more than {} steps", self.limit))
        } else {
            spent()
        }
    }

    /// A value for which all hold.
    pub(super) fn solve(&mut self, goal: &[Lit]) -> Answer {
        // Known answers cost little, but there may be exponentially many questions.
        self.formulas.budget.spend(8 + 8 * goal.len());
        if self.is_exhausted() {
            return self.exhausted();
        }
        let lit = self.formulas.all(goal.iter().copied());
        let key: Box<[Lit]> = match self.formulas.node(lit) {
            _ if lit == Lit::FALSE => return Answer::Unsat,
            Node::All(parts) if !lit.is_negated() => parts.clone(),
            _ => Box::new([lit]),
        };
        if let Some(known) = self.memory.get(&key) {
            self.formulas.budget.spend(weight(known));
            return known.clone();
        }
        if let Some(depth) = self.active.get(&key) {
            self.leans = self.leans.min(*depth);
            return Answer::Unsat;
        }
        if let Some(depth) = self.assumed.get(&key) {
            self.leans = self.leans.min(*depth);
            return Answer::Unsat;
        }
        // Trying listed values is cheap, and counted as work.
        let is_listed = key.iter().any(|lit| self.formulas.listed(*lit).is_some());
        if !is_listed && !self.step() {
            return self.exhausted();
        }
        let depth = self.active.len();
        let budget = &self.formulas.budget;
        if budget.reaches(depth, budget.room().values) {
            let reason = format!("values nested deeper than {}", budget.room().values);
            return Answer::unknown("budget", &reason);
        }
        if budget.is_deep() {
            return too_deep();
        }
        let outer = std::mem::replace(&mut self.leans, usize::MAX);
        self.active.insert(key.clone(), depth);
        let answer = self.open(&key);
        self.active.remove(&key);
        let inner = std::mem::replace(&mut self.leans, outer);
        let leans_out = inner < depth;
        if leans_out {
            self.leans = self.leans.min(inner);
        }
        self.settle_assumed(depth, &answer, leans_out.then_some(inner));
        match &answer {
            Answer::Unsat if leans_out => {
                self.assumed.insert(key, inner);
            }
            // Another question may have more steps left, and more room.
            Answer::Unknown(gap) if leans_out || gap.keyword == "budget" || self.is_exhausted() => {
            }
            Answer::Sat(_) | Answer::Unsat | Answer::Unknown(_) => {
                self.formulas.budget.spend(weight(&answer));
                self.memory.insert(key, answer.clone());
            }
        }
        answer
    }

    /// What was refuted on the assumption that the goal at `depth` is: proved where it is, forgotten where it is
    /// not, and resting on what the goal itself rests on where that lies further out.
    fn settle_assumed(&mut self, depth: usize, answer: &Answer, leans: Option<usize>) {
        let resting: Vec<Box<[Lit]>> = self
            .assumed
            .iter()
            .filter(|(_, on)| **on >= depth)
            .map(|(goal, _)| goal.clone())
            .collect();
        for goal in resting {
            self.assumed.remove(&goal);
            match (answer, leans) {
                (Answer::Unsat, None) => {
                    self.memory.insert(goal, Answer::Unsat);
                }
                (Answer::Unsat, Some(on)) => {
                    self.assumed.insert(goal, on);
                }
                (Answer::Sat(_) | Answer::Unknown(_), _) => {}
            }
        }
    }

    fn open(&mut self, goal: &[Lit]) -> Answer {
        let kinds = if self.formulas.spelled {
            kind::ALL
        } else {
            kind::ALL & !kind::WHOLE
        };
        let mut state = State {
            kinds,
            known: Vec::new(),
            choices: Vec::new(),
        };
        for lit in goal {
            if !self.assume(*lit, &mut state) {
                return Answer::Unsat;
            }
        }
        if let Some(answer) = self.listed(goal, &state) {
            return answer;
        }
        self.search(state)
    }

    /// Where the values are listed, each is tried.
    fn listed(&mut self, goal: &[Lit], state: &State) -> Option<Answer> {
        let shortest = state
            .known
            .iter()
            .filter(|lit| !lit.is_negated())
            .filter_map(|lit| match self.formulas.node(*lit) {
                Node::Values(ids) => Some(ids.clone()),
                _ => None,
            })
            .min_by_key(|ids| ids.len())?;
        let mut unsure = None;
        let mut values: Vec<Value> = Vec::new();
        for id in shortest {
            let value = self.formulas.values.get(id).clone();
            if self.formulas.spelled {
                if kind_of(&value) & state.kinds & (kind::ARRAY | kind::OBJECT) != 0 {
                    // Its numbers may be written in two ways each, so it is taken apart.
                    return None;
                }
                values.extend(with_fraction(&value));
            }
            values.push(value);
        }
        for value in values {
            if self.formulas.kind_of(&value) & state.kinds == 0 {
                continue;
            }
            let mut verdict = Some(true);
            for lit in goal {
                match self.formulas.holds(*lit, &value) {
                    Some(true) => {}
                    Some(false) => {
                        verdict = Some(false);
                        break;
                    }
                    None => verdict = None,
                }
            }
            match verdict {
                Some(true) => return Some(Answer::Sat(value)),
                Some(false) => {}
                None => unsure = Some(self.gap_of(goal)),
            }
        }
        Some(unsure.unwrap_or(Answer::Unsat))
    }

    /// The first thing in a goal that is beyond the prover.
    pub(super) fn gap_of(&self, goal: &[Lit]) -> Answer {
        let mut open: Vec<Lit> = goal.to_vec();
        let mut seen = HashSet::new();
        while let Some(lit) = open.pop() {
            if !seen.insert(lit.stem()) {
                continue;
            }
            match self.formulas.node(lit) {
                Node::Opaque(number) => {
                    if let Some(gap) = self.formulas.gaps.get(*number as usize) {
                        return Answer::Unknown(gap.clone());
                    }
                }
                Node::Pattern(pattern) => {
                    if let Some(gap) = self.doubt_of(*pattern, "pattern") {
                        return Answer::Unknown(gap);
                    }
                }
                Node::All(parts) | Node::One(parts) => open.extend(parts.iter()),
                Node::Link(number) => open.push(self.formulas.linked(*number)),
                Node::Items { prefix, rest } => open.extend(prefix.iter().chain([rest])),
                Node::Contains { item, .. } => open.push(*item),
                Node::Names(names) => open.push(*names),
                Node::Members(members) => {
                    for (pattern, _) in &members.patterns {
                        if let Some(gap) = self.doubt_of(*pattern, "patternProperties") {
                            return Answer::Unknown(gap);
                        }
                    }
                    open.extend(members.named.iter().map(|(_, lit)| *lit));
                    open.extend(members.patterns.iter().map(|(_, lit)| *lit));
                    open.push(members.rest);
                }
                _ => {}
            }
        }
        if self.formulas.budget.is_spent() {
            return spent();
        }
        Answer::unknown(
            "pattern",
            "a pattern takes too long to try, or engines differ on the text it is tried on",
        )
    }

    /// Why nobody knows what a pattern means.
    pub(super) fn doubt_of(&self, pattern: PatternId, keyword: &'static str) -> Option<Gap> {
        let patterns = &self.formulas.patterns;
        patterns.doubt(pattern).map(|reason| Gap {
            keyword,
            pointer: patterns.pointer(pattern).to_owned(),
            reason: reason.to_owned(),
        })
    }

    /// Splits by type, then by choice, then asks the type's theory.
    fn search(&mut self, state: State) -> Answer {
        if !self.step() {
            return self.exhausted();
        }
        if self.formulas.budget.is_deep() {
            return too_deep();
        }
        let budget = &self.formulas.budget;
        if budget.reaches(self.nesting, budget.room().choices) {
            let most = budget.room().choices;
            let reason = format!("more than {most} choices and values inside one another");
            return Answer::unknown("budget", &reason);
        }
        self.nesting += 1;
        let answer = self.narrowed(state);
        self.nesting -= 1;
        answer
    }

    fn narrowed(&mut self, mut state: State) -> Answer {
        if !self.narrow(&mut state) {
            return Answer::Unsat;
        }
        if let Some(answer) = self.listed_later(&state) {
            return answer;
        }
        if state.kinds.count_ones() > 1 {
            return self.first(
                &[
                    kind::INTEGER,
                    kind::STRING,
                    kind::BOOLEAN,
                    kind::NULL,
                    kind::FRACTION,
                    kind::WHOLE,
                    kind::ARRAY,
                    kind::OBJECT,
                ],
                |solver, one| {
                    if state.kinds & one == 0 {
                        return Answer::Unsat;
                    }
                    let mut narrowed = state.clone();
                    narrowed.kinds = *one;
                    narrowed
                        .known
                        .retain(|lit| solver.formulas.node(*lit).scope() & one != 0);
                    solver.search(narrowed)
                },
            );
        }
        if self.unfold_exceptions(&mut state) {
            return self.search(state);
        }
        let next = match self.next_choice(&state) {
            Ok(next) => next,
            Err(answer) => return answer,
        };
        if let Some(index) = next {
            let choice = state.choices.swap_remove(index);
            let mut rest = state;
            let mut closed = false;
            return self.first(&choice, |solver, lit| {
                if closed {
                    return Answer::Unsat;
                }
                let mut taken = rest.clone();
                let answer = if solver.assume(*lit, &mut taken) {
                    solver.search(taken)
                } else {
                    Answer::Unsat
                };
                // What comes next need not try this one again.
                if solver.formulas.is_simple(*lit) {
                    closed = !solver.assume(!*lit, &mut rest);
                }
                answer
            });
        }
        self.theory(&state)
    }

    /// The choice to try branch by branch: the shortest. Where there are many, it is one that a value for what is
    /// known by now does not keep: what nothing depends on is never tried.
    ///
    /// # Errors
    /// The answer, where what is known settles it.
    fn next_choice(&mut self, state: &State) -> Result<Option<usize>, Answer> {
        let mut open: Vec<usize> = (0..state.choices.len()).collect();
        open.sort_by_key(|index| state.choices[*index].len());
        if open.len() < FEW {
            return Ok(open.first().copied());
        }
        let value = match self.theory(state) {
            Answer::Unsat => return Err(Answer::Unsat),
            Answer::Unknown(_) => return Ok(open.first().copied()),
            Answer::Sat(value) => value,
        };
        for index in open {
            let mut branches = state.choices[index].iter();
            if !branches.any(|lit| self.formulas.holds(*lit, &value) == Some(true)) {
                return Ok(Some(index));
            }
        }
        Err(Answer::Sat(value))
    }

    /// The first that succeeds; unknown where one is.
    pub(super) fn first<T>(
        &mut self,
        options: &[T],
        mut attempt: impl FnMut(&mut Self, &T) -> Answer,
    ) -> Answer {
        let mut unknown = None;
        for option in options {
            match attempt(self, option) {
                Answer::Sat(value) => return Answer::Sat(value),
                Answer::Unsat => {}
                Answer::Unknown(gap) => {
                    let stop = self.is_exhausted();
                    unknown.get_or_insert(gap);
                    if stop {
                        break;
                    }
                }
            }
        }
        unknown.map_or(Answer::Unsat, Answer::Unknown)
    }

    /// A list of values that came with a choice: everything else is tried on each.
    fn listed_later(&mut self, state: &State) -> Option<Answer> {
        let has_list = state
            .known
            .iter()
            .any(|lit| !lit.is_negated() && matches!(self.formulas.node(*lit), Node::Values(_)));
        if !has_list {
            return None;
        }
        let mut goal = state.known.clone();
        for choice in &state.choices {
            let any = self.formulas.any(choice.iter().copied());
            goal.push(any);
        }
        self.listed(&goal, state)
    }

    /// Excluded arrays and objects are said by their parts, and listed ones where they could not be tried;
    /// whether there were any.
    fn unfold_exceptions(&mut self, state: &mut State) -> bool {
        if state.kinds & (kind::ARRAY | kind::OBJECT) == 0 {
            return false;
        }
        let mut found = Vec::new();
        let mut listed = Vec::new();
        let formulas = &*self.formulas;
        state.known.retain(|lit| match formulas.node(*lit) {
            Node::Values(ids) if lit.is_negated() => {
                found.extend(ids.iter().copied());
                false
            }
            Node::Values(ids) => {
                listed.push(ids.clone());
                false
            }
            _ => true,
        });
        for ids in &listed {
            let mut choice = Vec::new();
            for id in ids {
                let value = self.formulas.values.get(*id).clone();
                if kind_of(&value) & state.kinds != 0 {
                    choice.push(!self.formulas.differs(&value));
                }
            }
            state.choices.push(choice);
        }
        for id in &found {
            let value = self.formulas.values.get(*id).clone();
            if kind_of(&value) & state.kinds == 0 {
                continue;
            }
            let differs = self.formulas.differs(&value);
            // It is a disjunction of keywords; a contradiction shows when it is narrowed.
            if !self.assume(differs, state) {
                state.choices.push(Vec::new());
            }
        }
        !found.is_empty() || !listed.is_empty()
    }
}
