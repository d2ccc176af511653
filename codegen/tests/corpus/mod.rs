//! The collected inclusion cases: two schemas, which inclusion is asked, and what is known of the answer. Their
//! sources are described in `tests/corpora/README.md`.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::io::Read as _;
use std::sync::Arc;

use referencing::Draft;
use serde_json::Value;
use topicwright::compat::{Source, Verdict, View, compat};

/// Every collection.
pub const COLLECTIONS: &[&str] = &[
    "karapace",
    "jsonsubschema",
    "jsoncompat",
    "is-json-schema-subset",
    "iglu-central",
    "containment",
    "jsts-derived",
];

/// Both views of a question.
pub const VIEWS: [View; 2] = [View::Strict, View::Stream];

/// What is unknown of a collection's answers in one view.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unknowns {
    /// All but the next.
    pub open: usize,
    /// What nobody could answer: draft 04 leaves open whether 1.0 is an integer, and a schema that applies itself to
    /// the same value means nothing.
    pub undecided: usize,
}

impl Unknowns {
    /// Counts an answer that is neither proof nor witness.
    pub fn count(&mut self, reason: &str) {
        let undecided = ["whether 1.0 is an integer", "which means nothing"];
        match undecided.iter().any(|part| reason.contains(part)) {
            true => self.undecided += 1,
            false => self.open += 1,
        }
    }
}

/// One case.
pub struct Case {
    pub id: String,
    pub writer: Arc<Value>,
    pub reader: Arc<Value>,
    pub writer_draft: Draft,
    pub reader_draft: Draft,
    /// `compatible`, `incompatible`, or `unknown` where nobody has proved it.
    pub truth: String,
    /// A message that breaks the reader, where one is known.
    pub counterexample: Option<Value>,
    /// What becomes of it where the writer is read as closed.
    pub closed_writer: Option<String>,
}

/// All cases of a collection.
pub fn cases(name: &str) -> Vec<Case> {
    let path = format!(
        "{}/tests/corpora/{name}.jsonl.gz",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    text.lines()
        .map(|line| case(&serde_json::from_str(line).unwrap()))
        .collect()
}

fn case(case: &Value) -> Case {
    let old_is_writer = case["lhs_subset_of_rhs"]
        .as_str()
        .unwrap()
        .starts_with("old");
    let (writer, reader) = if old_is_writer {
        ("old", "new")
    } else {
        ("new", "old")
    };
    let draft_of = |side: &str| {
        draft(match &case["draft"] {
            Value::Array(pair) => &pair[usize::from(side == "new")],
            one => one,
        })
    };
    Case {
        id: case["id"].as_str().unwrap().to_owned(),
        writer: case[writer].clone().into(),
        reader: case[reader].clone().into(),
        writer_draft: draft_of(writer),
        reader_draft: draft_of(reader),
        truth: case["truth"].as_str().unwrap().to_owned(),
        counterexample: case.get("counterexample").cloned(),
        closed_writer: case
            .get("closed_writer")
            .and_then(Value::as_str)
            .map(str::to_owned),
    }
}

fn draft(name: &Value) -> Draft {
    match name.as_str().unwrap() {
        "draft-04" => Draft::Draft4,
        "draft-06" => Draft::Draft6,
        "draft-07" => Draft::Draft7,
        "2019-09" => Draft::Draft201909,
        "2020-12" => Draft::Draft202012,
        other => panic!("{other}"),
    }
}

impl Case {
    /// The prover's answer, or the reason why a schema cannot be read.
    pub fn judge(&self, view: View) -> Result<Verdict, String> {
        compat(
            Source::alone(Arc::clone(&self.writer), self.writer_draft),
            Source::alone(Arc::clone(&self.reader), self.reader_draft),
            view,
        )
        .map_err(|error| error.to_string())
    }

    /// What a validator of its own says to a message: accepted by the writer, accepted by the reader.
    pub fn validated(&self, message: &Value) -> (bool, bool) {
        let judge = |schema: &Value, draft: Draft| {
            jsonschema::options()
                .with_draft(draft.detect(schema))
                .should_validate_formats(false)
                .build(schema)
                .unwrap_or_else(|error| panic!("{}: {error}", self.id))
                .is_valid(message)
        };
        (
            judge(&self.writer, self.writer_draft),
            judge(&self.reader, self.reader_draft),
        )
    }
}
