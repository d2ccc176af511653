//! Every upcast between neighbouring versions: what a version accepts becomes what the next one accepts, a renamed
//! member keeps its value under its new name, and nothing that both versions declare is lost.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]
use fastrand::Rng;
use serde_json::Value;
use subject::Registry;
use subject::topics::{auth_events, game_session, shop_purchase};
use topicwright_runtime::check::At;
use topicwright_runtime::json::Decoder;
use topicwright_runtime::registry::{EventRegistry as _, Payload, read};
use topicwright_tests::events;
use topicwright_tests::mutation::Mutator;
use topicwright_tests::schemas::{self, Schemas};

/// A payload as its type, in the next version's type, as JSON; `None` where its own check rejects it.
type Upcast = fn(&Value) -> Option<Value>;

fn upcast<Old: Payload, New: Payload + From<Old>>(payload: &Value) -> Option<Value> {
    let text = payload.to_string();
    let typed = Decoder::default().decode(text.as_bytes(), |json| {
        (Old::CHECK)(json, At::ROOT).ok()?;
        // What passes its check must fit its type.
        Some(read::<Old>(json).unwrap())
    });
    let new = New::from(typed.ok()??);
    let new = serde_json::to_value(new).unwrap();
    let text = new.to_string();
    let checked = Decoder::default().decode(text.as_bytes(), |json| (New::CHECK)(json, At::ROOT));
    assert_eq!(checked.unwrap(), Ok(()), "{payload} became {new}");
    Some(new)
}

const fn step<Old: Payload, New: Payload + From<Old>>() -> (&'static str, u32, u32, Upcast) {
    (Old::TOPIC, Old::VERSION, New::VERSION, upcast::<Old, New>)
}

const STEPS: &[(&str, u32, u32, Upcast)] = &[
    step::<auth_events::v1::AuthEvents, auth_events::v2::AuthEvents>(),
    step::<game_session::v1::GameSession, game_session::v2::GameSession>(),
    step::<shop_purchase::v1::ShopPurchase, shop_purchase::v2::ShopPurchase>(),
];

const MUTATIONS: usize = 3000;

#[test]
fn every_neighbour_has_its_step() {
    let mut neighbours = Vec::new();
    for topic in Registry::TOPICS {
        for pair in topic.versions.windows(2) {
            neighbours.push((topic.name, pair[0].number, pair[1].number));
        }
    }
    let steps: Vec<_> = STEPS.iter().map(|step| (step.0, step.1, step.2)).collect();
    assert_eq!(steps, neighbours, "one line of STEPS each");
}

#[test]
fn what_a_version_accepts_becomes_what_the_next_accepts() {
    let schemas = Schemas::read();
    let mut renamed = 0;
    for (topic, older, newer, upcast) in STEPS {
        let file = |version: u32| schemas::payload_file(topic, u64::from(version));
        let (old_schema, new_schema) = (
            schemas.inlined(&file(*older)),
            schemas.inlined(&file(*newer)),
        );
        let validator = schemas.validator(&file(*newer));
        let examples: Vec<Value> = events::examples()
            .into_iter()
            .filter(|(name, version, _, fails)| {
                name == topic && *version == u64::from(*older) && fails.is_none()
            })
            .map(|(_, _, payload, _)| payload)
            .collect();
        assert!(!examples.is_empty(), "{topic} {older}");
        let mut rng = Rng::with_seed(u64::from(*older));
        let mut carried = 0;
        for number in 0..MUTATIONS {
            let mut payload = examples[number % examples.len()].clone();
            // The examples as they are, then changed ever more.
            for _ in 0..(number / examples.len()).min(4) {
                let mut mutator = Mutator {
                    rng: &mut rng,
                    donors: &examples,
                };
                mutator.mutate_gently(&mut payload, &old_schema);
            }
            let Some(new) = upcast(&payload) else {
                assert!(number >= examples.len(), "an example is refused: {payload}");
                continue;
            };
            carried += 1;
            assert!(validator.is_valid(&new), "{topic}: {payload} became {new}");
            renamed += carries_every_value(&old_schema, &new_schema, &payload, &new);
        }
        println!("{topic} {older} to {newer}: {carried} of {MUTATIONS} carried");
        assert!(carried * 10 > MUTATIONS * 6, "{topic}: {carried} carried");
    }
    assert!(
        renamed > 0,
        "the registry renames game_type, so a renamed value was seen"
    );
}

/// Holds members of the old payload against the new one; how many had another name.
fn carries_every_value(old_schema: &Value, new_schema: &Value, old: &Value, new: &Value) -> usize {
    let mut renamed = 0;
    let mut expected = serde_json::Map::new();
    for (name, rule) in new_schema["properties"].as_object().unwrap() {
        let source = rule["x-renamed-from"].as_str().unwrap_or(name);
        // A member that the old version does not declare is not its to carry.
        if old_schema["properties"].get(source).is_none() {
            continue;
        }
        if let Some(value) = old.get(source) {
            renamed += usize::from(source != name);
            expected.insert(name.clone(), schemas::declared(rule, value));
        }
    }
    let expected = Value::Object(expected);
    assert!(
        schemas::equal(&expected, new),
        "{old} became {new}, not {expected}"
    );
    renamed
}
