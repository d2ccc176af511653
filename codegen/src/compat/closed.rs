//! The writer's side of a stream: at each object that declares members, those and no others.
use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::evaluated::{Beyond, Evaluated};
use super::formula::Lit;
use super::lower::Lowering;
use crate::model::{Keywords, Model, SchemaId};

impl Lowering<'_> {
    /// A value of a writer that emits what it declares.
    pub(super) fn closed_value(&mut self, schema: SchemaId, scope: u32) -> Lit {
        let scope = self.enter(scope, schema);
        let open = self.in_place(schema, scope, true);
        if let Some(gap) = self.undeclared(schema, scope) {
            return self.formulas.all([open, gap]);
        }
        let Some(demanded) = self.declared(schema, scope) else {
            return open;
        };
        let closing = self
            .evaluated(schema, scope, true, 0)
            .and_then(|evaluated| {
                let mut declared = Evaluated::clone(&evaluated);
                for name in demanded {
                    declared.names.insert(name, Lit::TRUE);
                }
                let others = self.unevaluated_members(&declared, Lit::FALSE)?;
                let also = evaluated.also.iter().copied();
                Ok(self.formulas.all(also.chain([others])))
            });
        let closing = match closing {
            Ok(closing) => closing,
            // Not closed at this place: more messages than the writer has, so a proof still holds, but a message
            // found may be none of its.
            Err(Beyond(reason)) => self.gap(schema, "properties", reason),
        };
        self.formulas.all([open, closing])
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
