//! The consumer's event queue, read through librdkafka's C interface.
//!
//! `BaseConsumer::poll` reports the end of a partition without its topic, and a lost position without topic and
//! partition: with two topics neither can be placed. The native events carry both, so [`GroupConsumer`] lets
//! rust-rdkafka create and destroy the client and reads the same queue itself. Rebalances arrive as plain events here,
//! in order with the records, and are answered by the caller. All `unsafe` of consuming is in this file.

use super::oauth::Tokens;
use crate::ConnectorError;
use rdkafka::bindings as sys;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::ffi::{CStr, c_char, c_void};
use std::ptr::{self, NonNull};
use std::time::Duration;

/// A member of a consumer group, and its queue.
pub(super) struct GroupConsumer {
    // Declared first so that the reference to the queue is given back before the client is destroyed.
    queue: Queue,
    consumer: BaseConsumer<KafkaContext>,
}

/// What the queue held next.
pub(super) enum Event<'a> {
    /// A record; borrowed from the event.
    Message(Message<'a>),
    /// Something to act on.
    Notice(Notice),
    /// Nothing for the caller.
    Other,
}

/// An event that is no record.
pub(super) enum Notice {
    /// Partitions that this member gets. Answer with an incremental assign.
    Assign(Vec<(String, i32)>),
    /// Partitions that this member loses. Answer with an incremental unassign.
    Revoke(Vec<(String, i32)>),
    /// All records below `offset` were delivered and there is none at it yet.
    EndOfPartition { topic: String, partition: i32, offset: i64 },
    /// The position of a partition does not exist at the broker; fetching it has stopped.
    PositionLost { topic: String, partition: i32 },
    /// Anything else that went wrong. `reason` is librdkafka's text, which names brokers and topics, never payloads.
    Error { fatal: bool, reason: String },
}

impl GroupConsumer {
    /// Creates the client. `config` must name a group.
    pub(super) fn new(config: &ClientConfig, tokens: Option<Tokens>) -> Result<Self, ConnectorError> {
        let cannot = |e| ConnectorError::kafka("create the consumer", e);
        let consumer = BaseConsumer::from_config_and_context(config, KafkaContext { tokens }).map_err(cannot)?;
        // Before anything is asked of a broker, and before a queue is read: a client without a token connects to none.
        if let Some(tokens) = &consumer.context().tokens {
            tokens.hand_to(consumer.client())?;
        }
        // SAFETY: the client is alive, and has a consumer queue because `config` names a group; the reference taken
        // here is given back in `Queue::drop`.
        let queue = unsafe { sys::rd_kafka_queue_get_consumer(consumer.client().native_ptr()) };
        match NonNull::new(queue) {
            Some(queue) => Ok(Self { queue: Queue(queue), consumer }),
            None => Err(cannot(KafkaError::ClientCreation("the consumer has no group".into()))),
        }
    }

    /// rust-rdkafka's consumer, for everything but polling.
    pub(super) fn inner(&self) -> &BaseConsumer<KafkaContext> {
        &self.consumer
    }

    /// Waits for the next event and hands it to `handle`; `None` when the time is over.
    pub(super) fn poll<T>(&self, timeout: Duration, handle: impl FnOnce(Event<'_>) -> T) -> Option<T> {
        let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the queue reference is held by `self`. A null event is the documented answer to a timeout.
        let event = unsafe { sys::rd_kafka_queue_poll(self.queue.0.as_ptr(), timeout_ms) };
        let event = NativeEvent(NonNull::new(event)?);
        if event.wants_token()
            && let Some(tokens) = &self.consumer.context().tokens
        {
            tokens.renew(self.consumer.client());
        }
        Some(handle(event.read()))
    }

    /// Gives up the queue and returns the client, which polls it itself while it is dropped.
    pub(super) fn into_client(self) -> BaseConsumer<KafkaContext> {
        let Self { queue, consumer } = self;
        drop(queue);
        consumer
    }
}

/// A record inside an event.
pub(super) struct Message<'a> {
    native: &'a sys::rd_kafka_message_t,
}

impl<'a> Message<'a> {
    /// Topic name. Kafka allows ASCII only; anything else reads as empty and matches no assigned partition.
    pub(super) fn topic(&self) -> &'a str {
        // SAFETY: `rkt` is set for every fetched message, and its name lives as long as the message.
        unsafe { text(sys::rd_kafka_topic_name(self.native.rkt)) }
    }

    /// Partition number.
    pub(super) fn partition(&self) -> i32 {
        self.native.partition
    }

    /// Offset in the partition.
    pub(super) fn offset(&self) -> i64 {
        self.native.offset
    }

    /// Key, `None` when null.
    pub(super) fn key(&self) -> Option<&'a [u8]> {
        // SAFETY: librdkafka gives pointer and length of one buffer that lives as long as the message.
        unsafe { slice(self.native.key, self.native.key_len) }
    }

    /// Payload, `None` when null.
    pub(super) fn value(&self) -> Option<&'a [u8]> {
        // SAFETY: as for `key`.
        unsafe { slice(self.native.payload, self.native.len) }
    }

    /// Milliseconds since 1970, or `None` when the record has no timestamp.
    pub(super) fn timestamp_ms(&self) -> Option<i64> {
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is alive and `kind` is a valid place to write to.
        let timestamp_ms = unsafe { sys::rd_kafka_message_timestamp(self.native, &raw mut kind) };
        (timestamp_ms >= 0 && kind != sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE)
            .then_some(timestamp_ms)
    }

    /// Headers in order; bytes of a name that are not UTF-8 are replaced.
    pub(super) fn headers(&self) -> Vec<(String, Option<Vec<u8>>)> {
        let mut native = ptr::null_mut();
        // SAFETY: the message is alive; on success `native` points to headers that it owns.
        let code = unsafe { sys::rd_kafka_message_headers(self.native, &raw mut native) };
        if native.is_null() || code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Vec::new();
        }
        // SAFETY: `native` is not null, so the message has headers.
        let count = unsafe { sys::rd_kafka_header_cnt(native) };
        (0..count).filter_map(|index| header(native, index)).collect()
    }
}

/// Sends librdkafka's own log to `tracing`, and keeps the tokens of a client that has any.
pub(super) struct KafkaContext {
    tokens: Option<Tokens>,
}

impl ClientContext for KafkaContext {
    // Only so that librdkafka says when it wants a token: [`GroupConsumer::poll`] reads that, not rust-rdkafka.
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level as i32, facility, message);
    }

    fn error(&self, _: KafkaError, reason: &str) {
        tracing::debug!(target: "lineward::kafka", "{reason}");
    }
}

impl ConsumerContext for KafkaContext {}

/// A reference to the consumer's queue.
struct Queue(NonNull<sys::rd_kafka_queue_t>);

// SAFETY: librdkafka queues may be used from any thread (INTRODUCTION.md, "Threads and callbacks").
unsafe impl Send for Queue {}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: gives back the one reference taken in `GroupConsumer::new`, while the client is still alive.
        unsafe { sys::rd_kafka_queue_destroy(self.0.as_ptr()) }
    }
}

/// An event, destroyed when it is dropped.
struct NativeEvent(NonNull<sys::rd_kafka_event_t>);

impl NativeEvent {
    fn wants_token(&self) -> bool {
        // SAFETY: the event is alive.
        unsafe { sys::rd_kafka_event_type(self.0.as_ptr()) == sys::RD_KAFKA_EVENT_OAUTHBEARER_TOKEN_REFRESH }
    }

    fn read(&self) -> Event<'_> {
        // SAFETY: the event is alive.
        match unsafe { sys::rd_kafka_event_type(self.0.as_ptr()) } {
            sys::RD_KAFKA_EVENT_FETCH => self.read_message(),
            sys::RD_KAFKA_EVENT_REBALANCE => self.read_rebalance(),
            sys::RD_KAFKA_EVENT_ERROR => self.read_error(),
            sys::RD_KAFKA_EVENT_LOG => self.read_log(),
            sys::RD_KAFKA_EVENT_OFFSET_COMMIT => self.read_commit(),
            _ => Event::Other,
        }
    }

    fn read_message(&self) -> Event<'_> {
        // SAFETY: a fetch event holds one message that lives as long as the event.
        match unsafe { sys::rd_kafka_event_message_next(self.0.as_ptr()).as_ref() } {
            Some(native) if native.err == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => {
                Event::Message(Message { native })
            }
            Some(native) => problem(native.err),
            None => Event::Other,
        }
    }

    fn read_rebalance(&self) -> Event<'_> {
        match self.code() {
            sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                Event::Notice(Notice::Assign(self.partitions()))
            }
            sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => {
                Event::Notice(Notice::Revoke(self.partitions()))
            }
            code => problem(code),
        }
    }

    fn read_error(&self) -> Event<'_> {
        let code = self.code();
        let place = self.topic_partition();
        match (code, place) {
            (sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__PARTITION_EOF, Some((topic, partition, offset))) => {
                Event::Notice(Notice::EndOfPartition { topic, partition, offset })
            }
            (sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, Some((topic, partition, _))) => {
                Event::Notice(Notice::PositionLost { topic, partition })
            }
            (_, place) => {
                // SAFETY: the event is alive; the text lives as long as it.
                let text = unsafe { text(sys::rd_kafka_event_error_string(self.0.as_ptr())) };
                // SAFETY: the event is alive.
                let fatal = unsafe { sys::rd_kafka_event_error_is_fatal(self.0.as_ptr()) } != 0;
                let reason = match place {
                    Some((topic, partition, _)) => format!("`{topic}` partition {partition}: {text}"),
                    None => text.to_owned(),
                };
                Event::Notice(Notice::Error { fatal, reason })
            }
        }
    }

    fn read_log(&self) -> Event<'_> {
        let (mut facility, mut message, mut level) = (ptr::null(), ptr::null(), 0);
        let event = self.0.as_ptr();
        // SAFETY: the event is a log event; on success all three places are written with data it owns.
        if unsafe { sys::rd_kafka_event_log(event, &raw mut facility, &raw mut message, &raw mut level) } == 0 {
            // SAFETY: both are nul-terminated and live as long as the event.
            let (facility, message) = unsafe { (text(facility), text(message)) };
            log(level, facility, message);
        }
        Event::Other
    }

    fn read_commit(&self) -> Event<'_> {
        let code = self.code();
        if code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            let code = RDKafkaErrorCode::from(code);
            tracing::debug!(target: "lineward::kafka", %code, "advisory offset commit was not taken");
        }
        Event::Other
    }

    fn code(&self) -> sys::rd_kafka_resp_err_t {
        // SAFETY: the event is alive.
        unsafe { sys::rd_kafka_event_error(self.0.as_ptr()) }
    }

    /// Topics and partitions of a rebalance event.
    fn partitions(&self) -> Vec<(String, i32)> {
        // SAFETY: the event is alive and owns the list.
        let Some(list) = (unsafe { sys::rd_kafka_event_topic_partition_list(self.0.as_ptr()).as_ref() }) else {
            return Vec::new();
        };
        let count = usize::try_from(list.cnt).unwrap_or(0);
        if list.elems.is_null() || count == 0 {
            return Vec::new();
        }
        // SAFETY: `elems` points to `cnt` initialised elements, alive as long as the event.
        let elements = unsafe { std::slice::from_raw_parts(list.elems, count) };
        // SAFETY: the topic of each element is a nul-terminated string that the list owns.
        elements.iter().map(|element| (unsafe { text(element.topic) }.to_owned(), element.partition)).collect()
    }

    /// Topic, partition and offset of an error event, if it has them.
    fn topic_partition(&self) -> Option<(String, i32, i64)> {
        // SAFETY: the event is alive; the answer is null or an object that the caller destroys.
        let native = unsafe { sys::rd_kafka_event_topic_partition(self.0.as_ptr()) };
        // SAFETY: not null, so it points to an initialised object.
        let element = unsafe { native.as_ref() }?;
        // SAFETY: its topic is a nul-terminated string that it owns.
        let found = (unsafe { text(element.topic) }.to_owned(), element.partition, element.offset);
        // SAFETY: `native` came from the call above and nothing borrows from it any more.
        unsafe { sys::rd_kafka_topic_partition_destroy(native) };
        Some(found)
    }
}

impl Drop for NativeEvent {
    fn drop(&mut self) {
        // SAFETY: the event came from `rd_kafka_queue_poll`, and everything read from it borrows from `self`.
        unsafe { sys::rd_kafka_event_destroy(self.0.as_ptr()) }
    }
}

fn header(headers: *const sys::rd_kafka_headers_t, index: usize) -> Option<(String, Option<Vec<u8>>)> {
    let (mut name, mut value, mut length) = (ptr::null(), ptr::null(), 0);
    // SAFETY: the caller holds the message that owns `headers`; the three places are valid to write to.
    let code = unsafe { sys::rd_kafka_header_get_all(headers, index, &raw mut name, &raw mut value, &raw mut length) };
    if code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR || name.is_null() {
        return None;
    }
    // SAFETY: the name is nul-terminated; value and length describe one buffer. Both live as long as the message.
    let (name, value) = unsafe { (CStr::from_ptr(name), slice(value, length)) };
    Some((name.to_string_lossy().into_owned(), value.map(<[u8]>::to_vec)))
}

fn problem(code: sys::rd_kafka_resp_err_t) -> Event<'static> {
    Event::Notice(Notice::Error { fatal: false, reason: RDKafkaErrorCode::from(code).to_string() })
}

fn log(level: i32, facility: &str, message: &str) {
    match level {
        ..=3 => tracing::error!(target: "lineward::kafka", facility, "{message}"),
        4 => tracing::warn!(target: "lineward::kafka", facility, "{message}"),
        5 | 6 => tracing::info!(target: "lineward::kafka", facility, "{message}"),
        _ => tracing::debug!(target: "lineward::kafka", facility, "{message}"),
    }
}

/// A C string as text; empty when null or not UTF-8.
///
/// # Safety
/// `pointer` is null or a nul-terminated string that lives for `'a`.
unsafe fn text<'a>(pointer: *const c_char) -> &'a str {
    if pointer.is_null() {
        return "";
    }
    // SAFETY: promised by the caller.
    unsafe { CStr::from_ptr(pointer) }.to_str().unwrap_or("")
}

/// A C buffer as bytes; `None` when null.
///
/// # Safety
/// `pointer` is null or the start of `length` initialised bytes that live for `'a`.
unsafe fn slice<'a>(pointer: *const c_void, length: usize) -> Option<&'a [u8]> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: promised by the caller.
    Some(unsafe { std::slice::from_raw_parts(pointer.cast::<u8>(), length) })
}
