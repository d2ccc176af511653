//! A plain text and how far it is read: strings without escapes, numbers, words.
use simd_json::StaticNode;
use simd_json::tape::Node;

use super::super::wide::is_wide;

/// Digits that fit an `i64` whatever they are.
const SAFE_DIGITS: usize = 18;

/// What is being read.
pub(super) struct Reading<'t> {
    pub(super) text: &'t str,
    pub(super) bytes: &'t [u8],
    pub(super) at: usize,
    /// Whether what is read so far is as [`super::super::Json::write_to`] writes it.
    pub(super) is_compact: bool,
}

impl<'t> Reading<'t> {
    /// `None` where the text has escapes, control characters, or is not UTF-8.
    pub(super) fn new(bytes: &'t [u8]) -> Option<Self> {
        let is_special = |byte: &u8| u8::from(*byte < b' ') | u8::from(*byte == b'\\');
        if bytes.iter().fold(0, |found, byte| found | is_special(byte)) != 0 {
            return None;
        }
        let text = std::str::from_utf8(bytes).ok()?;
        Some(Self {
            text,
            bytes,
            at: 0,
            is_compact: true,
        })
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// All other white space is control characters.
    #[inline]
    pub(super) fn skip_blanks(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
            self.is_compact = false;
        }
    }

    /// What stands before the next quote, which is passed.
    #[inline]
    pub(super) fn text(&mut self) -> Option<&'t str> {
        let start = self.at;
        let length = quote_in(self.bytes.get(start..)?)?;
        self.at = start + length + 1;
        self.text.get(start..start + length)
    }

    #[inline]
    pub(super) fn word(&mut self, word: &[u8]) -> Option<()> {
        self.bytes.get(self.at..)?.strip_prefix(word)?;
        self.at += word.len();
        Some(())
    }

    /// Appends its node itself, as [`Self::float`] does: a node that is handed over is put together twice, and what
    /// was just written in parts is slow to read as a whole.
    #[inline]
    pub(super) fn number(&mut self, tape: &mut Vec<Node<'t>>) -> Option<()> {
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
            return self.float(start, tape);
        }
        if length > SAFE_DIGITS {
            return None;
        }
        if !is_negative {
            tape.push(Node::Static(StaticNode::U64(value)));
        } else if value > 0 {
            // No eighteen digits are beyond it.
            tape.push(Node::Static(StaticNode::I64(-value.cast_signed())));
        } else {
            return None;
        }
        Some(())
    }

    /// A number from its fraction or exponent on.
    fn float(&mut self, start: usize, tape: &mut Vec<Node<'t>>) -> Option<()> {
        // It has many spellings.
        self.is_compact = false;
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
        // Zero has two signs, what is too large is an error, and what is wide may be another number: all for others.
        if value == 0.0 || !value.is_finite() || is_wide(value) {
            return None;
        }
        tape.push(Node::Static(StaticNode::from(value)));
        Some(())
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
