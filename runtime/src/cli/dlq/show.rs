//! `pipeline dlq show`: letters one by one. Keys, values and headers may be personal, so they are shown only where
//! the flag asks for them; sizes and names always are.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::Outcome;
use super::super::streams::write_result;
use super::super::time;
use super::super::topics::Format;
use super::Filters;
use crate::config::Config;
use crate::dlq::{Letter, Selection, scan};
use crate::error::Result;
use crate::kafka::dlq::header as letter_header;
use crate::produce::header;
use crate::registry::EventRegistry;

/// Bytes of a key, header or value that are shown without `--full`.
const SHORT: usize = 500;

/// Headers that the pipeline writes; what they hold is not about a person.
const OWN_HEADERS: &[&str] = &[
    header::CONTENT_TYPE,
    header::SCHEMA_ID,
    header::SCHEMA_VERSION,
    header::TRACEPARENT,
    letter_header::REPLAY_OF,
    letter_header::REPLAY_ATTEMPT,
];

/// Flags of `show`.
#[derive(clap::Args)]
pub(super) struct Show {
    #[command(flatten)]
    filters: Filters,
    /// Show letters that were replayed too
    #[arg(long)]
    all: bool,
    /// Show at most so many letters
    #[arg(long, value_name = "LETTERS", default_value_t = 20)]
    limit: u64,
    /// Show keys, values and headers, which may be personal
    #[arg(long)]
    payload: bool,
    /// Show them whole
    #[arg(long, requires = "payload")]
    full: bool,
    /// Text for people, or for programs one JSON document a line with bytes in base64
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Show {
    pub(super) fn run<R: EventRegistry>(self, config: &Config) -> Result<Outcome> {
        let selection = Selection {
            with_replayed: self.all,
            limit: Some(self.limit),
            ..self.filters.selection()?
        };
        let mut open = 0_u64;
        scan::<R>(&config.kafka, &selection, |letter, is_replayed| {
            open += u64::from(!is_replayed);
            write_result(&match self.format {
                Format::Human => self.human(&letter, is_replayed),
                Format::Json => self.json(&letter, is_replayed),
            })
        })?;
        Ok(match open {
            0 => Outcome::Clean,
            _ => Outcome::Findings,
        })
    }

    fn human(&self, letter: &Letter, is_replayed: bool) -> String {
        let mut text = format!("{}/{}@{}\n", letter.dlq, letter.partition, letter.offset);
        let mut line = |name: &str, value: &str| {
            if !value.is_empty() {
                text.push_str(&format!("  {name:<15} {value}\n"));
            }
        };
        line("reason", &letter.reason);
        line("pointer", &letter.pointer);
        line("detail", &letter.detail);
        let shown = |number: Option<u32>| number.map_or_else(String::new, |n| n.to_string());
        line("schema version", &shown(letter.schema_version));
        line(
            "ClickHouse code",
            &shown(letter.clickhouse_code.map(u32::from)),
        );
        line("cut", letter.cut.as_deref().unwrap_or_default());
        let source = letter.source.as_ref();
        line(
            "source",
            &source.map_or_else(String::new, ToString::to_string),
        );
        line("time", &time::shown(letter.time()).unwrap_or_default());
        line("replayed", if is_replayed { "yes" } else { "" });
        line(
            "replays before",
            &match letter.attempt() {
                0 => String::new(),
                attempt => attempt.to_string(),
            },
        );
        for (name, value) in &letter.headers {
            let is_shown = self.payload || OWN_HEADERS.contains(&name.as_str());
            let value = self.bytes(value.as_deref(), is_shown);
            line("header", &format!("{}: {value}", name.escape_debug()));
        }
        line("key", &self.bytes(letter.key.as_deref(), self.payload));
        line("value", &self.bytes(letter.value.as_deref(), self.payload));
        text
    }

    /// Text where it is text, else hexadecimal; control characters never reach the terminal.
    fn bytes(&self, bytes: Option<&[u8]>, is_shown: bool) -> String {
        let Some(bytes) = bytes else {
            return "none".to_owned();
        };
        if !is_shown {
            return format!("{} bytes", bytes.len());
        }
        let most = if self.full { usize::MAX } else { SHORT };
        let (text, is_short) = match std::str::from_utf8(bytes) {
            Ok(text) => {
                let end = text
                    .char_indices()
                    .nth(most)
                    .map_or(text.len(), |(end, _)| end);
                let printable = text[..end].chars().map(|found| match found.is_control() {
                    true => found.escape_default().to_string(),
                    false => found.to_string(),
                });
                (printable.collect::<String>(), end < text.len())
            }
            Err(_) => {
                let kept = &bytes[..bytes.len().min(most)];
                let digits = kept.iter().map(|byte| format!("{byte:02x}"));
                (
                    format!("hex {}", digits.collect::<String>()),
                    kept.len() < bytes.len(),
                )
            }
        };
        match is_short {
            true => format!("{text}… ({} bytes)", bytes.len()),
            false => text,
        }
    }

    fn json(&self, letter: &Letter, is_replayed: bool) -> String {
        let encoded = |bytes: Option<&Vec<u8>>| bytes.map(|bytes| STANDARD.encode(bytes));
        let size = |bytes: Option<&Vec<u8>>| bytes.map(Vec::len);
        let source = letter.source.as_ref().map(|source| {
            json!({
                "topic": source.topic,
                "partition": source.partition,
                "offset": source.offset,
                "time": time::shown(source.time),
            })
        });
        let headers: Vec<Value> = letter
            .headers
            .iter()
            .map(|(name, value)| {
                let mut header = json!({"name": name, "bytes": size(value.as_ref())});
                if self.payload || OWN_HEADERS.contains(&name.as_str()) {
                    header["base64"] = encoded(value.as_ref()).into();
                }
                header
            })
            .collect();
        let mut document = json!({
            "format": 1,
            "topic": letter.dlq,
            "partition": letter.partition,
            "offset": letter.offset,
            "written_at": time::shown(letter.written_at),
            "source": source,
            "reason": letter.reason,
            "pointer": letter.pointer,
            "detail": letter.detail,
            "schema_version": letter.schema_version,
            "clickhouse_code": letter.clickhouse_code,
            "cut": letter.cut,
            "replayed": is_replayed,
            "replays_before": letter.attempt(),
            "headers": headers,
            "key_bytes": size(letter.key.as_ref()),
            "value_bytes": size(letter.value.as_ref()),
        });
        if self.payload {
            document["key_base64"] = encoded(letter.key.as_ref()).into();
            document["value_base64"] = encoded(letter.value.as_ref()).into();
        }
        format!("{document}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(full: bool) -> Show {
        Show {
            filters: Filters {
                topic: Vec::new(),
                reason: Vec::new(),
                since: None,
                until: None,
            },
            all: false,
            limit: 1,
            payload: true,
            full,
            format: Format::Human,
        }
    }

    #[test]
    fn bytes_are_shown_without_harm_to_a_terminal() {
        let short = show(false);
        assert_eq!(short.bytes(None, true), "none");
        assert_eq!(short.bytes(Some(b"secret"), false), "6 bytes");
        assert_eq!(
            short.bytes(Some("gr\u{fc}n\u{1b}[2J\0".as_bytes()), true),
            "grün\\u{1b}[2J\\u{0}"
        );
        assert_eq!(short.bytes(Some(&[0xff, 0x00]), true), "hex ff00");
        let long = vec![b'x'; 600];
        assert!(short.bytes(Some(&long), true).ends_with("x… (600 bytes)"));
        assert_eq!(show(true).bytes(Some(&long), true).len(), 600);
    }
}
