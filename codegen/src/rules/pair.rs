//! What rules judge: one thing of the old registry beside the same thing of the new one.
//!
//! The gate's walker makes these; a side is absent where the thing is new or gone.
use crate::clickhouse::{Closing, Column, Table};
use crate::compat::further::Further;
use crate::compat::{Unknown, Verdict, Witness};
use crate::gate::day::Day;
use crate::gate::side::Side;
use crate::model::Model;
use crate::model::fields::Field;
use crate::registry::manifest::ViewManifest;
use crate::registry::{ColumnMapping, Topic, TopicVersion};
use crate::rules::problem::Place;

/// The same thing in the old and the new registry.
#[derive(Debug)]
pub struct Pair<'a, T> {
    /// Before the change.
    pub old: Option<&'a T>,
    /// After it.
    pub new: Option<&'a T>,
}

impl<T> Clone for Pair<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Pair<'_, T> {}

impl<'a, T> Pair<'a, T> {
    /// Both sides, where it was there before and still is.
    #[must_use]
    pub fn both(&self) -> Option<(&'a T, &'a T)> {
        self.old.zip(self.new)
    }

    /// The old side of what is gone.
    #[must_use]
    pub fn removed(&self) -> Option<&'a T> {
        self.old.filter(|_| self.new.is_none())
    }

    /// The new side of what was not there.
    #[must_use]
    pub fn added(&self) -> Option<&'a T> {
        self.new.filter(|_| self.old.is_none())
    }
}

/// Both registries, and the day of the check.
#[derive(Clone, Copy, Debug)]
pub struct RegistryPair<'a> {
    /// Before the change.
    pub old: &'a Side,
    /// After it.
    pub new: &'a Side,
    /// Today.
    pub today: Day,
}

impl RegistryPair<'_> {
    /// Whether a file's text is another one than before.
    #[must_use]
    pub fn is_changed(&self, file: &str) -> bool {
        fn text<'s>(side: &'s Side, file: &str) -> Option<&'s str> {
            let document = side.documents.get(file);
            document.map(|document| document.text.as_str())
        }
        text(self.old, file) != text(self.new, file)
    }
}

/// A topic.
#[derive(Clone, Copy, Debug)]
pub struct TopicPair<'a> {
    /// The topic.
    pub topic: Pair<'a, Topic>,
    /// For a topic that is gone: a new one of another name whose versions mean the same.
    pub renamed_to: Option<&'a Topic>,
    /// Both registries.
    pub around: RegistryPair<'a>,
}

/// A version of a topic that is there before and after.
#[derive(Clone, Copy, Debug)]
pub struct VersionPair<'a> {
    /// The topic, before and after.
    pub topic: (&'a Topic, &'a Topic),
    /// The version.
    pub version: Pair<'a, TopicVersion>,
    /// Where it was edited: whether new readers read old messages, and old readers new ones.
    pub edited: Option<(&'a Verdict, &'a Verdict)>,
    /// Both registries.
    pub around: RegistryPair<'a>,
}

/// A new or changed version of a topic and the version before it, or itself before it was edited.
#[derive(Clone, Copy, Debug)]
pub struct SuccessorPair<'a> {
    /// The topic after the change.
    pub topic: &'a Topic,
    /// What came before.
    pub old: &'a TopicVersion,
    /// The new or changed version.
    pub new: &'a TopicVersion,
    /// Both registries.
    pub around: RegistryPair<'a>,
}

/// A field of a new or changed version beside the field that it continues, or a field of the envelope.
#[derive(Clone, Copy, Debug)]
pub struct FieldPair<'a> {
    /// The topic after the change; `None` for the envelope.
    pub topic: Option<&'a Topic>,
    /// The version after the change; `None` for the envelope.
    pub version: Option<&'a TopicVersion>,
    /// The field's schema file before and after.
    pub file: Pair<'a, String>,
    /// The field, and the model it belongs to.
    pub field: Pair<'a, (Field, &'a Model)>,
    /// The columns that the version, or the envelope, fills.
    pub columns: Pair<'a, Vec<ColumnMapping>>,
    /// Both registries.
    pub around: RegistryPair<'a>,
}

impl FieldPair<'_> {
    /// Where the field is declared now.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        Some(
            self.around
                .new
                .follow(self.file.new?, &declared(self.field.new?)),
        )
    }

    /// Where the field was declared before.
    #[must_use]
    pub fn old_place(&self) -> Option<Place> {
        let (file, pointer) = (self.file.old?, declared(self.field.old?));
        // What a new version follows stands in the new registry, an edited file in the old one.
        let side = if self.file.old == self.file.new {
            self.around.old
        } else {
            self.around.new
        };
        Some(side.follow(file, &pointer))
    }

    /// Fact columns that the field fills now.
    #[must_use]
    pub fn columns_now(&self) -> Vec<&str> {
        self.filled(self.columns.new, self.field.new, self.around.new)
    }

    /// Fact columns that it filled before.
    #[must_use]
    pub fn columns_before(&self) -> Vec<&str> {
        self.filled(self.columns.old, self.field.old, self.around.old)
    }

    fn filled<'c>(
        &self,
        columns: Option<&'c Vec<ColumnMapping>>,
        field: Option<&(Field, &Model)>,
        side: &Side,
    ) -> Vec<&'c str> {
        let Some((field, _)) = field else {
            return Vec::new();
        };
        let pointer = match self.topic {
            Some(_) => {
                let payload = crate::model::escape(&side.registry.envelope.fields.payload);
                format!("/{payload}{}", field.pointer)
            }
            None => field.pointer.clone(),
        };
        columns
            .into_iter()
            .flatten()
            .filter(|mapping| mapping.source.from == pointer)
            .map(|mapping| mapping.column.as_str())
            .collect()
    }
}

/// `/a/b` as nested declarations: `/properties/a/properties/b`.
fn declared((field, _): &(Field, &Model)) -> String {
    field.pointer.replace('/', "/properties/")
}

/// A writer and a reader.
#[derive(Clone, Debug)]
pub struct Reading<'a> {
    /// What both belong to.
    pub subject: Subject<'a>,
    /// Who writes.
    pub writer: Edition<'a>,
    /// Who reads.
    pub reader: Edition<'a>,
    /// Whether newer readers read older messages, or the other way round.
    pub direction: Direction,
    /// Whether the compatibility level promises that this works.
    pub promised: bool,
    /// Whether it does.
    pub verdict: Verdict,
    /// What else breaks the reader, where it was promised that nothing does.
    pub further: Further,
    /// Both registries.
    pub around: RegistryPair<'a>,
}

impl Reading<'_> {
    /// A message for each place that breaks a reader to whom it was promised that nothing does.
    pub fn breaks(&self) -> impl Iterator<Item = &Witness> {
        let first = match &self.verdict {
            Verdict::Incompatible(witness) if self.promised => Some(witness),
            _ => None,
        };
        first.into_iter().chain(&self.further.breaks)
    }

    /// What nobody knows of a reading that was promised to work.
    #[must_use]
    pub fn unproved(&self) -> Option<&Unknown> {
        match &self.verdict {
            Verdict::Unknown(unknown) if self.promised => Some(unknown),
            _ => self.further.unproved.as_ref(),
        }
    }
}

/// What a writer and a reader belong to.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// Two versions of a topic.
    Versions(&'a Topic),
    /// One version of a topic, before and after an edit.
    Edit(&'a Topic, u32),
    /// The envelope, before and after an edit.
    Envelope,
}

/// A schema on one side of a reading.
#[derive(Clone, Copy, Debug)]
pub struct Edition<'a> {
    /// Whether it is the old registry's.
    pub old: bool,
    /// Path below the registry folder.
    pub path: &'a str,
    /// Version; 0 for the envelope.
    pub number: u32,
}

impl Edition<'_> {
    /// As messages call it: `v2`, `the old v2`, `the old envelope`.
    #[must_use]
    pub fn name(&self) -> String {
        match (self.number, self.old) {
            (0, true) => "the old envelope".to_owned(),
            (0, false) => "the new envelope".to_owned(),
            (number, true) => format!("the old v{number}"),
            (number, false) => format!("v{number}"),
        }
    }
}

/// Who is newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The reader: new readers meet messages of old writers.
    Backward,
    /// The writer: old readers meet messages of new writers.
    Forward,
}

/// The generated types' public items.
#[derive(Clone, Copy, Debug)]
pub struct ApiPair<'a> {
    /// What changed.
    pub changes: &'a [crate::gate::api::ApiChange],
    /// Both registries.
    pub around: RegistryPair<'a>,
}

/// A table.
#[derive(Clone, Copy, Debug)]
pub struct TablePair<'a> {
    /// Its plan.
    pub table: Pair<'a, Table>,
    /// The view or KPI whose closed days it holds; `None` for the fact table and the ledger.
    pub view: Pair<'a, ViewManifest>,
    /// Both registries.
    pub around: RegistryPair<'a>,
}

/// A column of a table that is there before and after.
#[derive(Clone, Copy, Debug)]
pub struct ColumnPair<'a> {
    /// Its table.
    pub table: TablePair<'a>,
    /// Its plan.
    pub column: Pair<'a, Column>,
}

/// A view.
#[derive(Clone, Copy, Debug)]
pub struct ViewPair<'a> {
    /// Its manifest.
    pub view: Pair<'a, ViewManifest>,
    /// How its days are closed; KPIs that keep nothing have none.
    pub closing: Pair<'a, Closing>,
    /// Both registries.
    pub around: RegistryPair<'a>,
}
