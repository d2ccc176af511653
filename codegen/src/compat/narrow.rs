//! A goal on its way to keywords: what is known of it, and which choices are left.
use std::collections::HashSet;

use super::formula::{Formulas, Lit, Node, kind};
use super::solve::Solver;
use super::values::{ValueId, kind_of};

/// Most branches of one `oneOf`; each is told apart from each.
const BRANCHES: usize = 200;

/// The type bits of a value however its number is written.
const fn spellings(kind: u8) -> u8 {
    if kind & (kind::INTEGER | kind::WHOLE) == 0 {
        kind
    } else {
        kind::INTEGER | kind::WHOLE
    }
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

impl Solver<'_> {
    /// Takes a formula as true; false where that contradicts what is known.
    pub(super) fn assume(&mut self, lit: Lit, state: &mut State) -> bool {
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
                (Node::All(parts), true) => {
                    state
                        .choices
                        .push(parts.iter().map(|part| !*part).collect());
                    // Where the same is asked to hold elsewhere, no branch of it has to be tried.
                    state.learn(lit);
                }
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
    pub(super) fn narrow(&mut self, state: &mut State) -> bool {
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
}
