//! Is there a value for which all of these formulas hold?
//!
//! A goal is a set of formulas on one value. It is taken apart until only keywords are left: conjunctions are
//! spread, types are tried one by one, disjunctions are narrowed by what is known and then tried branch by
//! branch. What is left goes to the theory of its type; arrays and objects ask again for their parts. A goal
//! that comes up again inside itself has no smaller value than itself, so it is refuted there.
use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::formula::{Formulas, Gap, Lit, Node, kind};
use super::number::Numbers;
use super::text::Texts;
use super::values::{ValueId, kind_of, rational, with_fraction};

/// Deepest nesting of values.
const DEPTH: usize = 90;

/// Deepest nesting of choices and values together, which fits a thread's stack of 2 MiB.
const NESTING: usize = 300;

/// Most branches of one `oneOf`; each is told apart from each.
const BRANCHES: usize = 200;

/// Largest message built, in parts: what is larger is read by nobody.
pub(super) const SIZE: usize = 20_000;

/// What came of a goal.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// This value satisfies it.
    Sat(Value),
    Unsat,
    Unknown(Gap),
}

/// The type bits of a value however its number is written.
const fn spellings(kind: u8) -> u8 {
    if kind & (kind::INTEGER | kind::WHOLE) == 0 {
        kind
    } else {
        kind::INTEGER | kind::WHOLE
    }
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
    Answer::unknown("budget", "more than 10,000,000 formulas looked at")
}

pub(super) fn too_large() -> Answer {
    Answer::unknown("budget", "no message is built with more than 20,000 parts")
}

pub(super) fn too_deep() -> Answer {
    Answer::unknown(
        "budget",
        "choices and values nested deeper than a thread's stack allows",
    )
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

/// A goal on its way to keywords.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// Possible types.
    pub(super) kinds: u8,
    /// Keywords, and everything else that is taken as true; sorted.
    pub(super) known: Vec<Lit>,
    /// At least one of each must hold.
    pub(super) choices: Vec<Vec<Lit>>,
}

impl State {
    pub(super) fn knows(&self, lit: Lit) -> bool {
        self.known.binary_search(&lit).is_ok()
    }

    pub(super) fn learn(&mut self, lit: Lit) {
        if let Err(place) = self.known.binary_search(&lit) {
            self.known.insert(place, lit);
        }
    }
}

/// A member that must be there, and the values that it may have; sorted.
type Tag = (Box<str>, Box<[ValueId]>);

/// What is known about a formula.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    True,
    False,
    Open,
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
        if depth >= DEPTH {
            return Answer::unknown("budget", "values nested deeper than 90");
        }
        if self.formulas.budget.is_deep() {
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
            // Another question may have more steps left.
            Answer::Unknown(gap) if leans_out || gap.keyword == "budget" => {}
            Answer::Sat(_) | Answer::Unsat | Answer::Unknown(_) => {
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
    fn gap_of(&self, goal: &[Lit]) -> Answer {
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
                Node::All(parts) | Node::One(parts) => open.extend(parts.iter()),
                Node::Link(number) => open.push(self.formulas.linked(*number)),
                Node::Items { prefix, rest } => open.extend(prefix.iter().chain([rest])),
                Node::Contains { item, .. } => open.push(*item),
                Node::Names(names) => open.push(*names),
                Node::Members(members) => {
                    open.extend(members.named.iter().map(|(_, lit)| *lit));
                    open.extend(members.patterns.iter().map(|(_, lit)| *lit));
                    open.push(members.rest);
                }
                _ => {}
            }
        }
        Answer::unknown("pattern", "the pattern cannot be tried")
    }

    /// Takes a formula as true; false where that contradicts what is known.
    fn assume(&mut self, lit: Lit, state: &mut State) -> bool {
        let mut open = vec![lit];
        while let Some(lit) = open.pop() {
            self.formulas.budget.spend(1);
            if state.knows(lit) {
                continue;
            }
            if state.knows(!lit) {
                return false;
            }
            let node = self.formulas.node(lit);
            let scope = node.scope();
            match (node, lit.is_negated()) {
                (Node::True, false) => {}
                (Node::True, true) => return false,
                (Node::All(parts), false) => open.extend(parts.iter()),
                (Node::All(parts), true) => state
                    .choices
                    .push(parts.iter().map(|part| !*part).collect()),
                (Node::Link(number), negated) => {
                    state.learn(lit);
                    let target = self.formulas.linked(*number);
                    open.push(if negated { !target } else { target });
                }
                (Node::Types(set), false) => state.kinds &= set,
                (Node::Types(set), true) => state.kinds &= !set,
                (Node::One(parts), negated) => {
                    let parts = parts.clone();
                    state.learn(lit);
                    if parts.len() > BRANCHES {
                        let gap = self.formulas.too_wide("more than 200 branches");
                        state.learn(gap);
                        continue;
                    }
                    let choice = if negated {
                        self.none_or_two(&parts)
                    } else {
                        self.just_one(&parts)
                    };
                    state.choices.push(choice);
                }
                (_, true) => {
                    // A keyword that fails says which type the value has.
                    state.kinds &= scope;
                    state.learn(lit);
                }
                (_, false) => {
                    if scope & state.kinds != 0 {
                        state.learn(lit);
                    }
                }
            }
            if state.kinds == 0 {
                return false;
            }
        }
        true
    }

    fn just_one(&mut self, parts: &[Lit]) -> Vec<Lit> {
        (0..parts.len())
            .map(|chosen| {
                let all = parts
                    .iter()
                    .enumerate()
                    .map(|(index, part)| if index == chosen { *part } else { !*part });
                self.formulas.all(all.collect::<Vec<_>>())
            })
            .collect()
    }

    /// None, or one and another after it.
    fn none_or_two(&mut self, parts: &[Lit]) -> Vec<Lit> {
        let none = self
            .formulas
            .all(parts.iter().map(|part| !*part).collect::<Vec<_>>());
        let mut choice = vec![none];
        for (index, first) in parts.iter().enumerate() {
            let later = self.formulas.any(parts[index + 1..].iter().copied());
            choice.push(self.formulas.all([*first, later]));
        }
        choice.retain(|lit| *lit != Lit::FALSE);
        choice
    }

    fn known(formulas: &Formulas, lit: Lit, state: &State, tags: &[Tag], depth: usize) -> Known {
        formulas.budget.spend(1);
        if state.knows(lit) {
            return Known::True;
        }
        if state.knows(!lit) {
            return Known::False;
        }
        let node = formulas.node(lit);
        let plain = match node {
            Node::True => Known::True,
            Node::Types(set) if state.kinds & !set == 0 => Known::True,
            Node::Types(set) if state.kinds & set == 0 => Known::False,
            Node::All(parts) if depth < 4 => {
                let mut all = Known::True;
                for part in parts {
                    match Self::known(formulas, *part, state, tags, depth + 1) {
                        Known::False => {
                            all = Known::False;
                            break;
                        }
                        Known::Open => all = Known::Open,
                        Known::True => {}
                    }
                }
                all
            }
            Node::Values(ids) => {
                let possible = ids
                    .iter()
                    .any(|id| spellings(kind_of(formulas.values.get(*id))) & state.kinds != 0);
                if possible { Known::Open } else { Known::False }
            }
            node if node.scope() & state.kinds == 0 => Known::True,
            Node::Members(members) if state.kinds == kind::OBJECT => {
                let clash = tags
                    .iter()
                    .filter_map(|(name, ids)| Some((formulas.listed(members.named(name)?)?, ids)))
                    .any(|(own, ids)| !own.iter().any(|id| ids.binary_search(id).is_ok()));
                if clash { Known::False } else { Known::Open }
            }
            _ => Known::Open,
        };
        match (plain, lit.is_negated()) {
            (Known::Open, _) => Known::Open,
            (Known::True, false) | (Known::False, true) => Known::True,
            (Known::True, true) | (Known::False, false) => Known::False,
        }
    }

    /// The tags of an object: members that must be there, and are one of listed values.
    fn tags(&self, state: &State) -> Vec<Tag> {
        let mut tags: Vec<Tag> = Vec::new();
        if state.kinds != kind::OBJECT || state.choices.is_empty() {
            return tags;
        }
        let holding = || {
            let holding = state.known.iter().filter(|lit| !lit.is_negated());
            holding.map(|lit| self.formulas.node(*lit))
        };
        let required: HashSet<&str> = holding()
            .filter_map(|node| match node {
                Node::Required(name) => Some(&**name),
                _ => None,
            })
            .collect();
        for node in holding() {
            let Node::Members(members) = node else {
                continue;
            };
            self.formulas.budget.spend(members.named.len());
            for (name, lit) in &members.named {
                if let Some(ids) = self.formulas.listed(*lit)
                    && required.contains(&**name)
                {
                    tags.push((name.clone(), ids.into()));
                }
            }
        }
        tags
    }

    /// Narrows the choices by what is known; false where one has nothing left.
    fn narrow(&mut self, state: &mut State) -> bool {
        loop {
            let mut forced = Vec::new();
            let tags = self.tags(state);
            let mut choices = std::mem::take(&mut state.choices);
            choices.retain_mut(|choice| {
                let mut settled = false;
                choice.retain(
                    |lit| match Self::known(self.formulas, *lit, state, &tags, 0) {
                        Known::True => {
                            settled = true;
                            true
                        }
                        Known::False => false,
                        Known::Open => true,
                    },
                );
                if settled {
                    return false;
                }
                if choice.len() <= 1 {
                    forced.push(choice.pop().unwrap_or(Lit::FALSE));
                    return false;
                }
                true
            });
            choices.append(&mut state.choices);
            state.choices = choices;
            if forced.is_empty() {
                return true;
            }
            for lit in forced {
                if !self.assume(lit, state) {
                    return false;
                }
            }
        }
    }

    /// Splits by type, then by choice, then asks the type's theory.
    fn search(&mut self, state: State) -> Answer {
        if !self.step() {
            return self.exhausted();
        }
        if self.formulas.budget.is_deep() {
            return too_deep();
        }
        if self.nesting >= NESTING {
            return Answer::unknown(
                "budget",
                "more than 300 choices and values inside one another",
            );
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
        let shortest = (0..state.choices.len()).min_by_key(|index| state.choices[*index].len());
        if let Some(index) = shortest {
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

    fn theory(&mut self, state: &State) -> Answer {
        let gap = state
            .known
            .iter()
            .find_map(|lit| match self.formulas.node(*lit) {
                Node::Opaque(number) => self.formulas.gaps.get(*number as usize).cloned(),
                _ => None,
            });
        match (self.theory_of_type(state), gap) {
            // Whatever the gap says, the rest has no value.
            (Answer::Unsat, _) => Answer::Unsat,
            (_, Some(gap)) => Answer::Unknown(gap),
            (answer, None) => answer,
        }
    }

    fn theory_of_type(&mut self, state: &State) -> Answer {
        match state.kinds {
            kind::NULL | kind::BOOLEAN => self.constants(state),
            kind::INTEGER => self.number(state).solve(true),
            kind::FRACTION => self.number(state).solve(false),
            kind::WHOLE => match self.number(state).solve(true) {
                Answer::Sat(value) => with_fraction(&value).map_or_else(
                    || {
                        Answer::unknown(
                            "type",
                            "the number found is beyond what a 64-bit float tells apart",
                        )
                    },
                    Answer::Sat,
                ),
                other => other,
            },
            kind::STRING => {
                let texts = self.texts(state);
                texts.solve(self.formulas)
            }
            kind::ARRAY => self.array(state),
            _ => self.object(state),
        }
    }

    fn excluded<'s>(&'s self, state: &'s State) -> impl Iterator<Item = &'s Value> {
        state
            .known
            .iter()
            .filter(|lit| lit.is_negated())
            .filter_map(|lit| match self.formulas.node(*lit) {
                Node::Values(ids) => Some(ids.iter().map(|id| self.formulas.values.get(*id))),
                _ => None,
            })
            .flatten()
    }

    fn constants(&self, state: &State) -> Answer {
        let all = if state.kinds == kind::NULL {
            vec![Value::Null]
        } else {
            vec![Value::Bool(true), Value::Bool(false)]
        };
        all.into_iter()
            .find(|value| !self.excluded(state).any(|other| other == value))
            .map_or(Answer::Unsat, Answer::Sat)
    }

    fn number(&self, state: &State) -> Numbers {
        let mut numbers = Numbers::default();
        for lit in &state.known {
            match (self.formulas.node(*lit), lit.is_negated()) {
                (Node::Lower { bound, open }, false) => numbers.above(bound, *open),
                (Node::Lower { bound, open }, true) => numbers.below(bound, !open),
                (Node::Upper { bound, open }, false) => numbers.below(bound, *open),
                (Node::Upper { bound, open }, true) => numbers.above(bound, !open),
                (Node::Multiple(step), false) => numbers.steps.push(step.clone()),
                (Node::Multiple(step), true) => numbers.no_steps.push(step.clone()),
                _ => {}
            }
        }
        numbers.excluded = self
            .excluded(state)
            .filter_map(|value| match value {
                Value::Number(number) => Some(rational(number)),
                _ => None,
            })
            .collect();
        numbers
    }

    fn texts(&self, state: &State) -> Texts {
        let mut texts = Texts::default();
        let tighten = |texts: &mut Texts, max: u64| {
            texts.max = Some(texts.max.map_or(max, |known| known.min(max)))
        };
        for lit in &state.known {
            match (self.formulas.node(*lit), lit.is_negated()) {
                (Node::MinLength(count), false) => texts.min = texts.min.max(*count),
                // Never negated at 0: that says nothing and is no formula.
                (Node::MinLength(count), true) => tighten(&mut texts, count.saturating_sub(1)),
                (Node::MaxLength(count), false) => tighten(&mut texts, *count),
                (Node::MaxLength(count), true) => {
                    texts.min = texts.min.max(count.saturating_add(1))
                }
                (Node::Pattern(pattern), false) => texts.patterns.push(*pattern),
                (Node::Pattern(pattern), true) => texts.no_patterns.push(*pattern),
                (Node::Format(name), false) => texts.formats.push(name.clone()),
                (Node::Format(name), true) => texts.no_formats.push(name.clone()),
                _ => {}
            }
        }
        texts.excluded = self
            .excluded(state)
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect();
        texts
    }
}
