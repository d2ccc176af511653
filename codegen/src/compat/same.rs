//! Schemas that differ in words alone: titles, descriptions, defaults, examples.
//!
//! Such a pair is proved without a search, however little of what both say is understood.
use crate::model::{Keywords, Model, Node, NodeKind};

/// Whether two schemas have the same keywords at the same places, annotations aside.
pub(super) fn is_same_in_meaning(left: &Model, right: &Model) -> bool {
    let Model {
        nodes,
        root,
        dynamic_anchors,
    } = left;
    *root == right.root
        && *dynamic_anchors == right.dynamic_anchors
        && nodes.len() == right.nodes.len()
        && (nodes.iter().zip(&right.nodes)).all(|(left, right)| is_same_node(left, right))
}

fn is_same_node(left: &Node, right: &Node) -> bool {
    let Node {
        location: _,
        resource,
        kind,
    } = left;
    *resource == right.resource
        && match (kind, &right.kind) {
            (NodeKind::Bool(left), NodeKind::Bool(right)) => left == right,
            (NodeKind::Keywords(left), NodeKind::Keywords(right)) => is_same_set(left, right),
            (NodeKind::Bool(_), NodeKind::Keywords(_))
            | (NodeKind::Keywords(_), NodeKind::Bool(_)) => false,
        }
}

fn is_same_set(left: &Keywords, right: &Keywords) -> bool {
    let Keywords {
        reference,
        dynamic_reference,
        types,
        spelled_integers,
        enumeration,
        constant,
        number,
        string,
        array,
        object,
        all_of,
        any_of,
        one_of,
        not,
        condition,
        then,
        otherwise,
        disputed,
        annotations: _,
    } = left;
    *reference == right.reference
        && *dynamic_reference == right.dynamic_reference
        && *types == right.types
        && *spelled_integers == right.spelled_integers
        && *enumeration == right.enumeration
        && *constant == right.constant
        && **number == *right.number
        && **string == *right.string
        && **array == *right.array
        && **object == *right.object
        && *all_of == right.all_of
        && *any_of == right.any_of
        && *one_of == right.one_of
        && *not == right.not
        && *condition == right.condition
        && *then == right.then
        && *otherwise == right.otherwise
        && *disputed == right.disputed
}
