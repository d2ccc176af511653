//! Text to tape where the text is as expected: the names of members in an order seen before, no escapes.
//!
//! Records of a topic differ in their values and hardly in anything else. Which name follows which is learned, so
//! that a name costs one comparison, and whether it is a repeated one costs one look-up. Whatever is not as plain as
//! that is left to [`simd_json`], which also says what is wrong with a text: this reader accepts less than JSON, and
//! what it accepts becomes the tape that `simd_json` makes of it.
mod reading;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use simd_json::StaticNode;
use simd_json::tape::Node;

use reading::Reading;

/// Most names that are learned; payloads whose names are data would fill memory with them.
const MOST_NAMES: usize = 1024;

/// Longest name that is learned, in bytes.
const LONGEST_NAME: usize = 128;

/// Words of a name that are compared at once.
const WORDS: usize = 4;

/// Deepest nesting of objects and arrays.
const DEPTH: usize = 8;

/// Reads texts, and learns the names that it meets.
#[derive(Debug, Default)]
pub(super) struct Foreseen {
    /// What came last, by depth and by the place within an object.
    expected: [Vec<Expected>; DEPTH],
    numbers: HashMap<Arc<[u8]>, usize>,
    /// The object in which each name was met last, by depth.
    met: [Vec<u64>; DEPTH],
    /// Objects begun so far.
    objects: u64,
}

/// The name that came behind another one last.
#[derive(Clone, Debug, Default)]
struct Expected {
    /// From 1.
    number: usize,
    text: Spelling,
}

/// A name with quotes and colon, as it stands in a text.
#[derive(Clone, Debug, Default)]
struct Spelling {
    text: Arc<[u8]>,
    /// Its first bytes, where it has no others, and which bits of them count.
    words: [u64; WORDS],
    masks: [u64; WORDS],
}

/// Members of the root whose text is kept.
const MEMBERS: usize = 4;

/// The texts of the first objects and arrays that the root has as members, by the members' names. None where the
/// whole text is not compact.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Texts<'t> {
    members: [(&'t str, &'t str); MEMBERS],
    len: usize,
}

impl<'t> Texts<'t> {
    /// A member's text, as [`super::Json::write_to`] would write it.
    pub(crate) fn get(&self, name: &str) -> Option<&'t str> {
        let mut members = self.members.iter().take(self.len);
        members
            .find(|(own, _)| *own == name || is_escaped(own, name))
            .map(|(_, text)| *text)
    }

    pub(super) fn push(&mut self, name: &'t str, text: &'t str) {
        if let Some(member) = self.members.get_mut(self.len) {
            *member = (name, text);
            self.len += 1;
        }
    }
}

/// Whether a name is spelled with escapes, as hardly any producer spells one.
fn is_escaped(spelled: &str, name: &str) -> bool {
    spelled.contains('\\')
        && serde_json::from_str::<String>(&format!("\"{spelled}\"")).is_ok_and(|own| own == name)
}

/// An array or object that is open.
#[derive(Clone, Copy, Default)]
struct Open {
    /// Where it begins in the text.
    start: usize,
    /// Where its node is.
    node: usize,
    /// Members or items begun.
    len: usize,
    is_object: bool,
    /// The object's number.
    object: u64,
    /// The number of its latest member's name; before its first, of the member that it is.
    name: usize,
}

impl Open {
    /// Where the next name is expected: behind another one, or first in what has that name.
    #[inline]
    fn place(&self) -> usize {
        self.name * 2 + usize::from(self.len == 1)
    }
}

impl Foreseen {
    /// Appends the nodes of a text to an empty tape; `None`, and anything on the tape, where the text is for others.
    pub(super) fn read<'t>(
        &mut self,
        bytes: &'t [u8],
        tape: &mut Vec<Node<'t>>,
    ) -> Option<Texts<'t>> {
        let mut texts = Texts::default();
        let mut reading = Reading::new(bytes)?;
        let mut open = [Open::default(); DEPTH];
        let mut depth = 0_usize;
        reading.skip_blanks();
        loop {
            // A value begins here.
            match reading.peek()? {
                b'"' => {
                    reading.at += 1;
                    tape.push(Node::String(reading.text()?));
                }
                first @ (b'{' | b'[') => {
                    reading.at += 1;
                    reading.skip_blanks();
                    let is_object = first == b'{';
                    let node = tape.len();
                    tape.push(container(is_object, 0, 0));
                    if reading.peek()? == if is_object { b'}' } else { b']' } {
                        reading.at += 1;
                    } else {
                        self.objects += 1;
                        let name = depth.checked_sub(1).map_or(0, |index| open[index].name);
                        let inside = open.get_mut(depth)?;
                        *inside = Open {
                            start: reading.at - 1,
                            node,
                            len: 1,
                            is_object,
                            object: self.objects,
                            name,
                        };
                        if is_object {
                            self.member(&mut reading, inside, depth, tape)?;
                        }
                        depth += 1;
                        continue;
                    }
                }
                b't' => {
                    reading.word(b"true")?;
                    tape.push(Node::Static(StaticNode::Bool(true)));
                }
                b'f' => {
                    reading.word(b"false")?;
                    tape.push(Node::Static(StaticNode::Bool(false)));
                }
                b'n' => {
                    reading.word(b"null")?;
                    tape.push(Node::Static(StaticNode::Null));
                }
                _ => reading.number(tape)?,
            }
            // A value ends here, and with it perhaps what it is in.
            loop {
                reading.skip_blanks();
                let Some(around) = depth.checked_sub(1).and_then(|index| open.get_mut(index))
                else {
                    if !reading.is_compact {
                        texts = Texts::default();
                    }
                    return (reading.at == reading.bytes.len()).then_some(texts);
                };
                match (reading.next()?, around.is_object) {
                    (b',', is_object) => {
                        around.len += 1;
                        reading.skip_blanks();
                        if is_object {
                            self.member(&mut reading, around, depth - 1, tape)?;
                        }
                        break;
                    }
                    (b'}', true) | (b']', false) => {
                        let count = tape.len() - around.node - 1;
                        *tape.get_mut(around.node)? =
                            container(around.is_object, around.len, count);
                        if depth == 2
                            && let Some(Node::Object { .. }) = tape.first()
                            && let Some(Node::String(name)) = tape.get(around.node - 1)
                        {
                            texts.push(name, reading.text.get(around.start..reading.at)?);
                        }
                    }
                    _ => return None,
                }
                depth -= 1;
            }
        }
    }

    /// Reads a member's name and what stands before its value.
    #[inline]
    fn member<'t>(
        &mut self,
        reading: &mut Reading<'t>,
        object: &mut Open,
        depth: usize,
        tape: &mut Vec<Node<'t>>,
    ) -> Option<()> {
        let start = reading.at + 1;
        let rest = &reading.bytes[reading.at..];
        let number = match self.expected.get(depth)?.get(object.place()) {
            Some(Expected { number, text }) if text.begins(rest) => {
                reading.at += text.text.len();
                *number
            }
            _ => self.unexpected(reading, object.place(), depth)?,
        };
        tape.push(Node::String(reading.text.get(start..reading.at - 2)?));
        reading.skip_blanks();
        let met = self.met.get_mut(depth)?.get_mut(number)?;
        if *met == object.object {
            return None;
        }
        *met = object.object;
        object.name = number;
        Some(())
    }

    /// Reads a name that is expected in this place from now on; `None` where it gets no number.
    #[cold]
    fn unexpected(
        &mut self,
        reading: &mut Reading<'_>,
        place: usize,
        depth: usize,
    ) -> Option<usize> {
        let start = reading.at;
        if reading.next()? != b'"' {
            return None;
        }
        reading.text()?;
        if reading.next()? != b':' {
            return None;
        }
        let text = &reading.bytes[start..reading.at];
        let (text, number) = match self.numbers.get_key_value(text) {
            Some((text, number)) => (Arc::clone(text), *number),
            None if self.numbers.len() < MOST_NAMES && text.len() <= LONGEST_NAME => {
                let (text, number) = (Arc::from(text), self.numbers.len() + 1);
                self.numbers.insert(Arc::clone(&text), number);
                (text, number)
            }
            None => return None,
        };
        let met = self.met.get_mut(depth)?;
        met.resize(met.len().max(number + 1), 0);
        let expected = self.expected.get_mut(depth)?;
        expected.resize(expected.len().max(place + 1), Expected::default());
        expected[place] = Expected {
            number,
            text: Spelling::new(text),
        };
        Some(number)
    }
}

/// The node of an object or array: its members or items, and the nodes of what is in it.
#[inline]
fn container<'t>(is_object: bool, len: usize, count: usize) -> Node<'t> {
    if is_object {
        Node::Object { len, count }
    } else {
        Node::Array { len, count }
    }
}

impl Spelling {
    fn new(text: Arc<[u8]>) -> Self {
        let mut spelling = Self::default();
        if text.len() <= WORDS * 8 {
            let words = spelling.words.iter_mut().zip(&mut spelling.masks);
            for ((word, mask), bytes) in words.zip(text.chunks(8)) {
                for (place, byte) in bytes.iter().enumerate() {
                    *word |= u64::from(*byte) << (place * 8);
                    *mask |= 0xff << (place * 8);
                }
            }
        }
        spelling.text = text;
        spelling
    }

    /// Whether a text begins with it; nothing begins with no name.
    #[inline]
    fn begins(&self, rest: &[u8]) -> bool {
        let window = rest.first_chunk::<{ WORDS * 8 }>();
        let Some(window) = window.filter(|_| self.masks[0] != 0) else {
            return !self.text.is_empty() && rest.starts_with(&self.text);
        };
        let words = window.as_chunks::<8>().0.iter();
        let expected = self.words.iter().zip(&self.masks);
        let different = words.zip(expected).fold(0, |found, (bytes, (word, mask))| {
            found | ((u64::from_le_bytes(*bytes) ^ word) & mask)
        });
        different == 0
    }
}
