//! From the schema model to formulas, as written or closed.
//!
//! Closed is the writer's side of a stream: at every place of an object whose schema declares properties, only
//! what the schemas that hold there declare may be present, as if each said `unevaluatedProperties: false`.
//! Closing happens where it narrows (never below `not` or `if`), so the closed formula implies the open one.
use std::collections::HashMap;
use std::rc::Rc;

use serde_json::Number;

use super::evaluated::Evaluated;
use super::formula::{Formulas, Gap, Lit, Node, kind};
use super::lookahead;
use super::values::rational;
use crate::model::{DynamicReference, Keywords, Model, NodeKind, ResourceId, SchemaId, TypeSet};

/// Why a `$recursiveRef` is beyond reach.
pub(super) const IN_DOUBT: &str =
    "validators differ where a resource without `$recursiveAnchor` lies between";

/// A schema, the dynamic scope it is read in, and whether it is read as closed.
pub(super) type Place = (SchemaId, u32, bool);

/// Which resources were entered.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Scope {
    /// For each dynamic anchor, the outermost that has it.
    outermost: Vec<Option<ResourceId>>,
    /// Whether one without `$recursiveAnchor` was entered inside one with it.
    interrupted: bool,
}

/// How the schema that is being read is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Reading {
    /// Steps into member or item values.
    depth: usize,
    /// Negations on the way.
    negations: usize,
}

/// A schema being read.
#[derive(Debug)]
struct Opened {
    /// How many were open before it.
    number: usize,
    reading: Reading,
    /// What stands for it where it refers to itself.
    link: Option<(u32, Lit)>,
}

/// Reads one model.
pub(super) struct Lowering<'m> {
    pub(super) model: &'m Model,
    pub(super) formulas: &'m mut Formulas,
    /// Names of dynamic anchors.
    anchors: Vec<&'m str>,
    scopes: Vec<Scope>,
    done: HashMap<(Place, bool), Lit>,
    /// Schemas being read.
    open: HashMap<(Place, bool), Opened>,
    reading: Reading,
    /// The outermost open schema that was taken as true on the way to what is being read.
    pub(super) leans: usize,
    /// What schemas evaluate.
    pub(super) evaluations: HashMap<Place, Rc<Evaluated>>,
    /// Whether a schema tells 1.0 from 1.
    pub(super) spells: bool,
    /// Whether keywords that validators differ about are left open.
    pub(super) doubting: bool,
    /// Whether there are any.
    pub(super) doubts: bool,
}

impl<'m> Lowering<'m> {
    pub(super) fn new(model: &'m Model, formulas: &'m mut Formulas) -> Self {
        let mut anchors: Vec<&str> = model
            .dynamic_anchors
            .keys()
            .map(|(_, name)| name.as_str())
            .collect();
        anchors.sort_unstable();
        anchors.dedup();
        Self {
            scopes: vec![Scope {
                outermost: vec![None; anchors.len()],
                interrupted: false,
            }],
            model,
            formulas,
            anchors,
            done: HashMap::new(),
            open: HashMap::new(),
            reading: Reading::default(),
            leans: usize::MAX,
            evaluations: HashMap::new(),
            spells: false,
            doubting: false,
            doubts: false,
        }
    }

    /// The formula of the whole schema.
    pub(super) fn root(&mut self, closed: bool) -> Lit {
        self.value(self.model.root, 0, closed)
    }

    /// The formula of a schema where a value of its own begins.
    pub(super) fn value(&mut self, schema: SchemaId, scope: u32, closed: bool) -> Lit {
        self.guarded((schema, scope, closed), true)
    }

    /// The formula of a schema that speaks about the same value as the one it stands in.
    pub(super) fn in_place(&mut self, schema: SchemaId, scope: u32, closed: bool) -> Lit {
        self.guarded((schema, scope, closed), false)
    }

    fn guarded(&mut self, place: Place, begins: bool) -> Lit {
        let begins = begins && place.2;
        let key = (place, begins);
        if let Some(known) = self.done.get(&key) {
            return *known;
        }
        if let Some(opened) = self.open.get_mut(&key) {
            if opened.reading == self.reading {
                // It asks of the value what is being asked already, so it adds nothing here.
                self.leans = self.leans.min(opened.number);
                return Lit::TRUE;
            }
            if opened.reading.depth == self.reading.depth {
                return self.gap(place.0, "$ref", "the schema is its own negation");
            }
            let formulas = &mut self.formulas;
            return opened.link.get_or_insert_with(|| formulas.link()).1;
        }
        let budget = &self.formulas.budget;
        let deepest = budget.room().schemas;
        if budget.reaches(self.open.len(), deepest) || budget.is_deep() {
            let reason = format!("schemas nested deeper than {deepest}, or than the stack allows");
            return self.gap(place.0, "budget", &reason);
        }
        self.formulas.budget.spend(1);
        if self.formulas.budget.is_spent() {
            return self.gap(place.0, "budget", "the schema takes too long to read");
        }
        let opened = Opened {
            number: self.open.len(),
            reading: self.reading,
            link: None,
        };
        let number = opened.number;
        self.open.insert(key, opened);
        let outer = std::mem::replace(&mut self.leans, usize::MAX);
        let lit = if begins {
            self.closed_value(place.0, place.1)
        } else {
            self.schema(place)
        };
        let leans = std::mem::replace(&mut self.leans, outer);
        let leans_out = leans < number;
        if let Some((link, _)) = self.open.remove(&key).and_then(|opened| opened.link) {
            let meant = if leans_out {
                let reason =
                    "the schema refers to itself both for the same value and for a part of it";
                self.gap(place.0, "$ref", reason)
            } else {
                lit
            };
            self.formulas.tie(link, meant);
        }
        if leans_out {
            // True only inside the schema that is asked already, so it is not kept.
            self.leans = self.leans.min(leans);
        } else {
            self.done.insert(key, lit);
        }
        lit
    }

    /// A value of its own inside the current one.
    pub(super) fn inner(&mut self, schema: SchemaId, scope: u32, closed: bool) -> Lit {
        self.reading.depth += 1;
        let lit = self.value(schema, scope, closed);
        self.reading.depth -= 1;
        lit
    }

    /// A schema on the same value whose negation is used, so it is read as written.
    pub(super) fn negated(&mut self, schema: SchemaId, scope: u32) -> Lit {
        self.reading.negations += 1;
        let lit = self.in_place(schema, scope, false);
        self.reading.negations -= 1;
        lit
    }

    pub(super) fn gap(&mut self, schema: SchemaId, keyword: &'static str, reason: &str) -> Lit {
        let place = &self.model.node(schema).location.pointer;
        let pointer = if keyword == "budget" {
            place.clone()
        } else {
            format!("{place}/{keyword}")
        };
        self.formulas.opaque(Gap {
            keyword,
            pointer,
            reason: reason.to_owned(),
        })
    }

    fn schema(&mut self, place: Place) -> Lit {
        let (id, scope, closed) = place;
        let model = self.model;
        let keywords = match &model.node(id).kind {
            NodeKind::Bool(true) => return Lit::TRUE,
            NodeKind::Bool(false) => return Lit::FALSE,
            NodeKind::Keywords(keywords) => keywords,
        };
        let scope = self.enter(scope, id);
        if self.is_in_doubt(keywords, scope) {
            return self.gap(id, "$recursiveRef", IN_DOUBT);
        }
        let mut parts = self.assertions(id, keywords, scope, closed);
        parts.extend(self.applicators(id, keywords, scope, closed));
        if keywords.object.unevaluated_properties.is_some()
            || keywords.array.unevaluated_items.is_some()
        {
            parts.push(self.unevaluated(id, keywords, (scope, closed)));
        }
        self.formulas.all(parts)
    }

    /// The scope inside a schema's resource.
    pub(super) fn enter(&mut self, scope: u32, schema: SchemaId) -> u32 {
        if self.anchors.is_empty() {
            return 0;
        }
        let resource = self.model.node(schema).resource;
        let mut next = self.scopes[scope as usize].clone();
        for (slot, name) in next.outermost.iter_mut().zip(&self.anchors) {
            let anchor = (resource, (*name).to_owned());
            let has_it = self.model.dynamic_anchors.contains_key(&anchor);
            if slot.is_none() && has_it {
                *slot = Some(resource);
            }
            next.interrupted |= name.is_empty() && slot.is_some() && !has_it;
        }
        let known = self.scopes.iter().position(|other| *other == next);
        let index = known.unwrap_or_else(|| {
            self.scopes.push(next);
            self.scopes.len() - 1
        });
        u32::try_from(index).unwrap_or(0)
    }

    /// Where a `$dynamicRef` leads in a scope.
    pub(super) fn dynamic_target(&self, keywords: &Keywords, scope: u32) -> Option<SchemaId> {
        let reference = keywords.dynamic_reference.as_ref()?;
        let found = reference.anchor.as_ref().and_then(|anchor| {
            let slot = self.anchors.iter().position(|name| name == anchor)?;
            let resource = self.scopes[scope as usize].outermost[slot]?;
            self.model
                .dynamic_anchors
                .get(&(resource, anchor.clone()))
                .copied()
        });
        Some(found.unwrap_or(reference.initial))
    }

    /// Whether a `$recursiveRef` leads elsewhere for validators that stop at the first resource without
    /// `$recursiveAnchor`, where the specification asks for the outermost with it.
    pub(super) fn is_in_doubt(&self, keywords: &Keywords, scope: u32) -> bool {
        let anchor = |reference: &DynamicReference| reference.anchor.as_deref() == Some("");
        keywords.dynamic_reference.as_ref().is_some_and(anchor)
            && self.scopes[scope as usize].interrupted
    }

    /// What the schema's own keywords say about the value, without those that apply schemas to the same value.
    pub(super) fn assertions(
        &mut self,
        id: SchemaId,
        keywords: &Keywords,
        scope: u32,
        closed: bool,
    ) -> Vec<Lit> {
        let mut parts = Vec::new();
        if let Some(types) = keywords.types {
            let mut set = bits(types);
            if keywords.spelled_integers
                && types.0 & TypeSet::NUMBER.0 == 0
                && set & kind::WHOLE != 0
            {
                set &= !kind::WHOLE;
                self.spells = true;
            }
            parts.push(self.formulas.types(set));
        }
        if let Some(values) = &keywords.enumeration {
            parts.push(self.formulas.one_of_values(values));
        }
        if let Some(value) = &keywords.constant {
            parts.push(self.formulas.one_of_values([value]));
        }
        self.numbers(keywords, &mut parts);
        let string = &keywords.string;
        parts.extend(
            string
                .min_length
                .map(|count| self.formulas.leaf(Node::MinLength(count))),
        );
        parts.extend(
            string
                .max_length
                .map(|count| self.formulas.leaf(Node::MaxLength(count))),
        );
        if let Some(pattern) = &string.pattern {
            let pointer = format!("{}/pattern", self.model.node(id).location.pointer);
            let found = self.pattern(pattern, &pointer);
            parts.push(self.edged(id, pattern, found));
        }
        if let Some(format) = &string.format
            && self.formulas.asserts_formats
            && self.formulas.formats.knows(format)
        {
            parts.push(self.formulas.leaf(Node::Format(format.as_str().into())));
        }
        self.arrays(keywords, scope, closed, &mut parts);
        self.objects(id, keywords, scope, closed, &mut parts);
        if let Some(disputed) = &keywords.disputed {
            self.disputed(id, disputed, &mut parts);
        }
        parts
    }

    fn pattern(&mut self, source: &str, pointer: &str) -> Lit {
        let whole = self.formulas.patterns.intern(source, pointer);
        let Some(split) =
            lookahead::split(source).filter(|_| self.formulas.patterns.is_divisible(whole))
        else {
            return self.formulas.leaf(Node::Pattern(whole));
        };
        let mut one = |source: &String| {
            let pattern = self.formulas.patterns.intern(source, pointer);
            self.formulas.leaf(Node::Pattern(pattern))
        };
        let mut parts: Vec<Lit> = split.found.iter().map(&mut one).collect();
        // A pattern that is missing still says nothing about values that are no strings.
        let missing: Vec<Lit> = split.missing.iter().map(&mut one).collect();
        let string = self.formulas.types(kind::STRING);
        for lit in missing {
            let found = self.formulas.all([string, lit]);
            parts.push(!found);
        }
        self.formulas.all(parts)
    }

    fn numbers(&mut self, keywords: &Keywords, parts: &mut Vec<Lit>) {
        let number = &keywords.number;
        for (bound, open) in [(&number.minimum, false), (&number.exclusive_minimum, true)] {
            if let Some(bound) = bound {
                let bound = rational(bound);
                parts.push(self.formulas.leaf(Node::Lower { bound, open }));
            }
        }
        for (bound, open) in [(&number.maximum, false), (&number.exclusive_maximum, true)] {
            if let Some(bound) = bound {
                let bound = rational(bound);
                parts.push(self.formulas.leaf(Node::Upper { bound, open }));
            }
        }
        let positive = |step: &&Number| step.as_f64().is_some_and(|step| step > 0.0);
        if let Some(step) = number.multiple_of.as_ref().filter(positive) {
            parts.push(self.formulas.leaf(Node::Multiple(rational(step))));
        }
    }

    fn arrays(&mut self, keywords: &Keywords, scope: u32, closed: bool, parts: &mut Vec<Lit>) {
        let array = &keywords.array;
        parts.extend(
            array
                .min_items
                .map(|count| self.formulas.leaf(Node::MinItems(count))),
        );
        parts.extend(
            array
                .max_items
                .map(|count| self.formulas.leaf(Node::MaxItems(count))),
        );
        if array.unique_items {
            parts.push(self.formulas.leaf(Node::Unique));
        }
        if !array.prefix_items.is_empty() || array.items.is_some() {
            let prefix: Vec<Lit> = array
                .prefix_items
                .iter()
                .map(|item| self.inner(*item, scope, closed))
                .collect();
            let rest = array
                .items
                .map_or(Lit::TRUE, |items| self.inner(items, scope, closed));
            parts.push(self.formulas.leaf(Node::Items {
                prefix: prefix.into(),
                rest,
            }));
        }
        if let Some(contains) = array.contains {
            // Its upper bound would turn a narrower schema into a wider one, so it stays open.
            let item = self.inner(contains, scope, false);
            parts.push(self.formulas.leaf(Node::Contains {
                item,
                min: array.min_contains.unwrap_or(1),
                max: array.max_contains,
            }));
        }
    }

    fn objects(
        &mut self,
        id: SchemaId,
        keywords: &Keywords,
        scope: u32,
        closed: bool,
        parts: &mut Vec<Lit>,
    ) {
        let object = &keywords.object;
        for name in &object.required {
            parts.push(self.formulas.leaf(Node::Required(name.as_str().into())));
        }
        parts.extend(
            object
                .min_properties
                .map(|count| self.formulas.leaf(Node::MinMembers(count))),
        );
        parts.extend(
            object
                .max_properties
                .map(|count| self.formulas.leaf(Node::MaxMembers(count))),
        );
        let named: Vec<(Box<str>, Lit)> = object
            .properties
            .iter()
            .map(|(name, schema)| (name.as_str().into(), self.inner(*schema, scope, closed)))
            .collect();
        let mut patterns = Vec::new();
        for (source, schema) in &object.pattern_properties {
            let pointer = format!("{}/patternProperties", self.model.node(id).location.pointer);
            let pattern = self.formulas.patterns.intern(source, &pointer);
            patterns.push((pattern, self.inner(*schema, scope, closed)));
        }
        let rest = object
            .additional_properties
            .map_or(Lit::TRUE, |schema| self.inner(schema, scope, closed));
        // With nothing to tell apart, `properties` and `patternProperties` hold one by one.
        parts.push(self.formulas.members(named, patterns, rest));
        if let Some(names) = object.property_names {
            let names = self.inner(names, scope, false);
            parts.push(self.formulas.leaf(Node::Names(names)));
        }
        let disputed = keywords.disputed.as_deref().filter(|_| self.doubting);
        for (name, needed) in &object.dependent_required {
            let has = self.formulas.has(name);
            // Of both keywords' names, those of `dependencies` come last.
            let in_doubt = disputed
                .and_then(|disputed| disputed.dependent_required.get(name))
                .map_or(0, Vec::len);
            let (sure, in_doubt) = needed.split_at(needed.len().saturating_sub(in_doubt));
            let sure = self.all_required(sure);
            parts.push(self.formulas.any([!has, sure]));
            if !in_doubt.is_empty() {
                let all = self.all_required(in_doubt);
                let ignored = self.no_dependencies(id);
                parts.push(self.formulas.any([!has, all, ignored]));
            }
        }
    }

    fn all_required(&mut self, names: &[String]) -> Lit {
        let all: Vec<Lit> = names
            .iter()
            .map(|name| self.formulas.leaf(Node::Required(name.as_str().into())))
            .collect();
        self.formulas.all(all)
    }

    /// Whether a dependent schema is one of `dependencies`, where that is left open.
    pub(super) fn is_in_dispute(&self, keywords: &Keywords, name: &String) -> bool {
        self.doubting
            && (keywords.disputed.as_ref())
                .is_some_and(|disputed| disputed.dependent_schemas.contains(name))
    }

    /// What schemas on the same value say.
    fn applicators(
        &mut self,
        id: SchemaId,
        keywords: &Keywords,
        scope: u32,
        closed: bool,
    ) -> Vec<Lit> {
        let mut parts = Vec::new();
        if let Some(target) = keywords.reference {
            parts.push(self.in_place(target, scope, closed));
        }
        if let Some(target) = self.dynamic_target(keywords, scope) {
            parts.push(self.in_place(target, scope, closed));
        }
        for schema in &keywords.all_of {
            parts.push(self.in_place(*schema, scope, closed));
        }
        if !keywords.any_of.is_empty() {
            let branches: Vec<Lit> = keywords
                .any_of
                .iter()
                .map(|schema| self.in_place(*schema, scope, closed))
                .collect();
            parts.push(self.formulas.any(branches));
        }
        if !keywords.one_of.is_empty() {
            parts.push(self.exactly_one(&keywords.one_of, scope, closed));
        }
        if let Some(schema) = keywords.not {
            parts.push(!self.negated(schema, scope));
        }
        if let Some(condition) = keywords.condition {
            let condition = self.negated(condition, scope);
            for (schema, applies) in [(keywords.then, condition), (keywords.otherwise, !condition)]
            {
                if let Some(schema) = schema {
                    let then = self.in_place(schema, scope, closed);
                    parts.push(self.formulas.any([!applies, then]));
                }
            }
        }
        for (name, schema) in &keywords.object.dependent_schemas {
            let has = self.formulas.has(name);
            let then = self.in_place(*schema, scope, closed);
            let mut either = vec![!has, then];
            if self.is_in_dispute(keywords, name) {
                either.push(self.no_dependencies(id));
            }
            parts.push(self.formulas.any(either));
        }
        parts
    }

    /// Exactly one branch: where branches are closed, the others are still ruled out as written.
    fn exactly_one(&mut self, branches: &[SchemaId], scope: u32, closed: bool) -> Lit {
        let written: Vec<Lit> = branches
            .iter()
            .map(|schema| self.negated(*schema, scope))
            .collect();
        if !closed {
            return self.formulas.one(written);
        }
        let narrowed: Vec<Lit> = branches
            .iter()
            .map(|schema| self.in_place(*schema, scope, true))
            .collect();
        if narrowed == written {
            return self.formulas.one(written);
        }
        let one = self.formulas.one(written);
        let any = self.formulas.any(narrowed);
        self.formulas.all([one, any])
    }
}

/// Types of the model as disjoint bits.
fn bits(types: TypeSet) -> u8 {
    [
        (TypeSet::NULL, kind::NULL),
        (TypeSet::BOOLEAN, kind::BOOLEAN),
        (TypeSet::INTEGER, kind::INTEGER | kind::WHOLE),
        (TypeSet::NUMBER, kind::NUMBER),
        (TypeSet::STRING, kind::STRING),
        (TypeSet::ARRAY, kind::ARRAY),
        (TypeSet::OBJECT, kind::OBJECT),
    ]
    .into_iter()
    .filter(|(set, _)| types.0 & set.0 != 0)
    .fold(0, |all, (_, bit)| all | bit)
}
