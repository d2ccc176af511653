//! Reads a regular expression, and refuses what engines read in different ways.
use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::{Expression, Tree, sets};

/// Deepest nesting of groups.
const NESTING: usize = 100;

/// Longest text; longer ones have no automaton that could be built anyway.
const LENGTH: usize = 200_000;

pub(super) fn parse(source: &str) -> Result<Expression, String> {
    let text: Vec<char> = source.chars().collect();
    if text.len() > LENGTH {
        return Err(format!("the pattern is longer than {LENGTH} characters"));
    }
    let names = group_names(&text);
    let mut parser = Parser {
        text,
        at: 0,
        nesting: 0,
        opened: 0,
        names,
        odd_class: false,
        is_flagged: false,
        is_unflagged: false,
        has_look_around: false,
        has_back_reference: false,
        has_boundary: false,
    };
    let tree = parser.choice()?;
    if parser.peek().is_some() {
        return Err(invalid("a `)` without its `(`"));
    }
    if parser.is_flagged && parser.is_unflagged {
        return Err(differs(
            r"`\p` and `\u{…}` ask for the `u` flag of ECMA-262, which refuses lone braces and brackets and escapes that are not needed; leave those out",
        ));
    }
    Ok(Expression {
        tree,
        groups: parser.names.len(),
        has_look_around: parser.has_look_around,
        has_back_reference: parser.has_back_reference,
        has_boundary: parser.has_boundary,
    })
}

/// ECMA-262 has no such thing, with or without the `u` flag.
fn invalid(what: &str) -> String {
    format!(
        "the pattern is no regular expression of ECMA-262: {what}; validators refuse it or read it each in their own way, so write it in ECMA-262"
    )
}

/// Engines that take it differ.
fn differs(what: &str) -> String {
    format!("the pattern means different things to different validators: {what}")
}

/// The capturing groups, with their names.
fn group_names(text: &[char]) -> Vec<Option<String>> {
    let mut names = Vec::new();
    let (mut at, mut in_class) = (0, false);
    while let Some(character) = text.get(at) {
        at += 1;
        match character {
            '\\' => at += 1,
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => match (text.get(at), text.get(at + 1), text.get(at + 2)) {
                (Some('?'), Some('<'), Some(next)) if !matches!(next, '=' | '!') => {
                    let name = text[at + 2..].iter().take_while(|next| **next != '>');
                    names.push(Some(name.collect()));
                }
                (Some('?'), _, _) => {}
                _ => names.push(None),
            },
            _ => {}
        }
    }
    names
}

/// How often, as written.
enum Times {
    None,
    Some {
        min: u32,
        max: Option<u32>,
        greedy: bool,
    },
}

/// What an escape stands for.
enum Escaped {
    Character(char),
    Set(ClassUnicode),
}

struct Parser {
    text: Vec<char>,
    at: usize,
    nesting: usize,
    /// Capturing groups opened so far.
    opened: usize,
    names: Vec<Option<String>>,
    /// Whether a class was seen that other engines may end elsewhere.
    odd_class: bool,
    /// Whether something means what it does with the `u` flag only.
    is_flagged: bool,
    /// Whether something means what it does without the `u` flag only.
    is_unflagged: bool,
    has_look_around: bool,
    has_back_reference: bool,
    has_boundary: bool,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += usize::from(next.is_some());
        next
    }

    fn eat(&mut self, text: &str) -> bool {
        let length = text.chars().count();
        let found = (self.text.get(self.at..self.at + length))
            .is_some_and(|own| own.iter().copied().eq(text.chars()));
        if found {
            self.at += length;
        }
        found
    }

    fn choice(&mut self) -> Result<Tree, String> {
        let mut parts = vec![self.sequence()?];
        while self.eat("|") {
            parts.push(self.sequence()?);
        }
        Ok(match (parts.pop(), parts.is_empty()) {
            (Some(only), true) => only,
            (last, _) => {
                parts.extend(last);
                Tree::Choice(parts)
            }
        })
    }

    fn sequence(&mut self) -> Result<Tree, String> {
        let mut parts = Vec::new();
        while let Some(next) = self.peek() {
            if matches!(next, '|' | ')') {
                break;
            }
            parts.push(self.term()?);
        }
        Ok(Tree::Sequence(parts))
    }

    fn term(&mut self) -> Result<Tree, String> {
        let before = self.opened;
        let atom = self.atom()?;
        let Times::Some { min, max, greedy } = self.times()? else {
            return Ok(atom);
        };
        if matches!(
            atom,
            Tree::Start | Tree::End | Tree::Boundary { .. } | Tree::Look { .. }
        ) {
            return Err(differs(
                "an assertion that is repeated is refused by ECMA-262 with the `u` flag",
            ));
        }
        if !matches!(self.times()?, Times::None) {
            return Err(invalid(
                "a repetition cannot be repeated without a group, nor be possessive",
            ));
        }
        Ok(Tree::Repeat {
            inside: Box::new(atom),
            min,
            max,
            greedy,
            groups: before..self.opened,
        })
    }

    /// A repetition's numbers, if one stands here.
    fn times(&mut self) -> Result<Times, String> {
        let (min, max) = if self.eat("*") {
            (0, None)
        } else if self.eat("+") {
            (1, None)
        } else if self.eat("?") {
            (0, Some(1))
        } else if let Some(counted) = self.counted()? {
            counted
        } else {
            return Ok(Times::None);
        };
        let greedy = !self.eat("?");
        Ok(Times::Some { min, max, greedy })
    }

    /// `{2}`, `{2,}` or `{2,3}`; any other brace is text.
    fn counted(&mut self) -> Result<Option<(u32, Option<u32>)>, String> {
        let start = self.at;
        if !self.eat("{") {
            return Ok(None);
        }
        let min = self.number();
        let has_comma = self.eat(",");
        let max = if has_comma { self.number() } else { min };
        match (min, self.eat("}")) {
            (Some(min), true) if max.is_some_and(|max| max < min) => Err(invalid(
                "the numbers of a repetition are the wrong way round",
            )),
            (Some(min), true) => Ok(Some((min, max))),
            (None, true) if has_comma => Err(differs(
                "`{,n}` is a repetition to some and text to others; write `{0,n}`",
            )),
            (None, true) | (_, false) => {
                self.at = start;
                Ok(None)
            }
        }
    }

    fn number(&mut self) -> Option<u32> {
        let start = self.at;
        let mut number = 0_u32;
        while let Some(digit) = self.peek().and_then(|next| next.to_digit(10)) {
            number = number.saturating_mul(10).saturating_add(digit);
            self.at += 1;
        }
        (self.at > start).then_some(number)
    }

    fn atom(&mut self) -> Result<Tree, String> {
        let Some(next) = self.next() else {
            return Ok(Tree::Sequence(Vec::new()));
        };
        Ok(match next {
            '^' => Tree::Start,
            '$' => Tree::End,
            '.' => Tree::One(sets::dot()),
            '(' => self.group()?,
            '[' => Tree::One(self.class()?),
            '\\' => self.escape()?,
            '*' | '+' | '?' => return Err(invalid("there is nothing to repeat")),
            '{' => {
                self.at -= 1;
                if self.counted()?.is_some() {
                    return Err(invalid("there is nothing to repeat"));
                }
                self.at += 1;
                self.is_unflagged = true;
                Tree::One(sets::one('{'))
            }
            ']' if self.odd_class => {
                return Err(differs(
                    "a class that starts with `]` or holds `[` ends at the first `]` in ECMA-262 and later elsewhere; escape `[` and `]`",
                ));
            }
            other => {
                self.is_unflagged |= matches!(other, ']' | '}');
                Tree::One(sets::one(other))
            }
        })
    }

    /// After `(`.
    fn group(&mut self) -> Result<Tree, String> {
        if self.nesting >= NESTING {
            return Err(format!(
                "the pattern has groups nested deeper than {NESTING}"
            ));
        }
        let looks = [
            ("?=", true, false),
            ("?!", true, true),
            ("?<=", false, false),
            ("?<!", false, true),
        ];
        let look = looks.into_iter().find(|(opening, ..)| self.eat(opening));
        let mut number = None;
        if look.is_some() {
            self.has_look_around = true;
        } else if !self.eat("?:") {
            if self.eat("?<") {
                self.group_name()?;
            } else if self.peek() == Some('?') {
                return Err(self.strange_group());
            }
            self.opened += 1;
            number = Some(self.opened);
        }
        self.nesting += 1;
        let inside = Box::new(self.choice()?);
        self.nesting -= 1;
        if !self.eat(")") {
            return Err(invalid("a `(` without its `)`"));
        }
        Ok(match (look, number) {
            (Some((_, ahead, negated)), _) => Tree::Look {
                ahead,
                negated,
                inside,
            },
            (None, Some(number)) => Tree::Group { number, inside },
            (None, None) => *inside,
        })
    }

    /// After `(`, where a `?` starts nothing that every engine knows.
    fn strange_group(&self) -> String {
        let flags = self.text[self.at + 1..]
            .iter()
            .take_while(|next| matches!(next, 'i' | 'm' | 's' | '-'))
            .count();
        if flags > 0 && self.text.get(self.at + 1 + flags) == Some(&':') {
            return differs(
                "flags inside a pattern are new in ECMA-262 of 2025 and refused by older engines; write both cases, as in `[aA]`",
            );
        }
        invalid("it knows no `(?` but `(?:`, `(?=`, `(?!`, `(?<=`, `(?<!` and `(?<name>`")
    }

    /// After `(?<`.
    fn group_name(&mut self) -> Result<(), String> {
        let mut name = String::new();
        loop {
            match self.next() {
                Some('>') => break,
                Some(next) => name.push(next),
                None => return Err(invalid("a group's name has no end")),
            }
        }
        let is_plain = |(index, next): (usize, char)| {
            next == '_' || next.is_ascii_alphabetic() || (index > 0 && next.is_ascii_digit())
        };
        if name.is_empty() || !name.chars().enumerate().all(is_plain) {
            return Err(differs(
                "a group's name is of ASCII letters, digits and `_`",
            ));
        }
        let alike = |known: &&Option<String>| known.as_ref() == Some(&name);
        if self.names.iter().filter(alike).count() > 1 {
            return Err(differs("two groups have one name"));
        }
        Ok(())
    }

    /// After `\`, outside of a class.
    fn escape(&mut self) -> Result<Tree, String> {
        match self.peek() {
            Some('b' | 'B') => {
                let negated = self.next() == Some('B');
                self.has_boundary = true;
                Ok(Tree::Boundary { negated })
            }
            Some('1'..='9') => {
                let number = self.number().map_or(usize::MAX, |number| number as usize);
                if number > self.names.len() {
                    return Err(differs("a back-reference to a group that is not there"));
                }
                self.has_back_reference = true;
                Ok(Tree::Back(number))
            }
            Some('k') => {
                self.at += 1;
                if !self.eat("<") {
                    return Err(differs(r"`\k` without a name"));
                }
                let rest = &self.text[self.at..];
                let length = rest.iter().take_while(|next| **next != '>').count();
                let name: String = rest[..length].iter().collect();
                let group = (self.names.iter())
                    .position(|known| known.as_ref() == Some(&name))
                    .filter(|_| length < rest.len());
                let Some(group) = group else {
                    return Err(differs("a back-reference to a group that is not there"));
                };
                self.at += length + 1;
                self.has_back_reference = true;
                Ok(Tree::Back(group + 1))
            }
            next => {
                self.is_unflagged |= next == Some('-');
                Ok(Tree::One(match self.escaped()? {
                    Escaped::Character(character) => sets::one(character),
                    Escaped::Set(set) => set,
                }))
            }
        }
    }

    /// After `\`: what means the same inside and outside of a class.
    fn escaped(&mut self) -> Result<Escaped, String> {
        let Some(next) = self.next() else {
            return Err(invalid(r"nothing follows a `\`"));
        };
        if let Some(set) = sets::named(next) {
            return Ok(Escaped::Set(set));
        }
        let character = match next {
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '0' if !self.peek().is_some_and(|next| next.is_ascii_digit()) => '\0',
            'c' => match self.next() {
                Some(letter) if letter.is_ascii_alphabetic() => {
                    char::from(u8::try_from(u32::from(letter) % 32).unwrap_or(0))
                }
                _ => return Err(differs(r"`\c` without a letter")),
            },
            'x' => self
                .hexadecimal(2)
                .and_then(char::from_u32)
                .ok_or_else(|| differs(r"`\x` takes two hexadecimal digits"))?,
            'u' => self.unicode()?,
            'p' | 'P' => return self.property(next == 'P').map(Escaped::Set),
            '<' | '>' => {
                return Err(differs(
                    r"`\<` and `\>` are edges of words to some and characters to others; leave the `\` out",
                ));
            }
            other if other.is_ascii_alphanumeric() => {
                return Err(differs(&format!(
                    r"`\{other}` is no escape of ECMA-262, and what engines make of it differs"
                )));
            }
            other => {
                self.is_unflagged |= !r"^$\.*+?()[]{}|/-".contains(other);
                other
            }
        };
        Ok(Escaped::Character(character))
    }

    /// So many hexadecimal digits.
    fn hexadecimal(&mut self, count: usize) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + count)?;
        let number = digits.iter().try_fold(0_u32, |number, digit| {
            Some(number * 16 + digit.to_digit(16)?)
        })?;
        self.at += count;
        Some(number)
    }

    /// After `\u`.
    fn unicode(&mut self) -> Result<char, String> {
        let wrong =
            || differs(r"`\u` takes four hexadecimal digits, or braces around a code point");
        if self.eat("{") {
            self.is_flagged = true;
            let mut number = 0_u32;
            let start = self.at;
            while let Some(digit) = self.peek().and_then(|next| next.to_digit(16)) {
                number = number.saturating_mul(16).saturating_add(digit);
                self.at += 1;
            }
            let is_there = self.at > start;
            return (self.eat("}") && is_there)
                .then(|| char::from_u32(number))
                .flatten()
                .ok_or_else(wrong);
        }
        let unit = self.hexadecimal(4).ok_or_else(wrong)?;
        let half = || {
            differs(
                "half of a surrogate pair is found with and without the `u` flag in other texts; write the code point",
            )
        };
        if !(0xd800..0xdc00).contains(&unit) {
            return char::from_u32(unit).ok_or_else(half);
        }
        if !self.eat(r"\u") {
            return Err(half());
        }
        let low = self
            .hexadecimal(4)
            .filter(|low| (0xdc00..0xe000).contains(low))
            .ok_or_else(half)?;
        char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)).ok_or_else(half)
    }

    /// After `\p` or `\P`.
    fn property(&mut self, negated: bool) -> Result<ClassUnicode, String> {
        let wrong = |name: &str| {
            differs(&format!(
                r"`\p{name}` is no property that every engine of ECMA-262 knows by this name"
            ))
        };
        if !self.eat("{") {
            return Err(wrong(""));
        }
        self.is_flagged = true;
        let rest = &self.text[self.at..];
        let length = rest.iter().take_while(|next| **next != '}').count();
        let name: String = rest[..length].iter().take(60).collect();
        let set = (length < rest.len())
            .then(|| sets::property(&name))
            .flatten()
            .ok_or_else(|| wrong(&format!("{{{name}}}")))?;
        self.at += length + 1;
        Ok(if negated { sets::negated(set) } else { set })
    }

    /// After `[`.
    fn class(&mut self) -> Result<ClassUnicode, String> {
        let is_negated = self.eat("^");
        let mut set = ClassUnicode::empty();
        if self.peek() == Some(']') {
            // Others take the `]` for a member, and look for another one.
            self.odd_class = true;
            if self.text[self.at + 1..].contains(&']') {
                return Err(differs(
                    "a class that starts with `]` is empty in ECMA-262 and holds the `]` elsewhere; escape it",
                ));
            }
        }
        loop {
            let first = match self.next() {
                None => return Err(invalid("a `[` without its `]`")),
                Some(']') => break,
                Some(next) => self.member(next)?,
            };
            let is_range = self.peek() == Some('-')
                && self.text.get(self.at + 1).is_some_and(|next| *next != ']');
            if !is_range {
                add(&mut set, first);
                continue;
            }
            self.at += 1;
            let Some(next) = self.next() else {
                return Err(invalid("a `[` without its `]`"));
            };
            match (first, self.member(next)?) {
                (Escaped::Character(first), Escaped::Character(last)) if first <= last => {
                    set.push(ClassUnicodeRange::new(first, last));
                }
                (Escaped::Character(_), Escaped::Character(_)) => {
                    return Err(invalid("the ends of a range are the wrong way round"));
                }
                // Not a range, to everyone who takes it.
                (first, last) => {
                    self.is_unflagged = true;
                    add(&mut set, first);
                    set.push(ClassUnicodeRange::new('-', '-'));
                    add(&mut set, last);
                }
            }
        }
        Ok(if is_negated { sets::negated(set) } else { set })
    }

    fn member(&mut self, next: char) -> Result<Escaped, String> {
        match next {
            '\\' if self.eat("b") => Ok(Escaped::Character('\u{8}')),
            '\\' => self.escaped(),
            '[' => {
                self.odd_class = true;
                Ok(Escaped::Character('['))
            }
            other => Ok(Escaped::Character(other)),
        }
    }
}

fn add(set: &mut ClassUnicode, member: Escaped) {
    match member {
        Escaped::Character(character) => set.push(ClassUnicodeRange::new(character, character)),
        Escaped::Set(other) => set.union(&other),
    }
}
