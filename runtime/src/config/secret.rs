//! Values that no log, error or debug output may show.
use std::fmt;

/// A password or key as text.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the client library it belongs to.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

impl std::str::FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(value))
    }
}

/// The key of hashed columns (`SipHash`-2-4).
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct HashKey(pub [u8; 16]);

impl HashKey {
    /// Reads 32 hex digits; white space around them is allowed, as files end in a line feed.
    ///
    /// # Errors
    /// Says what is wrong without repeating the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(format!(
                "needs 32 hex digits, has {} characters that are not all hex digits or not 32",
                text.chars().count()
            ));
        }
        let mut key = [0; 16];
        for (index, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16)
                .map_err(|error| error.to_string())?;
        }
        Ok(Self(key))
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "***");
        assert_eq!(format!("{:?}", HashKey([7; 16])), "***");
    }

    #[test]
    fn a_key_is_32_hex_digits() {
        let key = HashKey::parse("000102030405060708090a0B0c0d0e0f\n");
        assert_eq!(
            key,
            Ok(HashKey([
                0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
            ]))
        );
        for bad in ["", "00", "zz0102030405060708090a0b0c0d0e0f"] {
            let error = HashKey::parse(bad).expect_err("refused");
            assert!(
                bad.is_empty() || !error.contains(bad) || bad == "00",
                "{error}"
            );
        }
    }
}
