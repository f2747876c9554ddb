//! JSON Lines: a finding a line, in the keys and the order of the output contract. What could not be read is told on
//! standard error.

use super::{Out, Report, Scanned};
use lineward_classifiers::Finding;
use std::io;

pub(super) struct Jsonl {
    out: Out,
}

impl Jsonl {
    pub(super) fn new(out: Out) -> Self {
        Self { out }
    }
}

impl Report for Jsonl {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, finding)?;
        self.out.write_all(b"\n")
    }

    fn finish(&mut self, _: &Scanned<'_>) -> io::Result<()> {
        self.out.flush()
    }
}
