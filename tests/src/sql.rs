//! SQL over a bare HTTP/1.0 connection, independent of the runtime's client.
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// Runs one statement and returns the answer's text.
///
/// # Errors
/// The server's message, or the connection's.
pub fn run(url: &str, statement: &str) -> Result<String, String> {
    run_in(url, "default", statement)
}

/// As [`run`], with a default database.
///
/// # Errors
/// The server's message, or the connection's.
pub fn run_in(url: &str, database: &str, statement: &str) -> Result<String, String> {
    let answer = send(url, database, "", statement.as_bytes());
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim_end().to_owned();
    answer.map(text).map_err(text)
}

/// As [`run_in`], for answers that are no text.
///
/// # Errors
/// The server's message, or the connection's.
pub fn bytes_in(url: &str, database: &str, statement: &str) -> Result<Vec<u8>, String> {
    send(url, database, "", statement.as_bytes())
        .map_err(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Runs an `INSERT … FORMAT Native` with its block.
///
/// # Errors
/// The server's message, or the connection's.
pub fn insert_native(
    url: &str,
    database: &str,
    statement: &str,
    block: &[u8],
) -> Result<(), String> {
    let query: String = statement
        .bytes()
        .map(|byte| format!("%{byte:02X}"))
        .collect();
    send(url, database, &format!("&query={query}"), block)
        .map(|_| ())
        .map_err(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Bytes of memory that a query with parameters (`&param_name=value`, escaped for a URL) took at most, as the server
/// counts them.
///
/// # Panics
/// The server refuses the query, or does not say.
#[must_use]
pub fn peak_memory(url: &str, database: &str, statement: &str, parameters: &str) -> u64 {
    let parameters = format!("&wait_end_of_query=1{parameters}");
    let (head, _) = exchange(url, database, &parameters, statement.as_bytes())
        .unwrap_or_else(|error| panic!("{}", String::from_utf8_lossy(&error)));
    let name = "\"memory_usage\":\"";
    let said = head.find(name).map(|at| &head[at + name.len()..]);
    let digits = said.and_then(|said| said.split('"').next());
    let bytes = digits.and_then(|digits| digits.parse().ok());
    bytes.unwrap_or_else(|| panic!("{head}"))
}

/// One request; the body of an answer, or of a refusal.
fn send(url: &str, database: &str, parameters: &str, body: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
    exchange(url, database, parameters, body).map(|(_, body)| body)
}

/// One request; head and body of an answer, or the body of a refusal.
fn exchange(
    url: &str,
    database: &str,
    parameters: &str,
    body: &[u8],
) -> Result<(String, Vec<u8>), Vec<u8>> {
    let address = url.trim_start_matches("http://");
    let failed = |error: std::io::Error| error.to_string().into_bytes();
    let mut stream = TcpStream::connect(address).map_err(failed)?;
    write!(
        stream,
        "POST /?database={database}&default_format=TabSeparated{parameters} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .map_err(failed)?;
    stream.write_all(body).map_err(failed)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(failed)?;
    let end = answer
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")
        .unwrap_or(answer.len());
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let body = answer.split_off((end + 4).min(answer.len()));
    if head.split(' ').nth(1) == Some("200") {
        Ok((head, body))
    } else {
        Err(body)
    }
}

/// Runs one statement that must succeed.
///
/// # Panics
/// The server refuses it.
#[must_use]
pub fn ask(url: &str, statement: &str) -> String {
    run(url, statement).unwrap_or_else(|error| panic!("{statement}\n{error}"))
}

/// As [`ask`], with a default database.
///
/// # Panics
/// The server refuses it.
#[must_use]
pub fn ask_in(url: &str, database: &str, statement: &str) -> String {
    run_in(url, database, statement).unwrap_or_else(|error| panic!("{statement}\n{error}"))
}
