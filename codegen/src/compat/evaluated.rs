//! `unevaluatedProperties`, `unevaluatedItems` and closed writers: which members and items the schemas that hold
//! have spoken about.
//!
//! That depends on which branches hold, so a schema is unfolded into its outcomes: for each way to hold, what is
//! true then and what has been evaluated. Branches that evaluate nothing are not told apart.
use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;

use serde_json::Value;

use super::formula::{Lit, Node};
use super::lower::{IN_DOUBT, Lowering, Place};
use super::pattern::PatternId;
use crate::model::{Keywords, Model, NodeKind, SchemaId};

/// Most outcomes of one schema; each branch that evaluates something can double them.
const OUTCOMES: usize = 128;

/// Deepest nesting of schemas on one value; what refers to itself without end is met here.
const NESTING: usize = 64;

/// One way in which a schema holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    /// What is true then.
    holds: Vec<Lit>,
    /// Members that were spoken about.
    names: BTreeSet<String>,
    patterns: BTreeSet<PatternId>,
    all_members: bool,
    /// Leading items that were spoken about.
    prefix: usize,
    /// Items that satisfy one of these were spoken about too.
    contains: BTreeSet<Lit>,
    /// Items that satisfy one of these were spoken about to some validators: draft 2019-09 does not say so, and
    /// many do it all the same.
    perhaps: BTreeSet<Lit>,
    all_items: bool,
}

impl Outcome {
    fn speaks(&self) -> bool {
        !self.names.is_empty()
            || !self.patterns.is_empty()
            || self.all_members
            || self.prefix > 0
            || !self.contains.is_empty()
            || !self.perhaps.is_empty()
            || self.all_items
    }

    fn join(&self, other: &Self) -> Self {
        let mut joined = self.clone();
        joined.holds.extend(&other.holds);
        joined.holds.sort_unstable();
        joined.holds.dedup();
        joined.names.extend(other.names.iter().cloned());
        joined.patterns.extend(&other.patterns);
        joined.all_members |= other.all_members;
        joined.prefix = joined.prefix.max(other.prefix);
        joined.contains.extend(&other.contains);
        joined.perhaps.extend(&other.perhaps);
        joined.all_items |= other.all_items;
        joined
    }
}

/// Too many outcomes, or a schema that refers to itself.
struct Beyond(&'static str);

impl Lowering<'_> {
    /// A schema with `unevaluatedProperties` or `unevaluatedItems`.
    pub(super) fn with_unevaluated(&mut self, id: SchemaId, scope: u32, closed: bool) -> Lit {
        match self.outcomes(id, scope, closed, 0) {
            Ok(outcomes) => {
                let ways: Vec<Lit> = outcomes
                    .iter()
                    .map(|outcome| self.formulas.all(outcome.holds.iter().copied()))
                    .collect();
                self.formulas.any(ways)
            }
            Err(Beyond(reason)) => {
                let members = self
                    .model
                    .keywords(id)
                    .is_some_and(|keywords| keywords.object.unevaluated_properties.is_some());
                let keyword = if members {
                    "unevaluatedProperties"
                } else {
                    "unevaluatedItems"
                };
                self.gap(id, keyword, reason)
            }
        }
    }

    /// A value of a writer that emits what it declares.
    pub(super) fn closed_value(&mut self, schema: SchemaId, scope: u32) -> Lit {
        let scope = self.enter(scope, schema);
        if let Some(gap) = self.undeclared(schema, scope) {
            let open = self.in_place(schema, scope, true);
            return self.formulas.all([open, gap]);
        }
        let Some(demanded) = self.declared(schema, scope) else {
            return self.in_place(schema, scope, true);
        };
        match self.outcomes(schema, scope, true, 0) {
            Ok(outcomes) => {
                let ways: Vec<Lit> = outcomes
                    .iter()
                    .map(|outcome| {
                        let mut declared = outcome.clone();
                        declared.names.extend(demanded.iter().cloned());
                        let closing = self.unevaluated_members(&declared, Lit::FALSE);
                        let holds = outcome.holds.iter().copied();
                        self.formulas.all(holds.chain(closing))
                    })
                    .collect();
                self.formulas.any(ways)
            }
            // Not closed at this place: more messages than the writer has, so a proof still holds, but a message
            // found may be none of its.
            Err(Beyond(reason)) => {
                let open = self.in_place(schema, scope, true);
                let gap = self.gap(schema, "properties", reason);
                self.formulas.all([open, gap])
            }
        }
    }

    /// Where what stands beside a `$ref` may declare members, to validators that read it, a writer is not closed.
    fn undeclared(&mut self, schema: SchemaId, scope: u32) -> Option<Lit> {
        if !self.doubting {
            return None;
        }
        let model = self.model;
        let declares = |schema: SchemaId| {
            let disputed = model.keywords(schema)?.disputed.as_ref()?;
            disputed.left_out.iter().find(|left_out| left_out.declares)
        };
        let (mut seen, mut open) = (HashSet::new(), vec![(schema, scope)]);
        while let Some((schema, scope)) = open.pop() {
            if !seen.insert((schema, scope)) {
                continue;
            }
            self.formulas.budget.spend(1);
            if let Some(left_out) = declares(schema) {
                return Some(self.gap(schema, left_out.keyword, &left_out.reason));
            }
            let (scope, parts) = self.parts(schema, scope);
            open.extend(parts.into_iter().map(|part| (part, scope)));
        }
        None
    }

    /// Schemas that hold on the same value, and the scope they are read in.
    fn parts(&mut self, schema: SchemaId, scope: u32) -> (u32, Vec<SchemaId>) {
        let model = self.model;
        let Some(keywords) = model.keywords(schema) else {
            return (scope, Vec::new());
        };
        let scope = self.enter(scope, schema);
        let dynamic = self.dynamic_target(keywords, scope);
        let parts = keywords
            .reference
            .into_iter()
            .chain(dynamic)
            .chain(keywords.all_of.iter().copied())
            .chain(keywords.any_of.iter().copied())
            .chain(keywords.one_of.iter().copied())
            .chain(keywords.then)
            .chain(keywords.otherwise)
            .chain(keywords.object.dependent_schemas.values().copied());
        (scope, parts.collect())
    }

    /// The members that a schema, or one on the same value, demands without declaring them, where it declares
    /// others: a writer that must emit them does. `None` where it declares none, or demands more members than it
    /// names: such a writer says nothing by what it declares, and were it closed, nobody could write anything.
    fn declared(&mut self, schema: SchemaId, scope: u32) -> Option<BTreeSet<String>> {
        let model = self.model;
        let mut seen = HashSet::new();
        let mut open = vec![(schema, scope)];
        let (mut declared, mut demanded) = (BTreeSet::new(), BTreeSet::new());
        let (mut is_open_ended, mut least) = (false, 0);
        while let Some((schema, scope)) = open.pop() {
            let Some(keywords) = model.keywords(schema) else {
                continue;
            };
            if !seen.insert((schema, scope)) {
                continue;
            }
            self.formulas.budget.spend(1);
            let object = &keywords.object;
            declared.extend(object.properties.keys());
            demanded.extend(demands(model, keywords));
            is_open_ended |=
                !object.pattern_properties.is_empty() || object.additional_properties.is_some();
            least = least.max(object.min_properties.unwrap_or(0));
            let (scope, parts) = self.parts(schema, scope);
            open.extend(parts.into_iter().map(|part| (part, scope)));
        }
        if declared.is_empty() {
            return None;
        }
        let demanded: BTreeSet<String> = demanded
            .into_iter()
            .filter(|name| !declared.contains(name))
            .collect();
        let named = u64::try_from(declared.len() + demanded.len()).unwrap_or(u64::MAX);
        (is_open_ended || least <= named).then_some(demanded)
    }

    fn outcomes(
        &mut self,
        id: SchemaId,
        scope: u32,
        closed: bool,
        nesting: usize,
    ) -> Result<Rc<Vec<Outcome>>, Beyond> {
        let place = (id, scope, closed);
        if let Some(known) = self.unfolded.get(&place) {
            return Ok(Rc::clone(known));
        }
        let outer = std::mem::replace(&mut self.leans, usize::MAX);
        let outcomes = self.unfold(place, nesting).map(Rc::new);
        let leans = std::mem::replace(&mut self.leans, outer);
        self.leans = self.leans.min(leans);
        let outcomes = outcomes?;
        if leans == usize::MAX {
            self.unfolded.insert(place, Rc::clone(&outcomes));
        }
        Ok(outcomes)
    }

    fn unfold(
        &mut self,
        (id, scope, closed): Place,
        nesting: usize,
    ) -> Result<Vec<Outcome>, Beyond> {
        if nesting > NESTING || self.formulas.budget.is_deep() {
            return Err(Beyond("schemas on one value are nested without end"));
        }
        let model = self.model;
        let keywords = match &model.node(id).kind {
            NodeKind::Bool(true) => return Ok(vec![Outcome::default()]),
            NodeKind::Bool(false) => return Ok(Vec::new()),
            NodeKind::Keywords(keywords) => keywords,
        };
        let scope = self.enter(scope, id);
        if self.is_in_doubt(keywords, scope) {
            return Err(Beyond(IN_DOUBT));
        }
        let mut own = Outcome {
            holds: self.assertions(id, keywords, scope, closed),
            ..Outcome::default()
        };
        self.note_own(keywords, scope, &mut own);
        let mut ways = vec![own];
        let mut always: Vec<SchemaId> = keywords.reference.into_iter().collect();
        always.extend(self.dynamic_target(keywords, scope));
        always.extend(&keywords.all_of);
        for part in always {
            let inner = self.outcomes(part, scope, closed, nesting + 1)?;
            ways = product(&ways, &inner)?;
        }
        if !keywords.any_of.is_empty() {
            let choices = self.any_of(&keywords.any_of, scope, closed, nesting)?;
            ways = product(&ways, &choices)?;
        }
        if !keywords.one_of.is_empty() {
            let choices = self.one_of(&keywords.one_of, scope, closed, nesting)?;
            ways = product(&ways, &choices)?;
        }
        if let Some(not) = keywords.not {
            let not = !self.negated(not, scope);
            for way in &mut ways {
                way.holds.push(not);
            }
        }
        if let Some(condition) = keywords.condition {
            let choices = self.condition(condition, keywords, (scope, closed), nesting)?;
            ways = product(&ways, &choices)?;
        }
        for (name, schema) in &keywords.object.dependent_schemas {
            let has = self.formulas.has(name);
            let mut choices = vec![Outcome {
                holds: vec![!has],
                ..Outcome::default()
            }];
            for inner in self.outcomes(*schema, scope, closed, nesting + 1)?.iter() {
                let mut inner = inner.clone();
                inner.holds.push(has);
                choices.push(inner);
            }
            if self.is_in_dispute(keywords, name) {
                choices.push(Outcome {
                    holds: vec![self.no_dependencies(id)],
                    ..Outcome::default()
                });
            }
            ways = product(&ways, &choices)?;
        }
        self.apply_unevaluated(id, keywords, (scope, closed), &mut ways);
        Ok(ways)
    }

    /// What a schema's own keywords evaluate.
    fn note_own(&mut self, keywords: &Keywords, scope: u32, own: &mut Outcome) {
        let object = &keywords.object;
        own.names.extend(object.properties.keys().cloned());
        for source in object.pattern_properties.keys() {
            own.patterns
                .insert(self.formulas.patterns.intern(source, ""));
        }
        own.all_members = object.additional_properties.is_some();
        let array = &keywords.array;
        own.prefix = array.prefix_items.len();
        own.all_items = array.items.is_some();
        if let Some(contains) = array.contains {
            let item = self.inner(contains, scope, false);
            if array.contains_evaluates {
                own.contains.insert(item);
            } else {
                own.perhaps.insert(item);
            }
        }
    }

    /// At least one branch; told apart where a branch evaluates something.
    fn any_of(
        &mut self,
        branches: &[SchemaId],
        scope: u32,
        closed: bool,
        nesting: usize,
    ) -> Result<Vec<Outcome>, Beyond> {
        let mut inner = Vec::new();
        for branch in branches {
            inner.push(self.outcomes(*branch, scope, closed, nesting + 1)?);
        }
        if !inner
            .iter()
            .flat_map(|inner| inner.iter())
            .any(Outcome::speaks)
        {
            let parts: Vec<Lit> = branches
                .iter()
                .map(|branch| self.in_place(*branch, scope, closed))
                .collect();
            let any = self.formulas.any(parts);
            return Ok(vec![Outcome {
                holds: vec![any],
                ..Outcome::default()
            }]);
        }
        let mut ways = vec![(Outcome::default(), false)];
        for (branch, inner) in branches.iter().zip(inner) {
            let fails = !self.negated(*branch, scope);
            let mut next = Vec::new();
            for (way, holds) in &ways {
                let mut without = way.clone();
                without.holds.push(fails);
                next.push((without, *holds));
                next.extend(inner.iter().map(|outcome| (way.join(outcome), true)));
            }
            if next.len() > 2 * OUTCOMES {
                return Err(Beyond(
                    "more branches that evaluate members or items than can be told apart",
                ));
            }
            ways = next;
        }
        Ok(ways
            .into_iter()
            .filter(|(_, holds)| *holds)
            .map(|(way, _)| way)
            .collect())
    }

    fn one_of(
        &mut self,
        branches: &[SchemaId],
        scope: u32,
        closed: bool,
        nesting: usize,
    ) -> Result<Vec<Outcome>, Beyond> {
        let written: Vec<Lit> = branches
            .iter()
            .map(|branch| self.negated(*branch, scope))
            .collect();
        let mut ways = Vec::new();
        for (number, branch) in branches.iter().enumerate() {
            for outcome in self.outcomes(*branch, scope, closed, nesting + 1)?.iter() {
                let mut outcome = outcome.clone();
                let others = written
                    .iter()
                    .enumerate()
                    .filter(|(other, _)| *other != number);
                outcome.holds.extend(others.map(|(_, lit)| !*lit));
                ways.push(outcome);
            }
        }
        if ways.len() > OUTCOMES {
            return Err(Beyond(
                "more branches that evaluate members or items than can be told apart",
            ));
        }
        Ok(ways)
    }

    fn condition(
        &mut self,
        condition: SchemaId,
        keywords: &Keywords,
        (scope, closed): (u32, bool),
        nesting: usize,
    ) -> Result<Vec<Outcome>, Beyond> {
        let fails = !self.negated(condition, scope);
        let holding = self.outcomes(condition, scope, false, nesting + 1)?;
        let then = match keywords.then {
            Some(schema) => self.outcomes(schema, scope, closed, nesting + 1)?,
            None => Rc::new(vec![Outcome::default()]),
        };
        let mut ways = product(&holding, &then)?;
        let otherwise = match keywords.otherwise {
            Some(schema) => self.outcomes(schema, scope, closed, nesting + 1)?,
            None => Rc::new(vec![Outcome::default()]),
        };
        for outcome in otherwise.iter() {
            let mut outcome = outcome.clone();
            outcome.holds.push(fails);
            ways.push(outcome);
        }
        Ok(ways)
    }

    /// The schema's own `unevaluated…`, which then evaluates everything.
    fn apply_unevaluated(
        &mut self,
        id: SchemaId,
        keywords: &Keywords,
        (scope, closed): (u32, bool),
        ways: &mut [Outcome],
    ) {
        if let Some(schema) = keywords.object.unevaluated_properties {
            let lit = self.inner(schema, scope, closed);
            for way in &mut *ways {
                let said = self.unevaluated_members(way, lit);
                way.holds.extend(said);
                way.all_members = true;
            }
        }
        if let Some(schema) = keywords.array.unevaluated_items {
            let lit = self.inner(schema, scope, closed);
            for way in &mut *ways {
                if !way.all_items {
                    let said = self.unevaluated_items(way, lit, !way.perhaps.is_empty(), id);
                    way.holds.extend(said);
                }
                way.all_items = true;
            }
        }
    }

    /// `lit` for the items that nobody spoke about; where that is in doubt, what holds either way and a gap.
    fn unevaluated_items(
        &mut self,
        way: &Outcome,
        lit: Lit,
        in_doubt: bool,
        id: SchemaId,
    ) -> Vec<Lit> {
        let mut items = |spared: Vec<Lit>| {
            let rest = self.formulas.any(spared.into_iter().chain([lit]));
            let prefix = vec![Lit::TRUE; way.prefix].into();
            self.formulas.leaf(Node::Items { prefix, rest })
        };
        let strict = items(way.contains.iter().copied().collect());
        if !in_doubt {
            return vec![strict];
        }
        let lenient = items(way.contains.union(&way.perhaps).copied().collect());
        let reason = "draft 2019-09 does not say whether items found by `contains` are evaluated";
        let gap = self.gap(id, "unevaluatedItems", reason);
        let either = self.formulas.any([strict, gap]);
        vec![lenient, either]
    }

    fn unevaluated_members(&mut self, way: &Outcome, lit: Lit) -> Option<Lit> {
        if way.all_members {
            return None;
        }
        let named = way
            .names
            .iter()
            .map(|name| (name.as_str().into(), Lit::TRUE))
            .collect();
        let patterns = way
            .patterns
            .iter()
            .map(|pattern| (*pattern, Lit::TRUE))
            .collect();
        Some(self.formulas.members(named, patterns, lit))
    }
}

/// Names of members that a schema's own keywords ask for.
fn demands<'m>(model: &'m Model, keywords: &'m Keywords) -> impl Iterator<Item = String> + 'm {
    let object = &keywords.object;
    let names = object
        .property_names
        .and_then(|names| model.keywords(names));
    let listed = names.into_iter().flat_map(values).filter_map(Value::as_str);
    let members = values(keywords)
        .filter_map(Value::as_object)
        .flat_map(|members| members.keys().map(String::as_str));
    let dependent = object.dependent_required.values().flatten();
    (object.required.iter().chain(dependent).map(String::as_str))
        .chain(listed)
        .chain(members)
        .map(str::to_owned)
}

/// The values of `enum` and `const`.
fn values(keywords: &Keywords) -> impl Iterator<Item = &Value> {
    (keywords.enumeration.iter().flatten()).chain(&keywords.constant)
}

fn product(left: &[Outcome], right: &[Outcome]) -> Result<Vec<Outcome>, Beyond> {
    if left.len() * right.len() > OUTCOMES {
        return Err(Beyond(
            "more combinations of branches than can be told apart",
        ));
    }
    Ok(left
        .iter()
        .flat_map(|one| right.iter().map(|other| one.join(other)))
        .collect())
}
