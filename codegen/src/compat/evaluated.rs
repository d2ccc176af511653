//! What schemas that hold have spoken about: which members and items, and on what condition.
//!
//! `unevaluatedProperties`, `unevaluatedItems` and closed writers ask for it. A branch speaks where it holds, so each
//! member and each item comes with the formula that says when; what is said without condition needs none. The number of
//! branches does not matter: nothing is told apart but what a member's own condition names.
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::formula::{Formulas, Lit};
use super::lower::{IN_DOUBT, Lowering};
use super::pattern::PatternId;
use crate::model::{Keywords, NodeKind, SchemaId};

/// Deepest nesting of schemas on one value; what refers to itself without end is met here.
const NESTING: usize = 64;

/// What a schema evaluates where it holds; each with the condition under which it does.
#[derive(Clone, Debug)]
pub(super) struct Evaluated {
    pub(super) names: BTreeMap<String, Lit>,
    pub(super) patterns: BTreeMap<PatternId, Lit>,
    pub(super) all_members: Lit,
    /// By how many leading items they are.
    pub(super) prefixes: BTreeMap<usize, Lit>,
    /// By what an item satisfies.
    pub(super) contains: BTreeMap<Lit, Lit>,
    /// As `contains`, to some validators: draft 2019-09 does not say so, and many do it all the same.
    pub(super) perhaps: BTreeMap<Lit, Lit>,
    pub(super) all_items: Lit,
    /// What holds besides: of branches that hold as written, those that a writer closes hold closed.
    pub(super) also: BTreeSet<Lit>,
}

impl Default for Evaluated {
    fn default() -> Self {
        Self {
            names: BTreeMap::new(),
            patterns: BTreeMap::new(),
            all_members: Lit::FALSE,
            prefixes: BTreeMap::new(),
            contains: BTreeMap::new(),
            perhaps: BTreeMap::new(),
            all_items: Lit::FALSE,
            also: BTreeSet::new(),
        }
    }
}

impl Evaluated {
    fn speaks(&self) -> bool {
        !(self.names.is_empty()
            && self.patterns.is_empty()
            && self.prefixes.is_empty()
            && self.contains.is_empty()
            && self.perhaps.is_empty())
            || self.all_members != Lit::FALSE
            || self.all_items != Lit::FALSE
    }

    /// What another schema evaluates too, where `condition` holds.
    fn join(&mut self, other: &Self, condition: Lit, formulas: &mut Formulas) {
        fn add<K: Clone + Ord>(
            own: &mut BTreeMap<K, Lit>,
            other: &BTreeMap<K, Lit>,
            condition: Lit,
            formulas: &mut Formulas,
        ) {
            formulas.budget.spend(other.len());
            for (what, when) in other {
                let known = own.entry(what.clone()).or_insert(Lit::FALSE);
                *known = either(formulas, *known, (condition, *when));
            }
        }
        add(&mut self.names, &other.names, condition, formulas);
        add(&mut self.patterns, &other.patterns, condition, formulas);
        add(&mut self.prefixes, &other.prefixes, condition, formulas);
        add(&mut self.contains, &other.contains, condition, formulas);
        add(&mut self.perhaps, &other.perhaps, condition, formulas);
        self.all_members = either(formulas, self.all_members, (condition, other.all_members));
        self.all_items = either(formulas, self.all_items, (condition, other.all_items));
        for also in &other.also {
            self.also.insert(formulas.any([!condition, *also]));
        }
    }

    /// What each of some schemas evaluates, of which one holds at least, is evaluated without condition.
    fn take_common(&mut self, all: &[Rc<Self>]) {
        let Some((first, others)) = all.split_first() else {
            return;
        };
        fn common<K: Clone + Ord>(
            first: &BTreeMap<K, Lit>,
            others: &[&BTreeMap<K, Lit>],
        ) -> BTreeMap<K, Lit> {
            let always = |map: &BTreeMap<K, Lit>, what: &K| map.get(what) == Some(&Lit::TRUE);
            let kept = first.keys().filter(|what| {
                always(first, what) && others.iter().all(|other| always(other, what))
            });
            kept.map(|what| (what.clone(), Lit::TRUE)).collect()
        }
        let names: Vec<_> = others.iter().map(|other| &other.names).collect();
        self.names.extend(common(&first.names, &names));
        let patterns: Vec<_> = others.iter().map(|other| &other.patterns).collect();
        self.patterns.extend(common(&first.patterns, &patterns));
        if all.iter().all(|one| one.all_members == Lit::TRUE) {
            self.all_members = Lit::TRUE;
        }
        if all.iter().all(|one| one.all_items == Lit::TRUE) {
            self.all_items = Lit::TRUE;
        }
    }
}

/// `known`, or both of the others.
fn either(formulas: &mut Formulas, known: Lit, (condition, when): (Lit, Lit)) -> Lit {
    if known == Lit::TRUE || when == Lit::FALSE {
        return known;
    }
    // Each branch is looked at again with every one that is added.
    formulas.budget.spend(formulas.width(known));
    let both = formulas.all([condition, when]);
    formulas.any([known, both])
}

/// Too much to be told apart, or a schema that refers to itself.
#[derive(Debug)]
pub(super) struct Beyond(pub(super) &'static str);

impl Lowering<'_> {
    /// What a schema evaluates where it holds.
    pub(super) fn evaluated(
        &mut self,
        id: SchemaId,
        scope: u32,
        closed: bool,
        nesting: usize,
    ) -> Result<Rc<Evaluated>, Beyond> {
        let place = (id, scope, closed);
        if let Some(known) = self.evaluations.get(&place) {
            return Ok(Rc::clone(known));
        }
        if nesting > NESTING || self.formulas.budget.is_deep() {
            return Err(Beyond("schemas on one value are nested without end"));
        }
        if self.formulas.budget.is_spent() {
            return Err(Beyond("what branches evaluate takes too long to find out"));
        }
        let model = self.model;
        let keywords = match &model.node(id).kind {
            NodeKind::Bool(_) => return Ok(Rc::default()),
            NodeKind::Keywords(keywords) => keywords,
        };
        let outer = std::mem::replace(&mut self.leans, usize::MAX);
        let found = self.look_through(id, keywords, (scope, closed), nesting);
        let leans = std::mem::replace(&mut self.leans, outer);
        self.leans = self.leans.min(leans);
        let mut found = found?;
        // The schema's own `unevaluated…` evaluates whatever is left.
        if keywords.object.unevaluated_properties.is_some() {
            found.all_members = Lit::TRUE;
        }
        if keywords.array.unevaluated_items.is_some() {
            found.all_items = Lit::TRUE;
        }
        let found = Rc::new(found);
        if leans == usize::MAX {
            self.evaluations.insert(place, Rc::clone(&found));
        }
        Ok(found)
    }

    /// What a schema evaluates without its own `unevaluatedProperties` and `unevaluatedItems`.
    pub(super) fn look_through(
        &mut self,
        id: SchemaId,
        keywords: &Keywords,
        (scope, closed): (u32, bool),
        nesting: usize,
    ) -> Result<Evaluated, Beyond> {
        let scope = self.enter(scope, id);
        if self.is_in_doubt(keywords, scope) {
            return Err(Beyond(IN_DOUBT));
        }
        let mut found = self.own(keywords, scope);
        let mut always: Vec<SchemaId> = keywords.reference.into_iter().collect();
        always.extend(self.dynamic_target(keywords, scope));
        always.extend(&keywords.all_of);
        for part in always {
            let inner = self.evaluated(part, scope, closed, nesting + 1)?;
            found.join(&inner, Lit::TRUE, self.formulas);
        }
        for branches in [&keywords.any_of, &keywords.one_of] {
            self.branches(branches, (scope, closed), nesting, &mut found)?;
        }
        if let Some(condition) = keywords.condition {
            let holds = self.negated(condition, scope);
            let inner = self.evaluated(condition, scope, false, nesting + 1)?;
            found.join(&inner, holds, self.formulas);
            let mut either = Vec::new();
            for (schema, applies) in [(keywords.then, holds), (keywords.otherwise, !holds)] {
                if let Some(schema) = schema {
                    let inner = self.evaluated(schema, scope, closed, nesting + 1)?;
                    either.push((inner, applies));
                }
            }
            if let [(then, _), (otherwise, _)] = either.as_slice() {
                found.take_common(&[Rc::clone(then), Rc::clone(otherwise)]);
            }
            for (inner, applies) in either {
                found.join(&inner, applies, self.formulas);
            }
        }
        for (name, schema) in &keywords.object.dependent_schemas {
            let inner = self.evaluated(*schema, scope, closed, nesting + 1)?;
            let mut applies = self.formulas.has(name);
            if self.is_in_dispute(keywords, name) {
                let ignored = self.no_dependencies(id);
                applies = self.formulas.all([applies, !ignored]);
            }
            found.join(&inner, applies, self.formulas);
        }
        Ok(found)
    }

    /// What a schema's own keywords evaluate.
    fn own(&mut self, keywords: &Keywords, scope: u32) -> Evaluated {
        let mut own = Evaluated::default();
        let object = &keywords.object;
        let names = object.properties.keys();
        own.names
            .extend(names.map(|name| (name.clone(), Lit::TRUE)));
        for source in object.pattern_properties.keys() {
            let pattern = self.formulas.patterns.intern(source, "");
            own.patterns.insert(pattern, Lit::TRUE);
        }
        if object.additional_properties.is_some() {
            own.all_members = Lit::TRUE;
        }
        let array = &keywords.array;
        if !array.prefix_items.is_empty() {
            own.prefixes.insert(array.prefix_items.len(), Lit::TRUE);
        }
        if array.items.is_some() {
            own.all_items = Lit::TRUE;
        }
        if let Some(contains) = array.contains {
            let item = self.inner(contains, scope, false);
            let whose = if array.contains_evaluates {
                &mut own.contains
            } else {
                &mut own.perhaps
            };
            whose.insert(item, Lit::TRUE);
        }
        own
    }

    /// What the branches of `anyOf` or `oneOf` evaluate, each where it holds.
    fn branches(
        &mut self,
        branches: &[SchemaId],
        (scope, closed): (u32, bool),
        nesting: usize,
        found: &mut Evaluated,
    ) -> Result<(), Beyond> {
        let mut all = Vec::with_capacity(branches.len());
        for branch in branches {
            all.push(self.evaluated(*branch, scope, closed, nesting + 1)?);
        }
        if !all.iter().any(|inner| inner.speaks()) {
            return Ok(());
        }
        found.take_common(&all);
        for (branch, inner) in branches.iter().zip(all) {
            let written = self.negated(*branch, scope);
            let holds = self.in_place(*branch, scope, closed);
            found.join(&inner, holds, self.formulas);
            if holds != written {
                found.also.insert(self.formulas.any([!written, holds]));
            }
        }
        Ok(())
    }
}
