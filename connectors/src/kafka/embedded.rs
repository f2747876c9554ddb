//! A Kafka broker inside the process: librdkafka's mock cluster.
//!
//! For the demo and for unit tests only. It keeps at most 5 MiB or 100,000 records a partition, dropping the oldest in
//! silence, and nothing after it stops; transactions, access control and topic ids are not those of a real broker.
//! Never test load or durability against it.

use crate::ConnectorError;
use crossbeam_channel::{Receiver, Sender, bounded};
use rdkafka::bindings as sys;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, Producer};
use std::thread::JoinHandle;

/// One broker on a free port of 127.0.0.1; gone when it is dropped.
///
/// The mock cluster may not change threads, so a thread of its own holds it and takes the calls.
pub struct EmbeddedBroker {
    bootstrap: String,
    calls: Option<Sender<Call>>,
    thread: Option<JoinHandle<()>>,
}

/// What to do with the cluster, and where to send the outcome.
type Call = (Command, Sender<KafkaResult<()>>);

enum Command {
    CreateTopic { name: String, partitions: i32 },
    BrokerDown,
    BrokerUp,
}

impl EmbeddedBroker {
    /// Starts the broker.
    pub fn start() -> Result<Self, ConnectorError> {
        let (calls, received) = bounded::<Call>(0);
        let (started, start) = bounded(1);
        let thread = std::thread::Builder::new()
            .name("embedded-broker".into())
            .spawn(move || match host() {
                Ok(host) => run(&host, &started, &received),
                Err(error) => {
                    let _ = started.send(Err(error));
                }
            })
            .map_err(|error| ConnectorError::Fatal { reason: format!("cannot start a thread: {error}") })?;
        let bootstrap =
            start.recv().map_err(|_| stopped())?.map_err(|e| ConnectorError::kafka("start the embedded broker", e))?;
        Ok(Self { bootstrap, calls: Some(calls), thread: Some(thread) })
    }

    /// The bootstrap list.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Creates a topic.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), ConnectorError> {
        self.call("create the topic", Command::CreateTopic { name: name.to_owned(), partitions })
    }

    /// Takes the broker off the network. Records stay.
    pub fn go_down(&self) -> Result<(), ConnectorError> {
        self.call("take the broker down", Command::BrokerDown)
    }

    /// Puts the broker back on the network.
    pub fn come_up(&self) -> Result<(), ConnectorError> {
        self.call("bring the broker up", Command::BrokerUp)
    }

    fn call(&self, action: &'static str, command: Command) -> Result<(), ConnectorError> {
        let (answer, answered) = bounded(1);
        let calls = self.calls.as_ref().ok_or_else(stopped)?;
        calls.send((command, answer)).map_err(|_| stopped())?;
        answered.recv().map_err(|_| stopped())?.map_err(|e| ConnectorError::kafka(action, e))
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        // The thread ends, and with it the cluster, when there is no sender left.
        self.calls = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The broker that a one-broker cluster has.
const BROKER_ID: i32 = 1;

/// How long a new group waits for more members. The mock cluster's own 3 seconds would be the first thing a person sees
/// of the demo.
const REBALANCE_DELAY_MS: i32 = 100;

/// A client that holds a mock cluster. `MockCluster::new` would make one too, but gives no way to its native handle.
fn host() -> KafkaResult<BaseProducer> {
    ClientConfig::new().set("test.mock.num.brokers", "1").set_log_level(RDKafkaLogLevel::Error).create()
}

fn run(host: &BaseProducer, started: &Sender<KafkaResult<String>>, calls: &Receiver<Call>) {
    let Some(cluster) = host.client().mock_cluster() else {
        let _ = started.send(Err(KafkaError::MockCluster(RDKafkaErrorCode::Fail)));
        return;
    };
    // SAFETY: the client is alive and has a mock cluster, as was just seen; it owns the cluster and outlives this call.
    unsafe {
        let native = sys::rd_kafka_handle_mock_cluster(host.client().native_ptr());
        sys::rd_kafka_mock_group_initial_rebalance_delay_ms(native, REBALANCE_DELAY_MS);
    }
    let _ = started.send(Ok(cluster.bootstrap_servers()));
    for (command, answer) in calls {
        let outcome = match command {
            Command::CreateTopic { name, partitions } => cluster.create_topic(&name, partitions, 1),
            Command::BrokerDown => cluster.broker_down(BROKER_ID),
            Command::BrokerUp => cluster.broker_up(BROKER_ID),
        };
        let _ = answer.send(outcome);
    }
}

fn stopped() -> ConnectorError {
    ConnectorError::Fatal { reason: "the embedded broker has stopped".into() }
}
