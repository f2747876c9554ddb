//! Where a store lives: a local folder or an object-store URL, opened as an `object_store` backend.
//!
//! Credentials and endpoints of S3, Google and Azure come from their usual environment variables.

use crate::Error;
use crate::durable::DurableLocal;
use deltalake::DeltaTable;
use deltalake::logstore::{LogStoreRef, StorageConfig, default_logstore};
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt as _, ObjectStoreScheme, PutMode, PutOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;

/// A location, resolved.
#[derive(Debug, Clone)]
pub(crate) struct Storage {
    /// As given by the user, for messages.
    pub(crate) uri: String,
    /// URL of the store's root, with a slash at the end.
    url: Url,
    /// Backend whose `/` is the root of the bucket or disk.
    root: Arc<dyn ObjectStore>,
    /// Path of the store below that root.
    prefix: ObjectPath,
}

/// Whether a URL is one of a bucket, by its scheme or by the name of its host.
fn is_bucket(url: &Url) -> bool {
    !matches!(ObjectStoreScheme::parse(url), Err(_) | Ok((ObjectStoreScheme::Http, _)))
}

/// The URL of a bucket; a letter before a colon is a drive.
fn remote(uri: &str) -> Option<Url> {
    Url::parse(uri).ok().filter(|u| u.scheme().len() > 1 && u.scheme() != "file")
}

/// A path, or that of a file URL; `None` where the URL has none.
fn local_path(uri: &str) -> Option<PathBuf> {
    match Url::parse(uri) {
        Ok(url) if url.scheme() == "file" => url.to_file_path().ok(),
        _ => Some(PathBuf::from(uri)),
    }
}

impl Storage {
    /// Resolves a path or URL. A local folder that does not exist is made when `create` is set.
    pub(crate) fn resolve(uri: &str, create: bool) -> Result<Self, Error> {
        let fail = |message: String| Error::Storage { uri: uri.to_owned(), message };
        match remote(uri) {
            None => {
                let path =
                    local_path(uri).ok_or_else(|| fail("not an absolute file URL; write `file:///path`".into()))?;
                Self::local(uri, &path, create)
            }
            Some(url) if !is_bucket(&url) => Err(fail(format!(
                "nothing is known of `{}`; a store is a folder, or a URL that begins with s3://, gs://, az:// or abfss://",
                url.scheme()
            ))),
            Some(url) => {
                let environment = std::env::vars().map(|(k, v)| (k.to_ascii_lowercase(), v));
                let (root, prefix) =
                    object_store::parse_url_opts(&url, environment).map_err(|e| fail(e.to_string()))?;
                let mut url = url;
                if !url.path().ends_with('/') {
                    url.set_path(&format!("{}/", url.path()));
                }
                Ok(Self { uri: uri.to_owned(), url, root: Arc::from(root), prefix })
            }
        }
    }

    /// Whether a place is a local one at which nothing is.
    pub(crate) fn is_absent(uri: &str) -> bool {
        remote(uri).is_none() && local_path(uri).is_some_and(|path| !path.exists())
    }

    fn local(uri: &str, path: &Path, create: bool) -> Result<Self, Error> {
        let fail = |message: String| Error::Storage { uri: uri.to_owned(), message };
        if path.is_file() {
            return Err(Error::NotAStore {
                uri: uri.to_owned(),
                message: "it is a file; name a folder, which is made if it does not exist".into(),
            });
        }
        if create {
            std::fs::create_dir_all(path).map_err(|e| fail(format!("cannot make the folder: {e}")))?;
        } else if !path.is_dir() {
            return Err(Error::NotAStore {
                uri: uri.to_owned(),
                message:
                    "there is no such folder; `lineward ingest`, `lineward run` or `lineward scan --store` make one"
                        .into(),
            });
        }
        let path = path.canonicalize().map_err(|e| fail(e.to_string()))?;
        let url = Url::from_directory_path(&path).map_err(|()| fail("the path cannot be written as a URL".into()))?;
        let prefix = ObjectPath::from_absolute_path(&path).map_err(|e| fail(e.to_string()))?;
        let root = Arc::new(DurableLocal::new(LocalFileSystem::new()));
        Ok(Self { uri: uri.to_owned(), url, root, prefix })
    }

    /// The store's location, absolute.
    pub(crate) fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Reads a small object of the store; `None` where it does not exist.
    pub(crate) async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        match self.root.get(&self.prefix.clone().join(name)).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(|e| self.failed(e))?.to_vec())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(self.failed(e)),
        }
    }

    /// Writes a small object if it does not exist; whether it was written.
    pub(crate) async fn create(&self, name: &str, content: Vec<u8>) -> Result<bool, Error> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.root.put_opts(&self.prefix.clone().join(name), content.into(), options).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(false),
            Err(e) => Err(self.failed(e)),
        }
    }

    /// Whether anything lies at the location.
    pub(crate) async fn is_empty(&self) -> Result<bool, Error> {
        let listed = self.root.list_with_delimiter(Some(&self.prefix)).await.map_err(|e| self.failed(e))?;
        Ok(listed.objects.is_empty() && listed.common_prefixes.is_empty())
    }

    fn failed(&self, e: object_store::Error) -> Error {
        let advice = match self.url.scheme() {
            "file" => "",
            _ => "; check the name of the bucket, its region or endpoint, and the credentials in the environment",
        };
        Error::Storage { uri: self.uri.clone(), message: format!("{e}{advice}") }
    }

    /// A Delta log for a table below the root.
    pub(crate) fn log_store(&self, table: &str) -> Result<LogStoreRef, Error> {
        let url = self
            .url
            .join(&format!("{table}/"))
            .map_err(|e| Error::Storage { uri: self.uri.clone(), message: e.to_string() })?;
        let prefixed = PrefixStore::new(Arc::clone(&self.root), self.prefix.clone().join(table));
        Ok(default_logstore(Arc::new(prefixed), Arc::clone(&self.root), &url, &StorageConfig::default()))
    }

    /// A table below the root, not loaded.
    pub(crate) fn table(&self, table: &str) -> Result<DeltaTable, Error> {
        Ok(DeltaTable::new(self.log_store(table)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_told_by_scheme_or_host() {
        for (url, expected) in [
            ("s3://bucket/store", true),
            ("gs://bucket/store", true),
            ("abfss://files@account.dfs.core.windows.net/store", true),
            ("https://account.blob.core.windows.net/files/store", true),
            ("https://s3.eu-west-1.amazonaws.com/bucket/store", true),
            ("https://example.org/store", false),
            ("http://127.0.0.1/store", false),
            ("s4://bucket/store", false),
        ] {
            assert_eq!(is_bucket(&Url::parse(url).expect("a URL")), expected, "{url}");
        }
    }
}
