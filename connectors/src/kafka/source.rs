//! A Kafka consumer that starts where the caller says.
//!
//! Start offsets are asked for when partitions are assigned and go *into* the assign call; nothing is ever sought, so
//! no record from before the start can slip through. Positions that no longer exist are reported as a [`Gap`], never
//! skipped in silence. Group commits are advisory. One thread owns a source and calls [`KafkaSource::poll`].

use super::config::{KafkaConfig, StartPolicy};
use super::events::{Event, GroupConsumer, Message, Notice};
use super::topic_id::{UNKNOWN_TOPIC_ID, topic_id};
use crate::{ConnectorError, Position, Record, TopicPartition};
use crossbeam_channel::bounded;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::collections::{HashMap, VecDeque};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A member of a consumer group.
///
/// Records arrive in offset order within a partition, each once between an `Assigned` and a `Revoked`. After a restart
/// they start again where [`StartOffsets`] says. Dropping a source without [`close`](Self::close) closes it too, but
/// reports nothing.
pub struct KafkaSource {
    label: Arc<str>,
    brokers: String,
    topics: Vec<String>,
    /// Taken when the source closes.
    consumer: Option<GroupConsumer>,
    starts: Arc<dyn StartOffsets>,
    positions: Positions,
    /// Partitions that the group gave us and whose start is not resolved yet.
    pending: Vec<Pending>,
    /// librdkafka waits for an assign call, which may be one of no partitions.
    assign_due: bool,
    retry_at: Option<Instant>,
    /// Partitions that the caller knows are revoked and that go back with the next poll.
    giving_back: Option<Vec<TopicPartition>>,
    /// Notices that came while something else was waited for.
    backlog: VecDeque<Notice>,
    paused: bool,
}

/// Says where partitions start. The pipeline implements it over its stored positions.
///
/// Called from within [`KafkaSource::poll`], on its thread, for each partition that is assigned, after a rebalance too.
/// An implementation reads its store afresh: another member may have written since. On an error the partition stays
/// unassigned and the next poll asks again.
pub trait StartOffsets: Send + Sync {
    /// Where `partition` starts. `topic_id` is `-` where the broker has none.
    fn start(&self, topic: &str, topic_id: &str, partition: i32) -> Result<Start, Box<dyn Error + Send + Sync>>;
}

/// Where a partition starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At this offset: the one after the last that was handled.
    At(i64),
    /// At the oldest record the broker still has.
    Earliest,
    /// After the newest record.
    Latest,
}

/// What a poll found.
#[derive(Debug)]
pub enum Polled {
    /// A record.
    Record(Record),
    /// Partitions were assigned and start here; their records follow.
    Assigned(Vec<PartitionStart>),
    /// Partitions are taken away. No further record of them comes. They go back to the group with the next poll or
    /// [`KafkaSource::close`]: commit what is in hand first, within `max_poll_interval_ms`. In a partition that was
    /// lost rather than taken, another member may read already.
    Revoked(Vec<TopicPartition>),
    /// Every record below `offset` was delivered. Control records count, so `offset` may lie above the last record.
    EndOfPartition {
        /// Topic name.
        topic: Arc<str>,
        /// Partition number.
        partition: i32,
        /// Offset of the next record, once there is one.
        offset: i64,
    },
    /// Something is wrong that may pass, as a broker that is down. Worth a log line; go on polling.
    Problem(String),
    /// The time is over.
    Idle,
}

/// Where an assigned partition starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionStart {
    /// Topic name.
    pub topic: Arc<str>,
    /// Topic id, or `-`.
    pub topic_id: Arc<str>,
    /// Partition number.
    pub partition: i32,
    /// First offset that is read.
    pub offset: i64,
    /// End of the partition at this moment: one above its newest committed record.
    pub high_watermark: i64,
    /// Set when the offset that was asked for no longer exists.
    pub gap: Option<Gap>,
}

/// A range that was not read and cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The offset that was asked for.
    pub from: i64,
    /// The offset that is read instead. Below `from` for [`GapCause::Truncated`].
    pub to: i64,
    /// Why.
    pub cause: GapCause,
}

/// Why a range cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapCause {
    /// Retention removed the records `from..to`.
    Retention,
    /// The log ends below the position: the broker lost records, or the topic was created anew on a broker without
    /// topic ids. Offsets `to..from` will be given to other records.
    Truncated,
}

impl KafkaSource {
    /// Creates the consumer and subscribes. Connects in the background; [`check`](Self::check) waits for it.
    pub fn new(label: &str, config: &KafkaConfig, starts: Arc<dyn StartOffsets>) -> Result<Self, ConnectorError> {
        let consumer = GroupConsumer::new(&config.client_config()?, config.security.tokens()?)?;
        let topics: Vec<&str> = config.topics.iter().map(String::as_str).collect();
        consumer.inner().subscribe(&topics).map_err(|e| ConnectorError::kafka("subscribe", e))?;
        Ok(Self {
            label: label.into(),
            brokers: config.brokers.clone(),
            topics: config.topics.clone(),
            consumer: Some(consumer),
            starts,
            positions: Positions::default(),
            pending: Vec::new(),
            assign_due: false,
            retry_at: None,
            giving_back: None,
            backlog: VecDeque::new(),
            paused: false,
        })
    }

    /// Waits for a record or a notice, at most `timeout`.
    ///
    /// Call it more often than `max_poll_interval_ms`, while paused too. An assignment asks [`StartOffsets`] and the
    /// broker, and may take some seconds longer than `timeout`.
    pub fn poll(&mut self, timeout: Duration) -> Result<Polled, ConnectorError> {
        self.finish_revocation()?;
        let start = Instant::now();
        let mut left = timeout;
        loop {
            if let Some(polled) = self.assign_pending()? {
                return Ok(polled);
            }
            let polled = match self.next(left)? {
                Some(Next::Record(record)) => Some(Polled::Record(record)),
                Some(Next::Notice(notice)) => self.act(notice)?,
                Some(Next::Nothing) | None => None,
            };
            if let Some(polled) = polled {
                return Ok(polled);
            }
            left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() && self.backlog.is_empty() {
                return Ok(Polled::Idle);
            }
        }
    }

    /// Waits until the cluster answers and has every topic, at most `timeout` for each.
    pub fn check(&mut self, timeout: Duration) -> Result<(), ConnectorError> {
        for topic in self.topics.clone().iter().filter(|topic| !topic.starts_with('^')) {
            let metadata = self.metadata(Some(topic), timeout)?;
            let found = metadata.topics().iter().any(|found| found.name() == topic && !found.partitions().is_empty());
            if !found {
                let hint = self.near_topic(topic, timeout);
                return Err(ConnectorError::UnknownTopic { topic: topic.clone(), brokers: self.brokers.clone(), hint });
            }
        }
        Ok(())
    }

    /// The cluster's id; `None` where a broker answered and told none. Fails where none answered in time: the id is part
    /// of the names of positions, and must not depend on how fast a broker is.
    pub fn cluster_id(&mut self, timeout: Duration) -> Result<Option<String>, ConnectorError> {
        // The id comes with a broker's answer about topics, and is then known without asking.
        let topic = self.topics.iter().find(|topic| !topic.starts_with('^')).cloned();
        self.metadata(topic.as_deref(), timeout)?;
        Ok(self.consumer()?.inner().client().fetch_cluster_id(timeout).filter(|id| !id.is_empty()))
    }

    /// Tells the group how far the partitions are handled, for lag monitors and people. Does not wait, and a failure
    /// is only logged: nothing reads these offsets back.
    pub fn commit_advisory(&self, next_offsets: &[(Arc<str>, i32, i64)]) -> Result<(), ConnectorError> {
        let mut list = TopicPartitionList::new();
        for (topic, partition, offset) in next_offsets {
            list.add_partition_offset(topic, *partition, Offset::Offset(*offset))
                .map_err(|e| ConnectorError::kafka("name an offset to commit", e))?;
        }
        if list.count() == 0 {
            return Ok(());
        }
        match self.consumer()?.inner().commit(&list, CommitMode::Async) {
            Ok(()) => Ok(()),
            Err(error) => {
                tracing::debug!(target: "lineward::kafka", %error, "advisory offset commit was not sent");
                Ok(())
            }
        }
    }

    /// Stops fetching, for back-pressure. Go on polling: notices still come, and so may records already fetched.
    pub fn pause(&mut self) -> Result<(), ConnectorError> {
        if !self.paused {
            self.consumer()?
                .inner()
                .pause(&self.positions.list())
                .map_err(|e| ConnectorError::kafka("pause partitions", e))?;
            self.paused = true;
        }
        Ok(())
    }

    /// Fetches again after [`pause`](Self::pause).
    pub fn resume(&mut self) -> Result<(), ConnectorError> {
        // Only what was paused: librdkafka rewinds a partition that is resumed without a pause (librdkafka#4637).
        if self.paused {
            self.consumer()?
                .inner()
                .resume(&self.positions.list())
                .map_err(|e| ConnectorError::kafka("resume partitions", e))?;
            self.paused = false;
        }
        Ok(())
    }

    /// The partitions that are assigned, and the next offset of each.
    pub fn next_offsets(&self) -> Vec<(Arc<str>, i32, i64)> {
        self.positions.assigned.iter().map(|p| (p.topic.clone(), p.partition, p.next_offset)).collect()
    }

    /// Leaves the group and stops the client, within `deadline`. Commit first. A member with an `instance_id` keeps its
    /// partitions until `session_timeout_ms` is over, so that a quick restart moves nothing.
    pub fn close(mut self, deadline: Duration) -> Result<(), ConnectorError> {
        let start = Instant::now();
        self.finish_revocation()?;
        // Not `unsubscribe`, after which a client that is dropped at once never leaves: librdkafka forgets to where it
        // still unassigns. A client that is dropped gives its partitions back and leaves by itself.
        self.drop_client(deadline).map_err(|_| ConnectorError::CloseTimeout { waited_ms: start.elapsed().as_millis() })
    }

    /// Drops the client on a thread of its own, because that can hang (rust-rdkafka#453, #509).
    fn drop_client(&mut self, deadline: Duration) -> Result<(), ()> {
        let Some(consumer) = self.consumer.take() else { return Ok(()) };
        let (done, dropped) = bounded(1);
        let watchdog = std::thread::Builder::new().name("kafka-close".into()).spawn(move || {
            drop(consumer.into_client());
            let _ = done.send(());
        });
        match watchdog {
            Ok(_) => dropped.recv_timeout(deadline).map_err(|_| ()),
            Err(_) => Ok(()),
        }
    }

    fn consumer(&self) -> Result<&GroupConsumer, ConnectorError> {
        self.consumer.as_ref().ok_or_else(|| ConnectorError::Fatal { reason: "the source is closed".into() })
    }

    /// The next event; `None` when the time is over.
    fn next(&mut self, timeout: Duration) -> Result<Option<Next>, ConnectorError> {
        if let Some(notice) = self.backlog.pop_front() {
            return Ok(Some(Next::Notice(notice)));
        }
        let Some(consumer) = &self.consumer else {
            return Err(ConnectorError::Fatal { reason: "the source is closed".into() });
        };
        let (positions, label) = (&mut self.positions, &self.label);
        Ok(consumer.poll(timeout, |event| match event {
            Event::Message(message) => positions.take(label, &message).map_or(Next::Nothing, Next::Record),
            Event::Notice(notice) => Next::Notice(notice),
            Event::Other => Next::Nothing,
        }))
    }

    fn act(&mut self, notice: Notice) -> Result<Option<Polled>, ConnectorError> {
        match notice {
            Notice::Assign(partitions) => {
                self.pending.extend(partitions.into_iter().map(|(topic, partition)| Pending {
                    topic: topic.into(),
                    partition,
                    known: None,
                }));
                self.assign_due = true;
                Ok(None)
            }
            Notice::Revoke(partitions) => {
                let revoked = self.revoke(&partitions);
                if revoked.is_empty() {
                    self.finish_revocation()?;
                    return Ok(None);
                }
                Ok(Some(Polled::Revoked(revoked)))
            }
            Notice::EndOfPartition { topic, partition, offset } => {
                Ok(self.positions.reach_end(&topic, partition, offset))
            }
            Notice::PositionLost { topic, partition } => self.reassign(&topic, partition),
            Notice::Error { fatal: true, reason } => Err(ConnectorError::Fatal { reason }),
            Notice::Error { fatal: false, reason } => Ok(Some(Polled::Problem(reason))),
        }
    }

    /// Assigns all pending partitions in one call, with their offsets. On a failure that may pass, tries again later.
    fn assign_pending(&mut self) -> Result<Option<Polled>, ConnectorError> {
        if !self.assign_due || self.retry_at.is_some_and(|at| Instant::now() < at) {
            return Ok(None);
        }
        self.retry_at = Some(Instant::now() + RESOLVE_RETRY);
        let starts = match self.resolve_pending()? {
            Ok(starts) => starts,
            Err(problem) => return Ok(Some(Polled::Problem(problem))),
        };
        let mut list = TopicPartitionList::new();
        for start in &starts {
            list.add_partition_offset(&start.topic, start.partition, Offset::Offset(start.offset))
                .map_err(|e| ConnectorError::kafka("name a start offset", e))?;
        }
        let consumer = self.consumer()?.inner();
        consumer.incremental_assign(&list).map_err(|e| ConnectorError::kafka("assign partitions", e))?;
        if self.paused && !starts.is_empty() {
            consumer.pause(&list).map_err(|e| ConnectorError::kafka("pause partitions", e))?;
        }
        self.pending.clear();
        self.assign_due = false;
        self.retry_at = None;
        self.positions.add(&starts);
        Ok((!starts.is_empty()).then_some(Polled::Assigned(starts)))
    }

    /// The starts of all pending partitions, or the problem that is in the way of one.
    fn resolve_pending(&self) -> Result<Result<Vec<PartitionStart>, String>, ConnectorError> {
        let mut ids: HashMap<Arc<str>, Arc<str>> = HashMap::new();
        let mut starts = Vec::with_capacity(self.pending.len());
        for pending in &self.pending {
            let topic_id = match ids.get(&pending.topic) {
                Some(id) => id.clone(),
                None => match self.topic_id(&pending.topic)? {
                    Ok(id) => ids.entry(pending.topic.clone()).or_insert(id).clone(),
                    Err(problem) => return Ok(Err(problem)),
                },
            };
            match self.resolve(pending, topic_id)? {
                Ok(start) => starts.push(start),
                Err(problem) => return Ok(Err(problem)),
            }
        }
        Ok(Ok(starts))
    }

    fn topic_id(&self, topic: &str) -> Result<Result<Arc<str>, String>, ConnectorError> {
        let answer = topic_id(self.consumer()?.inner().client(), topic, RESOLVE_TIMEOUT);
        Ok(match answer {
            Ok(Some(id)) => Ok(id.into()),
            Ok(None) => Ok(UNKNOWN_TOPIC_ID.into()),
            Err(reason) => Err(format!("topic id of `{topic}` is not known yet: {reason}")),
        })
    }

    fn resolve(&self, pending: &Pending, topic_id: Arc<str>) -> Result<Result<PartitionStart, String>, ConnectorError> {
        let Pending { topic, partition, known } = pending;
        let wanted =
            match known.as_ref().and_then(|known| known.start(&topic_id)) {
                Some(start) => start,
                None => self.starts.start(topic, &topic_id, *partition).map_err(|source| {
                    ConnectorError::StartOffset { topic: topic.to_string(), partition: *partition, source }
                })?,
            };
        let watermarks = self.consumer()?.inner().fetch_watermarks(topic, *partition, RESOLVE_TIMEOUT);
        let (low, high) = match watermarks {
            Ok(watermarks) => watermarks,
            Err(error) => {
                return Ok(Err(format!("offsets of `{topic}` partition {partition} are not known yet: {error}")));
            }
        };
        let (offset, gap) = place(wanted, low, high);
        Ok(Ok(PartitionStart {
            topic: topic.clone(),
            topic_id,
            partition: *partition,
            offset,
            high_watermark: high,
            gap,
        }))
    }

    /// Takes a partition whose position the broker no longer has out of the assignment and puts it back where it can be
    /// read. The gap is in the `Assigned` that follows.
    fn reassign(&mut self, topic: &str, partition: i32) -> Result<Option<Polled>, ConnectorError> {
        let Some(lost) = self.positions.remove(topic, partition) else { return Ok(None) };
        let mut list = TopicPartitionList::new();
        list.add_partition(topic, partition);
        self.consumer()?
            .inner()
            .incremental_unassign(&list)
            .map_err(|e| ConnectorError::kafka("unassign a partition", e))?;
        let known = Some(Known { topic_id: lost.topic_id, next_offset: lost.next_offset });
        self.pending.push(Pending { topic: lost.topic, partition, known });
        self.assign_due = true;
        Ok(None)
    }

    /// Forgets partitions and returns those that were being read.
    fn revoke(&mut self, partitions: &[(String, i32)]) -> Vec<TopicPartition> {
        self.pending.retain(|p| !partitions.iter().any(|(topic, partition)| p.is(topic, *partition)));
        self.assign_due = !self.pending.is_empty();
        let revoked: Vec<TopicPartition> = partitions
            .iter()
            .filter_map(|(topic, partition)| self.positions.remove(topic, *partition))
            .map(|position| (position.topic, position.partition))
            .collect();
        self.giving_back.get_or_insert_default().extend(revoked.iter().cloned());
        revoked
    }

    /// Gives revoked partitions back to the group.
    fn finish_revocation(&mut self) -> Result<(), ConnectorError> {
        let Some(partitions) = self.giving_back.take() else { return Ok(()) };
        let mut list = TopicPartitionList::new();
        for (topic, partition) in &partitions {
            list.add_partition(topic, *partition);
        }
        self.consumer()?
            .inner()
            .incremental_unassign(&list)
            .map_err(|e| ConnectorError::kafka("give partitions back", e))
    }

    fn metadata(&mut self, topic: Option<&str>, timeout: Duration) -> Result<Metadata, ConnectorError> {
        let start = Instant::now();
        let error = match self.consumer()?.inner().client().fetch_metadata(topic, timeout) {
            Ok(metadata) => return Ok(metadata),
            Err(error) => error,
        };
        if !is_unreachable(&error) {
            return Err(ConnectorError::kafka("read cluster metadata", error));
        }
        let reason = self.last_problem().map_or_else(String::new, |reason| format!(": {reason}"));
        let waited_ms = start.elapsed().as_millis();
        Err(ConnectorError::Unreachable { brokers: self.brokers.clone(), waited_ms, reason })
    }

    /// The last problem in the queue. Other notices are kept for the next poll. Looks only while nothing is assigned,
    /// because a record that is read here would be lost.
    fn last_problem(&mut self) -> Option<String> {
        if !self.positions.assigned.is_empty() {
            return None;
        }
        let mut last = None;
        let mut kept = VecDeque::new();
        while let Ok(Some(next)) = self.next(Duration::ZERO) {
            match next {
                // "All brokers are down" says less than the line before it.
                Next::Notice(Notice::Error { reason, .. })
                    if last.is_none() || !reason.contains("brokers are down") =>
                {
                    last = Some(reason);
                }
                Next::Notice(Notice::Error { .. }) | Next::Record(_) | Next::Nothing => {}
                Next::Notice(notice) => kept.push_back(notice),
            }
        }
        self.backlog = kept;
        last
    }

    /// A hint with the most similar topic name, or nothing.
    fn near_topic(&mut self, topic: &str, timeout: Duration) -> String {
        let Ok(metadata) = self.metadata(None, timeout) else { return String::new() };
        let near = metadata
            .topics()
            .iter()
            .map(|found| (strsim::jaro_winkler(found.name(), topic), found.name()))
            .filter(|(likeness, name)| *likeness > 0.8 && *name != topic)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        near.map_or_else(String::new, |(_, name)| format!("; did you mean `{name}`?"))
    }
}

impl Drop for KafkaSource {
    fn drop(&mut self) {
        let _ = self.drop_client(DROP_DEADLINE);
    }
}

/// Starts every partition at one end; for sources whose progress nobody keeps.
impl StartOffsets for StartPolicy {
    fn start(&self, _: &str, _: &str, _: i32) -> Result<Start, Box<dyn Error + Send + Sync>> {
        Ok((*self).into())
    }
}

impl From<StartPolicy> for Start {
    fn from(policy: StartPolicy) -> Self {
        match policy {
            StartPolicy::Earliest => Self::Earliest,
            StartPolicy::Latest => Self::Latest,
        }
    }
}

/// How long one question about a partition may take.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause before an assignment that could not be resolved is tried again.
const RESOLVE_RETRY: Duration = Duration::from_millis(500);
/// How long a drop without `close` may take.
const DROP_DEADLINE: Duration = Duration::from_secs(5);

enum Next {
    Record(Record),
    Notice(Notice),
    /// A log line, or a record that is not delivered.
    Nothing,
}

struct Pending {
    topic: Arc<str>,
    partition: i32,
    /// Set when the position was lost while reading: then it is known here better than in the store.
    known: Option<Known>,
}

/// How far a partition was read, and of which topic: one of the same name may have taken its place.
#[derive(Debug)]
struct Known {
    topic_id: Arc<str>,
    next_offset: i64,
}

impl Known {
    /// Where to go on, if the topic is still the same.
    fn start(&self, topic_id: &str) -> Option<Start> {
        (*self.topic_id == *topic_id).then_some(Start::At(self.next_offset))
    }
}

impl Pending {
    fn is(&self, topic: &str, partition: i32) -> bool {
        self.partition == partition && &*self.topic == topic
    }
}

/// The assigned partitions and how far each was delivered.
#[derive(Default)]
struct Positions {
    assigned: Vec<Assigned>,
    /// Index of the partition of the last record; records come in runs.
    last: usize,
}

struct Assigned {
    topic: Arc<str>,
    topic_id: Arc<str>,
    partition: i32,
    next_offset: i64,
}

impl Positions {
    fn add(&mut self, starts: &[PartitionStart]) {
        for start in starts {
            self.remove(&start.topic, start.partition);
            self.assigned.push(Assigned {
                topic: start.topic.clone(),
                topic_id: start.topic_id.clone(),
                partition: start.partition,
                next_offset: start.offset,
            });
        }
    }

    fn remove(&mut self, topic: &str, partition: i32) -> Option<Assigned> {
        self.find(topic, partition).map(|index| self.assigned.swap_remove(index))
    }

    fn find(&self, topic: &str, partition: i32) -> Option<usize> {
        let is = |p: &Assigned| p.partition == partition && &*p.topic == topic;
        if self.assigned.get(self.last).is_some_and(is) {
            return Some(self.last);
        }
        self.assigned.iter().position(is)
    }

    /// The record of a message, unless its partition is not ours any more or the record was delivered before: a pause,
    /// a reconnect and a rebalance can each fetch records twice.
    fn take(&mut self, label: &Arc<str>, message: &Message<'_>) -> Option<Record> {
        let index = self.find(message.topic(), message.partition())?;
        self.last = index;
        let position = &mut self.assigned[index];
        let offset = message.offset();
        if offset < position.next_offset {
            return None;
        }
        position.next_offset = offset + 1;
        Some(Record {
            source: label.clone(),
            position: Position::Kafka {
                topic: position.topic.clone(),
                topic_id: position.topic_id.clone(),
                partition: position.partition,
                offset,
            },
            key: message.key().map(<[u8]>::to_vec),
            value: message.value().map(<[u8]>::to_vec),
            timestamp_us: message.timestamp_ms().map(|ms| ms.saturating_mul(1000)),
            headers: message.headers(),
        })
    }

    fn reach_end(&mut self, topic: &str, partition: i32, offset: i64) -> Option<Polled> {
        let index = self.find(topic, partition)?;
        let position = &mut self.assigned[index];
        position.next_offset = position.next_offset.max(offset);
        Some(Polled::EndOfPartition { topic: position.topic.clone(), partition, offset: position.next_offset })
    }

    fn list(&self) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for position in &self.assigned {
            list.add_partition(&position.topic, position.partition);
        }
        list
    }
}

/// Where to start, and the gap if that is not where it was wanted.
fn place(wanted: Start, low: i64, high: i64) -> (i64, Option<Gap>) {
    match wanted {
        Start::Earliest => (low, None),
        Start::Latest => (high, None),
        Start::At(offset) if offset < low => (low, Some(Gap { from: offset, to: low, cause: GapCause::Retention })),
        Start::At(offset) if offset > high => (high, Some(Gap { from: offset, to: high, cause: GapCause::Truncated })),
        Start::At(offset) => (offset, None),
    }
}

fn is_unreachable(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::AllBrokersDown
                | RDKafkaErrorCode::OperationTimedOut
                | RDKafkaErrorCode::Resolve
                | RDKafkaErrorCode::Authentication
                | RDKafkaErrorCode::SSL
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_that_was_made_anew_does_not_start_where_the_old_one_was_read_to() {
        let known = Known { topic_id: "aaaa".into(), next_offset: 7 };
        assert_eq!(known.start("aaaa"), Some(Start::At(7)));
        assert_eq!(known.start("bbbb"), None, "the store is asked");
    }

    #[test]
    fn start_is_placed_between_the_watermarks() {
        let gap = |from, to, cause| Some(Gap { from, to, cause });
        let rows = [
            (Start::Earliest, 5, 9, 5, None),
            (Start::Latest, 5, 9, 9, None),
            (Start::At(5), 5, 9, 5, None),
            (Start::At(7), 5, 9, 7, None),
            (Start::At(9), 5, 9, 9, None),
            (Start::At(4), 5, 9, 5, gap(4, 5, GapCause::Retention)),
            (Start::At(10), 5, 9, 9, gap(10, 9, GapCause::Truncated)),
            (Start::At(0), 0, 0, 0, None),
        ];
        for (wanted, low, high, offset, gap) in rows {
            assert_eq!(place(wanted, low, high), (offset, gap), "{wanted:?} in {low}..{high}");
        }
    }
}
