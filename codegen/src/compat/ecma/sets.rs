//! The sets of characters that ECMA-262 has names for.
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

pub(super) fn of(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(
        ranges
            .iter()
            .map(|(first, last)| ClassUnicodeRange::new(*first, *last)),
    )
}

pub(super) fn one(character: char) -> ClassUnicode {
    of(&[(character, character)])
}

pub(super) fn negated(mut set: ClassUnicode) -> ClassUnicode {
    set.negate();
    set
}

/// `.`: all but line terminators.
pub(super) fn dot() -> ClassUnicode {
    negated(of(&[('\n', '\n'), ('\r', '\r'), ('\u{2028}', '\u{2029}')]))
}

/// `\d`, `\s`, `\w` and their opposites.
pub(super) fn named(letter: char) -> Option<ClassUnicode> {
    let set = match letter.to_ascii_lowercase() {
        'd' => of(&[('0', '9')]),
        'w' => of(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        // White space, spaces of Unicode, the byte order mark, and line terminators; not U+0085.
        's' => of(&[
            ('\t', '\r'),
            (' ', ' '),
            ('\u{a0}', '\u{a0}'),
            ('\u{1680}', '\u{1680}'),
            ('\u{2000}', '\u{200a}'),
            ('\u{2028}', '\u{2029}'),
            ('\u{202f}', '\u{202f}'),
            ('\u{205f}', '\u{205f}'),
            ('\u{3000}', '\u{3000}'),
            ('\u{feff}', '\u{feff}'),
        ]),
        _ => return None,
    };
    Some(if letter.is_ascii_uppercase() {
        negated(set)
    } else {
        set
    })
}

/// Values of `General_Category`, short and long.
const CATEGORIES: &[(&str, &str)] = &[
    ("C", "Other"),
    ("Cc", "Control"),
    ("Cf", "Format"),
    ("Cn", "Unassigned"),
    ("Co", "Private_Use"),
    ("L", "Letter"),
    ("LC", "Cased_Letter"),
    ("Ll", "Lowercase_Letter"),
    ("Lm", "Modifier_Letter"),
    ("Lo", "Other_Letter"),
    ("Lt", "Titlecase_Letter"),
    ("Lu", "Uppercase_Letter"),
    ("M", "Mark"),
    ("Mc", "Spacing_Mark"),
    ("Me", "Enclosing_Mark"),
    ("Mn", "Nonspacing_Mark"),
    ("N", "Number"),
    ("Nd", "Decimal_Number"),
    ("Nl", "Letter_Number"),
    ("No", "Other_Number"),
    ("P", "Punctuation"),
    ("Pc", "Connector_Punctuation"),
    ("Pd", "Dash_Punctuation"),
    ("Pe", "Close_Punctuation"),
    ("Pf", "Final_Punctuation"),
    ("Pi", "Initial_Punctuation"),
    ("Po", "Other_Punctuation"),
    ("Ps", "Open_Punctuation"),
    ("S", "Symbol"),
    ("Sc", "Currency_Symbol"),
    ("Sk", "Modifier_Symbol"),
    ("Sm", "Math_Symbol"),
    ("So", "Other_Symbol"),
    ("Z", "Separator"),
    ("Zl", "Line_Separator"),
    ("Zp", "Paragraph_Separator"),
    ("Zs", "Space_Separator"),
];

/// Properties that hold or do not, of those that engines know.
const PROPERTIES: &[&str] = &[
    "ASCII",
    "Alphabetic",
    "Any",
    "Assigned",
    "Cased",
    "Dash",
    "Emoji",
    "Hex_Digit",
    "ID_Continue",
    "ID_Start",
    "Ideographic",
    "Lowercase",
    "Math",
    "Uppercase",
    "White_Space",
    "XID_Continue",
    "XID_Start",
];

/// Scripts by their long and short names: those that schemas name.
const SCRIPTS: &[&str] = &[
    "Arab",
    "Arabic",
    "Armenian",
    "Armn",
    "Beng",
    "Bengali",
    "Cyrillic",
    "Cyrl",
    "Deva",
    "Devanagari",
    "Geor",
    "Georgian",
    "Greek",
    "Grek",
    "Han",
    "Hang",
    "Hangul",
    "Hani",
    "Hebr",
    "Hebrew",
    "Hira",
    "Hiragana",
    "Kana",
    "Katakana",
    "Latin",
    "Latn",
    "Tamil",
    "Taml",
    "Thai",
];

/// `\p{…}`: none where ECMA-262 does not know the name, which it spells in one way only.
pub(super) fn property(text: &str) -> Option<ClassUnicode> {
    let is_category = |name: &str| {
        CATEGORIES
            .iter()
            .any(|(short, long)| name == *short || name == *long)
    };
    let known = match text.split_once('=') {
        Some(("General_Category" | "gc", value)) => is_category(value),
        Some(("Script" | "sc" | "Script_Extensions" | "scx", value)) => SCRIPTS.contains(&value),
        Some(_) => false,
        None => is_category(text) || PROPERTIES.contains(&text),
    };
    if !known {
        return None;
    }
    match regex_syntax::parse(&format!(r"\p{{{text}}}")).ok()?.kind() {
        HirKind::Class(Class::Unicode(set)) => Some(set.clone()),
        // A set of one character.
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            text.chars().next().map(one)
        }
        _ => None,
    }
}
