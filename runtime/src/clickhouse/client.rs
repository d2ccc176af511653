//! The HTTP client: statements, questions, and one Native block an insert.
//!
//! Errors carry ClickHouse's numeric code; an insert's error never carries the server's message where that
//! could quote a row.
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clickhouse::Compression;
use clickhouse::error::Error as ClientError;
use clickhouse::insert_formatted::InsertFormatted;

use super::codes;
use crate::config::ClickHouseConfig;
use crate::error::{Error, Kind, Result};

/// Bytes handed to HTTP at once: the server decompresses one piece while the next is compressed.
const PIECE: usize = 1 << 20;

/// Longest wait for the server to take one piece.
const SEND_TIMEOUT: Duration = Duration::from_secs(60);

/// Longest wait for an insert's answer, views included. The token makes the retry of a late one harmless.
const INSERT_TIMEOUT: Duration = Duration::from_secs(300);

/// Longest part of a server's message that is passed on.
const LONGEST_MESSAGE: usize = 1000;

/// Where the server meets a limit that would cut a block in two; far above any block.
const UNLIMITED_ROWS: &str = "1000000000000";

/// Settings under which one request is one block with one token, in the table and in every view's target.
///
/// The squashing limits are raised, not zeroed: a view's result reaches its target in pieces of 65k groups,
/// and only squashing makes one block, so one token, of them.
const INSERT_SETTINGS: &[(&str, &str)] = &[
    ("async_insert", "0"),
    ("insert_deduplicate", "1"),
    ("deduplicate_blocks_in_dependent_materialized_views", "1"),
    ("optimize_on_insert", "0"),
    ("max_insert_block_size", UNLIMITED_ROWS),
    ("min_insert_block_size_rows", UNLIMITED_ROWS),
    ("min_insert_block_size_bytes", UNLIMITED_ROWS),
    ("max_insert_threads", "1"),
    ("parallel_view_processing", "0"),
    // A late event opens an old month; refusing the whole block for it would stop everybody.
    ("max_partitions_per_insert_block", "0"),
    ("materialized_views_ignore_errors", "0"),
];

/// A connection pool to one server; clones share it.
#[derive(Clone)]
pub struct Client {
    inner: Arc<clickhouse::Client>,
}

/// An answer: columns with their types, and rows of JSON values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryResult {
    /// Name and ClickHouse type of each column.
    pub columns: Vec<(String, String)>,
    /// Rows; whole numbers of all widths as JSON numbers.
    pub rows: Vec<Vec<serde_json::Value>>,
}

/// A value that a statement's `{name:Type}` stands for.
#[derive(Clone, Copy, Debug, serde::Serialize)]
#[serde(untagged)]
pub enum Param<'p> {
    /// One value, as a text.
    One(&'p str),
    /// An array of values, as texts.
    Many(&'p [String]),
}

impl QueryResult {
    /// A column's position.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|(column, _)| column == name)
    }
}

/// The wire form of an answer.
#[derive(serde::Deserialize)]
struct Answer {
    meta: Vec<Meta>,
    data: Vec<Vec<serde_json::Value>>,
}

#[derive(serde::Deserialize)]
struct Meta {
    name: String,
    r#type: String,
}

/// LZ4 on the wire, except to this machine itself, where packing costs both sides more than it saves.
fn compression(url: &str) -> Compression {
    let is_here = match url::Url::parse(url).ok().as_ref().and_then(url::Url::host) {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if is_here {
        Compression::None
    } else {
        Compression::Lz4
    }
}

impl Client {
    /// A client; nothing is sent yet.
    #[must_use]
    pub fn new(config: &ClickHouseConfig) -> Self {
        let mut client = clickhouse::Client::default()
            .with_url(&config.url)
            .with_compression(compression(&config.url))
            .with_product_info("topicwright", env!("CARGO_PKG_VERSION"));
        if let Some(user) = &config.user {
            client = client.with_user(user);
        }
        if let Some(password) = &config.password {
            client = client.with_password(password.expose());
        }
        Self {
            inner: Arc::new(client),
        }
    }

    /// Runs one statement.
    ///
    /// # Errors
    /// The server cannot be reached or refuses; the context holds its code.
    pub async fn execute(&self, sql: &str) -> Result<()> {
        self.inner
            .query_raw(sql)
            .execute()
            .await
            .map_err(|error| query_error("ClickHouse refused a statement", &error))
    }

    /// Runs one statement. `params` fill `{name:Type}` in the text, on the server; `settings` hold for it alone.
    ///
    /// # Errors
    /// The server cannot be reached or refuses; the context holds its code.
    pub async fn execute_with(
        &self,
        sql: &str,
        params: &[(&str, Param<'_>)],
        settings: &[(&str, &str)],
    ) -> Result<()> {
        let mut query = self.inner.query_raw(sql);
        for (name, value) in params {
            query = query.param(name, value);
        }
        for (name, value) in settings {
            query = query.with_setting(*name, *value);
        }
        let refused = |error: ClientError| query_error("ClickHouse refused a statement", &error);
        query.execute().await.map_err(refused)
    }

    /// Asks a question. `params` fill `{name:Type}` in the text, on the server.
    ///
    /// # Errors
    /// The server cannot be reached or refuses; the context holds its code.
    pub async fn query_json(&self, sql: &str, params: &[(&str, &str)]) -> Result<QueryResult> {
        let mut query = self
            .inner
            .query_raw(sql)
            .with_setting("output_format_json_quote_64bit_integers", "0");
        for (name, value) in params {
            query = query.param(name, *value);
        }
        let what = "ClickHouse refused a query";
        let bytes = query
            .fetch_bytes("JSONCompact")
            .map_err(|error| query_error(what, &error))?
            .collect()
            .await
            .map_err(|error| query_error(what, &error))?;
        let answer: Answer = serde_json::from_slice(&bytes).map_err(|error| {
            Error::bug("an answer of ClickHouse is not in its JSONCompact form").why(error)
        })?;
        Ok(QueryResult {
            columns: answer
                .meta
                .into_iter()
                .map(|meta| (meta.name, meta.r#type))
                .collect(),
            rows: answer.data,
        })
    }

    /// Inserts one Native block under a deduplication token; the same token again changes nothing, in the
    /// table and in its views, and fills in what an earlier attempt left out.
    ///
    /// # Errors
    /// The server cannot be reached or refuses. [`Kind::Record`] means that a row's content is at fault.
    pub async fn insert(
        &self,
        database: &str,
        table: &str,
        columns: &[&str],
        block: Bytes,
        token: &str,
    ) -> Result<()> {
        let mut insert = self.open_insert(database, table, columns, token);
        let sent = async {
            send(&mut insert, block).await?;
            insert.end().await
        };
        sent.await
            .map_err(|error| placed(insert_error(&error), database, table, token))
    }

    /// As [`Self::insert`], with a block that is written while it is sent: `write` hands over one piece after the
    /// other. It runs on this task's thread, which must be one of a runtime with several.
    ///
    /// # Errors
    /// As [`Self::insert`], or what `write` says.
    pub(crate) async fn insert_written(
        &self,
        database: &str,
        table: &str,
        columns: &[&str],
        token: &str,
        write: impl FnOnce(&mut dyn FnMut(Bytes) -> Result<()>) -> Result<()>,
    ) -> Result<()> {
        let mut insert = self.open_insert(database, table, columns, token);
        let refused = |error: ClientError| placed(insert_error(&error), database, table, token);
        let runtime = tokio::runtime::Handle::current();
        // Writing is CPU work of up to some hundred milliseconds; other tasks go on meanwhile.
        tokio::task::block_in_place(|| {
            write(&mut |piece| {
                let sent = runtime.block_on(send(&mut insert, piece));
                sent.map_err(refused)
            })
        })?;
        insert.end().await.map_err(refused)
    }

    fn open_insert(
        &self,
        database: &str,
        table: &str,
        columns: &[&str],
        token: &str,
    ) -> InsertFormatted {
        let names: Vec<String> = columns.iter().map(|name| super::quoted(name)).collect();
        let sql = format!(
            "INSERT INTO {}.{} ({}) FORMAT Native",
            super::quoted(database),
            super::quoted(table),
            names.join(", ")
        );
        let insert = self
            .inner
            .insert_formatted_with(sql)
            .with_timeouts(Some(SEND_TIMEOUT), Some(INSERT_TIMEOUT))
            .with_setting("insert_deduplication_token", token);
        INSERT_SETTINGS
            .iter()
            .fold(insert, |insert, (name, value)| {
                insert.with_setting(*name, *value)
            })
    }

    /// The settings of every insert, for the start-up check.
    pub(super) const fn insert_settings() -> &'static [(&'static str, &'static str)] {
        INSERT_SETTINGS
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Client")
    }
}

/// ClickHouse's exception code, where an error has one.
#[must_use]
pub fn exception_code(error: &Error) -> Option<u16> {
    error
        .context
        .iter()
        .find(|(name, _)| *name == "code")
        .and_then(|(_, code)| code.parse().ok())
}

fn query_error(what: &'static str, error: &ClientError) -> Error {
    translate(what, error, true)
}

fn insert_error(error: &ClientError) -> Error {
    translate("ClickHouse refused a block", error, false)
}

/// Says which insert an error is of.
fn placed(error: Error, database: &str, table: &str, token: &str) -> Error {
    error
        .at("table", format!("{database}.{table}"))
        .at("token", token)
}

async fn send(insert: &mut InsertFormatted, mut rest: Bytes) -> Result<(), ClientError> {
    while !rest.is_empty() {
        let piece = rest.split_to(rest.len().min(PIECE));
        insert.send(piece).await?;
    }
    Ok(())
}

/// `quote` allows the server's message even where it may hold values from the request.
fn translate(what: &'static str, error: &ClientError, quote: bool) -> Error {
    let message = match error {
        ClientError::BadResponse(message) => message,
        ClientError::Network(_) | ClientError::TimedOut => {
            return Error::service("cannot reach ClickHouse")
                .why(chain(error))
                .fix("start ClickHouse, or check --clickhouse (CLICKHOUSE_URL)");
        }
        ClientError::Unsupported(_) | ClientError::InvalidParams(_) => {
            return Error::config("cannot ask ClickHouse").why(chain(error));
        }
        _ => return Error::service("ClickHouse's answer broke off").why(chain(error)),
    };
    let Some(code) = codes::number(message) else {
        // No exception of ClickHouse: a proxy or load balancer answered.
        return Error::service(what).why(
            "the answer carries no ClickHouse exception; a proxy before the server may be failing",
        );
    };
    let kind = codes::kind(code);
    let mut translated = match kind {
        Kind::Service => Error::service(what),
        Kind::Record => Error::record(what),
        Kind::Config | Kind::Bug => Error::config(what),
    }
    .at("code", code);
    translated = if quote || !matches!(kind, Kind::Record) {
        translated.why(shortened(message))
    } else {
        translated.why(codes::name(message).unwrap_or("a value does not fit its column"))
    };
    match codes::fix(code) {
        Some(fix) => translated.fix(fix),
        None => translated,
    }
}

/// An error with its causes, which the client library keeps apart.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

fn shortened(message: &str) -> String {
    match message.char_indices().nth(LONGEST_MESSAGE) {
        None => message.trim().to_owned(),
        Some((end, _)) => format!("{}…", &message[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_packed_for_other_machines_only() {
        for (url, is_packed) in [
            ("http://127.0.0.1:8123", false),
            ("http://localhost:8123", false),
            ("http://[::1]:8123", false),
            ("http://[::ffff:127.0.0.1]:8123", true),
            ("http://10.0.0.7:8123", true),
            ("https://clickhouse.example.com:8443", true),
        ] {
            let packed = matches!(compression(url), Compression::Lz4);
            assert_eq!(packed, is_packed, "{url}");
        }
    }

    #[test]
    fn a_refused_row_is_not_quoted() {
        let error = ClientError::BadResponse(
            "Code: 27. DB::Exception: Cannot parse input before: 'secret'. (CANNOT_PARSE_INPUT_ASSERTION_FAILED) (version 26.7)".to_owned(),
        );
        let translated = insert_error(&error);
        assert_eq!(translated.kind, Kind::Record);
        assert_eq!(exception_code(&translated), Some(27));
        assert!(!translated.to_string().contains("secret"));
        assert!(translated.to_string().contains("CANNOT_PARSE_INPUT"));
    }

    #[test]
    fn an_answer_without_a_code_is_retried() {
        let translated = insert_error(&ClientError::BadResponse("502 Bad Gateway".to_owned()));
        assert!(translated.retryable);
        assert_eq!(exception_code(&translated), None);
    }
}
