//! Valid instances of a schema that look like real ones, the same for the same seed on every machine.
//!
//! A value is drawn from the model, keyword by keyword, near what examples show. The independent
//! validator has the last word on every one. Where draws are refused, an example is varied instead, and where
//! there is none the prover searches for a value, or proves that there is none.
mod array;
mod dice;
mod draw;
mod event;
mod number;
mod object;
mod pattern;
mod seen;
mod shape;
mod text;
mod vary;
mod words;

use std::sync::Arc;

use jsonschema::Validator;
use serde_json::Value;

pub use dice::Dice;
pub use event::Events;

use crate::compat::{Instance, Prover, Source};
use crate::gate::readings::source_of;
use crate::model::Model;
use crate::registry::document::Documents;
use crate::registry::{Topic, TopicVersion};
use crate::validate::Schema;
use draw::{Draw, Place};
use seen::Seen;
use text::Texts;

/// Draws before another way is taken.
const DRAWS: usize = 60;

/// Draws where all of them failed the last time.
const FEW_DRAWS: usize = 6;

/// Why there is no sample.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No instance is valid, proved.
    #[error("no value is valid: the schema contradicts itself (proved)")]
    Empty,
    /// None was found, and nobody knows whether there is one.
    #[error("no valid value was found: {0}")]
    NotFound(String),
}

/// How a sample was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Drawn from the model.
    Drawn,
    /// An example, varied.
    Varied,
    /// Found by the prover, then varied.
    Proved,
}

/// Makes samples of one schema.
#[derive(Debug)]
pub struct Sampler {
    source: Source,
    model: Arc<Model>,
    validator: Validator,
    examples: Vec<Value>,
    seen: Seen,
    texts: Texts,
    /// Draws have failed.
    is_stubborn: bool,
    /// What the prover said, once it was asked.
    proved: Option<Result<Value, Failure>>,
}

impl Sampler {
    /// A sampler of a schema: its text, what [`crate::model::build_in`] makes of it, and a validator for it.
    /// Samples are modelled on the examples, of which those that are not valid only lend their values.
    #[must_use]
    pub fn new(
        source: Source,
        model: Arc<Model>,
        validator: Validator,
        examples: Vec<Value>,
    ) -> Self {
        let seen = Seen::of(&examples);
        let mut examples = examples;
        examples.retain(|example| validator.is_valid(example));
        Self {
            source,
            model,
            validator,
            examples,
            seen,
            texts: Texts::default(),
            is_stubborn: false,
            proved: None,
        }
    }

    /// A sampler of a version's payloads, modelled on its examples, or where it has none on the topic's others.
    ///
    /// # Errors
    /// The validator does not take the schema.
    pub fn of_payloads(
        documents: &Documents,
        topic: &Topic,
        version: &TopicVersion,
    ) -> Result<Self, String> {
        let of = |version: &TopicVersion| -> Vec<Value> {
            let examples = version.examples.iter();
            examples.map(|example| example.payload.clone()).collect()
        };
        let mut examples = of(version);
        if examples.is_empty() {
            examples = topic.versions.iter().flat_map(of).collect();
        }
        let validator = Schema::new(documents, &version.path)?.into_validator();
        Ok(Self::new(
            source_of(documents, &version.path),
            Arc::clone(&version.model),
            validator,
            examples,
        ))
    }

    /// The next sample, valid by the independent validator, and how it was found.
    ///
    /// # Errors
    /// There is none, or none was found.
    pub fn sample(&mut self, dice: &mut Dice) -> Result<(Value, Way), Failure> {
        let draws = if self.is_stubborn { FEW_DRAWS } else { DRAWS };
        for _ in 0..draws {
            let mut draw = Draw {
                model: &self.model,
                seen: &self.seen,
                texts: &mut self.texts,
                dice,
                parts: 0,
            };
            let root = Place {
                path: "",
                name: "",
                depth: 0,
            };
            if let Some(value) = draw.value(&[self.model.root], root)
                && self.validator.is_valid(&value)
            {
                return Ok((value, Way::Drawn));
            }
        }
        self.is_stubborn = true;
        let accepts = |value: &Value| self.validator.is_valid(value);
        if let Some(example) = dice.pick(&self.examples) {
            return Ok((vary::varied(example, &accepts, dice), Way::Varied));
        }
        let proved = self
            .proved
            .get_or_insert_with(|| proved(&self.source, &self.validator));
        let base = proved.as_ref().map_err(Clone::clone)?;
        Ok((vary::varied(base, &accepts, dice), Way::Proved))
    }
}

/// What the prover finds. Formats are asserted only where the validator asserts them, so first they are not: what
/// is empty then is empty with them too. The source may say more than the model that is drawn from: what columns
/// demand.
fn proved(source: &Source, validator: &Validator) -> Result<Value, Failure> {
    let mut reason = "the prover's values are refused by the validator".to_owned();
    for asserts in [false, true] {
        let mut prover = if asserts {
            Prover::asserting_formats()
        } else {
            Prover::default()
        };
        let handle = prover
            .add(source.clone())
            .map_err(|error| Failure::NotFound(format!("{} ({})", error.problem, error.pointer)))?;
        match prover.instance(handle) {
            Instance::None if !asserts => return Err(Failure::Empty),
            Instance::None => {
                "no string is of the formats asked for, as far as is known".clone_into(&mut reason);
            }
            Instance::Found(value) if validator.is_valid(&value) => return Ok(value),
            Instance::Found(_) => {}
            Instance::Unknown(unknown) => {
                reason = format!("{} ({})", unknown.reason, unknown.keyword);
            }
        }
    }
    Err(Failure::NotFound(reason))
}
