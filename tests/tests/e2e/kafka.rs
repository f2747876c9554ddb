//! The Kafka fixture itself: what a broker has acknowledged survives SIGKILL. And what a broker knows of a pipeline that
//! has ended.

use crate::lineward::Lineward;
use lineward_tests::KafkaBroker;
use rdkafka::ClientConfig;
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const TOPIC: &str = "events";
const PARTITIONS: i32 = 4;
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn acknowledged_records_survive_a_kill() {
    let begin = Instant::now();
    let mut broker = KafkaBroker::start().expect("start");
    println!("up after {:?}", begin.elapsed());
    broker.create_topic(TOPIC, PARTITIONS).expect("create a topic");
    let written: BTreeSet<String> = (0..1000).map(|number| format!("{number:04}")).collect();
    let count = broker.produce(TOPIC, written.iter().map(|key| (key, format!("value of {key}")))).expect("produce");
    assert_eq!(count, 1000);
    assert_eq!(consume(&broker, 1000), written);

    let bootstrap = broker.bootstrap();
    broker.kill().expect("kill");
    assert_eq!(broker.pid(), None);
    let begin = Instant::now();
    broker.restart().expect("restart");
    println!("back after {:?}", begin.elapsed());
    assert_eq!(broker.bootstrap(), bootstrap);
    assert_eq!(consume(&broker, 1000), written);
}

#[test]
fn a_pipeline_that_ends_has_left_its_group() {
    const GROUP: &str = "leaves";
    let broker = KafkaBroker::start().expect("start");
    broker.create_topic(TOPIC, PARTITIONS).expect("create a topic");
    broker.produce(TOPIC, [("key", "{}")]).expect("produce");
    let lineward = Lineward::new();
    let source = format!("kafka:\n    brokers: {}\n    topics: [{TOPIC}]\n    group_id: {GROUP}", broker.bootstrap());
    lineward.write("pipeline.yaml", format!("name: e2e\nsource:\n  {source}\n"));
    let asks: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", broker.bootstrap()).create().expect("a client");
    for _ in 0..2 {
        lineward.run(["run", "pipeline.yaml", "--until-end"]).ok();
        let begin = Instant::now();
        // A member that has not left stays for the whole session timeout, 45 s.
        loop {
            let groups = asks.fetch_group_list(Some(GROUP), PATIENCE).expect("groups");
            let members: usize = groups.groups().iter().map(|group| group.members().len()).sum();
            if members == 0 {
                break;
            }
            assert!(begin.elapsed() < Duration::from_secs(3), "{members} members, though nobody runs");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// The keys of the first `count` records of all partitions.
fn consume(broker: &KafkaBroker, count: usize) -> BTreeSet<String> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker.bootstrap())
        .set("group.id", "unused: partitions are assigned by hand")
        .set("enable.auto.commit", "false")
        .create()
        .expect("consumer");
    let mut partitions = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        partitions.add_partition_offset(TOPIC, partition, Offset::Beginning).expect("an offset");
    }
    consumer.assign(&partitions).expect("assign");
    let (mut keys, mut seen) = (BTreeSet::new(), 0);
    let begin = Instant::now();
    while seen < count {
        assert!(begin.elapsed() < PATIENCE, "{seen} of {count} records after {PATIENCE:?}");
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) {
            keys.insert(String::from_utf8(message.key().expect("a key").to_vec()).expect("UTF-8"));
            seen += 1;
        }
    }
    keys
}
