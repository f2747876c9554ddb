//! Pipes, sockets and devices: streams that may be silent for ever, whose reading a stop ends all the same.
//!
//! Nothing can interrupt a thread that waits for somebody to write, so another thread waits, which is left behind where it
//! waits in vain: the process ends without it.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

/// Bytes that are handed over at once.
const BLOCK_BYTES: usize = 256 << 10;
/// Blocks that are read ahead.
const BLOCKS_AHEAD: usize = 4;
/// How long a stop may go unseen.
const LOOK_UP: Duration = Duration::from_millis(50);

/// What is said where a stop ends the reading.
pub(crate) const STOPPED: &str = "the scan was stopped before its end";

/// A stream that another thread reads.
pub(super) struct Pipe {
    blocks: Receiver<io::Result<Vec<u8>>>,
    block: io::Cursor<Vec<u8>>,
    stop: Arc<AtomicBool>,
}

impl Pipe {
    /// Begins to read what has a path. To open it may be to wait already.
    pub(super) fn open(path: PathBuf, stop: Arc<AtomicBool>) -> Self {
        let (give, blocks) = sync_channel(BLOCKS_AHEAD);
        std::thread::spawn(move || {
            let mut file = match File::open(path) {
                Ok(file) => file,
                Err(e) => return drop(give.send(Err(e))),
            };
            loop {
                let mut block = vec![0; BLOCK_BYTES];
                let read = match file.read(&mut block) {
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                    read => read,
                };
                let is_last = !matches!(read, Ok(1..));
                let read = read.map(|count| {
                    block.truncate(count);
                    block
                });
                // Nobody listens any more where the scan is over.
                if give.send(read).is_err() || is_last {
                    return;
                }
            }
        });
        Self { blocks, block: io::Cursor::default(), stop }
    }

    fn next_block(&mut self) -> io::Result<Vec<u8>> {
        loop {
            // What was read by then is looked at; a writer that goes on, however slowly, is not waited for.
            if self.stop.load(Ordering::Relaxed) {
                return self.blocks.try_recv().unwrap_or_else(|_| Err(io::Error::other(STOPPED)));
            }
            match self.blocks.recv_timeout(LOOK_UP) {
                Ok(block) => return block,
                Err(RecvTimeoutError::Timeout) => {}
                // It ended before.
                Err(RecvTimeoutError::Disconnected) => return Ok(Vec::new()),
            }
        }
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.block.position() >= self.block.get_ref().len() as u64 {
            self.block = io::Cursor::new(self.next_block()?);
        }
        self.block.read(buffer)
    }
}
