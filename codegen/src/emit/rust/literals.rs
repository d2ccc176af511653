//! JSON constants as Rust tokens.
use proc_macro2::TokenStream;
use quote::quote;
use serde_json::{Number, Value};

/// A number of the runtime.
#[must_use]
pub fn number(number: &Number) -> TokenStream {
    if let Some(value) = number.as_i64() {
        let value = proc_macro2::Literal::i64_unsuffixed(value);
        quote!(Number::Signed(#value))
    } else if let Some(value) = number.as_u64() {
        let value = proc_macro2::Literal::u64_unsuffixed(value);
        quote!(Number::Unsigned(#value))
    } else {
        let value = proc_macro2::Literal::f64_unsuffixed(number.as_f64().unwrap_or_default());
        quote!(Number::Float(#value))
    }
}

/// A count as a literal without a suffix.
#[must_use]
pub fn amount(count: u64) -> proc_macro2::Literal {
    proc_macro2::Literal::u64_unsuffixed(count)
}

/// `1 item`, `2 items`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

/// A constant of the runtime.
#[must_use]
pub fn literal(value: &Value) -> TokenStream {
    match value {
        Value::Null => quote!(Literal::Null),
        Value::Bool(value) => quote!(Literal::Bool(#value)),
        Value::Number(value) => {
            let value = number(value);
            quote!(Literal::Number(#value))
        }
        Value::String(value) => quote!(Literal::String(#value)),
        Value::Array(items) => {
            let items = items.iter().map(literal);
            quote!(Literal::Array(&[#(#items),*]))
        }
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| {
                let value = literal(value);
                quote!((#name, #value))
            });
            quote!(Literal::Object(&[#(#members),*]))
        }
    }
}

/// A positive decimal as mantissa and places: 0.25 is (25, 2). `None` beyond what the check computes with.
#[must_use]
pub fn decimal(number: &Number) -> Option<(u64, u32)> {
    let text = number.to_string();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text.as_str(), 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits: u64 = format!("{whole}{fraction}").parse().ok()?;
    let places = i32::try_from(fraction.len()).ok()? - exponent;
    if places >= 0 {
        Some((digits, places.unsigned_abs()))
    } else {
        Some((
            digits.checked_mul(10_u64.checked_pow(places.unsigned_abs())?)?,
            0,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn decimals() {
        let of = |text: &str| decimal(&serde_json::from_str(text).unwrap());
        assert_eq!(of("5"), Some((5, 0)));
        assert_eq!(of("0.25"), Some((25, 2)));
        assert_eq!(of("1e-7"), Some((1, 7)));
        assert_eq!(of("1.50"), Some((15, 1)));
        assert_eq!(of("1e3"), Some((1000, 0)));
        assert_eq!(of("1e300"), None);
    }
}
