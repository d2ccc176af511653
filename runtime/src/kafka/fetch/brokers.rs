//! Which brokers there are, and who leads a partition.
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kafka_protocol::messages::MetadataResponse;
use tokio::time::timeout;

use super::broker::{Broker, Trouble};
use super::leader::{Ended, Place};
use super::requests::{self, METADATA};

/// A broker's host and port.
pub(super) type Address = (String, u16);

/// How long one broker may take to say who leads.
const TO_ANSWER: Duration = Duration::from_secs(5);

/// The brokers that are named, and those that they told of.
pub(super) struct Brokers {
    named: Vec<Address>,
    /// In the order in which they are asked.
    known: Mutex<Vec<Address>>,
}

impl Brokers {
    /// The brokers of a list; Kafka's own port where one has none.
    pub(super) fn new(list: &str) -> Self {
        let address = |broker: &str| {
            let broker = broker.trim();
            let (host, port) = match broker.rsplit_once(':') {
                Some((host, port)) => (host, port.parse().ok()?),
                None => (broker, 9092),
            };
            // As URLs write addresses of the sixth version.
            Some((host.trim_matches(['[', ']']).to_owned(), port))
        };
        let named: Vec<Address> = list.split(',').filter_map(address).collect();
        Self {
            known: Mutex::new(named.clone()),
            named,
        }
    }

    /// The leaders' addresses, in the order of the places; none where there is none now. Asks the first broker that
    /// answers, and another one next time: what one says may be old.
    pub(super) async fn leaders(&self, places: &[Place]) -> Result<Vec<Option<Address>>, Ended> {
        let mut trouble = Trouble::Protocol("no broker is named".to_owned());
        for (host, port) in self.candidates() {
            match timeout(TO_ANSWER, ask(&host, port, places)).await {
                Ok(Ok(answer)) => {
                    self.learn(&answer, (host, port));
                    return Ok(places.iter().map(|place| leader(&answer, place)).collect());
                }
                Ok(Err(error)) => trouble = error,
                Err(_) => trouble = Trouble::Silent,
            }
        }
        Err(trouble.into())
    }

    fn candidates(&self) -> Vec<Address> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    /// Takes the brokers of an answer for known, after those that are named. Who answered is asked last.
    fn learn(&self, answer: &MetadataResponse, who: Address) {
        let told = answer.brokers.iter();
        let told = told
            .filter_map(|broker| Some((broker.host.to_string(), u16::try_from(broker.port).ok()?)));
        let mut known: Vec<Address> = Vec::new();
        for address in self.named.iter().cloned().chain(told) {
            if address != who && !known.contains(&address) {
                known.push(address);
            }
        }
        known.push(who);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }
}

async fn ask(host: &str, port: u16, places: &[Place]) -> Result<MetadataResponse, Trouble> {
    let mut broker = Broker::connect(host, port).await?;
    let request = requests::leaders(places.iter());
    broker.ask(METADATA, &request).await
}

fn leader(answer: &MetadataResponse, place: &Place) -> Option<Address> {
    let topic = answer.topics.iter().find(|topic| {
        let name = topic.name.as_ref();
        name.is_some_and(|name| name.as_str() == &*place.topic)
    })?;
    let mut partitions = topic.partitions.iter();
    let partition = partitions.find(|partition| partition.partition_index == place.partition)?;
    let mut brokers = answer.brokers.iter();
    let broker = brokers.find(|broker| broker.node_id == partition.leader_id)?;
    Some((broker.host.to_string(), u16::try_from(broker.port).ok()?))
}
