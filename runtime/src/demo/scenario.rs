//! Simulated producers: a scenario's flows drawn with a seed into messages, the same for the same seed and moment.
use std::collections::{BTreeMap, HashMap, HashSet};

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::facts::{from_template, scalar};
use crate::error::{Error, Result};
use crate::plan::{Plan, Pool, Scenario, Step, Version};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A message to produce.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
}

/// Everything that a run produces, in order, and which of it is good.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    pub(crate) messages: Vec<Message>,
    /// Valid events: topic, version, event.
    pub(crate) events: Vec<(String, u32, Value)>,
    /// How many messages repeat an event.
    pub(crate) duplicates: usize,
    /// How many messages are broken.
    pub(crate) invalid: usize,
}

/// Draws about `count` messages that end at `now_ms` (milliseconds since the epoch). `derive_keys` leaves
/// the deduplication key out of every second event, so that it is built from the template.
///
/// # Errors
/// The scenario names a topic or version that the registry does not have.
pub(crate) fn script(
    plan: &Plan,
    scenario: &Scenario,
    count: usize,
    seed: u64,
    now_ms: i64,
    derive_keys: bool,
) -> Result<Script> {
    let mut sampler = Sampler {
        plan,
        scenario,
        random: Rng::with_seed(seed),
        pools: BTreeMap::new(),
        counters: HashMap::new(),
        now_ms,
        derive_keys,
        taken: HashSet::new(),
        drawn: Vec::new(),
    };
    let noise = &scenario.noise;
    let share = 1.0 + noise.duplicates + noise.malformed;
    let events = ((count as f64) / share).round() as usize;
    while sampler.drawn.len() < events {
        let before = sampler.drawn.len();
        sampler.flow()?;
        // A scenario whose every step may be left out could draw nothing for ever.
        if sampler.drawn.len() == before && sampler.random.u32(..) == 0 {
            break;
        }
    }
    sampler.drawn.truncate(events);
    Ok(sampler.mix(count))
}

/// A drawn event: time, topic, version, event.
type Drawn = (i64, String, u32, Value);

struct Sampler<'p> {
    plan: &'p Plan,
    scenario: &'p Scenario,
    random: Rng,
    /// Running sums of each pool's weights.
    pools: BTreeMap<String, Vec<f64>>,
    counters: HashMap<String, u64>,
    now_ms: i64,
    derive_keys: bool,
    /// Keys drawn so far: two events of one key would be one event.
    taken: HashSet<String>,
    drawn: Vec<Drawn>,
}

/// What generators of one flow refer to.
struct Moment<'m> {
    drawn: &'m Map<String, Value>,
    start: i64,
    now: i64,
}

impl Sampler<'_> {
    fn flow(&mut self) -> Result<()> {
        let flows = &self.scenario.flows;
        let total: f64 = flows.iter().map(|flow| flow.weight).sum();
        let mut point = self.random.f64() * total;
        let flow = flows.iter().find(|flow| {
            point -= flow.weight;
            point < 0.0
        });
        let Some(flow) = flow.or(flows.last()) else {
            return Err(
                Error::config("the scenario has no flows").at("scenario", &self.scenario.name)
            );
        };
        let span = i64::from(self.scenario.days.max(1)) * DAY_MS;
        let start = self.now_ms - self.random.i64(0..span);
        let mut drawn = Map::new();
        for (name, generator) in &flow.draw {
            let moment = Moment {
                drawn: &Map::new(),
                start,
                now: start,
            };
            let value = self.generate(generator, &moment);
            drawn.extend(value.map(|value| (name.clone(), value)));
        }
        let mut time = start;
        for step in &flow.steps {
            if self.random.f64() >= step.chance {
                continue;
            }
            for _ in 0..self.between(step.repeat) {
                time +=
                    i64::from(self.between(step.after_seconds)) * 1000 + self.random.i64(0..1000);
                self.step(step, &drawn, start, time.min(self.now_ms))?;
            }
        }
        Ok(())
    }

    fn step(
        &mut self,
        step: &Step,
        drawn: &Map<String, Value>,
        start: i64,
        time: i64,
    ) -> Result<()> {
        let version = self
            .plan
            .version(&step.topic, step.version)
            .ok_or_else(|| {
                Error::config("the scenario speaks of a version that the registry does not have")
                    .at("scenario", &self.scenario.name)
                    .at("topic", &step.topic)
            })?;
        let noise = &self.scenario.noise;
        let late = self.random.f64() < noise.late && noise.late_hours > 0;
        let stamp = if late {
            time - self.random.i64(0..i64::from(noise.late_hours) * 3_600_000)
        } else {
            time
        };
        let moment = Moment {
            drawn,
            start,
            now: stamp,
        };
        let payload = self.generate(&step.payload, &moment).unwrap_or(Value::Null);
        let event = self.event(&step.topic, version, payload, &moment);
        let key = event
            .get(&self.plan.envelope.fields.dedupe_key)
            .map_or_else(|| from_template(version, &event), |key| scalar(Some(key)));
        if self.taken.insert(key) {
            self.drawn
                .push((time, step.topic.clone(), version.version, event));
        }
        Ok(())
    }

    fn event(
        &mut self,
        topic: &str,
        version: &Version,
        payload: Value,
        moment: &Moment<'_>,
    ) -> Value {
        let fields = &self.plan.envelope.fields;
        let mut event = Map::new();
        event.insert(fields.schema_version.clone(), version.version.into());
        event.insert(fields.event_type.clone(), topic.into());
        event.insert(fields.event_id.clone(), self.uuid().into());
        // A closed envelope has no member for some of these.
        event.shift_remove("");
        event.insert(fields.timestamp.clone(), time(moment.now).into());
        for (name, generator) in &self.scenario.envelope {
            let value = self.generate(generator, moment);
            event.extend(value.map(|value| (name.clone(), value)));
        }
        event.insert(fields.payload.clone(), payload);
        let mut event = Value::Object(event);
        let derives = self.derive_keys && self.random.bool();
        if !(derives || fields.dedupe_key.is_empty()) {
            let key = from_template(version, &event);
            event[&fields.dedupe_key] = key.into();
        }
        event
    }

    /// A generator's value; `None` leaves the member out.
    fn generate(&mut self, generator: &Value, moment: &Moment<'_>) -> Option<Value> {
        match generator {
            Value::Array(items) => Some(
                items
                    .iter()
                    .filter_map(|item| self.generate(item, moment))
                    .collect(),
            ),
            Value::Object(members) => {
                if members.len() == 1
                    && let Some((name, argument)) = members.iter().next()
                    && name.starts_with('$')
                {
                    return self.draw(name, argument, moment);
                }
                let mut result = Map::new();
                for (name, member) in members {
                    let value = self.generate(member, moment);
                    result.extend(value.map(|value| (name.clone(), value)));
                }
                Some(Value::Object(result))
            }
            scalar => Some(scalar.clone()),
        }
    }

    fn draw(&mut self, name: &str, argument: &Value, moment: &Moment<'_>) -> Option<Value> {
        match name {
            "$var" => moment.drawn.get(argument.as_str()?).cloned(),
            "$entity" => self.entity(argument.as_str()?).map(Value::from),
            "$int" => {
                let (least, most) = (argument.get(0)?.as_i64()?, argument.get(1)?.as_i64()?);
                Some(self.random.i64(least..=most.max(least)).into())
            }
            "$choice" => {
                let choices = argument.as_array().filter(|choices| !choices.is_empty())?;
                let choice = choices[self.random.usize(..choices.len())].clone();
                self.generate(&choice, moment)
            }
            "$chance" => {
                let chance = argument.get(0)?.as_f64()?;
                let value = argument.get(1)?.clone();
                if self.random.f64() < chance {
                    self.generate(&value, moment)
                } else {
                    None
                }
            }
            "$counter" => {
                let parts: Vec<String> = argument
                    .as_array()?
                    .iter()
                    .map(|part| {
                        let part = part.as_str().unwrap_or_default();
                        format!("{part}={}", scalar(moment.drawn.get(part)))
                    })
                    .collect();
                let counter = self.counters.entry(parts.join(",")).or_insert(0);
                *counter += 1;
                Some((*counter).into())
            }
            "$time" => Some(
                time(if argument == "start" {
                    moment.start
                } else {
                    moment.now
                })
                .into(),
            ),
            "$uuid" => Some(self.uuid().into()),
            _ => None,
        }
    }

    fn entity(&mut self, name: &str) -> Option<u64> {
        let pool = self.scenario.entities.get(name)?;
        let sums = self
            .pools
            .entry(name.to_owned())
            .or_insert_with(|| weights(pool));
        let point = self.random.f64() * sums.last().copied().unwrap_or(0.0);
        let index = sums
            .partition_point(|sum| *sum <= point)
            .min(sums.len().saturating_sub(1));
        Some(pool.first + u64::try_from(index).unwrap_or(0))
    }

    fn uuid(&mut self) -> String {
        let bits = (self.random.u128(..) & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
        let hex = format!("{bits:032x}");
        format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        )
    }

    fn between(&mut self, [least, most]: [u32; 2]) -> u32 {
        self.random.u32(least..=most.max(least))
    }

    /// Orders the events by time and mixes in repetitions and broken messages.
    fn mix(mut self, count: usize) -> Script {
        self.drawn.sort_by_key(|(time, ..)| *time);
        let events = std::mem::take(&mut self.drawn);
        let noise = &self.scenario.noise;
        let duplicates = ((events.len() as f64) * noise.duplicates).round() as usize;
        let invalid = count
            .saturating_sub(events.len() + duplicates)
            .min(((events.len() as f64) * noise.malformed).ceil() as usize);
        let mut script = Script {
            duplicates: if events.is_empty() { 0 } else { duplicates },
            invalid: if events.is_empty() { 0 } else { invalid },
            ..Script::default()
        };
        let mut placed: Vec<(usize, Message)> = Vec::new();
        for _ in 0..script.duplicates {
            let original = self.random.usize(..events.len());
            let (_, topic, version, event) = &events[original];
            // After the original, soon or much later.
            let place = self.random.usize(original..events.len());
            placed.push((
                place,
                self.message(topic, *version, event, event.to_string()),
            ));
        }
        for _ in 0..script.invalid {
            let place = self.random.usize(..events.len());
            let (_, topic, version, event) = &events[place];
            let text = self.broken(topic, *version, event);
            placed.push((place, self.message(topic, *version, event, text)));
        }
        placed.sort_by_key(|(place, _)| *place);
        let mut placed = placed.into_iter().peekable();
        for (index, (_, topic, version, event)) in events.into_iter().enumerate() {
            let text = event.to_string();
            let message = self.message(&topic, version, &event, text);
            script.messages.push(message);
            script.events.push((topic, version, event));
            while let Some((_, message)) = placed.next_if(|(place, _)| *place <= index) {
                script.messages.push(message);
            }
        }
        script
    }

    fn message(&self, topic: &str, version: u32, event: &Value, text: String) -> Message {
        let key = self
            .plan
            .version(topic, Some(version))
            .and_then(|version| event.pointer(&version.key));
        Message {
            topic: topic.to_owned(),
            key: scalar(key).into_bytes(),
            value: text.into_bytes(),
        }
    }

    /// A message that no reader may accept.
    fn broken(&mut self, topic: &str, version: u32, event: &Value) -> String {
        let fields = &self.plan.envelope.fields;
        let text = event.to_string();
        let mut event = event.clone();
        let invalid = self
            .plan
            .version(topic, Some(version))
            .map_or(&[][..], |version| version.invalid.as_slice());
        match self.random.u32(0..5) {
            0 => {
                let mut cut = text.len() / 2;
                while !text.is_char_boundary(cut) {
                    cut -= 1;
                }
                return text[..cut].to_owned();
            }
            1 if !invalid.is_empty() => {
                let example = &invalid[self.random.usize(..invalid.len())];
                event[&fields.payload] = example.payload.clone();
            }
            2 => event[&fields.schema_version] = json!(-1),
            3 => event[&fields.event_type] = json!("no.such.topic"),
            _ => {
                if let Some(members) = event.as_object_mut() {
                    members.shift_remove(&fields.payload);
                }
            }
        }
        event.to_string()
    }
}

/// Running sums of Zipf weights.
fn weights(pool: &Pool) -> Vec<f64> {
    let mut sum = 0.0;
    (1..=pool.size.max(1))
        .map(|rank| {
            sum += (rank as f64).powf(-pool.skew);
            sum
        })
        .collect()
}

/// RFC 3339 with milliseconds.
fn time(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis)
        .map_or_else(|_| String::new(), |time| format!("{time:.3}"))
}
