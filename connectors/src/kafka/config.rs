//! Settings of the Kafka connectors, and what they become for librdkafka.
//!
//! The types refuse unknown fields. Passwords are named by environment variable or file and read only when a client is
//! made, so that no configuration value, `Debug` output or error holds one.

use super::oauth::{TokenSource, Tokens, sasl_extensions, token_url};
use crate::ConnectorError;
use rdkafka::ClientConfig;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// A Kafka source: which topics, as which consumer group, from where.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaConfig {
    /// Bootstrap list, `host:port` separated by commas.
    pub brokers: String,
    /// Topics to read. A name that starts with `^` is a regular expression over topic names.
    #[serde(deserialize_with = "topics")]
    pub topics: Vec<String>,
    /// Consumer group; members of one group share the partitions.
    pub group_id: String,
    /// Name of this member, different for each process of the group. With one, a restart within
    /// `session_timeout_ms` keeps the partitions and moves no other member's.
    #[serde(default)]
    pub instance_id: Option<String>,
    /// Where a partition starts that has no stored offset.
    #[serde(default)]
    pub start: StartPolicy,
    /// Encryption and authentication; plain text without authentication by default.
    #[serde(default)]
    pub security: Security,
    /// Time without a heartbeat after which the group gives the partitions to others, in milliseconds.
    #[serde(default = "default_session_timeout_ms")]
    pub session_timeout_ms: u32,
    /// Time without a poll after which this member leaves the group, in milliseconds; longer than
    /// `session_timeout_ms`, and longer than the slowest commit.
    #[serde(default = "default_max_poll_interval_ms")]
    pub max_poll_interval_ms: u32,
    /// Memory for records fetched ahead, in KiB.
    #[serde(default = "default_queued_max_messages_kbytes")]
    pub queued_max_messages_kbytes: u32,
    /// Further librdkafka settings by their own names. Those that exactly-once delivery rests on are refused.
    #[serde(default)]
    pub extra: BTreeMap<String, String>,
}

/// A Kafka sink.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaSinkConfig {
    /// Bootstrap list, `host:port` separated by commas.
    pub brokers: String,
    /// Encryption and authentication; plain text without authentication by default.
    #[serde(default)]
    pub security: Security,
    /// Further librdkafka settings by their own names.
    #[serde(default)]
    pub extra: BTreeMap<String, String>,
}

/// Where a partition starts that has no stored offset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StartPolicy {
    /// At the oldest record that the broker still has.
    #[default]
    Earliest,
    /// After the newest record.
    Latest,
}

/// Encryption and authentication of the connection.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Security {
    /// What the listener speaks.
    #[serde(default)]
    pub protocol: Protocol,
    /// SASL mechanism; needed for the `sasl_` protocols.
    #[serde(default)]
    pub mechanism: Option<SaslMechanism>,
    /// SASL user: the name itself, or where to read it.
    #[serde(default)]
    pub username: Option<Text>,
    /// Where to read the SASL password.
    #[serde(default)]
    pub password: Option<SecretRef>,
    /// Where tokens come from, for `OAUTHBEARER`.
    #[serde(default)]
    pub oauth: Option<OAuth>,
    /// PEM file with the authorities to trust; the system's by default.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// PEM file with the client certificate, for mutual TLS.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    /// PEM file with the key of `certificate`.
    #[serde(default)]
    pub key: Option<PathBuf>,
    /// Where to read the password of `key`.
    #[serde(default)]
    pub key_password: Option<SecretRef>,
}

/// What a Kafka listener speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// No encryption, no authentication.
    #[default]
    Plaintext,
    /// TLS, with a client certificate when `certificate` is set.
    Ssl,
    /// SASL without encryption.
    SaslPlaintext,
    /// SASL over TLS.
    SaslSsl,
}

/// Where tokens for `OAUTHBEARER` come from: a token endpoint that is asked by the client credentials grant (RFC 6749,
/// 4.4), or a place where something else renews them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuth {
    /// The token endpoint: an `https` URL, or an `http` one on this machine.
    #[serde(default)]
    pub token_url: Option<String>,
    /// Who asks: the identifier itself, or where to read it.
    #[serde(default)]
    pub client_id: Option<Text>,
    /// Where to read the secret of `client_id`.
    #[serde(default)]
    pub client_secret: Option<SecretRef>,
    /// What is asked for, names separated by spaces.
    #[serde(default)]
    pub scope: Option<String>,
    /// PEM file with the authorities to trust at the token endpoint; the system's by default.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// Where a token lies that something else renews, in place of a token endpoint. Read anew whenever one is wanted.
    #[serde(default)]
    pub token: Option<SecretRef>,
    /// SASL extensions (RFC 7628, 3.1) that are sent with the token.
    #[serde(default)]
    pub extensions: BTreeMap<String, String>,
}

/// SASL mechanisms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum SaslMechanism {
    /// User name and password in clear; use it over TLS only.
    #[serde(rename = "PLAIN")]
    Plain,
    /// Salted challenge and response with SHA-256 (RFC 7677).
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// Salted challenge and response with SHA-512.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
    /// A token of an identity provider (RFC 7628); use it over TLS only.
    #[serde(rename = "OAUTHBEARER")]
    OAuthBearer,
}

/// Where a secret is kept: `{ env: NAME }` or `{ file: PATH }`. The secret itself cannot be written in a
/// configuration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawSecretRef")]
pub enum SecretRef {
    /// An environment variable.
    Env(String),
    /// A file; one line break at its end is cut off.
    File(PathBuf),
}

/// A text that is no secret by itself: written out, or kept where secrets are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// The text.
    Plain(String),
    /// Where to read it.
    From(SecretRef),
}

/// Takes anything: whatever stands where a place should may be the secret itself, and serde's own messages show it.
#[derive(Deserialize)]
#[serde(untagged)]
enum RawSecretRef {
    Place(Place),
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    env: Option<String>,
    file: Option<PathBuf>,
}

/// librdkafka settings that `extra` may not change, and what to use instead.
const PROTECTED: &[(&str, &str)] = &[
    ("allow.auto.create.topics", "a misspelt topic would be created; create topics by hand"),
    ("auto.commit.enable", "progress is kept in the store, not in the group"),
    ("auto.offset.reset", "a lost range would be skipped in silence; use `start`"),
    ("bootstrap.servers", "use `brokers`"),
    ("check.crcs", "damaged records would be read"),
    ("enable.auto.commit", "progress is kept in the store, not in the group"),
    ("enable.auto.offset.store", "progress is kept in the store, not in the group"),
    ("enable.idempotence", "a retry would write a record twice"),
    ("enable.partition.eof", "the end of a partition would not be seen"),
    ("acks", "an acknowledged record could be lost"),
    ("group.id", "use `group_id`"),
    ("group.instance.id", "use `instance_id`"),
    ("isolation.level", "records of aborted transactions would be read"),
    ("max.poll.interval.ms", "use `max_poll_interval_ms`"),
    ("metadata.broker.list", "use `brokers`"),
    ("partition.assignment.strategy", "kept partitions would be read again after each rebalance"),
    ("queued.max.messages.kbytes", "use `queued_max_messages_kbytes`"),
    ("enable.sasl.oauthbearer.unsecure.jwt", "anybody could write such a token"),
    ("sasl.mechanism", "use `security.mechanism`"),
    ("sasl.mechanisms", "use `security.mechanism`"),
    ("sasl.oauthbearer.client.id", "use `security.oauth`"),
    ("sasl.oauthbearer.client.secret", "use `security.oauth`"),
    ("sasl.oauthbearer.method", "use `security.oauth`"),
    ("sasl.password", "use `security.password`"),
    ("sasl.username", "use `security.username`"),
    ("security.protocol", "use `security.protocol` of the source, not of `extra`"),
    ("session.timeout.ms", "use `session_timeout_ms`"),
    ("ssl.key.password", "use `security.key_password`"),
];

impl KafkaConfig {
    /// A configuration with defaults for everything else.
    pub fn new(brokers: &str, topics: &[&str], group_id: &str) -> Self {
        Self {
            brokers: brokers.to_owned(),
            topics: topics.iter().map(|&topic| topic.to_owned()).collect(),
            group_id: group_id.to_owned(),
            instance_id: None,
            start: StartPolicy::default(),
            security: Security::default(),
            session_timeout_ms: default_session_timeout_ms(),
            max_poll_interval_ms: default_max_poll_interval_ms(),
            queued_max_messages_kbytes: default_queued_max_messages_kbytes(),
            extra: BTreeMap::new(),
        }
    }

    /// Checks what the types cannot. Reads no secret and connects to nothing.
    pub fn validate(&self) -> Result<(), ConnectorError> {
        not_empty("brokers", &self.brokers)?;
        not_empty("group_id", &self.group_id)?;
        if self.topics.is_empty() {
            return Err(ConnectorError::config("topics", "is empty; name at least one topic"));
        }
        self.topics.iter().try_for_each(|topic| not_empty("topics", topic))?;
        if self.max_poll_interval_ms <= self.session_timeout_ms {
            return Err(ConnectorError::config(
                "max_poll_interval_ms",
                format!(
                    "{} must be greater than `session_timeout_ms` ({})",
                    self.max_poll_interval_ms, self.session_timeout_ms
                ),
            ));
        }
        validate_extra(&self.extra)?;
        known_settings(&self.extra)?;
        self.security.validate()
    }

    /// The librdkafka settings of the consumer. Reads the secrets.
    pub fn client_config(&self) -> Result<ClientConfig, ConnectorError> {
        self.validate()?;
        let mut config = connection(&self.brokers, &self.security, &self.extra)?;
        for (name, value) in CONSUMER_SETTINGS {
            config.set(*name, *value);
        }
        config
            .set("group.id", &self.group_id)
            .set("session.timeout.ms", self.session_timeout_ms.to_string())
            .set("max.poll.interval.ms", self.max_poll_interval_ms.to_string())
            .set("queued.max.messages.kbytes", self.queued_max_messages_kbytes.to_string());
        if let Some(instance_id) = &self.instance_id {
            config.set("group.instance.id", instance_id);
        }
        Ok(config)
    }
}

/// A list of names, or one name.
fn topics<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "`topics` must be a list of names, as `[orders]`")]
    enum Topics {
        One(String),
        Several(Vec<String>),
    }
    Ok(match Topics::deserialize(deserializer)? {
        Topics::One(topic) => vec![topic],
        Topics::Several(topics) => topics,
    })
}

/// Asks librdkafka whether it knows settings and takes their values. Connects to nothing.
fn known_settings(extra: &BTreeMap<String, String>) -> Result<(), ConnectorError> {
    for (name, value) in extra {
        let known = ClientConfig::new().set(name, value).create_native_config();
        known.map_err(|_| {
            ConnectorError::config(
                format!("extra.{name}"),
                "is not a librdkafka setting, or its value is not accepted; names and values are in librdkafka's \
                 CONFIGURATION.md",
            )
        })?;
    }
    Ok(())
}

/// Settings every consumer has.
const CONSUMER_SETTINGS: &[(&str, &str)] = &[
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    // A lost position must surface as an event that becomes a gap, never as a silent jump.
    ("auto.offset.reset", "error"),
    ("isolation.level", "read_committed"),
    ("partition.assignment.strategy", "cooperative-sticky"),
    // The default of 1000 leaves the consumer idle for up to a second after its queue was full (librdkafka#3662).
    ("fetch.queue.backoff.ms", "10"),
    ("check.crcs", "true"),
    ("allow.auto.create.topics", "false"),
    ("enable.partition.eof", "true"),
];

impl KafkaSinkConfig {
    /// A configuration with defaults for everything else.
    pub fn new(brokers: &str) -> Self {
        Self { brokers: brokers.to_owned(), security: Security::default(), extra: BTreeMap::new() }
    }

    /// The librdkafka settings of the producer. Reads the secrets.
    pub fn client_config(&self) -> Result<ClientConfig, ConnectorError> {
        not_empty("brokers", &self.brokers)?;
        validate_extra(&self.extra)?;
        self.security.validate()?;
        if self.security.oauth.is_some() {
            // rust-rdkafka renews a producer's token by itself: it drops extensions, and logs what is wrong with a token.
            return Err(ConnectorError::config(
                "security.mechanism",
                "is for sources; a sink needs a user and a password",
            ));
        }
        let mut config = connection(&self.brokers, &self.security, &BTreeMap::new())?;
        config.set("linger.ms", "5").set("compression.type", "lz4").set("queue.buffering.max.kbytes", "65536");
        // `extra` may tune what is above, and not what is below.
        for (name, value) in &self.extra {
            config.set(name, value);
        }
        config.set("acks", "all").set("enable.idempotence", "true");
        Ok(config)
    }
}

impl Security {
    fn validate(&self) -> Result<(), ConnectorError> {
        let sasl = matches!(self.protocol, Protocol::SaslPlaintext | Protocol::SaslSsl);
        let tls = matches!(self.protocol, Protocol::Ssl | Protocol::SaslSsl);
        let by_token = self.mechanism == Some(SaslMechanism::OAuthBearer);
        let needs = |set: bool, wanted: bool, field: &str| {
            let problem = match (set, wanted) {
                (true, true) | (false, false) => return Ok(()),
                (false, true) if by_token => "is missing; `OAUTHBEARER` needs it",
                (false, true) => "is missing; `protocol` is a SASL one",
                (true, false) if !sasl => "is set, but `protocol` has no SASL; use `sasl_ssl`",
                (true, false) if by_token => "is set, but `OAUTHBEARER` has tokens; use `security.oauth`",
                (true, false) => "is set, but `mechanism` has no tokens; use `OAUTHBEARER`",
            };
            Err(ConnectorError::config(format!("security.{field}"), problem))
        };
        needs(self.mechanism.is_some(), sasl, "mechanism")?;
        needs(self.username.is_some(), sasl && !by_token, "username")?;
        needs(self.password.is_some(), sasl && !by_token, "password")?;
        needs(self.oauth.is_some(), sasl && by_token, "oauth")?;
        self.oauth.as_ref().map_or(Ok(()), OAuth::validate)?;
        if self.certificate.is_some() != self.key.is_some() {
            return Err(ConnectorError::config(
                "security.certificate",
                "needs `security.key`, and the other way round",
            ));
        }
        if !tls && (self.ca.is_some() || self.certificate.is_some()) {
            return Err(ConnectorError::config(
                "security.protocol",
                "has no TLS, but certificates are set; use `ssl` or `sasl_ssl`",
            ));
        }
        Ok(())
    }

    /// The tokens of a client, where its mechanism has any. Reads the secrets.
    pub(super) fn tokens(&self) -> Result<Option<Tokens>, ConnectorError> {
        self.oauth.as_ref().map(Tokens::new).transpose()
    }

    fn apply(&self, config: &mut ClientConfig) -> Result<(), ConnectorError> {
        config.set("security.protocol", self.protocol.as_str());
        if let Some(mechanism) = self.mechanism {
            config.set("sasl.mechanisms", mechanism.as_str());
        }
        if let Some(username) = &self.username {
            config.set("sasl.username", username.read("security.username")?);
        }
        if let Some(password) = &self.password {
            config.set("sasl.password", password.read("security.password")?);
        }
        if let Some(password) = &self.key_password {
            config.set("ssl.key.password", password.read("security.key_password")?);
        }
        let paths = [
            ("ssl.ca.location", &self.ca),
            ("ssl.certificate.location", &self.certificate),
            ("ssl.key.location", &self.key),
        ];
        for (name, path) in paths {
            if let Some(path) = path {
                config.set(name, path.to_string_lossy());
            }
        }
        Ok(())
    }
}

impl OAuth {
    /// Checks what the types cannot. Reads no secret.
    fn validate(&self) -> Result<(), ConnectorError> {
        self.source()?;
        sasl_extensions(&self.extensions).map(drop)
    }

    /// Where tokens come from: one way, and all that it needs.
    pub(super) fn source(&self) -> Result<TokenSource<'_>, ConnectorError> {
        let field = |name: &str| format!("security.oauth.{name}");
        if let Some(place) = &self.token {
            let beside = [
                ("token_url", self.token_url.is_some()),
                ("client_id", self.client_id.is_some()),
                ("client_secret", self.client_secret.is_some()),
                ("scope", self.scope.is_some()),
                ("ca", self.ca.is_some()),
            ];
            return match beside.iter().find(|(_, set)| *set) {
                Some((name, _)) => {
                    Err(ConnectorError::config(field(name), "is set beside `token`, which is not asked for"))
                }
                None => Ok(TokenSource::Place(place)),
            };
        }
        let missing = |name: &str| {
            let problem = "is missing; use `token_url` with `client_id` and `client_secret`, or `token`";
            ConnectorError::config(field(name), problem)
        };
        Ok(TokenSource::Endpoint {
            url: token_url(self.token_url.as_deref().ok_or_else(|| missing("token_url"))?)?,
            client_id: self.client_id.as_ref().ok_or_else(|| missing("client_id"))?,
            client_secret: self.client_secret.as_ref().ok_or_else(|| missing("client_secret"))?,
        })
    }
}

impl Protocol {
    /// The name librdkafka uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        }
    }
}

impl SaslMechanism {
    /// The registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::OAuthBearer => "OAUTHBEARER",
        }
    }
}

impl SecretRef {
    /// Reads the secret; `field` is named in the error.
    pub(super) fn read(&self, field: &str) -> Result<String, ConnectorError> {
        match self {
            Self::Env(name) => std::env::var(name).map_err(|_| {
                ConnectorError::config(field, format!("environment variable `{name}` is not set or not UTF-8"))
            }),
            Self::File(path) => {
                let mut text = std::fs::read_to_string(path).map_err(|e| {
                    ConnectorError::config(field, format!("cannot read file `{}`: {}", path.display(), e.kind()))
                })?;
                text.truncate(text.trim_end_matches(['\r', '\n']).len());
                Ok(text)
            }
        }
    }
}

impl Text {
    pub(super) fn read(&self, field: &str) -> Result<String, ConnectorError> {
        match self {
            Self::Plain(text) => Ok(text.clone()),
            Self::From(place) => place.read(field),
        }
    }
}

impl TryFrom<RawSecretRef> for SecretRef {
    type Error = &'static str;

    fn try_from(raw: RawSecretRef) -> Result<Self, Self::Error> {
        match raw {
            RawSecretRef::Place(Place { env: Some(env), file: None }) => Ok(Self::Env(env)),
            RawSecretRef::Place(Place { env: None, file: Some(file) }) => Ok(Self::File(file)),
            _ => Err("write a secret as `{ env: NAME }` or `{ file: PATH }`, never the secret itself"),
        }
    }
}

/// Values of `extra` may be secrets, so only their names are shown.
impl fmt::Debug for KafkaConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaConfig")
            .field("brokers", &self.brokers)
            .field("topics", &self.topics)
            .field("group_id", &self.group_id)
            .field("instance_id", &self.instance_id)
            .field("start", &self.start)
            .field("security", &self.security)
            .field("session_timeout_ms", &self.session_timeout_ms)
            .field("max_poll_interval_ms", &self.max_poll_interval_ms)
            .field("queued_max_messages_kbytes", &self.queued_max_messages_kbytes)
            .field("extra", &self.extra.keys())
            .finish()
    }
}

/// Values of `extra` may be secrets, so only their names are shown.
impl fmt::Debug for KafkaSinkConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaSinkConfig")
            .field("brokers", &self.brokers)
            .field("security", &self.security)
            .field("extra", &self.extra.keys())
            .finish()
    }
}

/// What consumer and producer share.
fn connection(
    brokers: &str,
    security: &Security,
    extra: &BTreeMap<String, String>,
) -> Result<ClientConfig, ConnectorError> {
    let mut config = ClientConfig::new();
    config
        .set("client.id", "lineward")
        // Back within seconds of a broker restart; the default waits up to ten.
        .set("reconnect.backoff.max.ms", "2000");
    for (name, value) in extra {
        config.set(name, value);
    }
    config.set("bootstrap.servers", brokers);
    security.apply(&mut config)?;
    Ok(config)
}

fn validate_extra(extra: &BTreeMap<String, String>) -> Result<(), ConnectorError> {
    match PROTECTED.iter().find(|(name, _)| extra.contains_key(*name)) {
        Some((name, why)) => {
            Err(ConnectorError::config(format!("extra.{name}"), format!("may not be set here: {why}")))
        }
        None => Ok(()),
    }
}

fn not_empty(field: &str, value: &str) -> Result<(), ConnectorError> {
    if value.trim().is_empty() { Err(ConnectorError::config(field, "is empty")) } else { Ok(()) }
}

fn default_session_timeout_ms() -> u32 {
    10_000
}

fn default_max_poll_interval_ms() -> u32 {
    120_000
}

/// A quarter of librdkafka's default: as much again waits in the batch that gathers, and in the one that is committed.
fn default_queued_max_messages_kbytes() -> u32 {
    16_384
}
