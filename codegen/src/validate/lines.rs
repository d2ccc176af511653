//! Lines of JSON, read one at a time into one buffer, whatever they hold.
use std::io::BufRead;

use serde_json::Value;

use crate::compat::literal::restore_whole;
use crate::registry::document::strict;

/// Longest line looked into, in bytes: 64 MiB.
pub const LONGEST: usize = 64 << 20;

/// What some editors write before UTF-8, and JSON has no place for.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Why a line holds no instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Column in the line, from 1, in characters; none where the whole line is meant.
    pub column: Option<usize>,
    /// JSON pointer of what was being read.
    pub pointer: String,
    /// What is wrong, in words.
    pub reason: String,
}

/// A line that holds something.
#[derive(Debug)]
pub struct Line {
    /// Number, from 1; empty lines count.
    pub number: u64,
    /// Its instance.
    pub instance: Result<Value, Unreadable>,
}

/// Reads lines.
#[derive(Debug)]
pub struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    number: u64,
    longest: usize,
}

impl<R: BufRead> Lines<R> {
    /// The lines of an input, up to a length in bytes.
    pub const fn new(input: R, longest: usize) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            number: 0,
            longest,
        }
    }

    /// The next line that is not empty; none at the end.
    ///
    /// # Errors
    /// The input cannot be read.
    pub fn next_line(&mut self) -> std::io::Result<Option<Line>> {
        loop {
            self.number += 1;
            let Some(fits) = self.fill()? else {
                return Ok(None);
            };
            let instance = if fits {
                if self.buffer.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                if self.number == 1 && self.buffer.starts_with(BYTE_ORDER_MARK) {
                    Err(Unreadable {
                        column: Some(1),
                        pointer: String::new(),
                        reason: "begins with a byte order mark; save it without".to_owned(),
                    })
                } else {
                    instance(&self.buffer)
                }
            } else {
                Err(Unreadable {
                    column: None,
                    pointer: String::new(),
                    reason: format!("the line is longer than {} bytes", self.longest),
                })
            };
            return Ok(Some(Line {
                number: self.number,
                instance,
            }));
        }
    }

    /// Takes in the next line without its end, and tells whether it fits; none where there is no more.
    fn fill(&mut self) -> std::io::Result<Option<bool>> {
        self.buffer.clear();
        let mut length = 0_usize;
        loop {
            let read = match self.input.fill_buf() {
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if read.is_empty() {
                // The last line may have no end.
                return Ok((length > 0).then_some(length <= self.longest));
            }
            let end = read.iter().position(|byte| *byte == b'\n');
            let part = &read[..end.unwrap_or(read.len())];
            length = length.saturating_add(part.len());
            if length <= self.longest {
                self.buffer.extend_from_slice(part);
            }
            let taken = part.len() + usize::from(end.is_some());
            self.input.consume(taken);
            if end.is_some() {
                return Ok(Some(length <= self.longest));
            }
        }
    }
}

fn instance(bytes: &[u8]) -> Result<Value, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        Unreadable {
            column: Some(before.chars().count() + 1),
            pointer: String::new(),
            reason: "not UTF-8".to_owned(),
        }
    })?;
    let mut read = strict::parse(text);
    if let Ok(value) = &mut read {
        restore_whole(text, value);
    }
    read.map_err(|trouble| {
        // What is wrong may stand behind the last byte, and never inside of a character.
        let before = text.as_bytes().get(..trouble.byte - 1).unwrap_or(bytes);
        let starts_letter = |byte: &&u8| **byte & 0xc0 != 0x80;
        Unreadable {
            column: Some(before.iter().filter(starts_letter).count() + 1),
            pointer: trouble.pointer,
            reason: trouble.reason,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An instance, or the column and what is wrong there.
    type Told = Result<String, (Option<usize>, String)>;

    fn read(bytes: &[u8], longest: usize) -> Vec<(u64, Told)> {
        // A buffer of three bytes, so that lines cross it.
        let input = std::io::BufReader::with_capacity(3, bytes);
        let mut lines = Lines::new(input, longest);
        let mut found = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            let instance = line.instance.map(|value| value.to_string());
            let said = |unreadable: Unreadable| (unreadable.column, unreadable.reason);
            found.push((line.number, instance.map_err(said)));
        }
        found
    }

    #[test]
    fn lines_end_in_every_way() {
        let one = |number, text: &str| (number, Ok(text.to_owned()));
        assert_eq!(
            read(b"[1]\r\n\n  \n{\"a\":2}", 100),
            [one(1, "[1]"), one(4, "{\"a\":2}")]
        );
        assert_eq!(read(b"7\n", 100), [one(1, "7")]);
        assert_eq!(read(b"", 100), []);
        assert_eq!(read(b"\n\n", 100), []);
    }

    #[test]
    fn what_is_no_instance_is_told_and_passed() {
        let wrong = read(
            "{\"ä\": tru}\n[1\n\u{feff}1\n{\"a\": {\"b\": 1, \"b\": 1}}\n123456789012345678901234567890123456789012345678901\n2\n".as_bytes(),
            50,
        );
        let columns: Vec<_> = wrong
            .iter()
            .map(|(number, line)| (*number, line.as_ref().err().and_then(|error| error.0)))
            .collect();
        assert_eq!(
            columns,
            [
                (1, Some(10)),
                (2, Some(2)),
                (3, Some(1)),
                (4, Some(22)),
                (5, None),
                (6, None)
            ],
            "{wrong:?}"
        );
        assert_eq!(wrong[5].1, Ok("2".to_owned()));
        let broken = read(b"[\"\xff\"]\n1e999\n", 50);
        assert_eq!(broken[0].1, Err((Some(3), "not UTF-8".to_owned())));
        assert!(broken[1].1.is_err());
        let deep = "[".repeat(5000);
        assert!(read(deep.as_bytes(), 10_000)[0].1.is_err());
    }

    #[test]
    fn a_byte_order_mark_is_named() {
        let marked = read("\u{feff}1\n2\n".as_bytes(), 50);
        let reason = "begins with a byte order mark; save it without".to_owned();
        assert_eq!(marked[0], (1, Err((Some(1), reason))));
        assert_eq!(marked[1], (2, Ok("2".to_owned())));
    }

    #[test]
    fn a_name_that_stands_twice_is_pointed_at() {
        let mut lines = Lines::new(&b"{\"a\": [0, {\"b/c\": 1, \"b/c\": 2}]}"[..], 100);
        let line = lines.next_line().unwrap().unwrap();
        let unreadable = line.instance.unwrap_err();
        assert_eq!(unreadable.pointer, "/a/1/b~1c");
        assert_eq!(unreadable.reason, "`b/c` stands twice in one object");
    }
}
