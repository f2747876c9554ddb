//! A local object store that is on disk when it says so.
//!
//! `object_store`'s local backend does not sync: after a power cut a log entry may name a data file that is empty, or be
//! empty itself. Here each object is written to a temporary file, synced, put in place in one step and its folder
//! synced, in that order. Everything else is the local backend's.

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::fmt;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// See the module.
#[derive(Debug)]
pub(crate) struct DurableLocal {
    inner: Arc<LocalFileSystem>,
}

/// Tells the temporary files of one process apart, whichever store they belong to.
static COUNTER: AtomicU64 = AtomicU64::new(0);

impl DurableLocal {
    pub(crate) fn new(inner: LocalFileSystem) -> Self {
        Self { inner: Arc::new(inner) }
    }
}

impl fmt::Display for DurableLocal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DurableLocal({})", self.inner)
    }
}

fn generic(source: std::io::Error) -> Error {
    Error::Generic { store: "DurableLocal", source: Box::new(source) }
}

fn place(temporary: PathBuf, target: PathBuf, location: String, payload: PutPayload, create: bool) -> Result<()> {
    let Some(folder) = target.parent().map(PathBuf::from) else {
        return Err(generic(std::io::Error::other("an object without a folder")));
    };
    std::fs::create_dir_all(&folder).map_err(generic)?;
    // Never one that is there: it would be another writer's.
    let mut file = std::fs::File::options().write(true).create_new(true).open(&temporary).map_err(generic)?;
    let written = (|| {
        for part in payload.iter() {
            file.write_all(part)?;
        }
        file.sync_all()
    })();
    let placed = written.and_then(|()| match create {
        // A hard link fails where the name is taken: the one-step "put if absent" of a local disk.
        true => std::fs::hard_link(&temporary, &target),
        false => std::fs::rename(&temporary, &target),
    });
    if create || placed.is_err() {
        // What is left of the temporary file is of no use; a failure to remove it is not a failure to write.
        drop(std::fs::remove_file(&temporary));
    }
    match placed {
        Ok(()) => std::fs::File::open(&folder).and_then(|f| f.sync_all()).map_err(generic),
        Err(e) if create && e.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(Error::AlreadyExists { path: location, source: Box::new(e) })
        }
        Err(e) => Err(generic(e)),
    }
}

#[async_trait]
impl ObjectStore for DurableLocal {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let create = match opts.mode {
            PutMode::Create => true,
            PutMode::Overwrite => false,
            PutMode::Update(_) => return self.inner.put_opts(location, payload, opts).await,
        };
        let target = self.inner.path_to_filesystem(location)?;
        let n = COUNTER.fetch_add(1, Ordering::Relaxed);
        let mut name = target.file_name().unwrap_or_default().to_os_string();
        // The local backend's own form for unfinished files (`name#number`), which its listings leave out. Writers in two
        // containers or on two machines may have one process id.
        name.push(format!("#{}{n}{}", std::process::id(), uuid::Uuid::new_v4().as_u128()));
        let temporary = target.with_file_name(name);
        let text = location.to_string();
        tokio::task::spawn_blocking(move || place(temporary, target, text, payload, create))
            .await
            .map_err(|e| generic(std::io::Error::other(e)))??;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    /// Not left to the trait, which looks at every object of a log to find those behind an offset.
    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_temporary_file_of_another_writer_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let (temporary, target) = (folder.path().join("a.json#1"), folder.path().join("a.json"));
        std::fs::write(&temporary, "theirs").expect("write");
        let mine = || PutPayload::from_static(b"mine");
        assert!(place(temporary.clone(), target.clone(), "a.json".into(), mine(), true).is_err());
        assert_eq!(std::fs::read(&temporary).expect("still there"), b"theirs");
        assert!(!target.exists());
        place(folder.path().join("a.json#2"), target.clone(), "a.json".into(), mine(), true).expect("placed");
        assert_eq!(std::fs::read(&target).expect("there"), b"mine");
        assert!(!folder.path().join("a.json#2").exists());
    }
}
