//! Text to tape where the text is as expected: the names of members in an order seen before, no escapes.
//!
//! Records of a topic differ in their values and hardly in anything else. Which name follows which is learned, so
//! that a name costs one comparison, and whether it is a repeated one costs one look-up. Whatever is not as plain as
//! that is left to [`simd_json`], which also says what is wrong with a text: this reader accepts less than JSON, and
//! what it accepts becomes the tape that `simd_json` makes of it.
use std::collections::HashMap;

use simd_json::StaticNode;
use simd_json::tape::Node;

/// Most names that are learned; payloads whose names are data would fill memory with them.
const MOST_NAMES: usize = 1024;

/// Longest name that is learned, in bytes.
const LONGEST_NAME: usize = 128;

/// Words of a name that are compared at once.
const WORDS: usize = 4;

/// Deepest nesting of objects and arrays.
const DEPTH: usize = 8;

/// Digits that fit an `i64` whatever they are.
const SAFE_DIGITS: usize = 18;

/// Reads texts, and learns the names that it meets.
#[derive(Debug, Default)]
pub(super) struct Foreseen {
    /// What came last, by depth and by the place within an object.
    expected: [Vec<Expected>; DEPTH],
    numbers: HashMap<Box<[u8]>, usize>,
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
    text: Box<[u8]>,
    /// Its first bytes, where it has no others, and which bits of them count.
    words: [u64; WORDS],
    masks: [u64; WORDS],
}

/// An array or object that is open.
#[derive(Clone, Copy, Default)]
struct Open {
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

/// What is being read.
struct Reading<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
}

impl Foreseen {
    /// Appends the nodes of a text to an empty tape; `None`, and anything on the tape, where the text is for others.
    pub(super) fn read<'t>(&mut self, bytes: &'t [u8], tape: &mut Vec<Node<'t>>) -> Option<()> {
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
                    tape.push(if is_object {
                        Node::Object { len: 0, count: 0 }
                    } else {
                        Node::Array { len: 0, count: 0 }
                    });
                    if reading.peek()? == if is_object { b'}' } else { b']' } {
                        reading.at += 1;
                    } else {
                        self.objects += 1;
                        let name = depth.checked_sub(1).map_or(0, |index| open[index].name);
                        let inside = open.get_mut(depth)?;
                        *inside = Open {
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
                b't' => tape.push(reading.word(b"true", StaticNode::Bool(true))?),
                b'f' => tape.push(reading.word(b"false", StaticNode::Bool(false))?),
                b'n' => tape.push(reading.word(b"null", StaticNode::Null)?),
                _ => tape.push(reading.number()?),
            }
            // A value ends here, and with it perhaps what it is in.
            loop {
                reading.skip_blanks();
                let Some(around) = depth.checked_sub(1).and_then(|index| open.get_mut(index))
                else {
                    return (reading.at == bytes.len()).then_some(());
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
                    (b'}', true) => {
                        let count = tape.len() - around.node - 1;
                        *tape.get_mut(around.node)? = Node::Object {
                            len: around.len,
                            count,
                        };
                    }
                    (b']', false) => {
                        let count = tape.len() - around.node - 1;
                        *tape.get_mut(around.node)? = Node::Array {
                            len: around.len,
                            count,
                        };
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
        let number = match self.numbers.get(text) {
            Some(number) => *number,
            None if self.numbers.len() < MOST_NAMES && text.len() <= LONGEST_NAME => {
                let number = self.numbers.len() + 1;
                self.numbers.insert(text.into(), number);
                number
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

impl Spelling {
    fn new(text: &[u8]) -> Self {
        let mut spelling = Self {
            text: text.into(),
            ..Self::default()
        };
        if text.len() <= WORDS * 8 {
            let words = spelling.words.iter_mut().zip(&mut spelling.masks);
            for ((word, mask), bytes) in words.zip(text.chunks(8)) {
                for (place, byte) in bytes.iter().enumerate() {
                    *word |= u64::from(*byte) << (place * 8);
                    *mask |= 0xff << (place * 8);
                }
            }
        }
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

impl<'t> Reading<'t> {
    /// `None` where the text has escapes, control characters, or is not UTF-8.
    fn new(bytes: &'t [u8]) -> Option<Self> {
        let is_special = |byte: &u8| u8::from(*byte < b' ') | u8::from(*byte == b'\\');
        if bytes.iter().fold(0, |found, byte| found | is_special(byte)) != 0 {
            return None;
        }
        let text = std::str::from_utf8(bytes).ok()?;
        Some(Self { text, bytes, at: 0 })
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// All other white space is control characters.
    #[inline]
    fn skip_blanks(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }

    /// What stands before the next quote, which is passed.
    #[inline]
    fn text(&mut self) -> Option<&'t str> {
        let start = self.at;
        let length = quote_in(self.bytes.get(start..)?)?;
        self.at = start + length + 1;
        self.text.get(start..start + length)
    }

    #[inline]
    fn word(&mut self, word: &[u8], node: StaticNode) -> Option<Node<'t>> {
        self.bytes.get(self.at..)?.strip_prefix(word)?;
        self.at += word.len();
        Some(Node::Static(node))
    }

    #[inline]
    fn number(&mut self) -> Option<Node<'t>> {
        let start = self.at;
        let is_negative = self.peek()? == b'-';
        self.at += usize::from(is_negative);
        let digits = self.at;
        let mut value = 0_u64;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            // What overflows is refused below, by its length.
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        let length = self.at - digits;
        if length == 0 || length > 1 && self.bytes[digits] == b'0' {
            return None;
        }
        if matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            return self.float(start);
        }
        if length > SAFE_DIGITS {
            return None;
        }
        let node = match (is_negative, i64::try_from(value).ok()?) {
            (false, _) => StaticNode::U64(value),
            (true, 0) => return None,
            (true, value) => StaticNode::I64(-value),
        };
        Some(Node::Static(node))
    }

    /// A number from its fraction or exponent on.
    fn float(&mut self, start: usize) -> Option<Node<'t>> {
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        let value: f64 = self.text.get(start..self.at)?.parse().ok()?;
        // Zero has two signs, and what is too large is an error: both are for others.
        (value != 0.0 && value.is_finite()).then_some(Node::Static(StaticNode::from(value)))
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}

/// Where the first quote is. Texts are short, so eight bytes at a time are quicker than calling for more.
#[inline]
fn quote_in(bytes: &[u8]) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = LOW << 7;
    let (chunks, rest) = bytes.as_chunks::<8>();
    for (index, chunk) in chunks.iter().enumerate() {
        let word = u64::from_le_bytes(*chunk) ^ (LOW * b'"' as u64);
        // The lowest marked byte is zero, so a quote; those above it may be marked by a carry.
        let zeros = word.wrapping_sub(LOW) & !word & HIGH;
        if zeros != 0 {
            return Some(index * 8 + (zeros.trailing_zeros() / 8) as usize);
        }
    }
    let found = rest.iter().position(|byte| *byte == b'"');
    found.map(|index| chunks.len() * 8 + index)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::{DecodeError, Decoder};

    /// What both readers make of a text: nodes as they print, or nothing. The texts before it were read as well.
    fn both(texts: &[&str]) -> (Option<String>, Option<String>) {
        let (mut foreseen, mut decoder) = (Foreseen::default(), Decoder::default());
        let (mut ours, mut theirs) = (None, None);
        for text in texts {
            let mut tape = Vec::new();
            let read = foreseen.read(text.as_bytes(), &mut tape);
            ours = read.map(|()| format!("{tape:?}"));
            let decoded = decoder.decode_any(text.as_bytes(), |json| format!("{:?}", json.nodes));
            theirs = decoded.ok();
        }
        (ours, theirs)
    }

    #[test]
    fn what_is_plain_is_read() {
        for text in [
            "{}",
            "[]",
            "7",
            "-12",
            r#""text""#,
            r#"{"a":1,"b":[true,false,null,{"a":"x"}],"c":{"a":-3.25e2}}"#,
            r#" { "a" : "x" } "#.replace(" :", ":").as_str(),
            r#"{"name":"한국어","n":999999999999999999}"#,
        ] {
            let (ours, theirs) = both(&[text]);
            assert!(ours.is_some(), "{text}");
            assert_eq!(ours, theirs, "{text}");
        }
    }

    #[test]
    fn what_is_unusual_is_left_to_others() {
        let deep = format!("{}{}", "[".repeat(DEPTH + 2), "]".repeat(DEPTH + 2));
        for text in [
            "",
            " ",
            "{",
            "[1,]",
            "[1 2]",
            r#"{"a":1,}"#,
            r#"{"a" 1}"#,
            r#"{a:1}"#,
            r#"{"a":1]"#,
            r#"["a":1]"#,
            "1 1",
            "-",
            "01",
            "-0",
            "1.",
            "1e",
            "0.0",
            "1e999",
            "1234567890123456789",
            "tru",
            "truex",
            r#""a\n""#,
            "{\n}",
            r#"{"a":1,"a":2}"#,
            r#"{"b":{"a":1},"a":1,"b":2}"#,
            &deep,
        ] {
            assert_eq!(both(&[text]).0, None, "{text}");
        }
        assert_eq!(Foreseen::default().read(b"\"\xff\"", &mut Vec::new()), None);
    }

    #[test]
    fn names_that_are_data_take_bounded_memory() {
        let mut foreseen = Foreseen::default();
        let many: Vec<String> = (0..2 * MOST_NAMES)
            .map(|number| format!(r#""n{number}":{number}"#))
            .collect();
        let text = format!("{{{}}}", many.join(","));
        assert_eq!(foreseen.read(text.as_bytes(), &mut Vec::new()), None);
        assert_eq!(foreseen.numbers.len(), MOST_NAMES);
        // Known names are read on.
        assert_eq!(
            foreseen.read(br#"{"n7":1,"n3":2}"#, &mut Vec::new()),
            Some(())
        );
    }

    #[test]
    fn a_repeated_name_is_told_whatever_was_read_before() {
        let mut decoder = Decoder::default();
        for text in [r#"{"a":1,"b":{"a":2}}"#, r#"{"b":{"a":2},"a":1}"#] {
            assert_eq!(decoder.decode(text.as_bytes(), |_| ()), Ok(()));
        }
        let repeated = decoder.decode(br#"{"a":1,"b":{"a":2},"a":1}"#, |_| ());
        assert_eq!(repeated, Err(DecodeError::DuplicateKey("a".to_owned())));
    }

    /// Texts of a small language in which nearly everything that can go wrong goes wrong soon.
    fn any_text() -> impl Strategy<Value = String> {
        let pieces = prop_oneof![
            8 => prop::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"a\":", "\"b\":", "\"a\"", "1", "-2", "0", "1.5", "2e3", " ",
                "true", "null", "\"", "\\", "\n", "é", "00", "-",
            ]).prop_map(str::to_owned),
            1 => any::<f64>().prop_map(|number| format!("{number:?}")),
            1 => any::<f64>().prop_map(|number| format!("{number:e}")),
            1 => any::<i64>().prop_map(|number| number.to_string()),
            1 => any::<String>(),
        ];
        prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
    }

    /// A valid text, and where one byte of it becomes another.
    fn any_document() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|value| value.to_string()),
            any::<i64>().prop_map(|value| value.to_string()),
            any::<u64>().prop_map(|value| value.to_string()),
            (-100_000_i64..100_000).prop_map(|value| value.to_string()),
            any::<f64>()
                .prop_filter("finite", |value| value.is_finite())
                .prop_map(|value| format!("{value:?}")),
            "[a-zé \\\\\"]{0,20}".prop_map(|text| serde_json::Value::from(text).to_string()),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            let blank = prop::sample::select(vec!["", "", " "]);
            prop_oneof![
                (prop::collection::vec(inner.clone(), 0..5), blank.clone())
                    .prop_map(|(items, blank)| format!("[{}]", items.join(&format!(",{blank}")))),
                (prop::collection::vec(("[a-d]", inner), 0..5), blank).prop_map(
                    |(members, blank)| {
                        let members = members.iter();
                        let members: Vec<String> = members
                            .map(|(name, value)| format!("\"{name}\":{blank}{value}"))
                            .collect();
                        format!("{{{}}}", members.join(&format!(",{blank}")))
                    }
                ),
            ]
        })
    }

    fn agrees(texts: &[&str]) -> Result<(), TestCaseError> {
        let (ours, theirs) = both(texts);
        if ours.is_some() {
            prop_assert_eq!(ours, theirs);
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// What is read is read as simd-json reads it, and what is no JSON, or repeats a name, is not read.
        #[test]
        fn any_text_is_read_as_the_other_reader_does(before in any_text(), text in any_text()) {
            agrees(&[&before, &text])?;
        }

        #[test]
        fn any_document_is_read_as_the_other_reader_does(
            before in any_document(),
            text in any_document(),
            at in any::<prop::sample::Index>(),
            byte in 0x20_u8..0x7f,
        ) {
            agrees(&[&before, &text])?;
            let mut bytes = text.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(text) = std::str::from_utf8(&bytes) {
                agrees(&[&before, text])?;
            }
        }
    }
}
