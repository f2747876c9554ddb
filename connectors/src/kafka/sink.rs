//! An idempotent Kafka producer, for the demo, tests and outboxes.
//!
//! A record is written once however often the client retries, and is acknowledged by all in-sync replicas. The sink
//! keeps no record of what it has sent: a process that dies between `send` and `flush` does not know what arrived.

use super::config::KafkaSinkConfig;
use crate::ConnectorError;
use rdkafka::client::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A producer to any topic of one cluster.
pub struct KafkaSink {
    producer: ThreadedProducer<SinkContext>,
}

impl KafkaSink {
    /// Creates the producer; connects in the background.
    pub fn new(config: &KafkaSinkConfig) -> Result<Self, ConnectorError> {
        let producer = ThreadedProducer::from_config_and_context(&config.client_config()?, SinkContext::default())
            .map_err(|e| ConnectorError::kafka("create the producer", e))?;
        Ok(Self { producer })
    }

    /// Puts a record in the send queue. Waits while the queue is full, which is the back-pressure of a slow or absent
    /// broker. The partition follows from the key; records without one are spread.
    ///
    /// Fails when an earlier record could not be delivered, or when the broker takes nothing for `message.timeout.ms`.
    pub fn send(
        &self,
        topic: &str,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        timestamp_us: Option<i64>,
    ) -> Result<(), ConnectorError> {
        self.check()?;
        let mut record = BaseRecord::<[u8], [u8]>::to(topic);
        record.key = key;
        record.payload = value;
        record.timestamp = timestamp_us.map(|us| us / 1000);
        loop {
            record = match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), record)) => record,
                Err((error, _)) => return Err(ConnectorError::kafka("send a record", error)),
            };
            std::thread::sleep(QUEUE_FULL_PAUSE);
            self.check()?;
        }
    }

    /// Waits until every record is acknowledged.
    pub fn flush(&self, timeout: Duration) -> Result<(), ConnectorError> {
        let start = Instant::now();
        self.producer.flush(timeout).map_err(|e| ConnectorError::kafka("flush", e))?;
        // `flush` returns once the acknowledgements are in the queue; the polling thread reads them a moment later.
        while self.producer.in_flight_count() > 0 && start.elapsed() < timeout {
            std::thread::sleep(QUEUE_FULL_PAUSE);
        }
        self.check()
    }

    /// Reports records that were given up since the last report.
    fn check(&self) -> Result<(), ConnectorError> {
        match self.producer.context().failures.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(Failures { count, topic, reason }) => Err(ConnectorError::Delivery { failed: count, topic, reason }),
            None => Ok(()),
        }
    }
}

const QUEUE_FULL_PAUSE: Duration = Duration::from_millis(2);

/// Collects delivery failures from the polling thread.
#[derive(Default)]
struct SinkContext {
    failures: Mutex<Option<Failures>>,
}

struct Failures {
    count: u64,
    topic: String,
    reason: String,
}

impl ClientContext for SinkContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "lineward::kafka", ?level, facility, "{message}");
    }

    fn error(&self, _: KafkaError, reason: &str) {
        tracing::debug!(target: "lineward::kafka", "{reason}");
    }
}

impl ProducerContext for SinkContext {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let Err((error, message)) = result else { return };
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = failures.get_or_insert_with(|| Failures {
            count: 0,
            topic: message.topic().to_owned(),
            reason: error.to_string(),
        });
        failures.count += 1;
    }
}
