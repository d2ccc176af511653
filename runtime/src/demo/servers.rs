//! The demo's servers: its own by default, or those that the user names.
use super::Where;
use crate::clickhouse::{Client, quoted};
use crate::config::{ClickHouseConfig, KafkaConfig};
use crate::engine::EngineError;
use crate::engine::clickhouse::{ClickHouse, Program};
use crate::engine::kafka::Kafka;
use crate::engine::kafka_mock::KafkaMock;
use crate::error::{Error, Result};
use crate::kafka::topics::{CreateOptions, create_topics, topic_specs};
use crate::registry::EventRegistry;

/// What runs while the demo runs; dropping it ends what the demo started.
pub(super) struct Servers {
    pub(super) kafka: KafkaConfig,
    pub(super) clickhouse: ClickHouseConfig,
    /// Whether Kafka is the embedded mock, which keeps little.
    pub(super) is_mock: bool,
    _broker: Option<Broker>,
    _store: Option<ClickHouse>,
}

/// Held for its lifetime alone.
enum Broker {
    Mock(#[allow(dead_code)] KafkaMock),
    Real(#[allow(dead_code)] Kafka),
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        Self::config("cannot start the demo's servers").why(error)
    }
}

/// Starts or finds the servers and creates the topics.
pub(super) async fn start<R: EventRegistry>(
    kafka: Where,
    clickhouse: Option<ClickHouseConfig>,
) -> Result<Servers> {
    let store = match &clickhouse {
        Some(_) => None,
        None => Some(blocking(|| Ok(ClickHouse::start(Program::find()?)?)).await?),
    };
    let clickhouse = match (&store, clickhouse) {
        (Some(store), _) => ClickHouseConfig::new(store.url()),
        (None, Some(given)) => given,
        (None, None) => return Err(Error::bug("no ClickHouse was started or given")),
    };
    let (kafka, broker) = match kafka {
        Where::Mock => {
            let mock = KafkaMock::start()?;
            for spec in topic_specs::<R>() {
                mock.create_topic(&spec.name, spec.partitions)?;
            }
            (KafkaConfig::new(mock.brokers()), Some(Broker::Mock(mock)))
        }
        Where::Real => {
            let broker = blocking(|| Ok(Kafka::start()?)).await?;
            (
                KafkaConfig::new(broker.brokers()),
                Some(Broker::Real(broker)),
            )
        }
        Where::At(kafka) => (kafka, None),
    };
    let is_mock = matches!(broker, Some(Broker::Mock(_)));
    if !is_mock {
        create_topics(&kafka, &topic_specs::<R>(), CreateOptions::default()).await?;
    }
    Ok(Servers {
        kafka,
        clickhouse,
        is_mock,
        _broker: broker,
        _store: store,
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::bug("starting a server was cancelled").why(error))?
}

/// A table with events in it is somebody's: the demo would mix its own in, and its KPIs would not agree.
pub(super) async fn refuse_others_data<R: EventRegistry>(client: &Client) -> Result<()> {
    let project = &R::PROJECT;
    let table = format!(
        "{}.{}",
        quoted(project.database),
        quoted(project.fact_table)
    );
    let answer = client
        .query_json(&format!("SELECT count() FROM {table}"), &[])
        .await?;
    let rows = answer
        .rows
        .first()
        .and_then(|row| row.first()?.as_u64())
        .unwrap_or(0);
    if rows > 0 {
        return Err(Error::config("the fact table already holds events")
            .at("table", format!("{}.{}", project.database, project.fact_table))
            .at("rows", rows)
            .fix("the demo never deletes anything: give it an empty server, or leave --clickhouse out"));
    }
    Ok(())
}
