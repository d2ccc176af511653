//! `unevaluatedProperties` and `unevaluatedItems`: what holds of members and items that nobody has spoken about.
use super::evaluated::{Beyond, Evaluated};
use super::formula::{Lit, Node};
use super::lower::Lowering;
use super::pattern::PatternId;
use crate::model::{Keywords, SchemaId};

/// Most patterns, and most kinds of items, that are evaluated on conditions of their own; each can double the cases.
const CONDITIONS: usize = 7;

const TOO_MANY: Beyond =
    Beyond("more than 7 patterns or kinds of items that are evaluated by some branches only");

impl Lowering<'_> {
    /// What a schema's own `unevaluated…` say.
    pub(super) fn unevaluated(
        &mut self,
        id: SchemaId,
        keywords: &Keywords,
        (scope, closed): (u32, bool),
    ) -> Lit {
        let members = keywords.object.unevaluated_properties;
        let items = keywords.array.unevaluated_items;
        let said = self
            .look_through(id, keywords, (scope, closed), 0)
            .and_then(|evaluated| {
                let mut said: Vec<Lit> = evaluated.also.iter().copied().collect();
                let scope = self.enter(scope, id);
                if let Some(schema) = members {
                    let lit = self.inner(schema, scope, closed);
                    said.push(self.unevaluated_members(&evaluated, lit)?);
                }
                if let Some(schema) = items {
                    let lit = self.inner(schema, scope, closed);
                    said.extend(self.unevaluated_items(&evaluated, lit, id)?);
                }
                Ok(said)
            });
        match said {
            Ok(said) => self.formulas.all(said),
            Err(Beyond(reason)) => {
                let keyword = if members.is_some() {
                    "unevaluatedProperties"
                } else {
                    "unevaluatedItems"
                };
                self.gap(id, keyword, reason)
            }
        }
    }

    /// `lit` for the members that nobody spoke about.
    ///
    /// A member that is evaluated on a condition has a statement of its own: the condition, or `lit`.
    pub(super) fn unevaluated_members(
        &mut self,
        evaluated: &Evaluated,
        lit: Lit,
    ) -> Result<Lit, Beyond> {
        if evaluated.all_members == Lit::TRUE {
            return Ok(Lit::TRUE);
        }
        let mut parts: Vec<Lit> = Vec::new();
        let (always, sometimes): (Vec<_>, Vec<_>) = (evaluated.patterns.iter())
            .map(|(pattern, when)| (*pattern, *when))
            .filter(|(_, when)| *when != Lit::FALSE)
            .partition(|(_, when)| *when == Lit::TRUE);
        if sometimes.len() > CONDITIONS {
            return Err(TOO_MANY);
        }
        let conditional = (evaluated.names.iter()).filter(|(_, when)| **when != Lit::TRUE);
        for (name, when) in conditional {
            let mut either = vec![evaluated.all_members, *when];
            for (pattern, when) in always.iter().chain(&sometimes) {
                match self.formulas.patterns.is_match(*pattern, name) {
                    Some(true) => either.push(*when),
                    Some(false) => {}
                    None => {
                        return Err(Beyond("a pattern cannot be tried on the name of a member"));
                    }
                }
            }
            if either.contains(&Lit::TRUE) {
                continue;
            }
            either.push(if lit == Lit::FALSE {
                !self.formulas.has(name)
            } else {
                let named = vec![(name.as_str().into(), lit)];
                self.formulas.members(named, Vec::new(), Lit::TRUE)
            });
            parts.push(self.formulas.any(either));
        }
        let mut ways = vec![evaluated.all_members];
        // With more patterns less is said, so nothing need be said of those whose condition fails.
        for chosen in subsets(&sometimes) {
            let named = evaluated.names.keys();
            let named = named
                .map(|name| (name.as_str().into(), Lit::TRUE))
                .collect();
            let patterns: Vec<(PatternId, Lit)> = (always.iter().chain(&chosen))
                .map(|(pattern, _)| (*pattern, Lit::TRUE))
                .collect();
            let others = self.formulas.members(named, patterns, lit);
            let when = chosen.iter().map(|(_, when)| *when);
            ways.push(self.formulas.all(when.chain([others])));
        }
        parts.push(self.formulas.any(ways));
        Ok(self.formulas.all(parts))
    }

    /// `lit` for the items that nobody spoke about; where that is in doubt, what holds either way and a gap.
    fn unevaluated_items(
        &mut self,
        evaluated: &Evaluated,
        lit: Lit,
        id: SchemaId,
    ) -> Result<Vec<Lit>, Beyond> {
        if evaluated.all_items == Lit::TRUE {
            return Ok(Vec::new());
        }
        let strict = self.other_items(evaluated, lit, false)?;
        if evaluated.perhaps.is_empty() {
            return Ok(vec![strict]);
        }
        let lenient = self.other_items(evaluated, lit, true)?;
        let reason = "draft 2019-09 does not say whether items found by `contains` are evaluated";
        let gap = self.gap(id, "unevaluatedItems", reason);
        let either = self.formulas.any([strict, gap]);
        Ok(vec![lenient, either])
    }

    fn other_items(
        &mut self,
        evaluated: &Evaluated,
        lit: Lit,
        is_lenient: bool,
    ) -> Result<Lit, Beyond> {
        let perhaps = evaluated.perhaps.iter().filter(|_| is_lenient);
        let (always, sometimes): (Vec<_>, Vec<_>) = (evaluated.contains.iter().chain(perhaps))
            .map(|(item, when)| (*item, *when))
            .partition(|(_, when)| *when == Lit::TRUE);
        if sometimes.len() > CONDITIONS || evaluated.prefixes.len() > 4 * CONDITIONS {
            return Err(TOO_MANY);
        }
        let mut ways = vec![evaluated.all_items];
        let none = (0, Lit::TRUE);
        let prefixes = evaluated.prefixes.iter();
        let prefixes: Vec<(usize, Lit)> = (prefixes.map(|(count, when)| (*count, *when)))
            .chain([none])
            .collect();
        for chosen in subsets(&sometimes) {
            for (count, when) in &prefixes {
                let spared = always.iter().chain(&chosen).map(|(item, _)| *item);
                let rest = self.formulas.any(spared.chain([lit]));
                let prefix = vec![Lit::TRUE; *count].into();
                let others = self.formulas.leaf(Node::Items { prefix, rest });
                let conditions = chosen.iter().map(|(_, when)| *when).chain([*when]);
                ways.push(self.formulas.all(conditions.chain([others])));
            }
        }
        Ok(self.formulas.any(ways))
    }
}

/// All subsets, the empty one first.
fn subsets<T: Copy>(of: &[T]) -> Vec<Vec<T>> {
    of.iter().fold(vec![Vec::new()], |all, one| {
        let with = all.iter().map(|chosen| {
            let mut chosen: Vec<T> = chosen.clone();
            chosen.push(*one);
            chosen
        });
        let with: Vec<Vec<T>> = with.collect();
        all.into_iter().chain(with).collect()
    })
}
