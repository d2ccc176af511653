//! Kafka: topics and their dead letter topics as Strimzi `KafkaTopic` manifests and as plain JSON.
//!
//! The settings are those that `pipeline apply` creates topics with ([`crate::topic_settings`]); a cluster
//! without Strimzi reads `topics.json`, or is left to `pipeline apply`.
mod resource_name;

use askama::Template;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{COMMAND, EmittedFile, yaml};
use crate::registry::{Registry, Topic};
use crate::topic_settings;

pub use resource_name::resource_name;

/// Dead letter topics have one partition: their order tells the story of what went wrong.
const DLQ_PARTITIONS: u32 = 1;

/// Raised when an older reader would misread `topics.json`.
const FORMAT: u32 = 1;

/// A topic to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TopicSpec {
    /// Name in Kafka.
    pub name: String,
    /// What its records say.
    pub description: String,
    /// Team that answers for it.
    pub owner: String,
    /// Who reads it.
    pub consumers: Vec<String>,
    /// JSON pointer into the event of the record key; empty where records keep the key they came with.
    pub key: String,
    /// The topic whose unusable records it takes; absent for event topics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead_letters_of: Option<String>,
    /// Partitions.
    pub partitions: u32,
    /// Replication factor.
    pub replication_factor: u16,
    /// Settings as Kafka names them.
    #[serde(serialize_with = "as_object")]
    pub config: Vec<(String, String)>,
}

fn as_object<S: serde::Serializer>(
    config: &[(String, String)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(config.iter().map(|(name, value)| (name, value)))
}

/// An event topic and its dead letter topic.
#[must_use]
pub fn topic_specs(registry: &Registry, topic: &Topic) -> [TopicSpec; 2] {
    let manifest = &topic.manifest;
    let replication_factor = registry.manifest.kafka.replication_factor;
    [
        TopicSpec {
            name: topic.name.clone(),
            description: manifest.description.clone(),
            owner: manifest.owner.clone(),
            consumers: manifest.consumers.clone(),
            key: manifest.key.clone(),
            dead_letters_of: None,
            partitions: topic.partitions,
            replication_factor,
            config: topic_settings::settings(registry, topic),
        },
        TopicSpec {
            name: topic.dlq(),
            description: format!(
                "Records of {} that could not be used, with the reason in their headers",
                topic.name
            ),
            owner: manifest.owner.clone(),
            consumers: Vec::new(),
            key: String::new(),
            dead_letters_of: Some(topic.name.clone()),
            partitions: DLQ_PARTITIONS,
            replication_factor,
            config: topic_settings::dlq_settings(registry),
        },
    ]
}

#[derive(Template)]
#[template(path = "kafka/topic.yaml.j2", escape = "none")]
struct Manifest<'t> {
    command: &'static str,
    source: String,
    cluster: String,
    topics: Vec<Resource<'t>>,
}

struct Resource<'t> {
    resource: String,
    name: String,
    description: String,
    owner: String,
    consumers: String,
    key: String,
    partitions: u32,
    replicas: u16,
    config: Vec<(&'t str, String)>,
}

impl<'t> Resource<'t> {
    fn of(spec: &'t TopicSpec) -> Self {
        Self {
            resource: yaml::text(&resource_name(&spec.name)),
            name: yaml::text(&spec.name),
            description: yaml::text(spec.description.trim()),
            owner: yaml::text(&spec.owner),
            consumers: yaml::text(&spec.consumers.join(", ")),
            key: yaml::text(&spec.key),
            partitions: spec.partitions,
            replicas: spec.replication_factor,
            config: spec
                .config
                .iter()
                .map(|(name, value)| (name.as_str(), setting(value)))
                .collect(),
        }
    }
}

/// Kafka's operator compares numbers as numbers.
fn setting(value: &str) -> String {
    if value.parse::<u64>().is_ok() {
        value.to_owned()
    } else {
        yaml::text(value)
    }
}

/// One manifest a topic, with its dead letter topic, and `topics.json` with all of them.
#[must_use]
pub fn emit(registry: &Registry) -> Vec<EmittedFile> {
    let mut files = Vec::new();
    let mut all: Vec<Value> = Vec::new();
    for topic in &registry.topics {
        let specs = topic_specs(registry, topic);
        all.extend(specs.iter().map(|spec| json!(spec)));
        let manifest = Manifest {
            command: COMMAND,
            source: yaml::comment(&topic.path),
            cluster: yaml::text(&registry.manifest.kafka.strimzi_cluster),
            topics: specs.iter().map(Resource::of).collect(),
        };
        files.push(EmittedFile {
            path: format!("generated/kafka/{}.yaml", resource_name(&topic.name)),
            contents: format!("{manifest}\n"),
        });
    }
    let mut document = Map::new();
    document.insert("format".to_owned(), json!(FORMAT));
    document.insert("topics".to_owned(), Value::Array(all));
    files.push(EmittedFile {
        path: "generated/kafka/topics.json".to_owned(),
        contents: format!("{:#}\n", Value::Object(document)),
    });
    files
}
