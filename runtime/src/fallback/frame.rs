//! The bytes of one record in a segment, and the scan that finds records again where bytes between them are damaged.
//!
//! ```text
//!  0  4  magic F5 'T' 'W' 01: F5 stands in no UTF-8 text, so no key, header or event looks like a frame
//!  4  4  length of the body
//!  8  8  sequence number, one more for each record of the log
//! 16  4  CRC-32 of the body
//! 20  4  CRC-32 of the 20 bytes before: a length that can be believed tells a torn frame from a damaged one
//! 24  …  body: time i64 (ms since the epoch), topic u16+, note u16+, key u32+ (length + 1; 0 for none),
//!        headers u16 × (name u16+, value u32+), value (the rest)
//! ```
//! Numbers are little-endian; `+` stands for a length and so many bytes.

/// First bytes of a frame; the last one is the layout's version.
const MAGIC: [u8; 4] = [0xf5, b'T', b'W', 1];

/// Bytes before the body.
pub(super) const HEAD: usize = 24;

/// Longest body that is written or believed: above any record that Kafka's clients take.
const MOST_BODY: usize = 128 << 20;

/// What a frame is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'r> {
    pub(crate) time: i64,
    pub(crate) topic: &'r str,
    pub(crate) note: &'r str,
    pub(crate) key: Option<&'r [u8]>,
    pub(crate) value: &'r [u8],
}

/// A record of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number in the log, from 0.
    pub sequence: u64,
    /// When it was written, milliseconds since the epoch.
    pub time: i64,
    /// Topic it is for.
    pub topic: String,
    /// Why Kafka refused it; empty while it waits.
    pub note: String,
    /// Record key.
    pub key: Option<Vec<u8>>,
    /// Record headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The event.
    pub value: Vec<u8>,
}

/// Appends a frame without its number, which [`seal`] sets; the place where it starts.
pub(super) fn encode<'h>(
    parts: Parts<'_>,
    headers: impl ExactSizeIterator<Item = (&'h str, &'h [u8])>,
    out: &mut Vec<u8>,
) -> Result<usize, &'static str> {
    let start = out.len();
    out.extend_from_slice(&[0; HEAD]);
    out.extend_from_slice(&parts.time.to_le_bytes());
    short(parts.topic.as_bytes(), out)?;
    short(parts.note.as_bytes(), out)?;
    match parts.key {
        None => out.extend_from_slice(&[0; 4]),
        Some(key) => {
            let length = u32::try_from(key.len() + 1).map_err(|_| "its key is too long")?;
            out.extend_from_slice(&length.to_le_bytes());
            out.extend_from_slice(key);
        }
    }
    let count = u16::try_from(headers.len()).map_err(|_| "it has too many headers")?;
    out.extend_from_slice(&count.to_le_bytes());
    for (name, value) in headers {
        short(name.as_bytes(), out)?;
        let length = u32::try_from(value.len()).map_err(|_| "a header is too long")?;
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(value);
    }
    out.extend_from_slice(parts.value);
    let body = out.len() - start - HEAD;
    if body > MOST_BODY {
        return Err("it is too large");
    }
    let length = u32::try_from(body).map_err(|_| "it is too large")?;
    let sum = crc32fast::hash(&out[start + HEAD..]);
    let head = &mut out[start..start + HEAD];
    head[..4].copy_from_slice(&MAGIC);
    head[4..8].copy_from_slice(&length.to_le_bytes());
    head[16..20].copy_from_slice(&sum.to_le_bytes());
    Ok(start)
}

fn short(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
    let length = u16::try_from(bytes.len()).map_err(|_| "one of its names is too long")?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

/// Gives an encoded frame its number.
pub(super) fn seal(frame: &mut [u8], sequence: u64) {
    frame[8..16].copy_from_slice(&sequence.to_le_bytes());
    let sum = crc32fast::hash(&frame[..20]);
    frame[20..24].copy_from_slice(&sum.to_le_bytes());
}

/// What stands at a place of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A whole record; its bytes end here.
    Record(Entry, usize),
    /// Bytes that are no record, up to here. What they held is lost.
    Damaged(usize),
    /// The end of the segment is the beginning of a record whose writing was cut short, so nobody was told that it
    /// is durable.
    Torn,
}

/// What stands at `at`, which is below the length.
pub(super) fn find(bytes: &[u8], at: usize) -> Found {
    if let Some((entry, end)) = decode(bytes, at) {
        return Found::Record(entry, end);
    }
    if is_torn(&bytes[at..]) {
        return Found::Torn;
    }
    let mut next = at + 1;
    while let Some(found) = bytes[next..].iter().position(|byte| *byte == MAGIC[0]) {
        next += found;
        // A torn frame behind damaged bytes is found by the next look.
        if decode(bytes, next).is_some() || is_torn_head(&bytes[next..]) {
            return Found::Damaged(next);
        }
        next += 1;
    }
    Found::Damaged(bytes.len())
}

/// Nothing but a beginning: too short for a head, a believable head without all of its body, or space that the file
/// system added and nothing was written to.
fn is_torn(rest: &[u8]) -> bool {
    is_torn_head(rest)
        || (rest.len() < HEAD && rest.iter().zip(MAGIC).all(|(byte, magic)| *byte == magic))
        || rest.iter().all(|byte| *byte == 0)
}

fn is_torn_head(rest: &[u8]) -> bool {
    body_length(rest).is_some_and(|length| rest.len() < HEAD + length)
}

/// Length of the body, where the head is whole.
fn body_length(frame: &[u8]) -> Option<usize> {
    let head = frame.get(..HEAD)?;
    let number =
        |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let is_whole = head[..4] == MAGIC && number(20) == crc32fast::hash(&head[..20]);
    let length = usize::try_from(number(4)).ok()?;
    (is_whole && length <= MOST_BODY).then_some(length)
}

fn decode(bytes: &[u8], at: usize) -> Option<(Entry, usize)> {
    let frame = &bytes[at..];
    let end = HEAD + body_length(frame)?;
    let body = frame.get(HEAD..end)?;
    let mut head = Reader(&frame[8..HEAD]);
    let sequence = u64::from_le_bytes(head.array()?);
    if u32::from_le_bytes(head.array()?) != crc32fast::hash(body) {
        return None;
    }
    let mut body = Reader(body);
    let time = i64::from_le_bytes(body.array()?);
    let topic = body.text()?;
    let note = body.text()?;
    let key = match body.long()? {
        0 => None,
        length => Some(body.take(length - 1)?.to_vec()),
    };
    let count = u16::from_le_bytes(body.array()?);
    let mut headers = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let name = body.text()?;
        let length = body.long()?;
        headers.push((name, body.take(length)?.to_vec()));
    }
    let entry = Entry {
        sequence,
        time,
        topic,
        note,
        key,
        headers,
        value: body.0.to_vec(),
    };
    Some((entry, at + end))
}

/// Takes parts off the front; `None` where there are too few bytes.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn long(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.array()?)).ok()
    }

    fn text(&mut self) -> Option<String> {
        let length = u16::from_le_bytes(self.array()?);
        let bytes = self.take(usize::from(length))?;
        String::from_utf8(bytes.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(sequence: u64, key: Option<&[u8]>) -> Vec<u8> {
        let parts = Parts {
            time: -5,
            topic: "a.topic",
            note: "",
            key,
            value: b"{\"a\":1}",
        };
        let mut out = Vec::new();
        let headers = [("name", b"text".as_slice()), ("", b"".as_slice())];
        encode(parts, headers.into_iter(), &mut out).expect("fits");
        seal(&mut out, sequence);
        out
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        for key in [None, Some(b"".as_slice()), Some(b"k".as_slice())] {
            let bytes = frame(7, key);
            let Found::Record(entry, end) = find(&bytes, 0) else {
                panic!("no record");
            };
            assert_eq!((entry.sequence, entry.time, end), (7, -5, bytes.len()));
            assert_eq!(
                (entry.topic.as_str(), entry.key.as_deref()),
                ("a.topic", key)
            );
            assert_eq!(entry.headers[0], ("name".to_owned(), b"text".to_vec()));
            assert_eq!(entry.value, b"{\"a\":1}");
        }
    }

    #[test]
    fn a_name_that_does_not_fit_is_refused() {
        let long = "x".repeat(70_000);
        let parts = Parts {
            time: 0,
            topic: &long,
            note: "",
            key: None,
            value: b"",
        };
        assert!(encode(parts, [].into_iter(), &mut Vec::new()).is_err());
    }

    #[test]
    fn space_that_was_never_written_to_is_torn_and_other_bytes_are_damage() {
        assert_eq!(find(&[0; 100], 0), Found::Torn);
        assert_eq!(find(&MAGIC[..2], 0), Found::Torn);
        assert_eq!(find(b"something else", 0), Found::Damaged(14));
        let mut bytes = b"something else".to_vec();
        bytes.extend(frame(1, None));
        assert_eq!(find(&bytes, 0), Found::Damaged(14));
    }
}
