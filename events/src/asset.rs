//! Names of things that hold or carry data: data sets, files, models, deployments.
//!
//! An asset is named by a namespace and a name, as OpenLineage names data sets (`s3://bucket` and `path/to/data`,
//! `mlflow://prod` and `notes-summarizer`). This module normalises such names; it does not look anything up.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What kind of thing an asset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AssetType {
    /// A set of data read or written as one: a prefix, a folder, an OpenLineage data set.
    Dataset,
    /// One file or object.
    File,
    /// A shard of a corpus.
    Shard,
    /// A table of a database or warehouse.
    Table,
    /// A topic of a broker.
    Topic,
    /// A feature view of a feature store.
    FeatureView,
    /// A training corpus under a name of its own.
    Corpus,
    /// A model or a model artifact.
    Model,
    /// An endpoint, endpoint configuration or inference service.
    Deployment,
    /// A vector or search index.
    Index,
    /// A prompt template.
    Prompt,
}

impl AssetType {
    /// The name used in tables and SQL, as `DATASET`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dataset => "DATASET",
            Self::File => "FILE",
            Self::Shard => "SHARD",
            Self::Table => "TABLE",
            Self::Topic => "TOPIC",
            Self::FeatureView => "FEATURE_VIEW",
            Self::Corpus => "CORPUS",
            Self::Model => "MODEL",
            Self::Deployment => "DEPLOYMENT",
            Self::Index => "INDEX",
            Self::Prompt => "PROMPT",
        }
    }

    /// The type with this name in any case, as `dataset` or `FEATURE_VIEW`.
    pub fn parse(name: &str) -> Option<Self> {
        const ALL: [AssetType; 11] = [
            AssetType::Dataset,
            AssetType::File,
            AssetType::Shard,
            AssetType::Table,
            AssetType::Topic,
            AssetType::FeatureView,
            AssetType::Corpus,
            AssetType::Model,
            AssetType::Deployment,
            AssetType::Index,
            AssetType::Prompt,
        ];
        ALL.into_iter().find(|t| t.as_str().eq_ignore_ascii_case(name))
    }

    /// Whether a type says more of data than another: producers know it more or less well, and names tell it where none does.
    pub fn says_more_than(self, other: Self) -> bool {
        const FROM_LEAST: [AssetType; 8] = [
            AssetType::Dataset,
            AssetType::File,
            AssetType::Topic,
            AssetType::Table,
            AssetType::Shard,
            AssetType::Corpus,
            AssetType::FeatureView,
            AssetType::Index,
        ];
        let rank = |asset_type| FROM_LEAST.iter().position(|known| *known == asset_type);
        rank(other).is_some_and(|other| rank(self) > Some(other))
    }

    /// Whether the asset holds data that a model can be trained on.
    pub fn is_data(self) -> bool {
        !matches!(self, Self::Model | Self::Deployment | Self::Prompt)
    }
}

impl fmt::Display for AssetType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a version string was made, so that two schemes are never compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionScheme {
    /// A Delta table version.
    Delta,
    /// An Iceberg snapshot id.
    Iceberg,
    /// An S3 object version id.
    S3VersionId,
    /// An HTTP or S3 entity tag.
    Etag,
    /// A Git commit.
    GitSha,
    /// MLflow's 32-bit data-set digest (weak: first 10,000 rows only).
    MlflowDigest,
    /// A version number in a model registry.
    ModelVersion,
    /// A Hugging Face commit.
    HfCommit,
    /// `sha256:` and the hash of the content.
    Content,
    /// A version a producer names without saying how.
    Declared,
    /// No version was named; Lineward made one (`run:ID` for what a run wrote, `initial` for what was only read).
    Inferred,
}

impl VersionScheme {
    /// The name used in tables, as `s3_version_id`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delta => "delta",
            Self::Iceberg => "iceberg",
            Self::S3VersionId => "s3_version_id",
            Self::Etag => "etag",
            Self::GitSha => "git_sha",
            Self::MlflowDigest => "mlflow_digest",
            Self::ModelVersion => "model_version",
            Self::HfCommit => "hf_commit",
            Self::Content => "content",
            Self::Declared => "declared",
            Self::Inferred => "inferred",
        }
    }
}

/// A version of an asset as a producer named it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VersionRef {
    /// How the version was made.
    pub scheme: VersionScheme,
    /// The version, verbatim.
    pub version: String,
}

/// A field (column) of an asset's schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Dotted path of the field.
    pub name: String,
    /// The producer's name of the type, verbatim.
    pub data_type: Option<String>,
}

/// An asset as an event names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetRef {
    /// What kind of thing it is.
    pub asset_type: AssetType,
    /// Where it lives, as `s3://bucket`; no slash at the end.
    pub namespace: String,
    /// Its name there, as `path/to/data`; no slash at the end, and none in front except for local files.
    pub name: String,
    /// The version, where the producer names one.
    pub version: Option<VersionRef>,
    /// SHA-256 of the content (a file) or the Merkle root (a data set), where the producer or a scan gives it.
    pub content_sha256: Option<[u8; 32]>,
    /// Bytes, where known.
    pub size_bytes: Option<i64>,
    /// Rows, where known.
    pub row_count: Option<i64>,
    /// The schema, where the event carries one.
    pub fields: Vec<Field>,
}

impl AssetRef {
    /// An asset by its namespace and name, which are normalised: no slash at the end of either.
    pub fn new(asset_type: AssetType, namespace: &str, name: &str) -> Self {
        let mut name = if name.len() > 1 { name.trim_end_matches('/') } else { name };
        // Some producers write an object's key with a slash in front; in a bucket it is the same key.
        if is_bucket(namespace) {
            name = name.trim_start_matches('/');
        }
        Self {
            asset_type,
            namespace: trim_namespace(namespace).to_owned(),
            name: if name.is_empty() { "/".to_owned() } else { name.to_owned() },
            version: None,
            content_sha256: None,
            size_bytes: None,
            row_count: None,
            fields: Vec::new(),
        }
    }

    /// An asset by its location: `s3://bucket/key` is namespace `s3://bucket`, name `key`; a path is namespace `file`.
    /// `s3a` and `s3n` are `s3`; `gs://` is kept; `hf://org/name` is namespace `hf://huggingface.co`.
    pub fn from_uri(asset_type: AssetType, uri: &str) -> Self {
        let Some((scheme, rest)) = uri.split_once("://") else {
            return Self::new(asset_type, "file", uri);
        };
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "s3a" | "s3n" => "s3".to_owned(),
            other => other.to_owned(),
        };
        match scheme.as_str() {
            "file" => {
                let path = rest.strip_prefix("localhost").unwrap_or(rest);
                Self::new(asset_type, "file", path)
            }
            "hf" | "huggingface" => Self::new(asset_type, "hf://huggingface.co", rest.trim_start_matches("datasets/")),
            _ => {
                let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
                Self::new(asset_type, &format!("{scheme}://{host}"), path.trim_start_matches('/'))
            }
        }
    }

    /// The same asset at a version.
    pub fn at(mut self, scheme: VersionScheme, version: impl Into<String>) -> Self {
        self.version = Some(VersionRef { scheme, version: version.into() });
        self
    }

    /// The same asset with the hash of its content.
    pub fn with_content(mut self, sha256: [u8; 32]) -> Self {
        self.content_sha256 = Some(sha256);
        self
    }
}

fn is_bucket(namespace: &str) -> bool {
    const SCHEMES: [&str; 6] = ["s3://", "gs://", "abfs://", "abfss://", "wasbs://", "hf://"];
    SCHEMES.iter().any(|s| namespace.starts_with(s))
}

fn trim_namespace(namespace: &str) -> &str {
    // `file://` and `hdfs://` alone are namespaces of their own: only slashes after a host go.
    let trimmed = namespace.trim_end_matches('/');
    if trimmed.ends_with(':') || trimmed.is_empty() { namespace } else { trimmed }
}

/// `type:namespace/name[@version]`, the form in which SQL functions take and print assets.
impl fmt::Display for AssetRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.asset_type.as_str().to_ascii_lowercase();
        write!(f, "{kind}:{}/{}", self.namespace, self.name.trim_start_matches('/'))?;
        match &self.version {
            Some(v) => write!(f, "@{}", v.version),
            None => Ok(()),
        }
    }
}
