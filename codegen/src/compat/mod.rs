//! The prover: is every message that the writer's schema can produce accepted by the reader's schema?
//!
//! A question has three answers. `Compatible` is a proof, `Incompatible` comes with a message that an
//! independent validator accepts on the writer's side and rejects on the reader's, `Unknown` names what was
//! beyond reach. Both schemas become formulas (`lower`), and a value of the writer that the reader refuses is
//! searched for exhaustively (`solve`, and a theory a type); that there is none is the proof. Nothing here
//! touches files, network or clock.
mod array;
mod budget;
mod circle;
mod closed;
mod confirm;
mod doubt;
mod ecma;
mod effort;
mod evaluate;
mod evaluated;
mod format;
mod formula;
pub mod further;
mod instance;
mod lenient;
pub mod literal;
mod lookahead;
mod lower;
mod machine;
mod narrow;
mod number;
mod object;
mod pattern;
mod refused;
mod same;
mod solve;
mod text;
mod theory;
mod unevaluated;
mod values;

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::model::{self, Model, ModelError};
use budget::Budget;
use circle::Circle;
use confirm::{Judge, filled_up};
pub(crate) use confirm::{meant, own_name, words};
pub(crate) use format::Formats;
use formula::{Formulas, Gap, Lit};
pub use instance::Instance;
use lower::Lowering;
use solve::{Answer, Solver};

/// How writer and reader are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum View {
    /// Writers emit only what they declare or must emit; readers are as written. The view of a topic's events.
    Stream,
    /// Plain set inclusion.
    Strict,
}

/// A schema with what it refers to.
#[derive(Clone, Debug)]
pub struct Source {
    /// (absolute URI, document) pairs; the schema is the root of the first, the others are there to be referred to.
    pub documents: Vec<(String, Arc<Value>)>,
    /// Dialect where a document has no `$schema`.
    pub draft: referencing::Draft,
}

impl Source {
    /// A schema that refers to nothing outside itself.
    #[must_use]
    pub fn alone(schema: impl Into<Arc<Value>>, draft: referencing::Draft) -> Self {
        Self {
            documents: vec![("registry:///schema".to_owned(), schema.into())],
            draft,
        }
    }
}

/// A schema that a [`Prover`] knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SchemaHandle(usize);

/// The answer to one question.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Every message of the writer is accepted by the reader.
    Compatible(Proof),
    /// This message of the writer is rejected by the reader.
    Incompatible(Witness),
    /// Nobody knows; read it as incompatible where safety counts.
    Unknown(Unknown),
}

/// Why no message can break the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Questions on values that were refuted one by one; 0 where writer and reader mean the same on sight.
    pub steps: usize,
}

/// A message that breaks the reader, confirmed by an independent validator.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness {
    /// The message.
    pub value: Value,
    /// JSON pointer into the message where the reader refuses it.
    pub instance: String,
    /// JSON pointer of the refusing keyword in the reader's schema; after its document's URI and a `#` where the
    /// keyword stands in a document that the schema refers to.
    pub pointer: String,
    /// The member that is missing or must not be there, where that is what the reader says.
    pub member: Option<String>,
    /// What the reader says, in words.
    pub reason: String,
}

impl Witness {
    /// Of a member that the writer does not name, the name is the prover's own: any would do.
    fn of_a_writer(mut self, writer: &Model) -> Self {
        let invented = |member: &String| !writer.names(member);
        let keyword = self.pointer.rsplit('/').next().unwrap_or_default();
        if matches!(keyword, "additionalProperties" | "unevaluatedProperties")
            && self.member.as_ref().is_some_and(invented)
        {
            self.member = None;
        }
        self
    }
}

/// What was beyond reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Keyword, or `budget` where a limit was reached.
    pub keyword: String,
    /// JSON pointer of the keyword in the schema that has it; empty where it is nobody's.
    pub pointer: String,
    /// Why, and which limit.
    pub reason: String,
}

impl From<Gap> for Unknown {
    fn from(gap: Gap) -> Self {
        Self {
            keyword: gap.keyword.to_owned(),
            pointer: gap.pointer,
            reason: gap.reason,
        }
    }
}

/// How a schema becomes a formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Form {
    closed: bool,
    /// Keywords that validators differ about are left open.
    doubting: bool,
}

/// A schema taken in.
#[derive(Debug)]
struct Known {
    source: Source,
    model: Arc<Model>,
    forms: HashMap<Form, Lit>,
    /// Whether it tells 1.0 from 1 (draft 04).
    spells: bool,
    /// Whether it has keywords that validators differ about.
    doubts: bool,
    /// Whether its documents were held against their meta-schemas before.
    is_checked: bool,
    /// Whether it applies itself to the same value.
    circle: OnceCell<Option<Circle>>,
    /// Why no validator takes it.
    refused: OnceCell<Option<Unknown>>,
    judge: OnceCell<Result<Judge, String>>,
}

impl Known {
    fn is_same(&self, other: &Self) -> bool {
        self.source.draft == other.source.draft && self.source.documents == other.source.documents
    }

    fn judge(&self, formats: bool) -> Result<&Judge, Unknown> {
        let judge = self.judge.get_or_init(|| Judge::new(&self.source, formats));
        judge.as_ref().map_err(|reason| Unknown {
            keyword: "$schema".to_owned(),
            pointer: String::new(),
            reason: format!("the independent validator refuses the schema: {reason}"),
        })
    }
}

/// Compares schemas; what it learned about one pair serves the next.
#[derive(Debug, Default)]
pub struct Prover {
    schemas: Vec<Known>,
    formulas: Formulas,
    memory: HashMap<Box<[Lit]>, Answer>,
    /// As `memory`, where 1.0 is told from 1.
    spelled_memory: HashMap<Box<[Lit]>, Answer>,
}

impl Prover {
    /// A prover for which `format` asserts; for [`Prover::default`] it is an annotation, as drafts from 2019-09
    /// on have it.
    #[must_use]
    pub fn asserting_formats() -> Self {
        let mut prover = Self::default();
        prover.formulas.asserts_formats = true;
        prover
    }

    /// Takes a schema in.
    ///
    /// # Errors
    /// The schema is malformed or refers to what is not there.
    pub fn add(&mut self, mut source: Source) -> Result<SchemaHandle, ModelError> {
        for (_, document) in &mut source.documents {
            *document = lenient::as_meant(document, source.draft);
        }
        let documents: Vec<(&str, &Value)> = source
            .documents
            .iter()
            .map(|(uri, document)| (uri.as_str(), document.as_ref()))
            .collect();
        let model = model::build_in(&documents, 0, "", source.draft)?;
        Ok(self.take(source, Arc::new(model), false))
    }

    /// Takes a schema in whose model is known, what [`model::build_in`] makes of `source`, and whose documents are
    /// known to keep their meta-schemas.
    pub fn add_modelled(&mut self, source: Source, model: Arc<Model>) -> SchemaHandle {
        self.take(source, model, true)
    }

    fn take(&mut self, source: Source, model: Arc<Model>, is_checked: bool) -> SchemaHandle {
        self.schemas.push(Known {
            source,
            model,
            forms: HashMap::new(),
            spells: false,
            doubts: false,
            is_checked,
            circle: OnceCell::new(),
            refused: OnceCell::new(),
            judge: OnceCell::new(),
        });
        SchemaHandle(self.schemas.len() - 1)
    }

    /// The schema's formula.
    fn formula(&mut self, schema: SchemaHandle, form: Form) -> Lit {
        let known = &mut self.schemas[schema.0];
        if let Some(lit) = known.forms.get(&form) {
            return *lit;
        }
        self.formulas.budget.renew();
        let mut lowering = Lowering::new(&known.model, &mut self.formulas);
        lowering.doubting = form.doubting;
        let lit = lowering.root(form.closed);
        known.spells |= lowering.spells;
        known.doubts |= lowering.doubts;
        if !self.formulas.budget.wants_room() {
            known.forms.insert(form, lit);
        }
        lit
    }

    /// Why no validator takes the schema.
    fn refused(&mut self, schema: SchemaHandle) -> Option<Unknown> {
        let known = &self.schemas[schema.0];
        let patterns = &mut self.formulas.patterns;
        let refused = || refused::refused(&known.source, &known.model, patterns, known.is_checked);
        known.refused.get_or_init(refused).clone()
    }

    /// Whether every message of `writer` is accepted by `reader`. A witness is filled up from `example`, a
    /// message of the writer, where that helps.
    pub fn compare(
        &mut self,
        writer: SchemaHandle,
        reader: SchemaHandle,
        view: View,
        example: Option<&Value>,
    ) -> Verdict {
        let mut unproved = None;
        for schema in [writer, reader] {
            let known = &self.schemas[schema.0];
            match known.circle.get_or_init(|| circle::circle(&known.model)) {
                Some(Circle::Void(unknown)) => return Verdict::Unknown(unknown.clone()),
                Some(Circle::Choice(unknown)) => unproved = Some(unknown.clone()),
                None => {}
            }
        }
        self.formulas.budget = Budget::begin(budget::USUAL);
        let is_same = {
            let [writer, reader] = [writer, reader].map(|schema| &self.schemas[schema.0]);
            writer.is_same(reader) || same::is_same_in_meaning(&writer.model, &reader.model)
        };
        let verdict = if is_same {
            // Whatever it means, and however little of it is understood.
            Verdict::Compatible(Proof { steps: 0 })
        } else {
            self.search(writer, reader, view, example)
        };
        let verdict = match verdict {
            Verdict::Unknown(_) if self.formulas.budget.wants_room() => self
                .with_room(|prover| prover.search(writer, reader, view, example))
                .unwrap_or(verdict),
            other => other,
        };
        match verdict {
            Verdict::Compatible(proof) => unproved
                .or_else(|| self.refused(writer))
                .or_else(|| self.refused(reader))
                .map_or(Verdict::Compatible(proof), Verdict::Unknown),
            // The independent validator took both.
            other @ (Verdict::Incompatible(_) | Verdict::Unknown(_)) => other,
        }
    }

    /// Asks on a large stack; `None` where there is none to be had.
    fn with_room<A: Send>(&mut self, ask: impl FnOnce(&mut Self) -> A + Send) -> Option<A> {
        std::thread::scope(|scope| {
            let deep = std::thread::Builder::new().stack_size(budget::DEEP_STACK);
            let ask = || {
                self.formulas.budget = Budget::begin(budget::DEEP);
                ask(self)
            };
            deep.spawn_scoped(scope, ask).ok()?.join().ok()
        })
    }

    fn search(
        &mut self,
        writer: SchemaHandle,
        reader: SchemaHandle,
        view: View,
        example: Option<&Value>,
    ) -> Verdict {
        let closed = view == View::Stream;
        let form = |closed, doubting| Form { closed, doubting };
        let written = self.formula(writer, form(closed, false));
        let read = self.formula(reader, form(false, false));
        self.formulas.budget.renew();
        self.formulas.patterns.begin();
        let (answer, steps) = self.solve(&[written, !read], false);
        match answer {
            Answer::Unsat => {}
            Answer::Unknown(gap) => return Verdict::Unknown(gap.into()),
            Answer::Sat(value) => {
                return self
                    .confirm((writer, written), reader, &value, example)
                    .unwrap_or_else(Verdict::Unknown);
            }
        }
        let either = [writer, reader].map(|schema| &self.schemas[schema.0]);
        let spells = either.iter().any(|known| known.spells);
        let doubts = either.iter().any(|known| known.doubts);
        if spells {
            // Draft 04 leaves open whether 1.0 is an integer; a proof must hold either way.
            if let Some(unknown) = self.otherwise([written, !read], true) {
                return Verdict::Unknown(unknown);
            }
        }
        if doubts {
            let written = self.formula(writer, form(closed, true));
            let read = self.formula(reader, form(false, true));
            self.formulas.budget.renew();
            for spelled in [false, true] {
                if spelled && !spells {
                    continue;
                }
                if let Some(unknown) = self.otherwise([written, !read], spelled) {
                    return Verdict::Unknown(unknown);
                }
            }
        }
        Verdict::Compatible(Proof { steps })
    }

    /// Why a proof does not hold where the schemas are read otherwise.
    fn otherwise(&mut self, goal: [Lit; 2], spelled: bool) -> Option<Unknown> {
        match self.solve(&goal, spelled).0 {
            Answer::Unsat => None,
            Answer::Unknown(gap) => Some(gap.into()),
            Answer::Sat(value) => {
                let cause = if spelled {
                    "draft 04 does not say whether 1.0 is an integer; where it is not"
                } else {
                    "validators differ about keywords of these schemas; to some"
                };
                Some(Unknown {
                    keyword: "type".to_owned(),
                    pointer: String::new(),
                    reason: format!("{cause}, {value} breaks the reader"),
                })
            }
        }
    }

    fn solve(&mut self, goal: &[Lit], spelled: bool) -> (Answer, usize) {
        self.formulas.spelled = spelled;
        let memory = if spelled {
            &mut self.spelled_memory
        } else {
            &mut self.memory
        };
        let mut solver = Solver::new(&mut self.formulas, memory, budget::STEPS);
        let answer = solver.solve(goal);
        let steps = solver.steps;
        self.formulas.spelled = false;
        (answer, steps)
    }

    fn confirm(
        &mut self,
        (writer, written): (SchemaHandle, Lit),
        reader: SchemaHandle,
        value: &Value,
        example: Option<&Value>,
    ) -> Result<Verdict, Unknown> {
        let formulas = &mut self.formulas;
        let budget = formulas.budget.clone();
        let asserts = formulas.asserts_formats;
        let models = [writer, reader].map(|schema| self.schemas[schema.0].model.as_ref());
        let bearable = |value: &Value| {
            models
                .iter()
                .all(|model| effort::is_bearable(model, value, &budget))
        };
        if !bearable(value)
            || !models
                .iter()
                .all(|model| effort::is_compiled_soon(model, &budget))
        {
            return Err(Unknown {
                keyword: "budget".to_owned(),
                pointer: String::new(),
                reason: "a validator would take too long to confirm the message found".to_owned(),
            });
        }
        let writes = self.schemas[writer.0].judge(asserts)?;
        let reads = self.schemas[reader.0].judge(asserts)?;
        let mut breaks = |value: &Value| {
            bearable(value)
                && writes.accepts(value)
                && !reads.accepts(value)
                && formulas.holds(written, value) == Some(true)
        };
        if !breaks(value) {
            return Err(Unknown {
                keyword: "budget".to_owned(),
                pointer: String::new(),
                reason: format!("the independent validator does not confirm the message {value}"),
            });
        }
        let best = example.and_then(|example| filled_up(value, example, &mut breaks));
        let best = best.as_ref().unwrap_or(value);
        reads
            .refusal(best)
            .map(|refusal| refusal.of_a_writer(models[0]))
            .map(Verdict::Incompatible)
            .ok_or_else(|| Unknown {
                keyword: "budget".to_owned(),
                pointer: String::new(),
                reason: "the independent validator changed its mind".to_owned(),
            })
    }

    /// Formulas held in memory, a measure of its size.
    #[must_use]
    pub fn size(&self) -> usize {
        self.formulas.len()
    }
}

/// Compares two schemas that refer to nothing outside themselves.
///
/// # Errors
/// A schema is malformed or refers to what is not there.
pub fn compat(writer: Source, reader: Source, view: View) -> Result<Verdict, ModelError> {
    let mut prover = Prover::default();
    let writer = prover.add(writer)?;
    let reader = prover.add(reader)?;
    Ok(prover.compare(writer, reader, view, None))
}
