//! What a scan reads: files and folders on disk, objects and prefixes in buckets.

use lineward_classifiers::datasets;
use lineward_classifiers::readers::Source;
use lineward_classifiers::scan::{self, LinksLeftOut, ScanInput};
use lineward_connectors::ConnectorError;
use lineward_connectors::object::{self, Object};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The inputs of some paths, in order. A path may be a URL as `s3://bucket/prefix`; what is there is listed at once and
/// read when its turn comes. What cannot be reached is in the list with its problem; links that are not followed are noted.
pub fn scan_inputs(paths: &[PathBuf], left: &mut LinksLeftOut) -> Vec<ScanInput> {
    paths.iter().flat_map(|path| of_path(path, left)).collect()
}

fn of_path(path: &Path, left: &mut LinksLeftOut) -> Vec<ScanInput> {
    let Some(url) = path.to_str().filter(|p| object::is_url(p)) else {
        return scan::inputs_noting(&[path.to_path_buf()], left);
    };
    match object::list(url) {
        Ok(objects) => datasets::select(path, objects.into_iter().map(of_object).collect()),
        Err(e) => {
            let problem = match e {
                ConnectorError::Object { problem, .. } => problem,
                other => other.to_string(),
            };
            vec![ScanInput { path: path.to_path_buf(), problem: Some(problem), ..ScanInput::default() }]
        }
    }
}

fn of_object(object: Object) -> ScanInput {
    ScanInput {
        path: object.url().into(),
        size_bytes: object.size_bytes(),
        source: Some(Arc::new(InBucket(object))),
        ..ScanInput::default()
    }
}

/// An object as the classifiers read it.
#[derive(Debug)]
struct InBucket(Object);

impl Source for InBucket {
    fn size_bytes(&self) -> u64 {
        self.0.size_bytes()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read_at(offset, buffer)
    }

    fn block_bytes(&self) -> usize {
        object::BLOCK_BYTES
    }

    fn version(&self) -> Option<String> {
        Some(self.0.version())
    }
}
