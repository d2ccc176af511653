//! What is compared: every topic's version with its type, its validator, its schemas and where mutations start.
use fastrand::Rng;
use serde_json::Value;
use subject::Registry;
use subject::topics::{
    auth_events, event_claim, event_progress, game_session, mission_claim, mission_progress,
    reward_granted, shop_purchase,
};
use topicwright_runtime::json::Json;
use topicwright_runtime::registry::{EventRegistry, Payload, Version, read};
use topicwright_tests::events;
use topicwright_tests::schemas::{self, Schemas};

pub type Block = <Registry as EventRegistry>::Block;

/// Reads a checked payload as its type and writes it again.
type Trip = fn(Json<'_>, &[u8]) -> Result<Value, String>;

fn trip<P: Payload + PartialEq + std::fmt::Debug>(
    payload: Json<'_>,
    text: &[u8],
) -> Result<Value, String> {
    let typed: P = read(payload).map_err(|error| format!("does not fit its type: {error}"))?;
    match serde_json::from_slice::<P>(text) {
        Ok(plain) if plain != typed => return Err(format!("{plain:?} and {typed:?}")),
        // serde_json takes an integer that is written 1.0 for a float; JSON Schema, and so `read`, does not.
        Err(error) if !error.to_string().contains("floating point") => {
            return Err(format!("serde_json reads it otherwise: {error}"));
        }
        Ok(_) | Err(_) => {}
    }
    serde_json::to_value(&typed).map_err(|error| error.to_string())
}

const fn entry<P: Payload + PartialEq + std::fmt::Debug>() -> (&'static str, u32, Trip) {
    (P::TOPIC, P::VERSION, trip::<P>)
}

const TRIPS: &[(&str, u32, Trip)] = &[
    entry::<auth_events::v1::AuthEvents>(),
    entry::<auth_events::v2::AuthEvents>(),
    entry::<event_claim::v1::EventClaim>(),
    entry::<event_progress::v1::EventProgress>(),
    entry::<game_session::v1::GameSession>(),
    entry::<game_session::v2::GameSession>(),
    entry::<mission_claim::v1::MissionClaim>(),
    entry::<mission_progress::v1::MissionProgress>(),
    entry::<reward_granted::v1::RewardGranted>(),
    entry::<shop_purchase::v1::ShopPurchase>(),
    entry::<shop_purchase::v2::ShopPurchase>(),
];

/// One topic's version, seen from both sides.
pub struct Subject {
    pub topic: &'static str,
    pub version: &'static Version<Block>,
    pub trip: Trip,
    pub validator: jsonschema::Validator,
    /// For mutations of payloads.
    pub payload_schema: Value,
    /// For mutations of whole events.
    pub event_schema: Value,
    /// Where mutations start: most often at what is valid.
    pub payloads: Examples,
    pub events: Examples,
}

pub struct Examples {
    pub valid: Vec<Value>,
    pub invalid: Vec<Value>,
}

impl Examples {
    pub fn pick(&self, rng: &mut Rng) -> Value {
        let from = match rng.u8(0..8) {
            0 => &self.invalid,
            _ => &self.valid,
        };
        from[rng.usize(0..from.len())].clone()
    }
}

pub struct Subjects {
    pub envelope: jsonschema::Validator,
    pub all: Vec<Subject>,
    /// Payloads and events of every topic, to graft from.
    pub payloads: Vec<Value>,
    pub events: Vec<Value>,
}

impl Subjects {
    pub fn build() -> Self {
        let schemas = Schemas::read();
        let examples = events::examples();
        let envelope_schema = schemas.inlined(schemas::ENVELOPE);
        let mut all = Vec::new();
        for topic in Registry::TOPICS {
            for version in topic.versions {
                let number = u64::from(version.number);
                let file = schemas::payload_file(topic.name, number);
                let payload_schema = schemas.inlined(&file);
                let mut event_schema = envelope_schema.clone();
                event_schema["properties"]["payload"] = payload_schema.clone();
                let (_, _, trip) = TRIPS
                    .iter()
                    .find(|trip| (trip.0, trip.1) == (topic.name, version.number))
                    .unwrap_or_else(|| panic!("add {} {number} to TRIPS", topic.name));
                let payloads = |is_valid: bool| -> Vec<Value> {
                    let own = examples.iter().filter(|(name, version, _, fails)| {
                        (name.as_str(), *version) == (topic.name, number)
                            && fails.is_none() == is_valid
                    });
                    own.map(|(_, _, payload, _)| payload.clone()).collect()
                };
                let payloads = Examples {
                    valid: payloads(true),
                    invalid: payloads(false),
                };
                all.push(Subject {
                    topic: topic.name,
                    version,
                    trip: *trip,
                    validator: schemas.validator(&file),
                    payload_schema,
                    event_schema,
                    events: Examples {
                        valid: whole_events(topic.name, number, &payloads.valid),
                        invalid: whole_events(topic.name, number, &payloads.invalid),
                    },
                    payloads,
                });
            }
        }
        assert_eq!(all.len(), TRIPS.len());
        let gathered = |part: fn(&Subject) -> &Examples| {
            let parts = all.iter().map(part);
            parts
                .flat_map(|own| own.valid.iter().chain(&own.invalid))
                .cloned()
                .collect()
        };
        Self {
            envelope: schemas.validator(schemas::ENVELOPE),
            payloads: gathered(|subject| &subject.payloads),
            events: gathered(|subject| &subject.events),
            all,
        }
    }

    /// The version that the schemas alone find for an event, if they accept it.
    pub fn accepting(&self, event: &Value) -> Option<&Subject> {
        if !self.envelope.is_valid(event) {
            return None;
        }
        let number = match event.get("schema_version") {
            Some(Value::Number(number)) => schemas::whole(number)?,
            _ => 1,
        };
        self.all
            .iter()
            .find(|subject| {
                event["event_type"] == subject.topic && i128::from(subject.version.number) == number
            })
            .filter(|subject| subject.validator.is_valid(&event["payload"]))
    }
}

/// Each payload as an event, once with every member of the envelope and once with those that must be there.
fn whole_events(topic: &str, version: u64, payloads: &[Value]) -> Vec<Value> {
    let mut all = Vec::new();
    for (number, payload) in payloads.iter().enumerate() {
        let mut event = events::event(topic, version, payload, number);
        event["ingested_at"] = "2026-08-21T12:00:01Z".into();
        event["sequence"] = number.into();
        let mut bare = event.clone();
        let members = bare.as_object_mut().unwrap();
        members.retain(|name, _| {
            ["schema_version", "event_type", "user_id", "ts", "payload"].contains(&&**name)
        });
        if version == 1 {
            members.shift_remove("schema_version");
        }
        all.extend([event, bare]);
    }
    all
}
