//! Arrays: how long, what at each place, how many of which kind.
//!
//! Places are the leading ones that schemas tell apart, and any number of later ones that are all alike. At each
//! place it is decided which `contains` its item satisfies; counts then decide whether the places fit together.
//! A shortest array needs no more later places than the minimum length, the counts and the violations ask for.
use serde_json::Value;

use super::formula::{Lit, Node};
use super::narrow::State;
use super::solve::{Answer, SIZE, Solver, spent, too_deep, too_large};
use super::values::size;

/// Most places of an array that is built.
const PLACES: usize = 2_000;

/// Most places of an array whose items must differ.
const DISTINCT: usize = 200;

/// Most `contains` told apart.
const CONTAINS: usize = 5;

/// Most arrangements tried.
const ARRANGEMENTS: usize = 3_000;

/// What is asked of an array.
#[derive(Default)]
struct Arrays {
    min: u64,
    max: Option<u64>,
    /// Statements on every item: leading ones and the rest.
    items: Vec<(Vec<Lit>, Lit)>,
    /// Statements of which one item at least is a violation.
    broken: Vec<(Vec<Lit>, Lit)>,
    /// Item formula, least, most.
    contains: Vec<(Lit, u64, Option<u64>)>,
    unique: bool,
    repeated: bool,
}

/// A violation: where it may stand (`None`: at any later place), and what holds there.
type Violation = (Option<usize>, usize, Lit);

impl Solver<'_> {
    pub(super) fn array(&mut self, state: &State) -> Answer {
        let mut arrays = Arrays::default();
        let mut failing_counts = Vec::new();
        for lit in &state.known {
            match (self.formulas.node(*lit), lit.is_negated()) {
                (Node::MinItems(count), false) => arrays.min = arrays.min.max(*count),
                (Node::MinItems(count), true) => tighten(&mut arrays.max, count.saturating_sub(1)),
                (Node::MaxItems(count), false) => tighten(&mut arrays.max, *count),
                (Node::MaxItems(count), true) => {
                    arrays.min = arrays.min.max(count.saturating_add(1))
                }
                (Node::Items { prefix, rest }, false) => {
                    arrays.items.push((prefix.to_vec(), *rest))
                }
                (Node::Items { prefix, rest }, true) => {
                    arrays.broken.push((prefix.to_vec(), *rest))
                }
                (Node::Contains { item, min, max }, false) => {
                    arrays.contains.push((*item, *min, *max))
                }
                (Node::Contains { item, min, max }, true) => {
                    failing_counts.push((*item, *min, *max))
                }
                (Node::Unique, false) => arrays.unique = true,
                (Node::Unique, true) => arrays.repeated = true,
                _ => {}
            }
        }
        self.count_failures(&mut arrays, &failing_counts)
    }

    /// A `contains` that fails has too few or too many.
    fn count_failures(
        &mut self,
        arrays: &mut Arrays,
        failing: &[(Lit, u64, Option<u64>)],
    ) -> Answer {
        let Some(((item, min, max), others)) = failing.split_first() else {
            return self.breaking_places(arrays);
        };
        let mut ways = Vec::new();
        if let Some(fewer) = min.checked_sub(1) {
            ways.push((*item, 0, Some(fewer)));
        }
        if let Some(max) = max {
            ways.push((*item, max.saturating_add(1), None));
        }
        self.first(&ways, |solver, way| {
            arrays.contains.push(*way);
            let answer = solver.count_failures(arrays, others);
            arrays.contains.pop();
            answer
        })
    }

    /// Chooses where each broken statement is violated.
    fn breaking_places(&mut self, arrays: &Arrays) -> Answer {
        let mut choices: Vec<Vec<Violation>> = Vec::new();
        for (prefix, rest) in &arrays.broken {
            let mut places: Vec<Violation> = Vec::new();
            for (index, lit) in prefix.iter().enumerate() {
                // What cannot be at its place alone cannot be there with others.
                if *lit != Lit::TRUE && self.may_be(arrays, index, &[!*lit]) {
                    places.push((Some(index), index, !*lit));
                }
            }
            if *rest != Lit::TRUE {
                places.push((None, prefix.len(), !*rest));
            }
            if places.is_empty() {
                return Answer::Unsat;
            }
            choices.push(places);
        }
        choices.sort_by_key(Vec::len);
        self.choose_violations(arrays, &choices, &mut Vec::new())
    }

    /// Whether an item at this place may have all of these; `true` as well where nobody knows.
    fn may_be(&mut self, arrays: &Arrays, place: usize, also: &[Lit]) -> bool {
        if arrays.max.is_some_and(|max| place as u64 >= max) {
            return false;
        }
        let mut goal = Self::base(arrays, place);
        goal.extend(also);
        self.solve(&goal) != Answer::Unsat
    }

    fn choose_violations(
        &mut self,
        arrays: &Arrays,
        choices: &[Vec<Violation>],
        chosen: &mut Vec<Violation>,
    ) -> Answer {
        let Some((options, others)) = choices.split_first() else {
            return self.arrange(arrays, chosen);
        };
        self.first(options, |solver, option| {
            let before = chosen.len();
            // Of two that are the same one is enough.
            if !chosen.contains(option) {
                chosen.push(*option);
            }
            let possible = option.0.is_none_or(|place| {
                let here = chosen.iter().filter(|(at, ..)| *at == Some(place));
                let all: Vec<Lit> = here.map(|(_, _, lit)| *lit).collect();
                all.len() < 2 || solver.may_be(arrays, place, &all)
            });
            let answer = if possible {
                solver.choose_violations(arrays, others, chosen)
            } else {
                Answer::Unsat
            };
            chosen.truncate(before);
            answer
        })
    }

    fn base(arrays: &Arrays, place: usize) -> Vec<Lit> {
        arrays
            .items
            .iter()
            .map(|(prefix, rest)| prefix.get(place).copied().unwrap_or(*rest))
            .collect()
    }

    /// Tries lengths, shortest first, up to the longest that a shortest array can need.
    fn arrange(&mut self, arrays: &Arrays, violations: &[Violation]) -> Answer {
        // From here on all places are alike for every statement.
        let leading = arrays
            .items
            .iter()
            .map(|(prefix, _)| prefix.len())
            .chain(
                violations
                    .iter()
                    .map(|(place, from, _)| place.map_or(*from, |place| place + 1)),
            )
            .max()
            .unwrap_or(0);
        let counted = arrays
            .contains
            .iter()
            .fold(0_u64, |sum, (_, least, _)| sum.saturating_add(*least));
        let pairs = if arrays.repeated { 2 } else { 0 };
        let enough = (leading as u64)
            .saturating_add(counted)
            .saturating_add(violations.len() as u64 + pairs)
            .max(arrays.min);
        let longest = arrays.max.map_or(enough, |max| max.min(enough));
        let contains: Vec<(Lit, u64, Option<u64>)> = arrays.contains.clone();
        if contains.len() > CONTAINS {
            return Answer::unknown("contains", "more than 5 at one array");
        }
        // A length that is asked for by the minimum alone is as good as any above it.
        if longest > PLACES as u64 {
            return Answer::unknown(
                "minItems",
                "no array is built that is longer than 2,000 items",
            );
        }
        let shortest = violations
            .iter()
            .filter_map(|(place, from, _)| {
                place
                    .map(|place| place as u64 + 1)
                    .or(Some(*from as u64 + 1))
            })
            .max()
            .unwrap_or(0)
            .max(arrays.min);
        let mut unknown = None;
        for length in shortest..=longest {
            if self.formulas.budget.is_spent() {
                return spent();
            }
            let mut plan = Arrangement {
                arrays,
                contains: &contains,
                violations,
                length: usize::try_from(length).unwrap_or(PLACES),
                leading,
                tries: ARRANGEMENTS,
            };
            match plan.solve(self) {
                Answer::Sat(value) => return Answer::Sat(value),
                Answer::Unsat => {}
                Answer::Unknown(gap) => {
                    unknown.get_or_insert(gap);
                }
            }
        }
        unknown.map_or(Answer::Unsat, Answer::Unknown)
    }
}

fn tighten(max: &mut Option<u64>, bound: u64) {
    *max = Some(max.map_or(bound, |known| known.min(bound)));
}

/// One length.
struct Arrangement<'a> {
    arrays: &'a Arrays,
    contains: &'a [(Lit, u64, Option<u64>)],
    violations: &'a [Violation],
    length: usize,
    leading: usize,
    tries: usize,
}

impl Arrangement<'_> {
    /// Places each violation, then each place's kinds.
    fn solve(&mut self, solver: &mut Solver<'_>) -> Answer {
        // Places are copied, and compared with one another.
        let cost = self.length * (1 + self.arrays.items.len()) + self.leading * self.leading / 8;
        solver.formulas.budget.spend(cost);
        if solver.formulas.budget.is_spent() {
            return spent();
        }
        let mut goals: Vec<Vec<Lit>> = (0..self.length)
            .map(|place| Solver::base(self.arrays, place))
            .collect();
        let violations = self.violations.to_vec();
        self.place(solver, &violations, &mut goals)
    }

    fn place(
        &mut self,
        solver: &mut Solver<'_>,
        violations: &[Violation],
        goals: &mut Vec<Vec<Lit>>,
    ) -> Answer {
        let Some(((fixed, from, lit), others)) = violations.split_first() else {
            return self.repeat(solver, goals);
        };
        let options: Vec<usize> = match fixed {
            Some(place) => vec![*place],
            None => self.distinct_places(*from, goals),
        };
        solver.first(&options, |solver, place| {
            if *place >= goals.len() {
                return Answer::Unsat;
            }
            goals[*place].push(*lit);
            let answer = match solver.solve(&goals[*place]) {
                Answer::Sat(_) | Answer::Unknown(_) => self.place(solver, others, goals),
                Answer::Unsat => Answer::Unsat,
            };
            goals[*place].pop();
            answer
        })
    }

    /// Places from `from` on; of later ones with the same goal only the first.
    fn distinct_places(&self, from: usize, goals: &[Vec<Lit>]) -> Vec<usize> {
        let mut places: Vec<usize> = Vec::new();
        for place in from..goals.len() {
            let alike = places.iter().any(|other| {
                *other >= self.leading && place >= self.leading && goals[*other] == goals[place]
            });
            if !alike {
                places.push(place);
            }
        }
        places
    }

    /// Two equal items where `uniqueItems` must fail.
    fn repeat(&mut self, solver: &mut Solver<'_>, goals: &mut [Vec<Lit>]) -> Answer {
        if !self.arrays.repeated {
            let mut chosen = Vec::new();
            return self.kinds(solver, goals, &mut chosen, None);
        }
        if self.arrays.unique {
            return Answer::Unsat;
        }
        let mut pairs = Vec::new();
        for left in self.distinct_places(0, goals) {
            let rest = self.distinct_places(left + 1, goals);
            pairs.extend(rest.into_iter().map(|right| (left, right)));
        }
        solver.first(&pairs, |solver, (left, right)| {
            solver.formulas.budget.spend(4 * goals.len());
            if solver.formulas.budget.is_spent() {
                return spent();
            }
            let mut joined = goals.to_vec();
            let both: Vec<Lit> = goals[*left].iter().chain(&goals[*right]).copied().collect();
            joined[*left].clone_from(&both);
            joined[*right] = both;
            let mut chosen = Vec::new();
            self.kinds(solver, &joined, &mut chosen, Some((*left, *right)))
        })
    }

    /// Chooses for each place which `contains` hold there; places that are alike in growing order.
    fn kinds(
        &mut self,
        solver: &mut Solver<'_>,
        goals: &[Vec<Lit>],
        chosen: &mut Vec<usize>,
        pair: Option<(usize, usize)>,
    ) -> Answer {
        let place = chosen.len();
        if self.contains.is_empty() {
            // Nothing to choose, however many places there are.
            chosen.resize(goals.len(), 0);
        }
        if place == goals.len() || self.contains.is_empty() {
            return if self.counts_fit(chosen) {
                self.fill(solver, goals, chosen, pair)
            } else {
                Answer::Unsat
            };
        }
        if solver.formulas.budget.is_deep() {
            return too_deep();
        }
        if self.tries == 0 {
            return Answer::unknown("contains", "more than 3,000 arrangements of items");
        }
        self.tries -= 1;
        // The same kinds at a place like the one before, or later ones: the order of equal places is free.
        let like_before = place > self.leading
            && goals[place] == goals[place - 1]
            && pair.is_none_or(|(left, right)| {
                place != left && place != right && place - 1 != left && place - 1 != right
            });
        let from = if like_before { chosen[place - 1] } else { 0 };
        let options: Vec<usize> = match pair {
            Some((left, right)) if right == place => vec![chosen[left]],
            _ => (from..1 << self.contains.len()).collect(),
        };
        solver.first(&options, |solver, kinds| {
            if !self.counts_may_fit(chosen, *kinds, goals.len()) {
                return Answer::Unsat;
            }
            let goal = self.goal(&goals[place], *kinds);
            match solver.solve(&goal) {
                Answer::Unsat => Answer::Unsat,
                Answer::Unknown(gap) => Answer::Unknown(gap),
                Answer::Sat(_) => {
                    chosen.push(*kinds);
                    let answer = self.kinds(solver, goals, chosen, pair);
                    chosen.pop();
                    answer
                }
            }
        })
    }

    fn goal(&self, base: &[Lit], kinds: usize) -> Vec<Lit> {
        let told = self.contains.iter().enumerate();
        base.iter()
            .copied()
            .chain(
                told.map(|(index, (lit, ..))| if kinds >> index & 1 == 1 { *lit } else { !*lit }),
            )
            .collect()
    }

    fn counts_fit(&self, chosen: &[usize]) -> bool {
        self.contains
            .iter()
            .enumerate()
            .all(|(index, (_, least, most))| {
                let count = chosen
                    .iter()
                    .filter(|kinds| **kinds >> index & 1 == 1)
                    .count() as u64;
                count >= *least && most.is_none_or(|most| count <= most)
            })
    }

    fn counts_may_fit(&self, chosen: &[usize], next: usize, places: usize) -> bool {
        let left = (places - chosen.len() - 1) as u64;
        self.contains
            .iter()
            .enumerate()
            .all(|(index, (_, least, most))| {
                let count = chosen
                    .iter()
                    .chain([&next])
                    .filter(|kinds| **kinds >> index & 1 == 1)
                    .count() as u64;
                most.is_none_or(|most| count <= most) && count + left >= *least
            })
    }

    /// Finds the items.
    fn fill(
        &mut self,
        solver: &mut Solver<'_>,
        goals: &[Vec<Lit>],
        kinds: &[usize],
        pair: Option<(usize, usize)>,
    ) -> Answer {
        let goals: Vec<Vec<Lit>> = goals
            .iter()
            .zip(kinds)
            .map(|(base, kinds)| self.goal(base, *kinds))
            .collect();
        if self.arrays.unique {
            return distinct_items(solver, &goals);
        }
        let mut items: Vec<Value> = Vec::with_capacity(goals.len());
        let mut total = 0;
        for (place, goal) in goals.iter().enumerate() {
            total += items.last().map_or(0, size);
            solver.formulas.budget.spend(1);
            if total > SIZE {
                return too_large();
            }
            if let Some((left, right)) = pair
                && right == place
            {
                let same = items[left].clone();
                items.push(same);
                continue;
            }
            match solver.solve(goal) {
                Answer::Sat(value) => items.push(value),
                other => return other,
            }
        }
        Answer::Sat(Value::Array(items))
    }
}

/// An item for each goal, no two equal: as many values for each as there are places, then a matching.
fn distinct_items(solver: &mut Solver<'_>, goals: &[Vec<Lit>]) -> Answer {
    if goals.len() > DISTINCT {
        return Answer::unknown(
            "uniqueItems",
            "no array is built with more than 200 different items",
        );
    }
    let mut pool: Vec<Value> = Vec::new();
    let mut total = 0;
    let mut options: Vec<Vec<usize>> = Vec::new();
    for (place, goal) in goals.iter().enumerate() {
        if let Some(same) = goals[..place].iter().position(|other| other == goal) {
            let known = options[same].clone();
            options.push(known);
            continue;
        }
        let mut found: Vec<usize> = Vec::new();
        let mut goal = goal.clone();
        while found.len() < goals.len() {
            match solver.solve(&goal) {
                Answer::Unsat => break,
                Answer::Unknown(gap) => return Answer::Unknown(gap),
                Answer::Sat(value) => {
                    total += size(&value);
                    if total > SIZE {
                        return too_large();
                    }
                    let excluded = solver.formulas.one_of_values([&value]);
                    goal.push(!excluded);
                    let index = pool
                        .iter()
                        .position(|other| *other == value)
                        .unwrap_or_else(|| {
                            pool.push(value);
                            pool.len() - 1
                        });
                    if found.contains(&index) {
                        return Answer::unknown("uniqueItems", "the same value was found twice");
                    }
                    found.push(index);
                }
            }
        }
        options.push(found);
    }
    let mut taken: Vec<Option<usize>> = vec![None; pool.len()];
    for place in 0..goals.len() {
        if !augment(place, &options, &mut taken, &mut vec![false; pool.len()]) {
            return Answer::Unsat;
        }
    }
    let mut items = vec![Value::Null; goals.len()];
    for (value, place) in pool.into_iter().zip(&taken) {
        if let Some(place) = place {
            items[*place] = value;
        }
    }
    Answer::Sat(Value::Array(items))
}

/// Finds a value for a place, moving others where they have a choice.
fn augment(
    place: usize,
    options: &[Vec<usize>],
    taken: &mut [Option<usize>],
    tried: &mut [bool],
) -> bool {
    for value in &options[place] {
        if std::mem::replace(&mut tried[*value], true) {
            continue;
        }
        let holder = taken[*value];
        if holder.is_none_or(|holder| augment(holder, options, taken, tried)) {
            taken[*value] = Some(place);
            return true;
        }
    }
    false
}
