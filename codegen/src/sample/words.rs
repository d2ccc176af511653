//! Texts that look like what their name or format promises, and texts like a known one.
use super::dice::Dice;

const WORDS: &[&str] = &[
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbor", "iris", "juniper",
    "kelp", "lumen", "maple", "north", "opal", "pine", "quartz", "river", "stone", "tide", "umber",
    "violet", "willow", "zephyr",
];

/// Last words of a member's name, and what stands under such a name.
const NAMED: &[(&[&str], &[&str])] = &[
    (
        &["country"],
        &["DE", "FR", "US", "JP", "BR", "DEU", "USA", "Germany"],
    ),
    (&["currency"], &["EUR", "USD", "JPY", "GBP", "eur"]),
    (
        &["language", "lang", "locale"],
        &["en", "de", "fr", "en-US", "pt-BR"],
    ),
    (
        &["timezone", "tz"],
        &["Europe/Berlin", "America/New_York", "Asia/Tokyo", "UTC"],
    ),
    (&["city"], &["Berlin", "Lyon", "Osaka", "Toronto"]),
    (&["region", "state"], &["north", "south", "BY", "CA"]),
    (&["platform", "os"], &["android", "ios", "web", "linux"]),
    (&["useragent"], &["Mozilla/5.0 (X11; Linux x86_64)"]),
];

fn word(dice: &mut Dice) -> &'static str {
    dice.pick(WORDS).copied().unwrap_or("amber")
}

pub(super) fn words(count: u64, dice: &mut Dice) -> String {
    let drawn: Vec<&str> = (0..count).map(|_| word(dice)).collect();
    drawn.join(" ")
}

fn digits(count: usize, dice: &mut Dice) -> String {
    (0..count)
        .map(|_| char::from(b'0' + byte(dice, 10)))
        .collect()
}

fn byte(dice: &mut Dice, end: u64) -> u8 {
    u8::try_from(dice.below(end)).unwrap_or(0)
}

fn hex(count: usize, dice: &mut Dice) -> String {
    (0..count)
        .map(|_| char::from(HEX[usize::from(byte(dice, 16))]))
        .collect()
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn uuid(dice: &mut Dice) -> String {
    let variant = ['8', '9', 'a', 'b'][dice.index(4)];
    format!(
        "{}-{}-4{}-{variant}{}-{}",
        hex(8, dice),
        hex(4, dice),
        hex(3, dice),
        hex(3, dice),
        hex(12, dice)
    )
}

/// A string of a format; none for formats that are not known here.
pub(super) fn of_format(format: &str, dice: &mut Dice) -> Option<String> {
    let mut number = |low: i128, high: i128| dice.between(low, high);
    Some(match format {
        "date-time" => again("2026-01-01T00:00:00Z", dice)?,
        "date" => again("2026-01-01", dice)?,
        "time" => format!(
            "{:02}:{:02}:{:02}Z",
            number(0, 23),
            number(0, 59),
            number(0, 59)
        ),
        "duration" => format!("PT{}M", number(1, 59)),
        "uuid" => uuid(dice),
        "email" | "idn-email" => {
            format!("{}.{}@example.com", word(dice), word(dice))
        }
        "hostname" | "idn-hostname" => format!("{}.example.com", word(dice)),
        "ipv4" => format!("192.0.2.{}", number(1, 254)),
        "ipv6" => format!("2001:db8::{}", hex(3, dice)),
        "uri" | "iri" | "uri-reference" | "iri-reference" | "uri-template" | "url" => {
            format!("https://example.com/{}/{}", word(dice), word(dice))
        }
        "json-pointer" => format!("/{}/{}", word(dice), word(dice)),
        "relative-json-pointer" => format!("{}/{}", number(0, 2), word(dice)),
        "regex" => format!("^{}$", word(dice)),
        _ => return None,
    })
}

/// Strings that fit a member's name, the best first; where the name says nothing, a plain word.
pub(super) fn of_name(name: &str, dice: &mut Dice) -> Vec<String> {
    let tokens = tokens(name);
    let has = |words: &[&str]| tokens.iter().any(|token| words.contains(&token.as_str()));
    let last = tokens.last().map_or("", String::as_str);
    let joined = tokens.concat();
    let mut texts = Vec::new();
    for (names, values) in NAMED {
        if names.iter().any(|name| joined.ends_with(name)) && !has(&["id"]) {
            let start = dice.index(values.len());
            let turned = values.iter().cycle().skip(start).take(values.len());
            texts.extend(turned.map(|value| (*value).to_owned()));
        }
    }
    let mut formats: Vec<&str> = Vec::new();
    if has(&["email", "mail"]) {
        formats.push("email");
    } else if has(&["uuid", "guid"]) {
        formats.push("uuid");
    } else if has(&["url", "uri", "href", "link"]) {
        formats.push("uri");
    } else if has(&["ip", "ipv4"]) {
        formats.push("ipv4");
    } else if has(&["host", "hostname", "domain"]) {
        formats.push("hostname");
    } else if ["at", "time", "timestamp", "ts", "datetime"].contains(&last) {
        formats.push("date-time");
    } else if ["date", "day", "birthday"].contains(&last) {
        formats.push("date");
    }
    texts.extend(formats.iter().filter_map(|format| of_format(format, dice)));
    if has(&["phone", "mobile"]) {
        texts.push(format!("+1555{}", digits(7, dice)));
    } else if last == "version" {
        let numbers = [dice.below(4), dice.below(10), dice.below(20)];
        texts.push(format!("{}.{}.{}", numbers[0], numbers[1], numbers[2]));
    } else if ["colour", "color"].contains(&last) {
        texts.push(format!("#{}", hex(6, dice)));
    } else if ["hash", "checksum", "digest", "token"].contains(&last) {
        texts.push(hex(32, dice));
    } else if ["id", "key", "number", "sku", "code", "reference"].contains(&last) {
        let start: String = tokens
            .first()
            .map_or("id", String::as_str)
            .chars()
            .take(3)
            .collect();
        texts.push(format!("{start}-{}", digits(6, dice)));
    } else if last == "name" {
        let mut name = words(2, dice);
        if let Some(first) = name.get_mut(0..1) {
            first.make_ascii_uppercase();
        }
        texts.push(name);
    } else if [
        "description",
        "message",
        "text",
        "comment",
        "title",
        "reason",
        "note",
    ]
    .contains(&last)
    {
        let count = 3 + dice.below(4);
        texts.push(words(count, dice));
    }
    texts.push(words(1, dice));
    texts
}

/// `shippedAt`, `shipped_at` and `shipped-at` as words in small letters.
fn tokens(name: &str) -> Vec<String> {
    use heck::ToSnakeCase as _;
    let snake = name.to_snake_case();
    let tokens = snake.split('_').filter(|token| !token.is_empty());
    tokens.map(str::to_lowercase).collect()
}

/// A text like a known one: another day, another id, other digits at the end. None where nothing can differ.
pub(super) fn varied(known: &str, dice: &mut Dice) -> Option<String> {
    if is_uuid(known) {
        let drawn = uuid(dice);
        let is_large = known.bytes().any(|byte| byte.is_ascii_uppercase());
        return Some(if is_large {
            drawn.to_uppercase()
        } else {
            drawn
        });
    }
    if let Some(moment) = again(known, dice) {
        return Some(moment);
    }
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if known.len() >= 16 && known.bytes().all(is_hex) {
        return Some(hex(known.len(), dice));
    }
    let mut bytes = known.as_bytes().to_vec();
    let end = bytes.iter().rposition(u8::is_ascii_digit)? + 1;
    let before = bytes[..end].iter().rposition(|byte| !byte.is_ascii_digit());
    let start = before.map_or(0, |before| before + 1);
    let is_year = |digits: &str| digits.starts_with("19") || digits.starts_with("20");
    if end - start == 4 && known.get(start..end).is_some_and(is_year) {
        // A year.
        bytes[start..end].copy_from_slice(format!("20{}", 20 + dice.below(10)).as_bytes());
    } else {
        // Long numbers are alike in front.
        let start = start.max(end.saturating_sub(6));
        for (index, digit) in bytes[start..end].iter_mut().enumerate() {
            let low = u64::from(index == 0 && *digit != b'0');
            *digit = b'0' + byte(dice, 10 - low) + u8::try_from(low).unwrap_or(0);
        }
    }
    String::from_utf8(bytes).ok()
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Another moment within the month of a date, with or without a time of day; none for other texts.
fn again(known: &str, dice: &mut Dice) -> Option<String> {
    const DATE: &[u8] = b"dddd-dd-dd";
    const TIME: &[u8] = b"Tdd:dd:dd";
    let fits = |text: &[u8], mask: &[u8]| {
        text.len() >= mask.len()
            && text.iter().zip(mask).all(|(byte, mask)| match mask {
                b'd' => byte.is_ascii_digit(),
                b'T' => [b'T', b't', b' '].contains(byte),
                mask => byte == mask,
            })
    };
    let mut bytes = known.as_bytes().to_vec();
    if !fits(&bytes, DATE) {
        return None;
    }
    let mut put = |at: usize, value: u64| {
        bytes[at..at + 2].copy_from_slice(format!("{value:02}").as_bytes());
    };
    put(8, 1 + dice.below(28));
    if known.len() == DATE.len() {
        return String::from_utf8(bytes).ok();
    }
    if !fits(&known.as_bytes()[DATE.len()..], TIME) {
        return None;
    }
    for (at, end) in [(11, 24), (14, 60), (17, 60)] {
        put(at, dice.below(end));
    }
    if bytes.get(19) == Some(&b'.') {
        for digit in bytes[20..]
            .iter_mut()
            .take_while(|byte| byte.is_ascii_digit())
        {
            *digit = b'0' + byte(dice, 10);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_like_known_ones() {
        let mut dice = Dice::new(3);
        let mut like = |known: &str| varied(known, &mut dice).unwrap();
        let moment = like("2026-02-11T10:20:30.125+01:00");
        assert!(
            moment.starts_with("2026-02-") && moment.ends_with("+01:00"),
            "{moment}"
        );
        assert_eq!(moment.len(), 29);
        assert!(like("2025-12-31").starts_with("2025-12-"));
        assert!(is_uuid(&like("6BA7B810-9DAD-11D1-80B4-00C04FD430C8")));
        let order = like("order-1001-eu");
        assert!(
            order.starts_with("order-") && order.ends_with("-eu") && order.len() == 13,
            "{order}"
        );
        assert!(like("autumn_2026").starts_with("autumn_202"));
        assert_eq!(varied("plain", &mut Dice::new(1)), None);
        assert_eq!(varied("", &mut Dice::new(1)), None);
        assert!(like("ä7").starts_with('ä'));
    }
}
