//! Creates the registry's topics and their dead letter topics, and says where live ones differ.
//!
//! Idempotent: an existing topic is left as it is, whatever it looks like; differences are reported
//! in words, because changing partitions or retention of a live topic is a person's decision.
use std::time::Duration;

use backon::{ConstantBuilder, Retryable as _};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::metadata::Metadata;

use super::LogContext;
use crate::config::KafkaConfig;
use crate::error::{Error, Result};
use crate::registry::EventRegistry;

/// Dead letter topics have one partition: their order tells the story of what went wrong.
const DLQ_PARTITIONS: i32 = 1;

/// How long one admin request may take.
const ADMIN_TIMEOUT: Duration = Duration::from_secs(30);

/// How often brokers are asked whether they list new topics, and how many times at most.
const LISTED_PACE: Duration = Duration::from_millis(50);
const LISTED_TIMES: usize = 200;

/// A topic as the registry wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Name.
    pub name: String,
    /// Partitions.
    pub partitions: i32,
    /// Replication factor; lowered to the number of brokers on smaller clusters.
    pub replication_factor: i32,
    /// Settings as Kafka names them.
    pub config: Vec<(String, String)>,
}

/// What to do where a cluster cannot do everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct CreateOptions {
    /// Accept a cluster without admin API (librdkafka's mock cluster) and report topics as
    /// [`TopicOutcome::NoAdmin`]; they appear on first use.
    pub tolerate_no_admin: bool,
    /// Look and report, create nothing.
    pub dry_run: bool,
}

/// How librdkafka's mock clusters call themselves. They answer questions of an admin client with silence, and
/// waiting for that to be a timeout takes half a minute a topic.
const MOCK_CLUSTER: &str = "mockCluster";

/// What became of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicOutcome {
    /// Created, or would be in a dry run; with remarks, e.g. on a lowered replication factor.
    Created(Vec<String>),
    /// Was there, and is as the registry wants it.
    Unchanged,
    /// Was there, and differs so.
    Drift(Vec<String>),
    /// The cluster has no admin API.
    NoAdmin,
}

/// All topics of a registry and their dead letter topics, sorted by name.
#[must_use]
pub fn topic_specs<R: EventRegistry>() -> Vec<TopicSpec> {
    let owned = |config: &[(&str, &str)]| {
        config
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    let mut specs: Vec<TopicSpec> = R::TOPICS
        .iter()
        .flat_map(|topic| {
            [
                TopicSpec {
                    name: topic.name.to_owned(),
                    partitions: topic.partitions,
                    replication_factor: topic.replication_factor,
                    config: owned(topic.config),
                },
                TopicSpec {
                    name: topic.dlq.to_owned(),
                    partitions: DLQ_PARTITIONS,
                    replication_factor: topic.replication_factor,
                    config: owned(topic.dlq_config),
                },
            ]
        })
        .collect();
    specs.sort_by(|left, right| left.name.cmp(&right.name));
    specs
}

/// Creates what is missing and compares the rest; outcomes in the order of `specs`.
///
/// # Errors
/// The cluster cannot be reached, refuses, or has no admin API while that is not tolerated.
pub async fn create_topics(
    kafka: &KafkaConfig,
    specs: &[TopicSpec],
    options: CreateOptions,
) -> Result<Vec<(String, TopicOutcome)>> {
    let admin: AdminClient<LogContext> = kafka
        .client()
        .create_with_context(LogContext)
        .map_err(|error| super::error("cannot set up the Kafka admin client", &error))?;
    let admin = std::sync::Arc::new(admin);
    let (metadata, cluster) = {
        let admin = std::sync::Arc::clone(&admin);
        let ask = move || {
            let metadata = admin.inner().fetch_metadata(None, ADMIN_TIMEOUT)?;
            Ok((metadata, admin.inner().fetch_cluster_id(ADMIN_TIMEOUT)))
        };
        tokio::task::spawn_blocking(ask)
            .await
            .map_err(|error| Error::bug("a Kafka request was cancelled").why(error))?
            .map_err(|error| super::error("cannot read the cluster's topics", &error))?
    };
    if options.tolerate_no_admin && cluster.is_some_and(|id| id.starts_with(MOCK_CLUSTER)) {
        let names = specs.iter().map(|spec| spec.name.clone());
        return Ok(names.map(|name| (name, TopicOutcome::NoAdmin)).collect());
    }
    let mut outcomes = Vec::with_capacity(specs.len());
    for spec in specs {
        let live = partitions(&metadata, &spec.name);
        let outcome = match live {
            Some(partitions) => compare(&admin, spec, partitions, options).await?,
            None => create(&admin, spec, &metadata, options).await?,
        };
        outcomes.push((spec.name.clone(), outcome));
    }
    if !options.dry_run {
        let created = outcomes
            .iter()
            .filter(|(_, outcome)| matches!(outcome, TopicOutcome::Created(_)))
            .map(|(name, _)| name.clone())
            .collect();
        listed(&admin, created).await;
    }
    Ok(outcomes)
}

/// Waits until brokers list new topics with leaders. They learn of them after the controller has answered, and a
/// producer that comes before fails with "unknown topic".
async fn listed(admin: &std::sync::Arc<AdminClient<LogContext>>, topics: Vec<String>) {
    if topics.is_empty() {
        return;
    }
    let topics = std::sync::Arc::new(topics);
    let look = || {
        let (admin, topics) = (std::sync::Arc::clone(admin), std::sync::Arc::clone(&topics));
        let ask = move || {
            let metadata = admin.inner().fetch_metadata(None, ADMIN_TIMEOUT).ok()?;
            let all = topics.iter().all(|topic| has_leaders(&metadata, topic));
            all.then_some(())
        };
        async {
            tokio::task::spawn_blocking(ask)
                .await
                .ok()
                .flatten()
                .ok_or(())
        }
    };
    let pace = ConstantBuilder::default()
        .with_delay(LISTED_PACE)
        .with_max_times(LISTED_TIMES);
    if look.retry(pace).await.is_err() {
        tracing::warn!("brokers do not list all new topics yet; producers may have to wait");
    }
}

fn has_leaders(metadata: &Metadata, topic: &str) -> bool {
    let live = metadata.topics().iter().find(|live| live.name() == topic);
    live.is_some_and(|live| {
        let partitions = live.partitions();
        !partitions.is_empty()
            && partitions
                .iter()
                .all(|partition| partition.leader() >= 0 && partition.error().is_none())
    })
}

fn partitions(metadata: &Metadata, topic: &str) -> Option<usize> {
    metadata
        .topics()
        .iter()
        .find(|live| live.name() == topic && live.error().is_none())
        .map(|live| live.partitions().len())
        .filter(|partitions| *partitions > 0)
}

/// The specification as far as the cluster has brokers for it, and what had to give.
fn fit(spec: &TopicSpec, brokers: usize) -> (i32, Vec<(&str, String)>, Vec<String>) {
    let brokers = i32::try_from(brokers).unwrap_or(i32::MAX).max(1);
    let factor = spec.replication_factor.min(brokers);
    let mut remarks = Vec::new();
    if factor < spec.replication_factor {
        remarks.push(format!(
            "replication factor {factor} instead of {}: the cluster has {brokers} broker{}",
            spec.replication_factor,
            if brokers == 1 { "" } else { "s" },
        ));
    }
    let config = spec
        .config
        .iter()
        .map(|(name, value)| {
            // With fewer replicas than min.insync.replicas nothing could be produced at all.
            let capped = (name == "min.insync.replicas")
                .then(|| value.parse::<i32>().ok())
                .flatten()
                .filter(|wanted| *wanted > factor)
                .map(|wanted| {
                    remarks.push(format!("min.insync.replicas {factor} instead of {wanted}"));
                    factor.to_string()
                });
            (name.as_str(), capped.unwrap_or_else(|| value.clone()))
        })
        .collect();
    (factor, config, remarks)
}

async fn create(
    admin: &AdminClient<LogContext>,
    spec: &TopicSpec,
    metadata: &Metadata,
    options: CreateOptions,
) -> Result<TopicOutcome> {
    let (factor, config, remarks) = fit(spec, metadata.brokers().len());
    if options.dry_run {
        return Ok(TopicOutcome::Created(remarks));
    }
    let topic = NewTopic {
        name: &spec.name,
        num_partitions: spec.partitions,
        replication: TopicReplication::Fixed(factor),
        config: config
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect(),
    };
    let settings = AdminOptions::new()
        .request_timeout(Some(ADMIN_TIMEOUT))
        .operation_timeout(Some(ADMIN_TIMEOUT));
    let what = format!("cannot create topic {}", spec.name);
    let results = match admin.create_topics(&[topic], &settings).await {
        Ok(results) => results,
        Err(error)
            if options.tolerate_no_admin
                && error.rdkafka_error_code() == Some(RDKafkaErrorCode::UnsupportedFeature) =>
        {
            return Ok(TopicOutcome::NoAdmin);
        }
        Err(error) => return Err(super::error(what, &error)),
    };
    match results.into_iter().next() {
        Some(Ok(_)) => Ok(TopicOutcome::Created(remarks)),
        // Another `apply` was faster.
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(TopicOutcome::Unchanged),
        Some(Err((_, code))) => Err(super::error(
            what,
            &rdkafka::error::KafkaError::AdminOp(code),
        )),
        None => Err(Error::bug(what).why("the broker answered nothing")),
    }
}

async fn compare(
    admin: &AdminClient<LogContext>,
    spec: &TopicSpec,
    partitions: usize,
    options: CreateOptions,
) -> Result<TopicOutcome> {
    let mut drift = Vec::new();
    if usize::try_from(spec.partitions) != Ok(partitions) {
        drift.push(format!(
            "has {partitions} partitions, the registry says {}{}",
            spec.partitions,
            if partitions < usize::try_from(spec.partitions).unwrap_or_default() {
                "; adding some moves keys to other partitions and breaks their order once"
            } else {
                "; Kafka cannot take partitions away"
            }
        ));
    }
    let settings = AdminOptions::new().request_timeout(Some(ADMIN_TIMEOUT));
    let resources = [ResourceSpecifier::Topic(&spec.name)];
    let what = format!("cannot read the settings of topic {}", spec.name);
    let answer = match admin.describe_configs(&resources, &settings).await {
        Ok(answers) => answers.into_iter().next(),
        Err(error)
            if options.tolerate_no_admin
                && error.rdkafka_error_code() == Some(RDKafkaErrorCode::UnsupportedFeature) =>
        {
            return Ok(TopicOutcome::NoAdmin);
        }
        Err(error) => return Err(super::error(what, &error)),
    };
    let live = match answer {
        Some(Ok(live)) => live,
        Some(Err(code)) => {
            return Err(super::error(
                what,
                &rdkafka::error::KafkaError::AdminOp(code),
            ));
        }
        None => return Err(Error::bug(what).why("the broker answered nothing")),
    };
    for (name, wanted) in &spec.config {
        let actual = live.get(name).and_then(|entry| entry.value.as_deref());
        // A lowered min.insync.replicas is what `create` does on a small cluster.
        let lowered = name == "min.insync.replicas" && actual == Some("1");
        if actual != Some(wanted) && !lowered {
            drift.push(format!(
                "{name} is {}, the registry says {wanted}",
                actual.unwrap_or("not set")
            ));
        }
    }
    Ok(if drift.is_empty() {
        TopicOutcome::Unchanged
    } else {
        TopicOutcome::Drift(drift)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_clusters_get_fewer_replicas_and_can_still_be_written() {
        let spec = TopicSpec {
            name: "t".to_owned(),
            partitions: 3,
            replication_factor: 3,
            config: vec![
                ("min.insync.replicas".to_owned(), "2".to_owned()),
                ("retention.ms".to_owned(), "1000".to_owned()),
            ],
        };
        let (factor, config, remarks) = fit(&spec, 1);
        assert_eq!(factor, 1);
        assert_eq!(config[0], ("min.insync.replicas", "1".to_owned()));
        assert_eq!(config[1], ("retention.ms", "1000".to_owned()));
        assert_eq!(remarks.len(), 2);
        let (factor, config, remarks) = fit(&spec, 3);
        assert_eq!((factor, config[0].1.as_str(), remarks.len()), (3, "2", 0));
    }
}
