//! A real Apache Kafka broker for tests: one node in KRaft mode on free ports of 127.0.0.1.
//!
//! The jars come from Maven Central once and stay in a cache outside the checkout; each broker has a temporary
//! directory for its data and log. [`KafkaBroker::kill`] and [`KafkaBroker::restart`] are for crash tests: the data
//! survive, as they do on a real host. Clients without settings speak plain text; [`KafkaBroker::start_secured`] opens
//! listeners with TLS and SASL beside that.

use crate::java;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::metadata::Metadata;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use std::fmt;
use std::fs::{self, File};
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The version under test.
pub const KAFKA_VERSION: &str = "4.2.0";

/// A running broker with its data. Stopped, and its data removed, when it is dropped.
pub struct KafkaBroker {
    libs: PathBuf,
    /// Configuration, data and `broker.log`.
    home: TempDir,
    port: u16,
    secured: Option<Secured>,
    /// `None` after [`kill`](Self::kill).
    child: Option<Child>,
}

/// What a broker with secured listeners needs: paths of PEM files, and who may come.
#[derive(Clone, Debug)]
pub struct Secured {
    /// The broker's certificate and its key, in one file.
    pub keystore: PathBuf,
    /// The authorities whose clients may come to the listener for mutual TLS.
    pub truststore: PathBuf,
    /// Key set of the provider whose tokens are taken (RFC 7517).
    pub jwks: PathBuf,
    /// Audience that a token must have.
    pub audience: String,
    /// User name and password for PLAIN and both SCRAM mechanisms.
    pub user: (String, String),
}

/// Where a secured broker listens.
#[derive(Clone, Debug)]
pub struct SecuredListeners {
    /// Mutual TLS.
    pub ssl: String,
    /// TLS with PLAIN, SCRAM and OAUTHBEARER.
    pub sasl_ssl: String,
}

/// What the fixture could not do, and why, as text for whoever reads the failed test.
#[derive(Debug)]
pub struct FixtureError(pub(crate) String);

/// Outcome of a fixture call.
pub type Result<T> = std::result::Result<T, FixtureError>;

impl KafkaBroker {
    /// Fetches Kafka if need be, formats a new log directory, starts a broker and waits until it answers.
    pub fn start() -> Result<Self> {
        Self::start_with(&|libs| Self::start_once(libs, free_ports()?, None))
    }

    /// A broker that has listeners with TLS and SASL beside the plain one.
    pub fn start_secured(secured: &Secured) -> Result<(Self, SecuredListeners)> {
        Self::start_with(&|libs| {
            let (ports, [ssl, sasl_ssl]) = (free_ports()?, free_ports()?);
            let listeners = SecuredListeners { ssl: local(ssl), sasl_ssl: local(sasl_ssl) };
            Ok((Self::start_once(libs, ports, Some((secured, &listeners)))?, listeners))
        })
    }

    fn start_with<T>(start: &dyn Fn(PathBuf) -> Result<T>) -> Result<T> {
        let libs = fetch()?;
        // Another process may take a free port before the broker binds it; then the next ones are tried.
        for _ in 1..START_ATTEMPTS {
            match start(libs.clone()) {
                Err(error) if error.0.contains("Address already in use") => {}
                outcome => return outcome,
            }
        }
        start(libs)
    }

    fn start_once(
        libs: PathBuf,
        [port, controller_port]: [u16; 2],
        secured: Option<(&Secured, &SecuredListeners)>,
    ) -> Result<Self> {
        let home = tempfile::Builder::new().prefix("lineward-kafka-").tempdir();
        let home = home.map_err(|e| fail("make a directory", e))?;
        let properties = server_properties(home.path(), port, controller_port, secured);
        write(&home.path().join("server.properties"), &properties)?;
        write(&home.path().join("log4j2.properties"), LOG4J)?;
        let secured = secured.map(|(secured, _)| secured.clone());
        let mut broker = Self { libs, home, port, secured, child: None };
        broker.format()?;
        broker.restart()?;
        Ok(broker)
    }

    /// The bootstrap list.
    pub fn bootstrap(&self) -> String {
        local(self.port)
    }

    /// Process id, while the broker runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Creates a topic and waits until every partition has a leader.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<()> {
        let admin = self.admin()?;
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        let outcome = block_on(admin.create_topics([&topic], &admin_options()));
        check_topics("create a topic", outcome)?;
        let has_leaders = |metadata: &Metadata| {
            metadata.topics().iter().filter(|topic| topic.name() == name).any(|topic| {
                i32::try_from(topic.partitions().len()) == Ok(partitions)
                    && topic.partitions().iter().all(|partition| partition.leader() >= 0)
            })
        };
        let client = self.metadata_client()?;
        let begin = Instant::now();
        while !answers(&client, has_leaders) {
            if begin.elapsed() > CALL_TIMEOUT {
                return Err(fail("create a topic", format!("`{name}` has no leaders after {CALL_TIMEOUT:?}")));
            }
            thread::sleep(STEP);
        }
        Ok(())
    }

    /// Deletes a topic with its records.
    pub fn delete_topic(&self, name: &str) -> Result<()> {
        let admin = self.admin()?;
        let outcome = block_on(admin.delete_topics(&[name], &admin_options()));
        check_topics("delete a topic", outcome)
    }

    /// Writes records and waits until all are acknowledged. The partition follows from the key.
    pub fn produce<K, V>(&self, topic: &str, records: impl IntoIterator<Item = (K, V)>) -> Result<u64>
    where
        K: AsRef<[u8]>,
        V: AsRef<[u8]>,
    {
        let producer: ThreadedProducer<Deliveries> = self
            .client_config()
            .set("enable.idempotence", "true")
            .set("linger.ms", "5")
            .create_with_context(Deliveries::default())
            .map_err(|e| fail("create a producer", e))?;
        let mut count = 0;
        for (key, value) in records {
            let mut record = BaseRecord::to(topic).key(key.as_ref()).payload(value.as_ref());
            loop {
                record = match producer.send(record) {
                    Ok(()) => break,
                    Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), record)) => record,
                    Err((error, _)) => return Err(fail("send a record", error)),
                };
                thread::sleep(STEP);
            }
            count += 1;
        }
        producer.flush(CALL_TIMEOUT).map_err(|e| fail("flush", e))?;
        // The producer's thread reads the last acknowledgements a moment after `flush` returns.
        while producer.in_flight_count() > 0 {
            thread::sleep(STEP);
        }
        match producer.context().first_failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(reason) => Err(fail("deliver a record", reason)),
            None => Ok(count),
        }
    }

    /// Ends the broker with SIGKILL: no flush, no goodbye.
    pub fn kill(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        child.kill().and_then(|()| child.wait()).map(drop).map_err(|e| fail("kill the broker", e))
    }

    /// Starts the broker on the same data and ports, and waits until it answers. Stops it first if it runs.
    pub fn restart(&mut self) -> Result<()> {
        self.stop();
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .map_err(|e| fail("open the broker's log", e))?;
        let errors = log.try_clone().map_err(|e| fail("open the broker's log", e))?;
        let child = self
            .java()
            .args(["kafka.Kafka", "server.properties"])
            .stdout(Stdio::from(log))
            .stderr(Stdio::from(errors))
            .spawn()
            .map_err(|e| fail("start java", e))?;
        self.child = Some(child);
        self.wait_until_ready()
    }

    /// Ends the broker with SIGTERM, or SIGKILL when that takes more than 5 seconds. Its data stay.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // The standard library sends SIGKILL only. The child is ours and not yet waited for, so its id is still its own.
        let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        let begin = Instant::now();
        while begin.elapsed() < STOP_TIMEOUT {
            if let Ok(Some(_)) = child.try_wait() {
                return;
            }
            thread::sleep(STEP);
        }
        let _ = child.kill();
        let _ = child.wait();
    }

    /// The last lines of the broker's log.
    pub fn log_tail(&self) -> String {
        let log = fs::read(self.log_path()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
    }

    fn format(&self) -> Result<()> {
        let cluster_id = self.run_tool(&["kafka.tools.StorageTool", "random-uuid"])?;
        let cluster_id = cluster_id.trim();
        let mut args = vec!["kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", "server.properties"];
        let users: Vec<String> = self.secured.iter().flat_map(|secured| scram_users(&secured.user)).collect();
        args.extend(users.iter().flat_map(|user| ["--add-scram", user.as_str()]));
        self.run_tool(&args).map(drop)
    }

    fn run_tool(&self, args: &[&str]) -> Result<String> {
        let output = self.java().args(args).output().map_err(|e| fail("start java", e))?;
        check_status(args[0], output.status, &output.stderr)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn java(&self) -> Command {
        let mut command = Command::new("java");
        command
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .args(["-Xms256m", "-Xmx512m", "-XX:+UseG1GC", "-Dlog4j2.configurationFile=log4j2.properties"])
            // Since 4.0 a broker reads keys of tokens only from where its start allows it.
            .args(
                self.secured.iter().map(|secured| {
                    format!("-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={}", file_url(&secured.jwks))
                }),
            )
            // Java expands the star itself.
            .arg("-cp")
            .arg(self.libs.join("*"));
        command
    }

    fn log_path(&self) -> PathBuf {
        self.home.path().join("broker.log")
    }

    fn client_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.bootstrap()).set("log_level", "0").set("reconnect.backoff.max.ms", "500");
        config
    }

    fn admin(&self) -> Result<AdminClient<DefaultClientContext>> {
        self.client_config().create().map_err(|e| fail("create an admin client", e))
    }

    fn metadata_client(&self) -> Result<BaseConsumer> {
        self.client_config().create().map_err(|e| fail("create a client", e))
    }

    /// Waits until the broker answers; an error with the tail of its log when it ends or takes too long.
    fn wait_until_ready(&mut self) -> Result<()> {
        let client = self.metadata_client()?;
        let begin = Instant::now();
        while begin.elapsed() < START_TIMEOUT {
            if let Some(Ok(Some(status))) = self.child.as_mut().map(Child::try_wait) {
                self.child = None;
                return Err(FixtureError(format!("the broker ended with {status}; its log:\n{}", self.log_tail())));
            }
            if answers(&client, |metadata| !metadata.brokers().is_empty()) {
                return Ok(());
            }
            thread::sleep(STEP);
        }
        let tail = self.log_tail();
        self.stop();
        Err(FixtureError(format!("the broker does not answer after {START_TIMEOUT:?}; its log:\n{tail}")))
    }
}

impl Drop for KafkaBroker {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Display for FixtureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FixtureError {}

const START_ATTEMPTS: usize = 3;
const START_TIMEOUT: Duration = Duration::from_secs(90);
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(50);
const LOG_TAIL_LINES: usize = 40;

/// Warnings and errors to the console, which is `broker.log`.
const LOG4J: &str = "\
rootLogger.level=WARN
rootLogger.appenderRef.o.ref=o
appender.o.type=Console
appender.o.name=o
appender.o.layout.type=PatternLayout
appender.o.layout.pattern=%d %p %c{1} %m%n
";

/// The broker's main jar, its tools, and the logging that upstream leaves to its distribution: without it the broker
/// ends with a `NoClassDefFoundError`.
const POM: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>lineward</groupId>
  <artifactId>kafka-fixture</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>KAFKA_VERSION</version>
    </dependency>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka-tools</artifactId>
      <version>KAFKA_VERSION</version>
      <exclusions>
        <exclusion>
          <groupId>org.apache.kafka</groupId>
          <artifactId>connect-runtime</artifactId>
        </exclusion>
      </exclusions>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-slf4j-impl</artifactId>
      <version>2.24.3</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-core</artifactId>
      <version>2.24.3</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-1.2-api</artifactId>
      <version>2.24.3</version>
    </dependency>
  </dependencies>
</project>
"#;

/// The directory with Kafka's jars; fetches them when they are not there.
fn fetch() -> Result<PathBuf> {
    need("java", "default-jre-headless")?;
    java::fetch(&format!("kafka-{KAFKA_VERSION}"), &POM.replace("KAFKA_VERSION", KAFKA_VERSION))
}

/// An error that names the Debian package when `program` is not there.
pub(crate) fn need(program: &str, package: &str) -> Result<()> {
    let version = if program == "java" { "-version" } else { "--version" };
    let found = Command::new(program).arg(version).stdin(Stdio::null()).output().is_ok_and(|out| out.status.success());
    if found {
        return Ok(());
    }
    Err(FixtureError(format!(
        "`{program}` does not run; programs in Java that tests start need Java 17 and Maven: apt-get install {package} \
         (both: default-jdk-headless maven)"
    )))
}

/// One broker that is its own controller. The short broker session is for crash tests: a broker that was killed may
/// register again only when the session of its former life is over, 9 seconds by default.
fn server_properties(
    home: &Path,
    port: u16,
    controller_port: u16,
    secured: Option<(&Secured, &SecuredListeners)>,
) -> String {
    let data = home.join("data");
    let (others, protocols, rest) = match secured {
        Some((secured, at)) => (
            format!(",SSL://{},SASL_SSL://{}", at.ssl, at.sasl_ssl),
            ",SSL:SSL,SASL_SSL:SASL_SSL",
            secured_properties(secured),
        ),
        None => (String::new(), "", String::new()),
    };
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port}{others},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}{others}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT{protocols}
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=2000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
auto.create.topics.enable=false
num.network.threads=2
num.io.threads=2
log.cleaner.dedupe.buffer.size=16777216
{rest}",
        data = data.display()
    )
}

/// The listeners with TLS and SASL.
fn secured_properties(secured: &Secured) -> String {
    let (user, password) = &secured.user;
    let modules = "org.apache.kafka.common.security";
    format!(
        "ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={truststore}
listener.name.ssl.ssl.client.auth=required
listener.name.sasl_ssl.ssl.client.auth=none
listener.name.sasl_ssl.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER
listener.name.sasl_ssl.plain.sasl.jaas.config={modules}.plain.PlainLoginModule required user_{user}=\"{password}\";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config={modules}.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={modules}.scram.ScramLoginModule required;
listener.name.sasl_ssl.oauthbearer.sasl.jaas.config={modules}.oauthbearer.OAuthBearerLoginModule required;
listener.name.sasl_ssl.oauthbearer.sasl.server.callback.handler.class={modules}.oauthbearer.OAuthBearerValidatorCallbackHandler
listener.name.sasl_ssl.oauthbearer.sasl.oauthbearer.jwks.endpoint.url={jwks}
listener.name.sasl_ssl.oauthbearer.sasl.oauthbearer.expected.audience={audience}
listener.name.sasl_ssl.oauthbearer.connections.max.reauth.ms=3600000
",
        keystore = secured.keystore.display(),
        truststore = secured.truststore.display(),
        jwks = file_url(&secured.jwks),
        audience = secured.audience,
    )
}

/// A user as Kafka's tool that formats a log takes them.
fn scram_users((user, password): &(String, String)) -> [String; 2] {
    ["SCRAM-SHA-256", "SCRAM-SHA-512"].map(|mechanism| format!("{mechanism}=[name={user},password={password}]"))
}

fn file_url(path: &Path) -> String {
    format!("file://{}", path.display())
}

fn local(port: u16) -> String {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string()
}

/// Two ports that were free a moment ago.
fn free_ports() -> Result<[u16; 2]> {
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|e| fail("find a free port", e));
    // Both are held until both are known, so that they differ.
    let (first, second) = (bind()?, bind()?);
    let port =
        |listener: &TcpListener| listener.local_addr().map(|a| a.port()).map_err(|e| fail("find a free port", e));
    Ok([port(&first)?, port(&second)?])
}

fn answers(client: &BaseConsumer, ready: impl Fn(&Metadata) -> bool) -> bool {
    client.client().fetch_metadata(None, METADATA_TIMEOUT).is_ok_and(|metadata| ready(&metadata))
}

fn admin_options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(CALL_TIMEOUT)).operation_timeout(Some(CALL_TIMEOUT))
}

fn check_topics(
    action: &str,
    outcome: std::result::Result<Vec<rdkafka::admin::TopicResult>, KafkaError>,
) -> Result<()> {
    for topic in outcome.map_err(|e| fail(action, e))? {
        topic.map_err(|(name, code)| fail(action, format!("{name}: {code}")))?;
    }
    Ok(())
}

pub(crate) fn check_status(what: &str, status: ExitStatus, output: &[u8]) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    Err(FixtureError(format!("{what} ended with {status}:\n{}", String::from_utf8_lossy(output))))
}

pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|e| fail("write", format!("{}: {e}", path.display())))
}

pub(crate) fn fail(action: &str, error: impl fmt::Display) -> FixtureError {
    FixtureError(format!("cannot {action}: {error}"))
}

/// Runs a future on this thread. The admin client's futures are woken by a thread of its own, so no runtime is needed.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Keeps the first delivery failure.
#[derive(Default)]
struct Deliveries {
    first_failure: Mutex<Option<String>>,
}

impl rdkafka::ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, message)) = result {
            let mut first = self.first_failure.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert_with(|| format!("to `{}`: {error}", message.topic()));
        }
    }
}
