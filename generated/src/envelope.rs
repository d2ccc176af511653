//! The event envelope.
//!
//! Made from `schema_registry/envelope/v1.json` (f00bf44d4af5) by `topicwright generate`; do not edit.
use topicwright_runtime::check::{self, At, Check, Pattern, Violation};
use topicwright_runtime::json::{Json, Kind, Number};

/// The envelope's check.
pub(crate) const CHECK: Check = check_envelope;
static TIME_UTC_PATTERN: Pattern = Pattern::new(
    "^20([0-9]{2}-(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|[0-9]{2}-(0[469]|11)-(0[1-9]|[12][0-9]|30)|[0-9]{2}-02-(0[1-9]|1[0-9]|2[0-8])|([02468][048]|[13579][26])-02-29)T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?Z$",
);
static ENVELOPE_EVENT_TYPE_PATTERN: Pattern = Pattern::new(
    "^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)+$",
);

/// `envelope/v1.json#`
fn check_envelope(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    if !matches!(value.kind(), Kind::Object) {
        return at.reject("type", "an object");
    }
    let mut seen = 0_u64;
    for (name, member) in value.members() {
        match name {
            "schema_version" => check_envelope_schema_version(member, at.member(name))?,
            "event_type" => {
                seen |= 1;
                check_envelope_event_type(member, at.member(name))?;
            }
            "event_id" => check_envelope_event_id(member, at.member(name))?,
            "user_id" => {
                seen |= 8;
                check_ids_user_id(member, at.member(name))?;
            }
            "source" => check_envelope_source(member, at.member(name))?,
            "ts" => {
                seen |= 4;
                check_time_utc(member, at.member(name))?;
            }
            "ingested_at" => check_time_utc(member, at.member(name))?,
            "sequence" => check_envelope_sequence(member, at.member(name))?,
            "payload" => {
                seen |= 2;
                check_envelope_payload(member, at.member(name))?;
            }
            "dedupe_key" => check_envelope_dedupe_key(member, at.member(name))?,
            _ => {}
        }
    }
    if seen & 1 == 0 {
        return at.reject("required", "the member `event_type`");
    }
    if seen & 2 == 0 {
        return at.reject("required", "the member `payload`");
    }
    if seen & 4 == 0 {
        return at.reject("required", "the member `ts`");
    }
    if seen & 8 == 0 {
        return at.reject("required", "the member `user_id`");
    }
    Ok(())
}

/// `envelope/v1.json#/properties/schema_version`
fn check_envelope_schema_version(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(number) = value.as_number().filter(|number| number.is_integer()) else {
        return at.reject("type", "an integer");
    };
    if check::compare(number, Number::Signed(1)).is_lt() {
        return at.reject("minimum", "at least 1");
    }
    if check::compare(number, Number::Signed(65535)).is_gt() {
        return at.reject("maximum", "at most 65535");
    }
    Ok(())
}

/// `envelope/v1.json#/properties/event_type`
fn check_envelope_event_type(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(text) = value.as_str() else {
        return at.reject("type", "a string");
    };
    if check::is_longer(text, 100) {
        return at.reject("maxLength", "at most 100 characters");
    }
    if !ENVELOPE_EVENT_TYPE_PATTERN.matches(text) {
        return at
            .reject("pattern", "text matching ^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)+$");
    }
    Ok(())
}

/// `envelope/v1.json#/properties/event_id`
fn check_envelope_event_id(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(text) = value.as_str() else {
        return at.reject("type", "a string");
    };
    if check::is_shorter(text, 1) {
        return at.reject("minLength", "at least 1 character");
    }
    if check::is_longer(text, 200) {
        return at.reject("maxLength", "at most 200 characters");
    }
    Ok(())
}

/// `envelope/v1.json#/properties/source`
fn check_envelope_source(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    if !matches!(value.kind(), Kind::Object) {
        return at.reject("type", "an object");
    }
    let mut seen = 0_u64;
    for (name, member) in value.members() {
        match name {
            "service" => {
                seen |= 1;
                check_envelope_source_service(member, at.member(name))?;
            }
            "host" => check_envelope_source_host(member, at.member(name))?,
            _ => {}
        }
    }
    if seen & 1 == 0 {
        return at.reject("required", "the member `service`");
    }
    Ok(())
}

/// `envelope/v1.json#/properties/sequence`
fn check_envelope_sequence(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(number) = value.as_number().filter(|number| number.is_integer()) else {
        return at.reject("type", "an integer");
    };
    if check::compare(number, Number::Signed(0)).is_lt() {
        return at.reject("minimum", "at least 0");
    }
    if check::compare(number, Number::Signed(9007199254740991)).is_gt() {
        return at.reject("maximum", "at most 9007199254740991");
    }
    Ok(())
}

/// `envelope/v1.json#/properties/payload`
fn check_envelope_payload(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    if !matches!(value.kind(), Kind::Object) {
        return at.reject("type", "an object");
    }
    Ok(())
}

/// `envelope/v1.json#/properties/dedupe_key`
fn check_envelope_dedupe_key(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(text) = value.as_str() else {
        return at.reject("type", "a string");
    };
    if check::is_shorter(text, 1) {
        return at.reject("minLength", "at least 1 character");
    }
    if check::is_longer(text, 500) {
        return at.reject("maxLength", "at most 500 characters");
    }
    Ok(())
}

/// `common/time.json#/$defs/utc`
fn check_time_utc(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(text) = value.as_str() else {
        return at.reject("type", "a string");
    };
    if !TIME_UTC_PATTERN.matches(text) {
        return at
            .reject(
                "pattern",
                "text matching ^20([0-9]{2}-(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|[0-9]{2}-(0[469]|11)-(0[1-9]|[12][0-9]|30)|[0-9]{2}-02-(0[1-9]|1[0-9]|2[0-8])|([02468][048]|[13579][26])-02-29)T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?Z$",
            );
    }
    Ok(())
}

/// `envelope/v1.json#/properties/source/properties/service`
fn check_envelope_source_service(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(text) = value.as_str() else {
        return at.reject("type", "a string");
    };
    if check::is_shorter(text, 1) {
        return at.reject("minLength", "at least 1 character");
    }
    if check::is_longer(text, 100) {
        return at.reject("maxLength", "at most 100 characters");
    }
    Ok(())
}

/// `envelope/v1.json#/properties/source/properties/host`
fn check_envelope_source_host(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(text) = value.as_str() else {
        return at.reject("type", "a string");
    };
    if check::is_longer(text, 255) {
        return at.reject("maxLength", "at most 255 characters");
    }
    Ok(())
}

/// `common/ids.json#/$defs/user_id`
fn check_ids_user_id(value: Json<'_>, at: At<'_>) -> Result<(), Violation> {
    let Some(number) = value.as_number().filter(|number| number.is_integer()) else {
        return at.reject("type", "an integer");
    };
    if check::compare(number, Number::Signed(1)).is_lt() {
        return at.reject("minimum", "at least 1");
    }
    if check::compare(number, Number::Signed(9007199254740991)).is_gt() {
        return at.reject("maximum", "at most 9007199254740991");
    }
    Ok(())
}
