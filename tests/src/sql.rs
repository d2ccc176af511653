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
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
    write!(
        stream,
        "POST /?database={database}&default_format=TabSeparated HTTP/1.0\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n{statement}",
        statement.len()
    )
    .map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    stream
        .read_to_end(&mut answer)
        .map_err(|error| error.to_string())?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let is_ok = head.split(' ').nth(1) == Some("200");
    let body = body.trim_end().to_owned();
    if is_ok { Ok(body) } else { Err(body) }
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
