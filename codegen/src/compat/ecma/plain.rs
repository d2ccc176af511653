//! Expressions for `regex-automata`, said by its own structure so that no syntax lies between.
use regex_syntax::hir::{Class, Hir, Look, Repetition};

use super::Tree;

/// None where an automaton needs more than one walk over the text.
pub(super) fn plain(tree: &Tree) -> Option<Hir> {
    Some(match tree {
        Tree::One(set) => Hir::class(Class::Unicode(set.clone())),
        Tree::Start => Hir::look(Look::Start),
        Tree::End => Hir::look(Look::End),
        Tree::Boundary { negated: false } => Hir::look(Look::WordAscii),
        Tree::Boundary { negated: true } => Hir::look(Look::WordAsciiNegate),
        Tree::Sequence(parts) => Hir::concat(parts.iter().map(plain).collect::<Option<_>>()?),
        Tree::Choice(parts) => Hir::alternation(parts.iter().map(plain).collect::<Option<_>>()?),
        Tree::Group { inside, .. } => plain(inside)?,
        Tree::Repeat {
            inside, min, max, ..
        } => Hir::repetition(Repetition {
            min: *min,
            max: *max,
            // Whether anything is found does not ask what is tried first.
            greedy: true,
            sub: Box::new(plain(inside)?),
        }),
        Tree::Look { .. } | Tree::Back(_) => return None,
    })
}
