//! What is left of a goal of one type goes to the type's theory.
use serde_json::Value;

use super::formula::{Node, kind};
use super::narrow::State;
use super::number::Numbers;
use super::solve::{Answer, Solver};
use super::text::Texts;
use super::values::{rational, with_fraction};

impl Solver<'_> {
    pub(super) fn theory(&mut self, state: &State) -> Answer {
        let gap = state
            .known
            .iter()
            .find_map(|lit| match self.formulas.node(*lit) {
                Node::Opaque(number) => self.formulas.gaps.get(*number as usize).cloned(),
                _ => None,
            });
        match (self.theory_of_type(state), gap) {
            // Whatever the gap says, the rest has no value.
            (Answer::Unsat, _) => Answer::Unsat,
            (_, Some(gap)) => Answer::Unknown(gap),
            (answer, None) => answer,
        }
    }

    fn theory_of_type(&mut self, state: &State) -> Answer {
        match state.kinds {
            kind::NULL | kind::BOOLEAN => self.constants(state),
            kind::INTEGER => self.number(state).solve(true),
            kind::FRACTION => self.number(state).solve(false),
            kind::WHOLE => match self.number(state).solve(true) {
                Answer::Sat(value) => with_fraction(&value).map_or_else(
                    || {
                        Answer::unknown(
                            "type",
                            "the number found is beyond what a 64-bit float tells apart",
                        )
                    },
                    Answer::Sat,
                ),
                other => other,
            },
            kind::STRING => {
                let texts = self.texts(state);
                texts.solve(self.formulas)
            }
            kind::ARRAY => self.array(state),
            _ => self.object(state),
        }
    }

    fn excluded<'s>(&'s self, state: &'s State) -> impl Iterator<Item = &'s Value> {
        state
            .known
            .iter()
            .filter(|lit| lit.is_negated())
            .filter_map(|lit| match self.formulas.node(*lit) {
                Node::Values(ids) => Some(ids.iter().map(|id| self.formulas.values.get(*id))),
                _ => None,
            })
            .flatten()
    }

    fn constants(&self, state: &State) -> Answer {
        let all = if state.kinds == kind::NULL {
            vec![Value::Null]
        } else {
            vec![Value::Bool(true), Value::Bool(false)]
        };
        all.into_iter()
            .find(|value| !self.excluded(state).any(|other| other == value))
            .map_or(Answer::Unsat, Answer::Sat)
    }

    fn number(&self, state: &State) -> Numbers {
        let mut numbers = Numbers::default();
        for lit in &state.known {
            match (self.formulas.node(*lit), lit.is_negated()) {
                (Node::Lower { bound, open }, false) => numbers.above(bound, *open),
                (Node::Lower { bound, open }, true) => numbers.below(bound, !open),
                (Node::Upper { bound, open }, false) => numbers.below(bound, *open),
                (Node::Upper { bound, open }, true) => numbers.above(bound, !open),
                (Node::Multiple(step), false) => numbers.steps.push(step.clone()),
                (Node::Multiple(step), true) => numbers.no_steps.push(step.clone()),
                _ => {}
            }
        }
        numbers.excluded = self
            .excluded(state)
            .filter_map(|value| match value {
                Value::Number(number) => Some(rational(number)),
                _ => None,
            })
            .collect();
        numbers
    }

    fn texts(&self, state: &State) -> Texts {
        let mut texts = Texts::default();
        let tighten = |texts: &mut Texts, max: u64| {
            texts.max = Some(texts.max.map_or(max, |known| known.min(max)))
        };
        for lit in &state.known {
            match (self.formulas.node(*lit), lit.is_negated()) {
                (Node::MinLength(count), false) => texts.min = texts.min.max(*count),
                // Never negated at 0: that says nothing and is no formula.
                (Node::MinLength(count), true) => tighten(&mut texts, count.saturating_sub(1)),
                (Node::MaxLength(count), false) => tighten(&mut texts, *count),
                (Node::MaxLength(count), true) => {
                    texts.min = texts.min.max(count.saturating_add(1))
                }
                (Node::Pattern(pattern), false) => texts.patterns.push(*pattern),
                (Node::Pattern(pattern), true) => texts.no_patterns.push(*pattern),
                (Node::Format(name), false) => texts.formats.push(name.clone()),
                (Node::Format(name), true) => texts.no_formats.push(name.clone()),
                _ => {}
            }
        }
        texts.excluded = self
            .excluded(state)
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect();
        texts
    }
}
