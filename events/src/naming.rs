//! Deciding from names alone: what type an asset has, which base model a parameter names, which locations a text
//! mentions. The rules are shared by the wire formats so that two producers name one asset alike.

use crate::{AssetRef, AssetType, DecodeError, DecodeReason, Evidence, Io, VersionScheme};

/// Namespace schemes of databases and warehouses, whose data sets are tables.
const TABLE_SCHEMES: [&str; 27] = [
    "athena",
    "awsathena",
    "azuresynapse",
    "bigquery",
    "clickhouse",
    "cockroach",
    "databricks",
    "db2",
    "delta",
    "duckdb",
    "hive",
    "iceberg",
    "mssql",
    "mysql",
    "oracle",
    "postgres",
    "postgresql",
    "presto",
    "redshift",
    "snowflake",
    "spanner",
    "sqlite",
    "sqlserver",
    "synapse",
    "teradata",
    "trino",
    "unitycatalog",
];

/// Namespace schemes of vector and search engines, whose collections are indexes.
const INDEX_SCHEMES: [&str; 16] = [
    "chroma",
    "chromadb",
    "elasticsearch",
    "lancedb",
    "marqo",
    "milvus",
    "opensearch",
    "pinecone",
    "qdrant",
    "solr",
    "turbopuffer",
    "typesense",
    "vectara",
    "vespa",
    "weaviate",
    "zilliz",
];

/// Namespace schemes of feature stores.
const FEATURE_STORE_SCHEMES: [&str; 4] = ["chronon", "feast", "hopsworks", "tecton"];

/// Ends of names that mean one file rather than a prefix or folder.
const FILE_EXTENSIONS: [&str; 24] = [
    "arrow", "avro", "bz2", "csv", "docx", "feather", "gz", "json", "jsonl", "log", "md", "ndjson", "orc", "parquet",
    "pdf", "tar", "tfrecord", "tsv", "txt", "wav", "xlsx", "xml", "zip", "zst",
];

/// Type of a data set of this name: table, topic, index, feature view, model, file, or (where nothing speaks) data set.
pub(crate) fn dataset_type(namespace: &str, name: &str) -> AssetType {
    let scheme = namespace.split(':').next().unwrap_or_default();
    let one_of = |schemes: &[&str]| schemes.iter().any(|s| s.eq_ignore_ascii_case(scheme));
    if one_of(&TABLE_SCHEMES) {
        AssetType::Table
    } else if one_of(&INDEX_SCHEMES) {
        AssetType::Index
    } else if one_of(&FEATURE_STORE_SCHEMES) {
        AssetType::FeatureView
    } else if scheme.eq_ignore_ascii_case("kafka") {
        AssetType::Topic
    } else if scheme.eq_ignore_ascii_case("mlflow") {
        AssetType::Model
    } else if has_file_extension(name) {
        AssetType::File
    } else {
        AssetType::Dataset
    }
}

/// The type that a producer's word for a data set means (OpenLineage's `datasetType` and `subType`), where it is one of
/// ours: `VIEW`, `vector_index`, `Feature Group`.
pub(crate) fn type_named(word: &str) -> Option<AssetType> {
    let letters: String = word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    Some(match letters.as_str() {
        "model" => AssetType::Model,
        "table" | "view" | "materializedview" => AssetType::Table,
        "file" => AssetType::File,
        "topic" | "stream" => AssetType::Topic,
        "index" | "vectorindex" | "searchindex" | "embeddingindex" | "vectorstore" => AssetType::Index,
        "featureview" | "featuretable" | "featuregroup" => AssetType::FeatureView,
        "corpus" => AssetType::Corpus,
        "shard" => AssetType::Shard,
        _ => return None,
    })
}

/// A data asset by its location, typed by its name.
pub(crate) fn data_at(uri: &str) -> AssetRef {
    let mut asset = AssetRef::from_uri(AssetType::Dataset, uri);
    asset.asset_type = if has_file_extension(&asset.name) { AssetType::File } else { AssetType::Dataset };
    asset
}

fn has_file_extension(name: &str) -> bool {
    let Some((_, extension)) = name.rsplit_once('.') else { return false };
    FILE_EXTENSIONS.iter().any(|e| e.eq_ignore_ascii_case(extension))
}

/// Longest name or namespace of an asset to which many statements refer, in bytes. Every statement has its own copy:
/// a name of megabytes and a hundred thousand findings would not fit in memory. S3 keys end at 1,024 bytes.
const NAME_BYTES_MAX: usize = 4096;

/// Refuses a name or namespace that is too long to be one.
pub(crate) fn check_length(format: &str, name: &str) -> Result<(), DecodeError> {
    if name.len() <= NAME_BYTES_MAX {
        return Ok(());
    }
    Err(DecodeError::new(DecodeReason::InvalidField, format!("{format}: a name of {} bytes", name.len())))
}

/// Refuses texts of which every statement has a copy, where one is longer than a name may be.
pub(crate) fn check_lengths<'a>(
    format: &str,
    texts: impl IntoIterator<Item = Option<&'a str>>,
) -> Result<(), DecodeError> {
    texts.into_iter().flatten().try_for_each(|text| check_length(format, text))
}

/// Parameters that name the model a training starts from.
const BASE_MODEL_KEYS: [&str; 15] = [
    "base_model",
    "base_model_id",
    "base_model_name",
    "base_model_name_or_path",
    "base_model_uri",
    "foundation_model",
    "hf_base_model",
    "hf_model_id",
    "huggingface_model_id",
    "model_id",
    "model_name_or_path",
    "pretrained_model",
    "pretrained_model_name",
    "pretrained_model_name_or_path",
    "pretrained_model_path",
];

/// The base model that a parameter or environment variable names, as an input with evidence `Declared`.
pub(crate) fn base_model(key: &str, value: &str) -> Option<Io> {
    if !BASE_MODEL_KEYS.iter().any(|known| same_key(known, key)) {
        return None;
    }
    let mut io = Io::new(model_named(value)?);
    io.context = Some("base_model".to_owned());
    io.evidence = Evidence::Declared;
    Some(io)
}

fn same_key(known: &str, key: &str) -> bool {
    let same = |(k, b): (u8, u8)| k == b.to_ascii_lowercase() || (k == b'_' && b == b'-');
    known.len() == key.len() && known.bytes().zip(key.bytes()).all(same)
}

/// A model by what people write: a location (`s3://...`, `hf://...`), `organisation/name` or a bare name on Hugging Face
/// (`bert-base-uncased`), a version in an MLflow registry (`models:/name/3`), or an asset as Lineward writes it
/// (`model:mlflow://prod/name@3`). Local paths are no names that anyone else could resolve.
pub(crate) fn model_named(value: &str) -> Option<AssetRef> {
    // The SageMaker SDK writes hyperparameters as JSON: strings come with their quotes.
    let value = value.trim().trim_matches('"');
    if let Some(registered) = value.strip_prefix("models:/") {
        return registered_model(registered.trim_start_matches('/'));
    }
    if let Some(asset) = value.strip_prefix("model:") {
        return match asset.rsplit_once('@').filter(|(_, version)| !version.is_empty() && !version.contains('/')) {
            Some((name, version)) => Some(model_at(name)?.at(VersionScheme::ModelVersion, version)),
            None => model_at(asset),
        };
    }
    model_at(value)
}

fn model_at(value: &str) -> Option<AssetRef> {
    if let Some((scheme, rest)) = value.split_once("://") {
        return (is_word(scheme) && !rest.is_empty()).then(|| AssetRef::from_uri(AssetType::Model, value));
    }
    let (organisation, name) = value.split_once('/').unwrap_or(("", value));
    let is_owner = organisation.is_empty() || is_word(organisation) && !organisation.starts_with('.');
    let hub_name = is_owner && is_word(name) && !name.starts_with('.') && !value.starts_with('/');
    let names_nothing = organisation.is_empty() && names_no_model(name);
    (hub_name && !names_nothing).then(|| AssetRef::new(AssetType::Model, "hf://huggingface.co", value))
}

/// Values of a parameter that say it is not set, or to be chosen.
const NO_MODELS: [&str; 7] = ["none", "null", "nil", "false", "true", "auto", "default"];

/// Whether a bare word is no model's name: a value that stands for none, a number, or the checkpoint of a run, which is a
/// folder beside it.
fn names_no_model(word: &str) -> bool {
    let is_checkpoint = word.strip_prefix("checkpoint-").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
    is_checkpoint
        || !word.bytes().any(|b| b.is_ascii_alphabetic())
        || NO_MODELS.iter().any(|no| no.eq_ignore_ascii_case(word))
}

/// `name/3`, `name/stage` or `name@alias`. Which registry it is in is not said; it is not lost for that.
fn registered_model(text: &str) -> Option<AssetRef> {
    let (name, version) = match text.split_once(['/', '@']) {
        Some((name, version)) => (name, Some(version).filter(|v| !v.is_empty())),
        None => (text, None),
    };
    let model = (!name.is_empty()).then(|| AssetRef::new(AssetType::Model, "mlflow", name))?;
    Some(match version.filter(|v| v.bytes().all(|b| b.is_ascii_digit())) {
        Some(version) => model.at(VersionScheme::ModelVersion, version),
        // A stage or an alias is one version today and another tomorrow.
        None => model,
    })
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Parts of parameter names that say the location is written to, or holds code.
const NOT_INPUT: [&str; 8] = ["checkpoint", "code", "log", "output", "result", "save", "submit", "tensorboard"];

/// Inputs that a parameter mentions: every `s3://` location in its value, unless its name says that it is no input.
/// They are hints: evidence `Declared`, context `environment`.
pub(crate) fn hinted_inputs<'a>(key: &str, value: &'a str) -> impl Iterator<Item = Io> + use<'a> {
    let lower = key.to_ascii_lowercase();
    let skip = NOT_INPUT.iter().any(|part| lower.contains(part)) || base_model(key, value).is_some();
    let value = if skip { "" } else { value };
    locations(value).map(|uri| {
        let mut io = Io::new(data_at(uri));
        io.context = Some("environment".to_owned());
        io.evidence = Evidence::Declared;
        io
    })
}

fn locations(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("s3://").filter_map(|(start, scheme)| {
        let rest = &text[start + scheme.len()..];
        let end = rest.find(|c: char| c.is_whitespace() || "\"',;<>[]{}()|".contains(c)).unwrap_or(rest.len());
        (end > 0).then(|| &text[start..start + scheme.len() + end])
    })
}

/// Decodes `%20` and the like; the text itself where it has none or would not be UTF-8 afterwards.
pub(crate) fn percent_decoded(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains('%') {
        return text.into();
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let escaped = (bytes[i] == b'%').then(|| bytes.get(i + 1..i + 3)).flatten().and_then(hex_byte);
        decoded.push(escaped.unwrap_or(bytes[i]));
        i += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8(decoded).map_or(text.into(), Into::into)
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let mut byte = [0];
    hex::decode_to_slice(digits, &mut byte).ok()?;
    Some(byte[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_follow_from_names() {
        for (namespace, name, expected) in [
            ("postgres://db:5432", "shop.public.orders", AssetType::Table),
            ("bigquery", "project.set.table", AssetType::Table),
            ("kafka://broker:9092", "orders", AssetType::Topic),
            ("mlflow://prod", "notes", AssetType::Model),
            ("qdrant://vectors:6333", "notes", AssetType::Index),
            ("feast://prod", "patient_features", AssetType::FeatureView),
            ("s3://lake", "raw/notes.PARQUET", AssetType::File),
            ("s3://lake", "raw/notes", AssetType::Dataset),
            ("s3://lake", "v1.2/notes", AssetType::Dataset),
            ("", "", AssetType::Dataset),
        ] {
            assert_eq!(dataset_type(namespace, name), expected, "{namespace} {name}");
        }
    }

    #[test]
    fn base_models_are_named_in_parameters() {
        for (key, value, expected) in [
            ("base_model", "acme/llama-7b", Some("model:hf://huggingface.co/acme/llama-7b")),
            ("HF_MODEL_ID", "acme/llama-7b", Some("model:hf://huggingface.co/acme/llama-7b")),
            ("model-name-or-path", "\"acme/llama-7b\"", Some("model:hf://huggingface.co/acme/llama-7b")),
            ("model_id", "s3://models/base/model.tar.gz", Some("model:s3://models/base/model.tar.gz")),
            ("model_name_or_path", "/opt/ml/input/model", None),
            ("model_name_or_path", "./out/model", None),
            ("model_name_or_path", "../model", None),
            ("model_id", "bert-base-uncased", Some("model:hf://huggingface.co/bert-base-uncased")),
            ("base_model", "models:/notes/3", Some("model:mlflow/notes@3")),
            ("base_model", "models:/notes@champion", Some("model:mlflow/notes")),
            ("base_model", "models:/", None),
            ("base_model", "model:mlflow://prod/notes@3", Some("model:mlflow://prod/notes@3")),
            ("base_model", "model:acme/llama-7b", Some("model:hf://huggingface.co/acme/llama-7b")),
            ("base_model", "a/b/c", None),
            ("base_model", "", None),
            ("base_model", "none", None),
            ("base_model", "NULL", None),
            ("base_model", "\"False\"", None),
            ("base_model", "model:auto", None),
            ("base_model", "default", None),
            ("base_model_id", "0", None),
            ("base_model_id", "1.5-2", None),
            ("model_name_or_path", "checkpoint-500", None),
            ("model_name_or_path", "checkpoint-best", Some("model:hf://huggingface.co/checkpoint-best")),
            ("base_model", "auto-7b", Some("model:hf://huggingface.co/auto-7b")),
            ("base_model", "acme/none", Some("model:hf://huggingface.co/acme/none")),
            ("dataset", "acme/notes", None),
        ] {
            let found = base_model(key, value).map(|io| io.asset.to_string());
            assert_eq!(found.as_deref(), expected, "{key}={value}");
        }
    }

    #[test]
    fn locations_are_found_in_parameters() {
        for (key, value, expected) in [
            ("TRAIN", "s3://a/b.csv", vec!["s3://a/b.csv"]),
            ("files", r#"["s3://a/b", "s3://c/d e"]"#, vec!["s3://a/b", "s3://c/d"]),
            ("sagemaker_submit_directory", "s3://a/code.tar.gz", vec![]),
            ("OUTPUT_DIR", "s3://a/out", vec![]),
            ("train", "s3://", vec![]),
            ("train", "gs://a/b", vec![]),
        ] {
            let found: Vec<_> =
                hinted_inputs(key, value).map(|io| format!("{}/{}", io.asset.namespace, io.asset.name)).collect();
            assert_eq!(found, expected, "{key}={value}");
        }
    }

    #[test]
    fn percent_signs_decode_only_where_they_are_escapes() {
        for (text, expected) in [
            ("a%20b", "a b"),
            ("100%", "100%"),
            ("100%zz", "100%zz"),
            ("%C3%A9", "é"),
            ("%FF", "%FF"),
            ("plain+plus", "plain+plus"),
            ("%+1", "%+1"),
            ("é%2", "é%2"),
        ] {
            assert_eq!(percent_decoded(text), expected, "{text}");
        }
    }
}
