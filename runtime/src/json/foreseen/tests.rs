//! Held against simd-json, on texts made to differ.
use proptest::prelude::*;

use super::*;
use crate::json::{DecodeError, Decoder, Json};

/// What both readers make of a text: nodes as they print, or nothing. The texts before it were read as well.
fn both(texts: &[&str]) -> (Option<String>, Option<String>) {
    let (mut foreseen, mut decoder) = (Foreseen::default(), Decoder::default());
    let (mut ours, mut theirs) = (None, None);
    for text in texts {
        let mut tape = Vec::new();
        let read = foreseen.read(text.as_bytes(), &mut tape);
        if let Some(texts) = read {
            let members = Json::new(&tape).members();
            members.for_each(|(name, member)| text_is_as_written(&texts, name, member));
        }
        ours = read.map(|_| format!("{tape:?}"));
        let decoded = decoder.decode_any(text.as_bytes(), |json, _| format!("{:?}", json.nodes));
        theirs = decoded.ok();
    }
    (ours, theirs)
}

fn text_is_as_written(texts: &Texts<'_>, name: &str, member: Json<'_>) {
    if let Some(text) = texts.get(name) {
        let mut written = Vec::new();
        member.write_to(&mut written);
        assert_eq!(text.as_bytes(), written);
    }
}

#[test]
fn texts_of_members_stand_in_the_message() {
    let text = |text: &str| {
        let mut tape = Vec::new();
        let read = Foreseen::default()
            .read(text.as_bytes(), &mut tape)
            .unwrap();
        read.get("p").map(str::to_owned)
    };
    for payload in [r#"{"a":[1,{"b":"x"}],"c":null}"#, "[1,2]"] {
        let event = format!(r#"{{"a":{{"p":{{"x":1}}}},"p":{payload},"z":1}}"#);
        assert_eq!(text(&event).as_deref(), Some(payload));
    }
    for other in [
        r#"{"p":7}"#,
        r#"{"p":{ "a":1}}"#,
        r#"{"p":{"a":1.50}}"#,
        r#"["p",{"a":1}]"#,
        r#"{"a":{},"b":{},"c":{},"d":{},"p":{}}"#,
    ] {
        assert_eq!(text(other), None, "{other}");
    }
}

#[test]
fn what_is_plain_is_read() {
    for text in [
        "{}",
        "[]",
        "7",
        "-12",
        r#""text""#,
        r#"{"a":1,"b":[true,false,null,{"a":"x"}],"c":{"a":-3.25e2}}"#,
        r#" { "a" : "x" } "#.replace(" :", ":").as_str(),
        r#"{"name":"한국어","n":999999999999999999}"#,
    ] {
        let (ours, theirs) = both(&[text]);
        assert!(ours.is_some(), "{text}");
        assert_eq!(ours, theirs, "{text}");
    }
}

#[test]
fn what_is_unusual_is_left_to_others() {
    let deep = format!("{}{}", "[".repeat(DEPTH + 2), "]".repeat(DEPTH + 2));
    for text in [
        "",
        " ",
        "{",
        "[1,]",
        "[1 2]",
        r#"{"a":1,}"#,
        r#"{"a" 1}"#,
        r#"{a:1}"#,
        r#"{"a":1]"#,
        r#"["a":1]"#,
        "1 1",
        "-",
        "01",
        "-0",
        "1.",
        "1e",
        "0.0",
        "1e999",
        "1234567890123456789",
        "tru",
        "truex",
        r#""a\n""#,
        "{\n}",
        r#"{"a":1,"a":2}"#,
        r#"{"b":{"a":1},"a":1,"b":2}"#,
        &deep,
    ] {
        assert_eq!(both(&[text]).0, None, "{text}");
    }
    let read = Foreseen::default()
        .read(b"\"\xff\"", &mut Vec::new())
        .is_some();
    assert!(!read);
}

#[test]
fn names_that_are_data_take_bounded_memory() {
    let mut foreseen = Foreseen::default();
    let many: Vec<String> = (0..2 * MOST_NAMES)
        .map(|number| format!(r#""n{number}":{number}"#))
        .collect();
    let text = format!("{{{}}}", many.join(","));
    assert!(foreseen.read(text.as_bytes(), &mut Vec::new()).is_none());
    assert_eq!(foreseen.numbers.len(), MOST_NAMES);
    // Known names are read on.
    assert!(
        foreseen
            .read(br#"{"n7":1,"n3":2}"#, &mut Vec::new())
            .is_some()
    );
}

#[test]
fn a_repeated_name_is_told_whatever_was_read_before() {
    let mut decoder = Decoder::default();
    for text in [r#"{"a":1,"b":{"a":2}}"#, r#"{"b":{"a":2},"a":1}"#] {
        assert_eq!(decoder.decode(text.as_bytes(), |_| ()), Ok(()));
    }
    let repeated = decoder.decode(br#"{"a":1,"b":{"a":2},"a":1}"#, |_| ());
    assert_eq!(repeated, Err(DecodeError::DuplicateKey("a".to_owned())));
}

/// Texts of a small language in which nearly everything that can go wrong goes wrong soon.
fn any_text() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        8 => prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"a\":", "\"b\":", "\"a\"", "1", "-2", "0", "1.5", "2e3", " ",
            "true", "null", "\"", "\\", "\n", "é", "00", "-",
        ]).prop_map(str::to_owned),
        1 => any::<f64>().prop_map(|number| format!("{number:?}")),
        1 => any::<f64>().prop_map(|number| format!("{number:e}")),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => any::<String>(),
    ];
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

/// A valid text, and where one byte of it becomes another.
fn any_document() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        any::<u64>().prop_map(|value| value.to_string()),
        (-100_000_i64..100_000).prop_map(|value| value.to_string()),
        any::<f64>()
            .prop_filter("finite", |value| value.is_finite())
            .prop_map(|value| format!("{value:?}")),
        "[a-zé \\\\\"]{0,20}".prop_map(|text| serde_json::Value::from(text).to_string()),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let blank = prop::sample::select(vec!["", "", " "]);
        prop_oneof![
            (prop::collection::vec(inner.clone(), 0..5), blank.clone())
                .prop_map(|(items, blank)| format!("[{}]", items.join(&format!(",{blank}")))),
            (prop::collection::vec(("[a-d]", inner), 0..5), blank).prop_map(|(members, blank)| {
                let members = members.iter();
                let members: Vec<String> = members
                    .map(|(name, value)| format!("\"{name}\":{blank}{value}"))
                    .collect();
                format!("{{{}}}", members.join(&format!(",{blank}")))
            }),
        ]
    })
}

fn agrees(texts: &[&str]) -> Result<(), TestCaseError> {
    let (ours, theirs) = both(texts);
    if ours.is_some() {
        prop_assert_eq!(ours, theirs);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// What is read is read as simd-json reads it, and what is no JSON, or repeats a name, is not read.
    #[test]
    fn any_text_is_read_as_the_other_reader_does(before in any_text(), text in any_text()) {
        agrees(&[&before, &text])?;
    }

    #[test]
    fn any_document_is_read_as_the_other_reader_does(
        before in any_document(),
        text in any_document(),
        at in any::<prop::sample::Index>(),
        byte in 0x20_u8..0x7f,
    ) {
        agrees(&[&before, &text])?;
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(text) = std::str::from_utf8(&bytes) {
            agrees(&[&before, text])?;
        }
    }
}
