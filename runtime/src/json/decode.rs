//! Text to tape: as foreseen, or by one SIMD pass into reused buffers and the checks that give a text one meaning.
use simd_json::tape::{Node, Tape};
use simd_json::{Buffers, ErrorType};

use super::foreseen::{Foreseen, Texts};
use super::{Json, MAX_DEPTH, wide};

/// Why a text is not usable JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON, or not UTF-8.
    #[error("not valid JSON: {0}")]
    Malformed(String),
    /// A member name stands twice in one object; readers would disagree on which counts.
    #[error("member `{0}` stands twice in one object")]
    DuplicateKey(String),
    /// More than [`MAX_DEPTH`] levels.
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

/// Reusable buffers for decoding one text after another.
pub struct Decoder {
    foreseen: Foreseen,
    text: Vec<u8>,
    /// A text with a number that no float tells, without white space.
    compact: Vec<u8>,
    buffers: Buffers,
    tape: Tape<'static>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            foreseen: Foreseen::default(),
            text: Vec::new(),
            compact: Vec::new(),
            buffers: Buffers::with_max_depth(1024, MAX_DEPTH),
            tape: Tape::null(),
        }
    }
}

impl Decoder {
    /// Decodes `bytes` and hands the root value to `visit`; the value lives as long as the call.
    ///
    /// # Errors
    /// The text is not JSON, repeats a key, or is nested too deep.
    pub fn decode<R>(
        &mut self,
        bytes: &[u8],
        visit: impl FnOnce(Json<'_>) -> R,
    ) -> Result<R, DecodeError> {
        self.decode_with_texts(bytes, |root, _| visit(root))
    }

    /// As [`Self::decode`]; `visit` also gets the texts of some members, where they need not be written again.
    pub(crate) fn decode_with_texts<R>(
        &mut self,
        bytes: &[u8],
        visit: impl FnOnce(Json<'_>, &Texts<'_>) -> R,
    ) -> Result<R, DecodeError> {
        let mut tape = std::mem::replace(&mut self.tape, Tape(Vec::new())).reset();
        let Some(texts) = self.foreseen.read(bytes, &mut tape.0) else {
            self.tape = tape.reset();
            return self.decode_any(bytes, visit);
        };
        let result = visit(Json::new(&tape.0), &texts);
        self.tape = tape.reset();
        Ok(result)
    }

    /// As [`Self::decode`], of texts of any kind.
    pub(super) fn decode_any<R>(
        &mut self,
        bytes: &[u8],
        visit: impl FnOnce(Json<'_>, &Texts<'_>) -> R,
    ) -> Result<R, DecodeError> {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        text.extend_from_slice(bytes);
        let mut tape = std::mem::replace(&mut self.tape, Tape(Vec::new())).reset();
        let result = simd_json::fill_tape(&mut text, &mut self.buffers, &mut tape)
            .map_err(|error| match error.error() {
                ErrorType::DepthLimitExceeded => DecodeError::TooDeep,
                _ => DecodeError::Malformed(error.to_string()),
            })
            .and_then(|()| match repeated_key(&tape.0) {
                Some(key) => Err(DecodeError::DuplicateKey(key.to_owned())),
                None if tape.0.is_empty() => Err(DecodeError::Malformed("empty text".to_owned())),
                None => {
                    let texts = wide::reread(bytes, &mut tape.0, &mut self.compact);
                    Ok(visit(Json::new(&tape.0), &texts))
                }
            });
        self.tape = tape.reset();
        self.text = text;
        result
    }
}

/// Objects up to this many members are compared pair by pair, which is faster than sorting.
const FEW_MEMBERS: usize = 16;

/// The first key that stands twice in one object, anywhere in the text.
fn repeated_key<'t>(nodes: &'t [Node<'t>]) -> Option<&'t str> {
    nodes
        .iter()
        .enumerate()
        .find_map(|(index, node)| match node {
            Node::Object { len, .. } if *len > 1 => repeated_in(Json::new(&nodes[index..]), *len),
            _ => None,
        })
}

/// One of 64 bits, by a name's length and ends.
fn mark(name: &str) -> u64 {
    let ends = name.as_bytes().first().zip(name.as_bytes().last());
    let ends = ends.map_or(0, |(first, last)| {
        usize::from(*first) * 5 + usize::from(*last) * 11
    });
    1 << ((name.len() + ends) % 64)
}

fn repeated_in<'t>(object: Json<'t>, len: usize) -> Option<&'t str> {
    if len <= FEW_MEMBERS {
        let mut seen = [""; FEW_MEMBERS];
        let mut marks = 0;
        for (position, (name, _)) in object.members().enumerate() {
            let mark = mark(name);
            // Names of different marks differ, so hardly any are compared.
            if marks & mark != 0 && seen[..position].contains(&name) {
                return Some(name);
            }
            marks |= mark;
            seen[position] = name;
        }
        return None;
    }
    let mut names: Vec<&str> = object.members().map(|(name, _)| name).collect();
    names.sort_unstable();
    names
        .windows(2)
        .find(|pair| pair[0] == pair[1])
        .map(|pair| pair[0])
}
