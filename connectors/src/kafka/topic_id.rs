//! Topic ids (KIP-516), which rust-rdkafka's safe interface does not offer.
//!
//! A topic that was deleted and created again keeps its name and starts at offset 0; only the id tells the two apart.
//! All `unsafe` of asking for it is in this file.

use rdkafka::bindings as sys;
use rdkafka::client::{Client, ClientContext};
use std::ffi::{CStr, CString};
use std::ptr::NonNull;
use std::time::Duration;

/// Stands for the id where the broker has none: brokers before 2.8 and the mock cluster.
pub const UNKNOWN_TOPIC_ID: &str = "-";

/// How much longer than the request's own timeout the answer is waited for.
const ANSWER_GRACE_MS: i32 = 500;

/// Asks the broker for the id of a topic, as Kafka's own tools write it: 22 characters of URL-safe base64.
///
/// `Ok(None)` is a broker's answer without an id. `Err` is no answer, with librdkafka's reason; ask again.
pub(super) fn topic_id<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    timeout: Duration,
) -> Result<Option<String>, String> {
    let Ok(name) = CString::new(topic) else { return Err("topic name holds a nul byte".into()) };
    let broker = answering_broker(client, topic, timeout)?;
    let handle = client.native_ptr();
    let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    let mut names = [name.as_ptr()];

    // SAFETY: `names` holds one nul-terminated string, which librdkafka copies. The client outlives the four guards
    // because it is borrowed for the whole call. Each pointer is owned by exactly one guard, which destroys it.
    let (topics, options, queue) = unsafe {
        (
            Owned::new(
                sys::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len()),
                sys::rd_kafka_TopicCollection_destroy,
            )?,
            Owned::new(
                sys::rd_kafka_AdminOptions_new(handle, sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS),
                sys::rd_kafka_AdminOptions_destroy,
            )?,
            Owned::new(sys::rd_kafka_queue_new(handle), sys::rd_kafka_queue_destroy)?,
        )
    };
    // SAFETY: all four objects are alive; a null error buffer of length 0 is allowed. The request copies what it needs.
    unsafe {
        sys::rd_kafka_AdminOptions_set_request_timeout(options.get(), timeout_ms, std::ptr::null_mut(), 0);
        sys::rd_kafka_AdminOptions_set_broker(options.get(), broker, std::ptr::null_mut(), 0);
        sys::rd_kafka_DescribeTopics(handle, topics.get(), options.get(), queue.get());
    }
    // The request has its own timeout, whose event tells more than no event does.
    let wait_ms = timeout_ms.saturating_add(ANSWER_GRACE_MS);
    // SAFETY: the queue is alive; a null event is the answer to a timeout.
    let event = unsafe { Owned::new(sys::rd_kafka_queue_poll(queue.get(), wait_ms), sys::rd_kafka_event_destroy) }
        .map_err(|_| "no answer".to_owned())?;
    read_answer(&event)
}

/// A broker that answers. The request would go to the controller otherwise, which may be the one that is down, and which
/// the mock cluster does not have.
fn answering_broker<C: ClientContext>(client: &Client<C>, topic: &str, timeout: Duration) -> Result<i32, String> {
    let metadata = client.fetch_metadata(Some(topic), timeout).map_err(|e| e.to_string())?;
    let any = metadata.brokers().first().map(|broker| broker.id());
    Some(metadata.orig_broker_id()).filter(|id| *id >= 0).or(any).ok_or_else(|| "no broker is known".to_owned())
}

fn read_answer(event: &Owned<sys::rd_kafka_event_t>) -> Result<Option<String>, String> {
    // SAFETY: the event is alive.
    check(unsafe { sys::rd_kafka_event_error(event.get()) })?;
    // SAFETY: the event is alive; the answer is null when it is of another type.
    let result = unsafe { sys::rd_kafka_event_DescribeTopics_result(event.get()) };
    if result.is_null() {
        return Err("unexpected answer".into());
    }
    let mut count = 0;
    // SAFETY: `result` is not null and lives as long as the event.
    let descriptions = unsafe { sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count) };
    if descriptions.is_null() || count == 0 {
        return Err("the answer has no topic".into());
    }
    // SAFETY: the array has `count` elements, at least one, and lives as long as the event; so does what hangs on it.
    unsafe {
        let description = *descriptions;
        check(sys::rd_kafka_error_code(sys::rd_kafka_TopicDescription_error(description)))?;
        Ok(read_id(sys::rd_kafka_TopicDescription_topic_id(description)))
    }
}

/// The text of an id; `None` for the all-zero id.
///
/// # Safety
/// `id` is null or points to a living id.
unsafe fn read_id(id: *const sys::rd_kafka_Uuid_t) -> Option<String> {
    if id.is_null() {
        return None;
    }
    // SAFETY: `id` is alive. The text is cached inside it and copied here.
    unsafe {
        if sys::rd_kafka_Uuid_most_significant_bits(id) == 0 && sys::rd_kafka_Uuid_least_significant_bits(id) == 0 {
            return None;
        }
        let text = sys::rd_kafka_Uuid_base64str(id);
        if text.is_null() {
            return None;
        }
        // librdkafka writes the alphabet with `/`, which would break identifiers that are made of parts.
        CStr::from_ptr(text).to_str().ok().map(|text| text.replace('+', "-").replace('/', "_"))
    }
}

fn check(code: sys::rd_kafka_resp_err_t) -> Result<(), String> {
    match code {
        sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        code => Err(rdkafka::error::RDKafkaErrorCode::from(code).to_string()),
    }
}

/// A native object and the function that destroys it.
struct Owned<T> {
    pointer: NonNull<T>,
    destroy: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// Takes ownership; an error when the pointer is null.
    ///
    /// # Safety
    /// Nobody else destroys `pointer`, and `destroy` is the function for it.
    unsafe fn new(pointer: *mut T, destroy: unsafe extern "C" fn(*mut T)) -> Result<Self, String> {
        NonNull::new(pointer).map(|pointer| Self { pointer, destroy }).ok_or_else(|| "out of memory".to_owned())
    }

    fn get(&self) -> *mut T {
        self.pointer.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: promised to `new`.
        unsafe { (self.destroy)(self.pointer.as_ptr()) }
    }
}
