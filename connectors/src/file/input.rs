//! Opening and walking: from a path to decompressed bytes.
//!
//! Compression is recognised by its magic bytes. A truncated archive reads as its whole part followed by an error.

use crate::ConnectorError;
use flate2::read::MultiGzDecoder;
use std::fs::{self, File};
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::path::Path;

/// Names standard input.
pub(super) const STDIN: &str = "-";

/// Decompressed content.
pub(super) type Input = Box<dyn Read + Send>;

/// Opens a file, or standard input for `-`, and decompresses gzip (RFC 1952) and zstd (RFC 8878).
pub(super) fn open(path: &str) -> io::Result<Input> {
    if path == STDIN { decompress(io::stdin()) } else { decompress(File::open(path)?) }
}

/// The files to read, in order: files as given, directories replaced by their files in name order, at any depth. Names
/// that start with a dot are left out of directories, and links to directories are not followed.
pub(super) fn walk(paths: &[String]) -> Result<Vec<String>, ConnectorError> {
    let mut files = Vec::new();
    for path in paths {
        if path != STDIN && Path::new(path).is_dir() {
            walk_directory(Path::new(path), &mut files)?;
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn walk_directory(directory: &Path, files: &mut Vec<String>) -> Result<(), ConnectorError> {
    let failed = |source| ConnectorError::File { path: directory.display().to_string(), byte_offset: 0, source };
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        entries.push((entry.path(), entry.file_type().map_err(failed)?));
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    for (path, kind) in entries {
        if is_hidden(&path) {
            continue;
        }
        if kind.is_dir() {
            walk_directory(&path, files)?;
        } else if path.is_file() {
            files.push(path.display().to_string());
        }
    }
    Ok(())
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn decompress(mut file: impl Read + Send + 'static) -> io::Result<Input> {
    let mut magic = Vec::with_capacity(4);
    file.by_ref().take(4).read_to_end(&mut magic)?;
    let is_gzip = magic.starts_with(&[0x1f, 0x8b]);
    let is_zstd = magic == [0x28, 0xb5, 0x2f, 0xfd];
    let whole: Chain<Cursor<Vec<u8>>, _> = Cursor::new(magic).chain(file);
    if is_gzip {
        Ok(Box::new(MultiGzDecoder::new(BufReader::new(whole))))
    } else if is_zstd {
        Ok(Box::new(zstd::stream::read::Decoder::new(whole)?))
    } else {
        Ok(Box::new(whole))
    }
}
