//! Is there any value that a schema accepts? The solver's search for a message that breaks a reader, without the
//! reader.
use serde_json::Value;

use super::budget::{self, Budget};
use super::solve::Answer;
use super::{Form, Prover, SchemaHandle, Unknown, effort};

/// What there is to a schema.
#[derive(Clone, Debug, PartialEq)]
pub enum Instance {
    /// This value is accepted; the independent validator says so too.
    Found(Value),
    /// No value is accepted, proved.
    None,
    /// Nobody knows.
    Unknown(Unknown),
}

impl Prover {
    /// A value that the schema accepts, the plainest that is found first.
    pub fn instance(&mut self, schema: SchemaHandle) -> Instance {
        self.formulas.budget = Budget::begin(budget::USUAL);
        match self.find(schema) {
            found @ (Instance::Found(_) | Instance::None) => found,
            unknown if self.formulas.budget.wants_room() => self
                .with_room(|prover| prover.find(schema))
                .unwrap_or(unknown),
            unknown => unknown,
        }
    }

    fn find(&mut self, schema: SchemaHandle) -> Instance {
        let form = |doubting| Form {
            closed: false,
            doubting,
        };
        let written = self.formula(schema, form(false));
        self.formulas.budget.renew();
        self.formulas.patterns.begin();
        let (mut answer, _) = self.solve(&[written], false);
        if answer == Answer::Unsat && self.schemas[schema.0].spells {
            // Draft 04 leaves open whether 1.0 is an integer; a proof must hold either way.
            answer = self.solve(&[written], true).0;
        }
        if answer == Answer::Unsat && self.schemas[schema.0].doubts {
            // Nor do validators agree about every keyword.
            let written = self.formula(schema, form(true));
            answer = self.solve(&[written], false).0;
        }
        match answer {
            Answer::Unsat => Instance::None,
            Answer::Unknown(gap) => Instance::Unknown(gap.into()),
            Answer::Sat(value) => match self.confirmed(schema, &value) {
                Ok(()) => Instance::Found(value),
                Err(unknown) => Instance::Unknown(unknown),
            },
        }
    }

    fn confirmed(&self, schema: SchemaHandle, value: &Value) -> Result<(), Unknown> {
        let known = &self.schemas[schema.0];
        let budget = &self.formulas.budget;
        let refused = |reason: String| Unknown {
            keyword: "budget".to_owned(),
            pointer: String::new(),
            reason,
        };
        if !effort::is_bearable(&known.model, value, budget)
            || !effort::is_compiled_soon(&known.model, budget)
        {
            return Err(refused(
                "a validator would take too long to confirm the value found".to_owned(),
            ));
        }
        if known.judge(self.formulas.asserts_formats)?.accepts(value) {
            return Ok(());
        }
        Err(refused(format!(
            "the independent validator does not confirm the value {value}"
        )))
    }
}

#[cfg(test)]
mod tests {
    use referencing::Draft;
    use serde_json::json;

    use super::*;
    use crate::compat::Source;

    fn of(schema: Value) -> Instance {
        let mut prover = Prover::default();
        let handle = prover
            .add(Source::alone(schema, Draft::Draft202012))
            .unwrap();
        prover.instance(handle)
    }

    #[test]
    fn a_value_or_the_proof_that_there_is_none() {
        let bounded = json!({"type": "integer", "minimum": 3, "not": {"multipleOf": 2}});
        assert_eq!(of(bounded), Instance::Found(json!(3)));
        assert_eq!(of(json!({"type": "string", "enum": [1]})), Instance::None);
        // A list that has to hold itself.
        let endless = json!({"type": "array", "minItems": 1, "items": {"$ref": "#"}});
        assert_eq!(of(endless), Instance::None);
        let backwards = json!({"type": "string", "pattern": "^(a+)\\1$"});
        assert!(matches!(of(backwards), Instance::Unknown(_)));
    }
}
