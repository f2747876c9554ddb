//! A text that comes in pieces, as a model says it or a log grows: findings are given as soon as no later piece can change
//! them, and are those of the text as a whole, wherever it was cut.
//!
//! It is the file reader's way ([`crate::readers`]): batches that overlap, of which each accepts a zone of its own. Batches
//! are cut by their number of bytes alone, so how the pieces were is seen nowhere. It is for one text; records that are whole
//! each, as Kafka's, are scanned one by one ([`super::scan_bytes`]).

use super::{Progress, ScanInput, ScanOptions, Tallies, Worker};
use crate::readers::{Reader, text_in_chunks};
use crate::{Engine, Error, Finding};
use std::collections::VecDeque;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

/// New bytes of a batch, where none are named. The bytes around a batch, which are looked at again, are about half as many.
const STEP_BYTES: usize = 64 << 10;

/// Nobody asks how far a stream is, and nobody stops it but by letting go of it.
static NO_PROGRESS: LazyLock<Progress> = LazyLock::new(Progress::default);

/// Scans a text as it comes. `start`, `end` and `line` of a finding count from the beginning of the text.
///
/// ```
/// use lineward_classifiers::{Engine, FingerprintKey, RuleSet, scan};
/// use std::sync::Arc;
///
/// let engine = Engine::new(Arc::new(RuleSet::built_in()?))?;
/// let options = scan::ScanOptions::new(FingerprintKey::new(&[7; 32])?);
/// let mut stream = scan::StreamScanner::new(&engine, "answer", &options)?;
/// let mut found = Vec::new();
/// for token in ["Write to ja", "ne.roe@hosp", "ital-north", ".org", ", she said.\n"] {
///     found.extend(stream.push(token.as_bytes())?);
/// }
/// found.extend(stream.finish()?);
/// assert_eq!(found.len(), 1);
/// assert_eq!((found[0].entity.as_str(), found[0].start, found[0].end), ("EMAIL_ADDRESS", 9, 36));
/// # Ok::<(), lineward_classifiers::Error>(())
/// ```
pub struct StreamScanner<'e> {
    worker: Worker<'e>,
    input: ScanInput,
    tallies: Tallies,
    queue: Queue,
    reader: Box<dyn Reader + Send>,
    step_bytes: usize,
}

impl<'e> StreamScanner<'e> {
    /// A scanner of one text, whose findings have `name` as their path.
    ///
    /// # Errors
    /// [`Error::Engine`] where the engine cannot start.
    pub fn new(engine: &'e Engine, name: &str, options: &'e ScanOptions) -> Result<Self, Error> {
        Self::with_step(engine, name, options, STEP_BYTES)
    }

    /// The same, which looks at the text whenever there are this many new bytes (at least 1,024). Findings come sooner with
    /// fewer, and each step looks again at about 32 KiB before it. Findings do not depend on it.
    ///
    /// # Errors
    /// As [`StreamScanner::new`].
    pub fn with_step(
        engine: &'e Engine,
        name: &str,
        options: &'e ScanOptions,
        step_bytes: usize,
    ) -> Result<Self, Error> {
        let step_bytes = step_bytes.max(1 << 10);
        let input = ScanInput::file(PathBuf::from(name), 0);
        let mut worker = Worker::new(engine, options, &NO_PROGRESS)?;
        worker.turn_to(&input);
        let queue = Queue::default();
        let reader = text_in_chunks(Box::new(queue.clone()), step_bytes);
        Ok(Self { worker, input, tallies: Tallies::new(), queue, reader, step_bytes })
    }

    /// Takes the next bytes, which may end inside a character. Gives what is settled by now, in the order of the text; what
    /// stands in the last 17 KiB or so is not: as much as a rule may see at most.
    ///
    /// # Errors
    /// [`Error::Engine`] where matching fails, [`Error::Read`] where a rule of the user's own took so long that it was stopped.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Finding>, Error> {
        let mut found = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let missing = self.step_bytes - self.queue.lock().len();
            let (now, later) = rest.split_at(missing.min(rest.len()));
            self.queue.lock().extend(now);
            rest = later;
            if now.len() == missing {
                self.step(&mut found)?;
            }
        }
        Ok(found)
    }

    /// Ends the text, and gives the rest of its findings.
    ///
    /// # Errors
    /// As [`StreamScanner::push`].
    pub fn finish(mut self) -> Result<Vec<Finding>, Error> {
        let mut found = Vec::new();
        while self.step(&mut found)? {}
        Ok(found)
    }

    /// Scans one batch; whether there was one.
    fn step(&mut self, found: &mut Vec<Finding>) -> Result<bool, Error> {
        let Some(mut batch) = self.reader.split() else { return Ok(false) };
        let path = &self.input.path;
        let report =
            self.worker.read(0, path, batch.as_mut(), &mut self.tallies, &mut |finding| found.push(finding))?;
        // A text that comes in pieces has no problems of its own.
        if let Some(problem) = report.problems.first() {
            return Err(Error::read(path, &problem.message));
        }
        // Counts are of no use here, and would grow with the text.
        self.tallies.clear();
        Ok(true)
    }
}

/// Bytes between who pushes and the reader, which takes them a step at a time.
#[derive(Clone, Default)]
struct Queue(Arc<Mutex<VecDeque<u8>>>);

impl Queue {
    fn lock(&self) -> MutexGuard<'_, VecDeque<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for Queue {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.lock().read(buffer)
    }
}
