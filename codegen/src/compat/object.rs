//! Objects: which members, under which names, with which values.
//!
//! Names that schemas speak of are told apart one by one; all others by which patterns they match. A statement
//! that must fail needs one member that violates it, so each such statement chooses a name, known or new.
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::formula::{Lit, Members, Node, kind};
use super::narrow::State;
use super::pattern::PatternId;
use super::solve::{Answer, SIZE, Solver, too_deep, too_large};
use super::values::size;

/// Most decisions about which patterns a new name matches.
const CLASSES: usize = 4_096;

/// Most members of an object that is built.
const MEMBERS: u64 = 300;

/// What is asked of an object.
#[derive(Default)]
struct Objects {
    min: u64,
    max: Option<u64>,
    required: BTreeSet<String>,
    forbidden: BTreeSet<String>,
    /// Statements on every member.
    members: Vec<Members>,
    /// Statements on every name.
    names: Vec<Lit>,
    /// Statements on members of which one at least is violated.
    broken: Vec<Members>,
    /// Statements on names of which one at least is violated.
    broken_names: Vec<Lit>,
    /// Every name that is spoken of, sorted.
    spoken: Vec<String>,
    patterns: Vec<PatternId>,
}

/// A member that some statement asks for.
#[derive(Clone, Debug)]
enum Wish {
    /// Under a name that is spoken of.
    Known(String, Lit),
    /// Under another name: what holds of the name, and of the value.
    New { name: Vec<Lit>, value: Lit },
}

/// Members chosen so far.
#[derive(Clone, Debug, Default)]
struct Chosen {
    known: BTreeMap<String, Vec<Lit>>,
    /// Of the name; of the value.
    new: Vec<(Vec<Lit>, Vec<Lit>)>,
}

/// New names that match the same patterns.
#[derive(Debug)]
struct Class {
    /// What holds of the name.
    name: Vec<Lit>,
    matched: Vec<PatternId>,
    /// Decisions that may still be made.
    left: usize,
}

impl Solver<'_> {
    pub(super) fn object(&mut self, state: &State) -> Answer {
        let mut objects = Objects::default();
        for lit in &state.known {
            match (self.formulas.node(*lit), lit.is_negated()) {
                (Node::MinMembers(count), false) => objects.min = objects.min.max(*count),
                (Node::MinMembers(count), true) => objects.at_most(count.saturating_sub(1)),
                (Node::MaxMembers(count), false) => objects.at_most(*count),
                (Node::MaxMembers(count), true) => {
                    objects.min = objects.min.max(count.saturating_add(1))
                }
                (Node::Required(name), false) => {
                    objects.required.insert(name.to_string());
                }
                (Node::Required(name), true) => {
                    objects.forbidden.insert(name.to_string());
                }
                (Node::Members(members), false) => objects.members.push(members.clone()),
                (Node::Members(members), true) => objects.broken.push(members.clone()),
                (Node::Names(names), false) => objects.names.push(*names),
                (Node::Names(names), true) => objects.broken_names.push(*names),
                _ => {}
            }
        }
        if objects
            .required
            .intersection(&objects.forbidden)
            .next()
            .is_some()
        {
            return Answer::Unsat;
        }
        objects.survey();
        // Before any choice: what must be there must be possible.
        let mut chosen = Chosen::default();
        let mut unknown = None;
        for name in objects.required.clone() {
            match self.try_known(&objects, &name, &[]) {
                Answer::Sat(_) => {}
                Answer::Unsat => return Answer::Unsat,
                Answer::Unknown(gap) => {
                    unknown.get_or_insert(gap);
                }
            }
            chosen.known.insert(name, Vec::new());
        }
        if let Some(gap) = unknown {
            return Answer::Unknown(gap);
        }
        let mut wishes: Vec<Vec<Wish>> = Vec::new();
        for members in &objects.broken {
            match self.violations(&objects, members) {
                Ok(options) => wishes.push(options),
                Err(answer) => return answer,
            }
        }
        for names in &objects.broken_names {
            match self.name_violations(&objects, *names) {
                Ok(options) => wishes.push(options),
                Err(answer) => return answer,
            }
        }
        // What cannot be granted alone cannot be granted at all.
        let mut possible = Vec::with_capacity(wishes.len());
        for options in wishes {
            let options = self.possible(&objects, options);
            if options.is_empty() {
                return Answer::Unsat;
            }
            possible.push(options);
        }
        let mut wishes = possible;
        wishes.sort_by_key(Vec::len);
        self.grant(&objects, &wishes, &chosen)
    }

    /// What holds of a member under a known name; `None` where the name is not allowed.
    fn known_goal(
        &mut self,
        objects: &Objects,
        name: &str,
        extra: &[Lit],
    ) -> Result<Option<Vec<Lit>>, Answer> {
        if objects.forbidden.contains(name) {
            return Ok(None);
        }
        let text = Value::String(name.to_owned());
        for lit in &objects.names {
            match self.formulas.holds(*lit, &text) {
                Some(true) => {}
                Some(false) => return Ok(None),
                None => return Err(self.gap_of(&[*lit])),
            }
        }
        let mut goal = extra.to_vec();
        for members in &objects.members {
            match self.formulas.applicable(members, name) {
                Some(parts) => goal.extend(parts),
                None => {
                    let in_doubt = |(pattern, _): &&(PatternId, Lit)| {
                        self.doubt_of(*pattern, "patternProperties").is_some()
                    };
                    let first = members.patterns.iter().find(in_doubt);
                    let first = first.or_else(|| members.patterns.first());
                    return Err(match first {
                        Some((pattern, _)) => self.untried(*pattern),
                        None => self.gap_of(&[]),
                    });
                }
            }
        }
        Ok(Some(goal))
    }

    fn try_known(&mut self, objects: &Objects, name: &str, extra: &[Lit]) -> Answer {
        match self.known_goal(objects, name, extra) {
            Ok(Some(goal)) => self.solve(&goal),
            Ok(None) => Answer::Unsat,
            Err(answer) => answer,
        }
    }

    /// The ways to violate a statement on members.
    fn violations(&mut self, objects: &Objects, broken: &Members) -> Result<Vec<Wish>, Answer> {
        let mut options: Vec<Wish> = broken
            .named
            .iter()
            .filter(|(_, lit)| *lit != Lit::TRUE)
            .map(|(name, lit)| Wish::Known(name.to_string(), !*lit))
            .collect();
        for (pattern, lit) in broken.patterns.iter().filter(|(_, lit)| *lit != Lit::TRUE) {
            for name in &objects.spoken {
                match self.formulas.patterns.is_match(*pattern, name) {
                    Some(true) => options.push(Wish::Known(name.clone(), !*lit)),
                    Some(false) => {}
                    None => return Err(self.untried(*pattern)),
                }
            }
            let matches = self.formulas.leaf(Node::Pattern(*pattern));
            options.push(Wish::New {
                name: vec![matches],
                value: !*lit,
            });
        }
        if broken.rest != Lit::TRUE {
            for name in &objects.spoken {
                if broken.named(name).is_some() {
                    continue;
                }
                let mut spoken = false;
                for (pattern, _) in &broken.patterns {
                    match self.formulas.patterns.is_match(*pattern, name) {
                        Some(found) => spoken |= found,
                        None => return Err(self.untried(*pattern)),
                    }
                }
                if !spoken {
                    options.push(Wish::Known(name.clone(), !broken.rest));
                }
            }
            let name = broken
                .patterns
                .iter()
                .map(|(pattern, _)| !self.formulas.leaf(Node::Pattern(*pattern)))
                .collect();
            options.push(Wish::New {
                name,
                value: !broken.rest,
            });
        }
        Ok(options)
    }

    /// A pattern that cannot be tried on a name.
    fn untried(&self, pattern: PatternId) -> Answer {
        match self.doubt_of(pattern, "patternProperties") {
            Some(gap) => Answer::Unknown(gap),
            None => Answer::unknown(
                "patternProperties",
                "a pattern takes too long to try on a name, or engines differ on it",
            ),
        }
    }

    /// The ways to violate a statement on names.
    fn name_violations(&mut self, objects: &Objects, broken: Lit) -> Result<Vec<Wish>, Answer> {
        let mut options = Vec::new();
        for name in &objects.spoken {
            match self.formulas.holds(broken, &Value::String(name.clone())) {
                Some(false) => options.push(Wish::Known(name.clone(), Lit::TRUE)),
                Some(true) => {}
                None => return Err(self.gap_of(&[broken])),
            }
        }
        options.push(Wish::New {
            name: vec![!broken],
            value: Lit::TRUE,
        });
        Ok(options)
    }

    /// Without the wishes for a member that cannot be.
    fn possible(&mut self, objects: &Objects, options: Vec<Wish>) -> Vec<Wish> {
        let mut possible = Vec::with_capacity(options.len());
        for wish in options {
            let answer = match &wish {
                Wish::Known(name, lit) => self.try_known(objects, name, &[*lit]),
                Wish::New { name, value } => self.new_member(objects, name, &[*value], &[]),
            };
            if answer != Answer::Unsat {
                possible.push(wish);
            }
        }
        possible
    }

    /// Grants the wishes one after the other.
    fn grant(&mut self, objects: &Objects, wishes: &[Vec<Wish>], chosen: &Chosen) -> Answer {
        let Some((options, others)) = wishes.split_first() else {
            return self.complete(objects, chosen);
        };
        if self.formulas.budget.is_deep() {
            return too_deep();
        }
        self.first(options, |solver, wish| match wish {
            Wish::Known(name, lit) => {
                let mut next = chosen.clone();
                let extra = next.known.entry(name.clone()).or_default();
                extra.push(*lit);
                let extra = extra.clone();
                match solver.try_known(objects, name, &extra) {
                    Answer::Sat(_) => solver.grant(objects, others, &next),
                    other => other,
                }
            }
            Wish::New { name, value } => solver.grant_new(objects, others, chosen, (name, *value)),
        })
    }

    /// A member under a new name: of its own, or one that another wish made.
    fn grant_new(
        &mut self,
        objects: &Objects,
        others: &[Vec<Wish>],
        chosen: &Chosen,
        (name, value): (&[Lit], Lit),
    ) -> Answer {
        // -1 is a member of its own, the others are those made before.
        let makers: Vec<Option<usize>> = std::iter::once(None)
            .chain((0..chosen.new.len()).map(Some))
            .collect();
        self.first(&makers, |solver, maker| {
            let mut next = chosen.clone();
            let index = maker.unwrap_or_else(|| {
                next.new.push((Vec::new(), Vec::new()));
                next.new.len() - 1
            });
            next.new[index].0.extend(name);
            next.new[index].1.push(value);
            let (name, value) = next.new[index].clone();
            match solver.new_member(objects, &name, &value, &[]) {
                Answer::Sat(_) => solver.grant(objects, others, &next),
                other => other,
            }
        })
    }

    /// A name that is not spoken of, and a value under it, as an array of both.
    fn new_member(
        &mut self,
        objects: &Objects,
        name: &[Lit],
        value: &[Lit],
        taken: &[String],
    ) -> Answer {
        if value.contains(&Lit::FALSE) {
            return Answer::Unsat;
        }
        let string = self.formulas.types(kind::STRING);
        let away: Vec<Value> = objects
            .spoken
            .iter()
            .chain(taken)
            .map(|name| Value::String(name.clone()))
            .collect();
        let away = if away.is_empty() {
            Lit::TRUE
        } else {
            !self.formulas.one_of_values(&away)
        };
        let mut all = vec![string, away];
        all.extend(name);
        all.extend(&objects.names);
        let mut class = Class {
            name: all,
            matched: Vec::new(),
            left: CLASSES,
        };
        self.name_class(objects, &objects.patterns, &mut class, value, taken.len())
    }

    /// Decides of one pattern after the other whether the name matches it, and asks for name and value in the end. Names
    /// that match nothing come first: they read best. What no name can be is left out at once, so patterns of which a
    /// name matches at most one cost no more than their number.
    fn name_class(
        &mut self,
        objects: &Objects,
        patterns: &[PatternId],
        class: &mut Class,
        value: &[Lit],
        taken: usize,
    ) -> Answer {
        let Some((pattern, others)) = patterns.split_first() else {
            return self.named_member(objects, class, value, taken);
        };
        if self.formulas.budget.is_deep() {
            return too_deep();
        }
        let matches = self.formulas.leaf(Node::Pattern(*pattern));
        self.first(&[false, true], |solver, is_matched| {
            if class.left == 0 {
                return Answer::unknown(
                    "patternProperties",
                    "more than 4,096 combinations of patterns at one object",
                );
            }
            class.left -= 1;
            class
                .name
                .push(if *is_matched { matches } else { !matches });
            // Of the last pattern it is asked together with the value.
            let answer = if others.is_empty() || solver.solve(&class.name) != Answer::Unsat {
                if *is_matched {
                    class.matched.push(*pattern);
                }
                let answer = solver.name_class(objects, others, class, value, taken);
                if *is_matched {
                    class.matched.pop();
                }
                answer
            } else {
                Answer::Unsat
            };
            class.name.pop();
            answer
        })
    }

    /// A name of one class, and a value under it.
    fn named_member(
        &mut self,
        objects: &Objects,
        class: &Class,
        value: &[Lit],
        taken: usize,
    ) -> Answer {
        let mut value_goal = value.to_vec();
        for members in &objects.members {
            let spoken: Vec<Lit> = members
                .patterns
                .iter()
                .filter(|(pattern, _)| class.matched.contains(pattern))
                .map(|(_, lit)| *lit)
                .collect();
            if spoken.is_empty() {
                value_goal.push(members.rest);
            } else {
                value_goal.extend(spoken);
            }
        }
        if value_goal.contains(&Lit::FALSE) {
            return Answer::Unsat;
        }
        let found = match self.plain_name(&class.name, taken) {
            Some(name) => name,
            None => match self.solve(&class.name) {
                Answer::Sat(found) => found,
                other => return other,
            },
        };
        match self.solve(&value_goal) {
            Answer::Sat(value) => Answer::Sat(Value::Array(vec![found, value])),
            other => other,
        }
    }

    /// A name that says what it is, where one is allowed.
    fn plain_name(&mut self, goal: &[Lit], taken: usize) -> Option<Value> {
        let numbered = if taken == 0 {
            String::from("extra")
        } else {
            format!("extra{}", taken + 1)
        };
        let name = Value::String(numbered);
        let fits = goal
            .iter()
            .all(|lit| self.formulas.holds(*lit, &name) == Some(true));
        fits.then_some(name)
    }

    /// Builds the object and fills it up to its least size.
    fn complete(&mut self, objects: &Objects, chosen: &Chosen) -> Answer {
        let count = (chosen.known.len() + chosen.new.len()) as u64;
        if objects.max.is_some_and(|max| count > max)
            || objects.max.is_some_and(|max| max < objects.min)
        {
            return Answer::Unsat;
        }
        let mut built = Map::new();
        let mut total = 0;
        for (name, extra) in &chosen.known {
            match self.try_known(objects, name, extra) {
                Answer::Sat(value) => {
                    total += size(&value);
                    built.insert(name.clone(), value);
                }
                other => return other,
            }
            if total > SIZE {
                return too_large();
            }
        }
        let mut taken: Vec<String> = Vec::new();
        for (name, value) in &chosen.new {
            match self.new_member(objects, name, value, &taken) {
                Answer::Sat(member) => insert(member, &mut built, &mut taken),
                Answer::Unsat if !taken.is_empty() => {
                    // Alone it had a name: those before may have taken the few that there are.
                    return Answer::unknown(
                        "patternProperties",
                        "few names match, and members compete for them",
                    );
                }
                other => return other,
            }
        }
        if objects.min > MEMBERS {
            return Answer::unknown(
                "minProperties",
                "no object is built with more than 300 members",
            );
        }
        self.fill(objects, built, taken)
    }

    fn fill(
        &mut self,
        objects: &Objects,
        mut built: Map<String, Value>,
        mut taken: Vec<String>,
    ) -> Answer {
        let mut unknown = None;
        for name in &objects.spoken {
            if built.len() as u64 >= objects.min {
                break;
            }
            if built.contains_key(name) {
                continue;
            }
            match self.try_known(objects, name, &[]) {
                Answer::Sat(value) => {
                    built.insert(name.clone(), value);
                }
                Answer::Unsat => {}
                Answer::Unknown(gap) => {
                    unknown.get_or_insert(gap);
                }
            }
        }
        while (built.len() as u64) < objects.min {
            match self.new_member(objects, &[], &[], &taken) {
                Answer::Sat(member) => insert(member, &mut built, &mut taken),
                Answer::Unsat => return unknown.map_or(Answer::Unsat, Answer::Unknown),
                other => return other,
            }
        }
        let total: usize = built.values().map(size).sum();
        if total > SIZE {
            return too_large();
        }
        Answer::Sat(Value::Object(built))
    }
}

fn insert(member: Value, built: &mut Map<String, Value>, taken: &mut Vec<String>) {
    if let Value::Array(pair) = member
        && let Ok([Value::String(name), value]) = <[Value; 2]>::try_from(pair)
    {
        taken.push(name.clone());
        built.insert(name, value);
    }
}

impl Objects {
    fn at_most(&mut self, count: u64) {
        self.max = Some(self.max.map_or(count, |known| known.min(count)));
    }

    fn survey(&mut self) {
        let mut names: BTreeSet<String> = self.required.union(&self.forbidden).cloned().collect();
        let mut patterns: BTreeSet<PatternId> = BTreeSet::new();
        for members in self.members.iter().chain(&self.broken) {
            names.extend(members.named.iter().map(|(name, _)| name.to_string()));
        }
        // Only what every member must satisfy tells new names apart.
        for members in &self.members {
            patterns.extend(members.patterns.iter().map(|(pattern, _)| *pattern));
        }
        self.spoken = names.into_iter().collect();
        self.patterns = patterns.into_iter().collect();
    }
}
