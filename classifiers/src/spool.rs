//! Values that wait on the disk, in the order in which they came, so that a scan needs no memory for all it finds.
//!
//! The file has no name, so it goes with the process, however that ends. Its pieces are compressed. Whoever writes to it
//! sees to it that nothing that has a matched value goes there.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::marker::PhantomData;

/// Level of compression: the fastest.
const LEVEL: i32 = 1;

/// Values on the disk, in pieces.
#[derive(Debug)]
pub struct Spool<T> {
    file: File,
    /// Bytes of each piece.
    pieces: Vec<usize>,
    bytes: u64,
    values: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> Spool<T> {
    /// An empty one, in the folder for temporary files.
    ///
    /// # Errors
    /// Those of making a file there.
    pub fn new() -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile()?, pieces: Vec::new(), bytes: 0, values: PhantomData })
    }

    /// Adds values as one piece. What is read again is read a piece at a time, so it should fit into memory.
    ///
    /// # Errors
    /// Those of writing; what was there before is still there.
    pub fn write(&mut self, values: &[T]) -> io::Result<()> {
        // In one go: a stream would be called for every word of the JSON.
        let piece = zstd::bulk::compress(&serde_json::to_vec(values)?, LEVEL)?;
        // A piece that was written in part, or a reader, has left the file at another place.
        self.file.seek(SeekFrom::Start(self.bytes))?;
        self.file.write_all(&piece)?;
        self.pieces.push(piece.len());
        self.bytes += piece.len() as u64;
        Ok(())
    }

    /// The pieces, from the first on.
    pub fn pieces(&self) -> impl Iterator<Item = io::Result<Vec<T>>> + '_ {
        let mut from = 0;
        self.pieces.iter().map(move |bytes| {
            let at = from;
            from += *bytes as u64;
            self.piece(at, *bytes)
        })
    }

    fn piece(&self, from: u64, bytes: usize) -> io::Result<Vec<T>> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(from))?;
        let mut piece = vec![0; bytes];
        file.read_exact(&mut piece)?;
        Ok(serde_json::from_slice(&zstd::decode_all(piece.as_slice())?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_read_as_often_as_wanted_and_written_between() {
        let mut spool: Spool<u64> = Spool::new().expect("a file");
        let read = |spool: &Spool<u64>| spool.pieces().collect::<io::Result<Vec<_>>>().expect("pieces");
        assert!(read(&spool).is_empty());
        spool.write(&[1, 2]).expect("written");
        assert_eq!(spool.pieces().next().expect("a piece").expect("read"), [1, 2]);
        spool.write(&[3]).expect("written");
        spool.write(&[]).expect("written");
        for _ in 0..2 {
            assert_eq!(read(&spool), [vec![1, 2], vec![3], vec![]]);
        }
    }
}
