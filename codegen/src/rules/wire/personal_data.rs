//! What marks a field as personal, and which names look like it.
use crate::model::Model;
use crate::model::fields::Field;

/// The field's `x-pii`.
pub(super) fn mark<'m>((field, model): &(Field, &'m Model)) -> Option<&'m str> {
    model.extension(&field.property.schemas, "x-pii")
}

/// Words that, as a part of a name, point at a person. Ids are pseudonyms and not among them.
const WORDS: &[(&[&str], &str)] = &[
    (&["email"], "an e-mail address"),
    (&["mail"], "an e-mail address"),
    (&["phone"], "a telephone number"),
    (&["telephone"], "a telephone number"),
    (&["mobile", "number"], "a telephone number"),
    (&["nickname"], "a name"),
    (&["nick"], "a name"),
    (&["username"], "a name"),
    (&["user", "name"], "a name"),
    (&["first", "name"], "a name"),
    (&["firstname"], "a name"),
    (&["last", "name"], "a name"),
    (&["lastname"], "a name"),
    (&["surname"], "a name"),
    (&["full", "name"], "a name"),
    (&["fullname"], "a name"),
    (&["display", "name"], "a name"),
    (&["birthday"], "a date of birth"),
    (&["birthdate"], "a date of birth"),
    (&["birth", "date"], "a date of birth"),
    (&["date", "of", "birth"], "a date of birth"),
    (&["dob"], "a date of birth"),
    (&["ip"], "an address of a device"),
    (&["ip", "address"], "an address of a device"),
    (&["mac", "address"], "an address of a device"),
    (&["device", "id"], "a device"),
    (&["advertising", "id"], "a device"),
    (&["idfa"], "a device"),
    (&["imei"], "a device"),
    (&["ssn"], "an identity number"),
    (&["passport"], "an identity number"),
    (&["iban"], "a bank account"),
    (&["card", "number"], "a bank account"),
    (&["street"], "an address"),
    (&["postcode"], "an address"),
    (&["zip", "code"], "an address"),
    (&["latitude"], "a place"),
    (&["longitude"], "a place"),
    (&["geolocation"], "a place"),
    (&["password"], "a secret"),
];

/// What a field of this name probably holds about a person.
pub(super) fn looks_like(name: &str) -> Option<&'static str> {
    let words = words(name);
    WORDS
        .iter()
        .find(|(looked_for, _)| {
            words.windows(looked_for.len()).any(|part| {
                part.iter()
                    .map(String::as_str)
                    .eq(looked_for.iter().copied())
            })
        })
        .map(|(_, what)| *what)
}

/// `userName`, `user_name` and `user-name` as words.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for character in name.chars() {
        let starts = character.is_uppercase() && lower;
        if starts || !character.is_alphanumeric() {
            words.push(String::new());
        }
        if character.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(character.to_lowercase());
        }
        lower = character.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::looks_like;

    #[test]
    fn names_that_point_at_a_person() {
        for name in [
            "email",
            "contactEmail",
            "user_name",
            "IP",
            "ip_address",
            "clientIp",
            "date_of_birth",
        ] {
            assert!(looks_like(name).is_some(), "{name}");
        }
        for name in [
            "user_id",
            "ship",
            "zip",
            "recipe_name",
            "order_id",
            "emailed",
            "event_name",
            "tip",
        ] {
            assert_eq!(looks_like(name), None, "{name}");
        }
    }
}
