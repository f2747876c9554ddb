//! Objects in buckets (S3, Google Cloud Storage, Azure Blob): what lies below a URL, and reads of ranges of it.
//!
//! The interface blocks; requests run on a small runtime of this module. Credentials and endpoints come from the usual
//! environment variables of each cloud. An object is read as the version that was listed: one that is replaced meanwhile
//! ends with an error, never with a mixture. Nothing is written.

#[cfg(test)]
mod tests;

use crate::ConnectorError;
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt as _};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Runtime;
use url::Url;

/// Schemes of URLs that name objects.
pub const SCHEMES: [&str; 8] = ["s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "adl"];

/// Bytes that are best read at once.
pub const BLOCK_BYTES: usize = 4 << 20;
/// Smaller reads are served from blocks of this size, of which a few are kept.
const CACHED_BYTES: u64 = 1 << 20;
const CACHED_MAX: usize = 16;

/// Whether a path is a URL of an object or a prefix.
pub fn is_url(path: &str) -> bool {
    path.split_once("://").is_some_and(|(scheme, _)| SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()))
}

/// An object, read at any place.
pub struct Object {
    url: String,
    bucket: Arc<Bucket>,
    meta: ObjectMeta,
    /// Blocks read last, by their number, newest first.
    blocks: Mutex<VecDeque<(u64, bytes::Bytes)>>,
}

struct Bucket {
    store: Box<dyn ObjectStore>,
    runtime: Runtime,
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object").field("url", &self.url).field("size_bytes", &self.meta.size).finish_non_exhaustive()
    }
}

/// The object of a URL, or all objects below it, in the order of their names.
///
/// # Errors
/// [`ConnectorError::Object`] where the URL names nothing, the bucket is not there or access is not granted.
pub fn list(url: &str) -> Result<Vec<Object>, ConnectorError> {
    let failed = |problem: String| ConnectorError::Object { url: url.to_owned(), problem };
    let parsed = Url::parse(url).map_err(|e| failed(format!("not a URL ({e}); write `s3://bucket/prefix`")))?;
    let environment = std::env::vars().map(|(name, value)| (name.to_ascii_lowercase(), value));
    let (store, path) = object_store::parse_url_opts(&parsed, environment).map_err(|e| failed(explain(&e)))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|e| failed(e.to_string()))?;
    let bucket = Arc::new(Bucket { store, runtime });
    let mut found = bucket.runtime.block_on(bucket.find(&path)).map_err(|e| failed(explain(&e)))?;
    if found.is_empty() {
        return Err(failed("there is no such object and nothing below it; check the name and its case".into()));
    }
    found.sort_by(|a, b| a.location.cmp(&b.location));
    let objects = found.into_iter().map(|meta| Object {
        url: url_of(&parsed, &path, &meta.location),
        bucket: Arc::clone(&bucket),
        meta,
        blocks: Mutex::default(),
    });
    Ok(objects.collect())
}

/// The URL of an object, as the given one is written.
fn url_of(base: &Url, prefix: &Path, location: &Path) -> String {
    let below = location.as_ref().strip_prefix(prefix.as_ref()).unwrap_or(location.as_ref()).trim_start_matches('/');
    let base = base.as_str().trim_end_matches('/');
    if below.is_empty() { base.to_owned() } else { format!("{base}/{below}") }
}

impl Bucket {
    async fn find(&self, path: &Path) -> object_store::Result<Vec<ObjectMeta>> {
        if !path.as_ref().is_empty() {
            match self.store.head(path).await {
                Ok(meta) => return Ok(vec![meta]),
                Err(object_store::Error::NotFound { .. }) => {}
                Err(e) => return Err(e),
            }
        }
        let all: Vec<ObjectMeta> = self.store.list(Some(path)).try_collect().await?;
        // Markers of folders hold nothing.
        Ok(all.into_iter().filter(|meta| meta.size > 0 || !meta.location.as_ref().ends_with('/')).collect())
    }

    async fn read(&self, meta: &ObjectMeta, range: Range<u64>) -> object_store::Result<bytes::Bytes> {
        let options = GetOptions { range: Some(range.into()), if_match: meta.e_tag.clone(), ..GetOptions::default() };
        self.store.get_opts(&meta.location, options).await?.bytes().await
    }
}

impl Object {
    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many bytes it has.
    pub fn size_bytes(&self) -> u64 {
        self.meta.size
    }

    /// What changes when its content does: the bucket's entity tag, or its time of change.
    pub fn version(&self) -> String {
        self.meta.e_tag.clone().unwrap_or_else(|| self.meta.last_modified.to_rfc3339())
    }

    /// Reads at a place; 0 only at the end.
    ///
    /// # Errors
    /// What the bucket answers, in words; also where the object is no more the one that was listed.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.meta.size.saturating_sub(offset);
        let wanted = left.min(buffer.len() as u64);
        if wanted == 0 {
            return Ok(0);
        }
        let bytes = match wanted < CACHED_BYTES {
            true => self.cached(offset, wanted)?,
            false => self.fetch(offset..offset + wanted)?,
        };
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    /// A range, or its beginning, from the block that its first byte lies in.
    fn cached(&self, offset: u64, wanted: u64) -> io::Result<bytes::Bytes> {
        let number = offset / CACHED_BYTES;
        let start = number * CACHED_BYTES;
        let hit = {
            let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
            let at = blocks.iter().position(|(n, _)| *n == number);
            let block = at.and_then(|at| blocks.remove(at));
            if let Some(block) = &block {
                blocks.push_front(block.clone());
            }
            block
        };
        let block = match hit {
            Some((_, block)) => block,
            None => {
                let block = self.fetch(start..(start + CACHED_BYTES).min(self.meta.size))?;
                let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
                blocks.push_front((number, block.clone()));
                blocks.truncate(CACHED_MAX);
                block
            }
        };
        let from = ((offset - start) as usize).min(block.len());
        let to = (from + wanted as usize).min(block.len());
        Ok(block.slice(from..to))
    }

    fn fetch(&self, range: Range<u64>) -> io::Result<bytes::Bytes> {
        let expected = range.end - range.start;
        let read = self.bucket.runtime.block_on(self.bucket.read(&self.meta, range));
        let bytes = read.map_err(|e| io::Error::other(explain(&e)))?;
        match bytes.len() as u64 == expected {
            true => Ok(bytes),
            false => Err(io::Error::other("the bucket answered with less than was asked for")),
        }
    }
}

/// What an answer of a bucket means to a person.
fn explain(e: &object_store::Error) -> String {
    use object_store::Error as E;
    match e {
        E::NotFound { .. } => "it does not exist".into(),
        E::PermissionDenied { .. } => "access is not granted; grant read and list to these credentials".into(),
        E::Unauthenticated { .. } => {
            "no valid credentials; set those of the cloud in the environment (as `AWS_ACCESS_KEY_ID`)".into()
        }
        E::Precondition { .. } => "it was replaced while it was read; scan it again".into(),
        other => format!(
            "{other}; check the name of the bucket, its region or endpoint, and the credentials in the environment"
        ),
    }
}
