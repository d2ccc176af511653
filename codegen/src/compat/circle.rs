//! Schemas that apply themselves to the same value.
//!
//! JSON Schema leaves open what they mean, and many validators never come to an end with them. Where the schema holds
//! together with others (`allOf`), it adds nothing to them for every validator that answers, so it is read so. As one
//! alternative of several it is everything to some and nothing to others: that proves nothing. Where there is nothing
//! but the circle, nobody knows what it says.
use super::Unknown;
use super::effort;
use crate::model::{
    ArrayKeywords, Keywords, Model, NumberKeywords, ObjectKeywords, SchemaId, StringKeywords,
};

/// What a schema that comes back to itself is worth.
#[derive(Clone, Debug)]
pub(super) enum Circle {
    /// It means nothing.
    Void(Unknown),
    /// No proof rests on it.
    Choice(Unknown),
}

/// The worst circle of a schema.
pub(super) fn circle(model: &Model) -> Option<Circle> {
    let edges: Vec<Vec<usize>> = (0..model.nodes.len())
        .map(|node| in_place(model, node))
        .collect();
    if is_straight(&edges) {
        return None;
    }
    let mut worst = None;
    for component in components(&edges) {
        let inside = |node: usize| component.binary_search(&node).is_ok();
        let comes_back = |node: &usize| edges[*node].iter().any(|next| inside(*next));
        let Some(first) = component.iter().copied().find(comes_back) else {
            continue;
        };
        let says_more = |node: &usize| {
            edges[*node].iter().any(|next| !inside(*next))
                || keywords(model, *node).is_some_and(asserts)
        };
        if !component.iter().any(says_more) {
            return Some(Circle::Void(unknown(model, first)));
        }
        let chooses = |node: &usize| {
            let keywords = keywords(model, *node);
            keywords.is_some_and(|keywords| choices(keywords).any(|id| inside(id.0 as usize)))
        };
        if let Some(node) = component.iter().copied().find(chooses) {
            worst.get_or_insert_with(|| Circle::Choice(unknown(model, node)));
        }
    }
    worst
}

fn unknown(model: &Model, node: usize) -> Unknown {
    let place = model.nodes.get(node).map(|node| &node.location.pointer);
    Unknown {
        keyword: "$ref".to_owned(),
        pointer: place.cloned().unwrap_or_default(),
        reason: "the schema applies itself to the same value, which means nothing, and many validators do not come to an end; refer to it from a member or an item, or not at all".to_owned(),
    }
}

fn keywords(model: &Model, node: usize) -> Option<&Keywords> {
    model.keywords(SchemaId(u32::try_from(node).ok()?))
}

/// Schemas that are applied to the same value, wherever a dynamic reference may lead.
fn in_place(model: &Model, node: usize) -> Vec<usize> {
    let Some(keywords) = keywords(model, node) else {
        return Vec::new();
    };
    let mut parts: Vec<usize> = effort::in_place(keywords)
        .map(|part| part.0 as usize)
        .collect();
    let dynamic = keywords.dynamic_reference.as_ref();
    if let Some(anchor) = dynamic.and_then(|reference| reference.anchor.as_ref()) {
        let targets = model.dynamic_anchors.iter();
        let targets = targets.filter(|((_, name), _)| name == anchor);
        parts.extend(targets.map(|(_, part)| part.0 as usize));
    }
    parts
}

/// Schemas on the same value that need not hold.
fn choices(keywords: &Keywords) -> impl Iterator<Item = SchemaId> {
    let single = [
        keywords.not,
        keywords.condition,
        keywords.then,
        keywords.otherwise,
    ];
    single
        .into_iter()
        .flatten()
        .chain(keywords.any_of.iter().copied())
        .chain(keywords.one_of.iter().copied())
        .chain(keywords.object.dependent_schemas.values().copied())
}

/// Whether the schema says something of its own.
fn asserts(keywords: &Keywords) -> bool {
    let object = ObjectKeywords {
        dependent_schemas: keywords.object.dependent_schemas.clone(),
        ..ObjectKeywords::default()
    };
    keywords.types.is_some()
        || keywords.enumeration.is_some()
        || keywords.constant.is_some()
        || *keywords.number != NumberKeywords::default()
        || *keywords.string != StringKeywords::default()
        || *keywords.array != ArrayKeywords::default()
        || *keywords.object != object
}

/// Whether nothing leads back to itself: leaves are taken away until there are none.
fn is_straight(edges: &[Vec<usize>]) -> bool {
    let mut waiting: Vec<usize> = edges.iter().map(Vec::len).collect();
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); edges.len()];
    for (node, parts) in edges.iter().enumerate() {
        for part in parts {
            if let Some(users) = users.get_mut(*part) {
                users.push(node);
            }
        }
    }
    let mut done: Vec<usize> = (0..edges.len())
        .filter(|node| waiting[*node] == 0)
        .collect();
    let mut at = 0;
    while let Some(node) = done.get(at).copied() {
        at += 1;
        for user in &users[node] {
            waiting[*user] -= 1;
            if waiting[*user] == 0 {
                done.push(*user);
            }
        }
    }
    done.len() == edges.len()
}

/// Groups of nodes that lead to each other, each sorted (Tarjan, without recursion).
fn components(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut found = Vec::new();
    // When a node was met, and the earliest that it leads back to; both from 1.
    let (mut met, mut back) = (vec![0; edges.len()], vec![0; edges.len()]);
    let mut is_open = vec![false; edges.len()];
    let (mut open, mut clock) = (Vec::new(), 0);
    for start in 0..edges.len() {
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        if met[start] != 0 {
            continue;
        }
        while let Some((node, index)) = path.pop() {
            if index == 0 {
                clock += 1;
                (met[node], back[node], is_open[node]) = (clock, clock, true);
                open.push(node);
            }
            if let Some(next) = edges[node].get(index).copied() {
                path.push((node, index + 1));
                if met[next] == 0 {
                    path.push((next, 0));
                } else if is_open[next] {
                    back[node] = back[node].min(met[next]);
                }
                continue;
            }
            if let Some((above, _)) = path.last() {
                back[*above] = back[*above].min(back[node]);
            }
            if back[node] == met[node] {
                let from = open.iter().rposition(|other| *other == node).unwrap_or(0);
                let mut component = open.split_off(from);
                for member in &component {
                    is_open[*member] = false;
                }
                component.sort_unstable();
                found.push(component);
            }
        }
    }
    found
}
