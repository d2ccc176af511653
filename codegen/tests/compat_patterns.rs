//! Patterns mean what ECMA-262 says with the `u` flag, judged by an engine of ECMA-262 that the prover does not use; or
//! nobody knows what they mean.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use fastrand::Rng;
use referencing::Draft;
use serde_json::{Value, json};
use topicwright::compat::{Source, Verdict, View, compat};

fn ask(writer: Value, reader: Value) -> Verdict {
    let source = |schema| Source::alone(schema, Draft::Draft202012);
    compat(source(writer), source(reader), View::Strict).unwrap()
}

/// Whether the pattern is found in the text, by the prover; the reason where it does not say.
fn found(pattern: &str, text: &str) -> Result<bool, String> {
    match ask(json!({"const": text}), json!({"pattern": pattern})) {
        Verdict::Compatible(_) => Ok(true),
        Verdict::Incompatible(_) => Ok(false),
        Verdict::Unknown(unknown) => Err(unknown.reason),
    }
}

fn is_safe(writer: &str, reader: &str) {
    let pattern = |source: &str| json!({"type": "string", "pattern": source});
    let verdict = ask(pattern(writer), pattern(reader));
    assert!(
        matches!(verdict, Verdict::Compatible(_)),
        "{writer} {reader}: {verdict:?}"
    );
}

fn is_never_safe(writer: &str, reader: &str) {
    let pattern = |source: &str| json!({"type": "string", "pattern": source});
    let verdict = ask(pattern(writer), pattern(reader));
    assert!(
        !matches!(verdict, Verdict::Compatible(_)),
        "{writer} {reader}: {verdict:?}"
    );
}

#[test]
fn groups_keep_their_numbers_beside_look_ahead() {
    for (pattern, text) in [
        (r"^(?=(a))(ab)\1$", "abab"),
        (r"^(?=(?<x>a))(?<y>ab)\k<x>$", "abab"),
        (r"^(?!(b))(ab)\2$", "aba"),
    ] {
        assert_ne!(found(pattern, text), Ok(true), "{pattern} {text}");
    }
    assert_eq!(found(r"^(?=(a))(ab)\1$", "aba"), Ok(true));
    assert_eq!(found(r"^(?=(?<x>a))(?<y>ab)\k<y>$", "abab"), Ok(true));
    // Compared with other patterns nobody knows.
    is_never_safe("^abab$", r"^(?=(a))(ab)\1$");
    // Without back-references the parts are asked one by one, as before.
    is_safe(r"^(?=.*\d)(?!_)[a-z\d_]+$", r"^[a-z\d]");
}

#[test]
fn a_group_that_took_no_part_is_found_everywhere() {
    assert_ne!(found(r"^(?:(a)|b)\1c$", "bc"), Ok(false));
    assert_ne!(found(r"^\1(a)$", "a"), Ok(false));
    assert_ne!(found(r"^(?:(a)|(b)|\1\2c)+$", "bac"), Ok(false));
    assert_eq!(found(r"^(a)\1$", "aa"), Ok(true));
    assert_eq!(found(r"^(a)\1$", "ab"), Ok(false));
}

#[test]
fn an_empty_class_holds_nothing() {
    for text in ["]", "a", "b", "c"] {
        assert_ne!(found("^[]abc]$", text), Ok(true), "{text}");
        assert_ne!(found("^[^]abc]$", text), Ok(true), "{text}");
    }
    is_never_safe("^[abc]$", "^[]abc]$");
    // Whatever its members are called, too.
    let verdict = ask(
        json!({"type": "object", "patternProperties": {"^[]abc]$": false}}),
        json!({"properties": {"a": false}}),
    );
    assert!(!matches!(verdict, Verdict::Compatible(_)), "{verdict:?}");
}

#[test]
fn flags_at_the_start_are_no_ecma() {
    let reason = found("^(?i)abc$", "ABC").unwrap_err();
    assert!(reason.contains("ECMA-262"), "{reason}");
    is_never_safe("^ABC$", "^(?i)abc$");
    is_never_safe("^ABC$", "^(?i:abc)$");
}

#[test]
fn words_and_digits_are_of_ascii() {
    // Arabic digits, and letters beyond ASCII.
    for (pattern, text, expected) in [
        (r"^(?=\d)", "٣", false),
        (r"^(?!\d).$", "٣", true),
        (r"(?<=é)\bx", "éx", true),
        (r"^(?=\w)", "é", false),
        (r"^\d$", "٣", false),
        (r"^\w$", "é", false),
        (r"^\Bé", "é", true),
        (r"^é\b", "é", false),
    ] {
        assert_ne!(found(pattern, text), Ok(!expected), "{pattern} {text}");
    }
}

#[test]
fn dots_and_spaces() {
    for end in ["\n", "\r", "\u{2028}", "\u{2029}"] {
        assert_eq!(found("^.$", end), Ok(false), "{end:?}");
        assert_ne!(found("^(?=.)", end), Ok(true), "{end:?}");
        assert_ne!(found("^(?!x)(.)\\1$", &end.repeat(2)), Ok(true), "{end:?}");
    }
    assert_eq!(found("^.$", "\u{85}"), Ok(true));
    for space in ["\u{a0}", "\u{feff}", "\u{2003}", "\u{b}"] {
        assert_eq!(found(r"^\s$", space), Ok(true), "{space:?}");
    }
    assert_eq!(found(r"^\s$", "\u{85}"), Ok(false));
    assert_eq!(found("^a$", "a\n"), Ok(false));
    is_never_safe("^[\\r]$", "^(?=.)");
}

/// Members' names are texts too, and the reason is told.
#[test]
fn names_of_members_are_tried_alike() {
    let named = json!({"type": "object", "properties": {"A": {}}, "additionalProperties": false});
    for reader in [
        json!({"propertyNames": {"pattern": "^(?i)a$"}}),
        json!({"patternProperties": {"^(?i)a$": {}}, "additionalProperties": false}),
    ] {
        let Verdict::Unknown(unknown) = ask(named.clone(), reader.clone()) else {
            panic!("{reader}");
        };
        assert!(unknown.reason.contains("ECMA-262"), "{unknown:?}");
    }
}

/// What only the `u` flag refuses, and everyone else reads alike.
#[test]
fn needless_escapes_mean_what_they_say() {
    for (pattern, text) in [
        (r"^\-\_\@\ \:$", "-_@ :"),
        (r"^[\w-.]+$", "a-."),
        (r"^[\_\-]$", "_"),
        ("^a]$", "a]"),
        ("^}$", "}"),
        (r"^[a-z&&x]+$", "&"),
        (r"^[a~~b]+$", "~"),
        (r"^[[a]$", "["),
    ] {
        assert_eq!(found(pattern, text), Ok(true), "{pattern}");
    }
}

/// Each with a text that some engine finds it in.
#[test]
fn what_engines_read_differently_is_unknown() {
    for (pattern, text) in [
        (r"\Aa", "a"),
        (r"a\z", "a"),
        (r"a\Z", "a"),
        (r"a\Z", "aZ"),
        (r"\Ga", "a"),
        (r"a\Kb", "ab"),
        (r"^\a$", "a"),
        (r"^\e$", "e"),
        (r"^\h$", " "),
        (r"^\R$", "\n"),
        (r"^\X$", "é"),
        (r"^\Qa\E$", "a"),
        (r"\<a\>", "a"),
        (r"^\x{41}$", "A"),
        (r"^\x4$", "x4"),
        (r"^\u41$", "u41"),
        (r"^\pL$", "a"),
        (r"^\_\p{L}$", "_a"),
        (r"^{\u{61}$", "{a"),
        (r"^\p{letter}$", "a"),
        (r"^\p{Greek}$", "α"),
        (r"^\p{IsGreek}$", "α"),
        (r"^\p{^L}$", "1"),
        (r"^\07$", "\u{7}"),
        (r"^\7$", "\u{7}"),
        (r"^[\7]$", "\u{7}"),
        (r"^\c1$", "\\c1"),
        (r"^(?P<n>a)$", "a"),
        (r"^(?P<n>a)(?P=n)$", "aa"),
        (r"^(?>a)$", "a"),
        (r"^(?#x)a$", "a"),
        (r"^(?|a)$", "a"),
        (r"^(?'n'a)$", "a"),
        (r"^(?x) a$", "a"),
        (r"(?i:a)", "A"),
        (r"(?s-m:.)", "\n"),
        (r"^a++$", "aa"),
        (r"^a*+$", "aa"),
        (r"^a{1}{2}$", "aa"),
        (r"^a**$", "aa"),
        (r"^*a$", "a"),
        (r"^\b+a$", "a"),
        (r"^(?=a)*$", ""),
        (r"^a{,2}$", "aa"),
        (r"^a{,}$", "aa"),
        (r"^[[:alpha:]]$", "a"),
        (r"^[[:alpha:]]$", "a]"),
        (r"^[a-z&&[^b]]$", "a"),
        (r"^[a[bc]]$", "b"),
        (r"^[a--[b]]$", "a"),
        (r"^[]a]$", "a"),
        (r"^[]](a)[b]$", "a"),
        (r"^[\B]$", "B"),
        (r"^\k<n>$", "k<n>"),
        (r"^[\ud800-\udbff][\udc00-\udfff]$", "😀"),
        (r"^(?<n>a)|(?<n>b)$", "a"),
        ("^a)$", "a)"),
        ("(a", "a"),
        ("[a", "a"),
        ("[b-a]", "a"),
        ("a{2,1}", "aa"),
        ("*a", "a"),
        ("{1}", ""),
        ("a\\", "a"),
        ("(?", "a"),
        ("(?<", "a"),
        ("(?<n", "a"),
    ] {
        assert!(found(pattern, text).is_err(), "{pattern} {text}");
        is_never_safe(&format!("^{}$", text.escape_unicode()), pattern);
    }
}

const ATOMS: &[&str] = &[
    "a",
    "b",
    "é",
    "٣",
    "😀",
    ".",
    "]",
    "}",
    r"\d",
    r"\D",
    r"\w",
    r"\W",
    r"\s",
    r"\S",
    r"\b",
    r"\B",
    r"\.",
    r"\-",
    r"\/",
    r"\n",
    r"\r",
    r"\t",
    r"\cJ",
    r"\x61",
    r"\u0061",
    r"\u{1F600}",
    r"\ud83d\ude00",
    r"\0",
    r"\p{L}",
    r"\P{Lu}",
    r"\p{Script=Greek}",
    r"\p{Alphabetic}",
    "[ab]",
    "[^a]",
    "[a-c]",
    r"[\d-]",
    r"[\w\s]",
    r"[^\W]",
    "[]",
    "[^]",
    "[a&&b]",
    "[a--b]",
    "[[a]",
    r"[\b]",
    r"[\]]",
    r"[^\S\n]",
    "[^\u{2028}é]",
    "^",
    "$",
    "(?=",
    "(?!",
    "(?<=",
    "(?<!",
    "(",
    "(?:",
    "(?<n>",
    r"\1",
    r"\2",
    r"\k<n>",
    "|",
    "|",
    "*",
    "+",
    "?",
    "{2}",
    "{0,1}",
    "{1,}",
    "*?",
    "+?",
    "??",
    "{,2}",
    "++",
    r"\A",
    r"\z",
    r"\Z",
    r"\h",
    r"\e",
    r"\a",
    r"\pL",
    r"\x{61}",
    r"\_",
    "(?i:a)",
    "(?P<n>a)",
    "(?>a)",
    "[[:alpha:]]",
    "[]a]",
    "{",
    "(?=a)",
    "(?<!a)",
    "(a)",
    "(b)?",
];

const LETTERS: &[&str] = &[
    "a", "b", "a", "b", "c", "é", "٣", "1", "_", "-", ".", " ", "\n", "\r", "\u{2028}", "\u{a0}",
    "\u{feff}", "\u{85}", "😀", "]", "&", "[", "α", "}", "\0", "k",
];

fn drawn(from: &[&str], most: usize, random: &mut Rng) -> String {
    (0..random.usize(0..=most))
        .map(|_| from[random.usize(..from.len())])
        .collect()
}

/// A pattern of a few constructs, its groups closed.
fn pattern(random: &mut Rng) -> String {
    let mut text = drawn(ATOMS, 6, random);
    let mut open = 0_usize;
    for (index, next) in text.char_indices() {
        let is_bare = !text[..index].ends_with(['\\', '[']);
        match next {
            '(' if is_bare => open += 1,
            ')' if is_bare => open = open.saturating_sub(1),
            _ => {}
        }
    }
    for _ in 0..open {
        text += &drawn(&ATOMS[..46], 2, random);
        text.push(')');
    }
    if random.bool() {
        text += &drawn(&ATOMS[..62], 2, random);
    }
    text
}

/// What the prover says of a text is what an engine of ECMA-262 says of it.
#[test]
fn an_engine_of_ecma_262_agrees() {
    let mut random = Rng::with_seed(20);
    let (mut said, mut unsaid, mut valid) = (0, 0, 0);
    for _ in 0..4_000 {
        let pattern = pattern(&mut random);
        let flagged = regress::Regex::with_flags(&pattern, "u").ok();
        valid += usize::from(flagged.is_some());
        // What only the `u` flag refuses is read as without it, but for code points.
        let engine = flagged
            .clone()
            .or_else(|| regress::Regex::new(&pattern).ok());
        for _ in 0..4 {
            let text = drawn(LETTERS, 5, &mut random);
            let Ok(own) = found(&pattern, &text) else {
                unsaid += usize::from(flagged.is_some());
                continue;
            };
            let Some(engine) = &engine else {
                panic!("{pattern:?} is no regular expression, and {own} for {text:?}");
            };
            if flagged.is_none() && [&pattern, &text].iter().any(|text| text.contains('😀')) {
                continue;
            }
            said += 1;
            assert_eq!(own, engine.find(&text).is_some(), "{pattern:?} {text:?}");
        }
    }
    println!("{said} agree, {unsaid} unknown of {valid} valid patterns");
    assert!(said > 3 * unsaid, "{said} {unsaid}");
}

/// A proof between two patterns, and a text that tells them apart, are what the engine says too.
#[test]
fn an_engine_of_ecma_262_agrees_with_proofs() {
    let mut random = Rng::with_seed(21);
    let (mut proofs, mut witnesses) = (0, 0);
    for _ in 0..8_000 {
        let (writer, mut reader) = (pattern(&mut random), pattern(&mut random));
        if random.bool() {
            // Near each other.
            reader = format!("{writer}|{reader}");
        }
        let engine = |pattern: &str| regress::Regex::with_flags(pattern, "u").ok();
        let (Some(writes), Some(reads)) = (engine(&writer), engine(&reader)) else {
            continue;
        };
        let breaks = |text: &str| writes.find(text).is_some() && reads.find(text).is_none();
        let schema = |pattern: &str| json!({"type": "string", "pattern": pattern});
        match ask(schema(&writer), schema(&reader)) {
            Verdict::Compatible(_) => {
                proofs += 1;
                for _ in 0..20 {
                    let text = drawn(LETTERS, 5, &mut random);
                    assert!(!breaks(&text), "{writer:?} {reader:?} {text:?}");
                }
            }
            Verdict::Incompatible(witness) => {
                witnesses += 1;
                let text = witness.value.as_str().unwrap();
                assert!(breaks(text), "{writer:?} {reader:?} {text:?}");
            }
            Verdict::Unknown(_) => {}
        }
    }
    println!("{proofs} proofs, {witnesses} witnesses");
    assert!(proofs > 100 && witnesses > 50, "{proofs} {witnesses}");
}
