//! A database's address as libpq takes it. What it says of TLS is taken out here, since the client knows only a part
//! of libpq's words for it; all else is the client's to read.
use std::path::PathBuf;

use tokio_postgres::config::SslMode;

/// Whose word is taken for a server's certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Authorities {
    /// The system's.
    #[default]
    System,
    /// Those in a file of PEM, and no others.
    File(PathBuf),
}

/// An address in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The address without the settings below.
    pub(super) rest: String,
    /// Whether TLS is used. Where it is, authority and name of a certificate are always checked.
    pub(super) mode: SslMode,
    pub(super) authorities: Authorities,
}

impl Address {
    /// Splits a URL or a list of `key=value`; `None` where `sslmode` is no word for it.
    pub(super) fn split(text: &str) -> Option<Self> {
        let (rest, settings) = of_url(text).unwrap_or_else(|| of_list(text));
        let mut address = Self {
            rest,
            mode: SslMode::Prefer,
            authorities: Authorities::System,
        };
        for (name, value) in settings {
            match (&*name, &*value) {
                ("sslmode", "disable") => address.mode = SslMode::Disable,
                ("sslmode", "prefer") => address.mode = SslMode::Prefer,
                ("sslmode", "require" | "verify-ca" | "verify-full") => {
                    address.mode = SslMode::Require;
                }
                ("sslmode", _) => return None,
                (_, "system") => address.authorities = Authorities::System,
                (_, path) => address.authorities = Authorities::File(path.into()),
            }
        }
        Some(address)
    }
}

fn is_ours(name: &str) -> bool {
    matches!(name, "sslmode" | "sslrootcert")
}

type Settings = Vec<(String, String)>;

fn of_url(text: &str) -> Option<(String, Settings)> {
    let schemes = ["postgresql://", "postgres://"];
    let body = schemes
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))?;
    // A password may hold a question mark.
    let place = body.find('/').unwrap_or(body.len());
    let place = body[..place].find('@').unwrap_or(0);
    let Some(question) = body[place..].find('?') else {
        return Some((text.to_owned(), Settings::new()));
    };
    let (head, query) = text.split_at(text.len() - body.len() + place + question);
    let mut rest = head.to_owned();
    let mut settings = Settings::new();
    for parameter in query[1..].split('&') {
        // A plus sign is one: libpq does not read it as a space.
        let plain = parameter.replace('+', "%2B");
        match url::form_urlencoded::parse(plain.as_bytes()).next() {
            Some((name, value)) if is_ours(&name) => {
                settings.push((name.into_owned(), value.into_owned()));
            }
            _ => {
                rest.push(if rest.len() == head.len() { '?' } else { '&' });
                rest.push_str(parameter);
            }
        }
    }
    Some((rest, settings))
}

fn of_list(text: &str) -> (String, Settings) {
    let mut rest = String::new();
    let mut settings = Settings::new();
    let mut left = text.trim_start();
    while let Some((name, value)) = left.split_once('=') {
        let (value, behind) = value_of(value.trim_start());
        let behind = behind.trim_start();
        match is_ours(name.trim_end()) {
            true => settings.push((name.trim_end().to_owned(), value)),
            false => rest.push_str(&left[..left.len() - behind.len()]),
        }
        left = behind;
    }
    // What is no setting is the client's to complain of.
    rest.push_str(left);
    (rest, settings)
}

/// The value that a text begins with, quoted or up to a space, and what is behind it.
fn value_of(text: &str) -> (String, &str) {
    let quoted = text.strip_prefix('\'');
    let mut value = String::new();
    let mut left = quoted.unwrap_or(text).chars();
    loop {
        let behind = left.as_str();
        match left.next() {
            None => return (value, ""),
            Some('\\') => value.extend(left.next()),
            Some('\'') if quoted.is_some() => return (value, left.as_str()),
            Some(space) if quoted.is_none() && space.is_whitespace() => return (value, behind),
            Some(other) => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> (String, SslMode, Authorities) {
        let address = Address::split(text).expect(text);
        (address.rest, address.mode, address.authorities)
    }

    #[test]
    fn what_is_said_of_tls_is_taken_out() {
        let file = |path: &str| Authorities::File(path.into());
        let system = Authorities::System;
        for (text, rest, mode, authorities) in [
            (
                "postgresql://u@h/d",
                "postgresql://u@h/d",
                SslMode::Prefer,
                &system,
            ),
            (
                "postgresql://u:p?a@h/d?sslmode=verify-full&sslrootcert=%2Fa+b%20c&application_name=x",
                "postgresql://u:p?a@h/d?application_name=x",
                SslMode::Require,
                &file("/a+b c"),
            ),
            (
                "postgres://h1,h2/d?connect_timeout=3&sslmode=disable&target_session_attrs=read-write",
                "postgres://h1,h2/d?connect_timeout=3&target_session_attrs=read-write",
                SslMode::Disable,
                &system,
            ),
            (
                "postgres://h?sslmode=require",
                "postgres://h",
                SslMode::Require,
                &system,
            ),
            (
                "host=h sslrootcert = 'it\\'s here' password='a sslmode=b' sslmode=verify-ca",
                "host=h password='a sslmode=b' ",
                SslMode::Require,
                &file("it's here"),
            ),
            (
                "host=h sslrootcert=system",
                "host=h ",
                SslMode::Prefer,
                &system,
            ),
            ("nonsense", "nonsense", SslMode::Prefer, &system),
        ] {
            let expected = (rest.to_owned(), mode, authorities.clone());
            assert_eq!(split(text), expected, "{text}");
        }
        for wrong in ["postgresql://h?sslmode=maybe", "sslmode='' host=h"] {
            assert_eq!(Address::split(wrong), None, "{wrong}");
        }
    }
}
