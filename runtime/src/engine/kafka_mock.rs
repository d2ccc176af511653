//! librdkafka's mock cluster: Kafka's protocol inside this process, without anything to install.
//!
//! It keeps 5 MiB or 100,000 messages a partition and drops older ones, has no admin interface (topics are
//! created here), and shows aborted transactions. Good for a demo that paces itself; not for fault tests.
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rdkafka::mocking::MockCluster;

use super::EngineError;

/// Bytes that a partition keeps.
pub const PARTITION_BYTES: u64 = 5 * 1024 * 1024;

/// Messages that a partition keeps.
pub const PARTITION_MESSAGES: u64 = 100_000;

/// A mock cluster of one broker, which lives in a thread of its own because its handle may not change threads.
#[derive(Debug)]
pub struct KafkaMock {
    brokers: String,
    // Dropped first: its end is the thread's sign to stop.
    requests: Option<Sender<CreateTopic>>,
    thread: Option<JoinHandle<()>>,
}

struct CreateTopic {
    name: String,
    partitions: i32,
    answer: Sender<Result<(), String>>,
}

impl KafkaMock {
    /// Starts a cluster.
    ///
    /// # Errors
    /// librdkafka refuses.
    pub fn start() -> Result<Self, EngineError> {
        let (requests, received) = channel();
        let (started, brokers) = channel();
        let thread = std::thread::spawn(move || serve(&started, &received));
        let brokers = brokers
            .recv()
            .map_err(|_| EngineError::Mock("its thread ended".to_owned()))?
            .map_err(EngineError::Mock)?;
        Ok(Self {
            brokers,
            requests: Some(requests),
            thread: Some(thread),
        })
    }

    /// Value for `bootstrap.servers`.
    #[must_use]
    pub fn brokers(&self) -> String {
        self.brokers.clone()
    }

    /// Creates a topic.
    ///
    /// # Errors
    /// It is there already, or librdkafka refuses.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), EngineError> {
        let gone = || EngineError::Mock("its thread ended".to_owned());
        let (answer, result) = channel();
        self.requests
            .as_ref()
            .ok_or_else(gone)?
            .send(CreateTopic {
                name: name.to_owned(),
                partitions,
                answer,
            })
            .map_err(|_| gone())?;
        result
            .recv()
            .map_err(|_| gone())?
            .map_err(|error| EngineError::Mock(format!("topic {name}: {error}")))
    }
}

impl Drop for KafkaMock {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(started: &Sender<Result<String, String>>, requests: &Receiver<CreateTopic>) {
    let cluster = match MockCluster::new(1) {
        Ok(cluster) => cluster,
        Err(error) => {
            let _ = started.send(Err(error.to_string()));
            return;
        }
    };
    let _ = started.send(Ok(cluster.bootstrap_servers()));
    while let Ok(request) = requests.recv() {
        let result = cluster.create_topic(&request.name, request.partitions, 1);
        let _ = request
            .answer
            .send(result.map_err(|error| error.to_string()));
    }
}
