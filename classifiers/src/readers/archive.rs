//! Archives as one input: their members one after the other, each with the reader of its own format.
//!
//! A member that cannot be read is a problem of the archive with the member's name in its place; the next one is read
//! all the same. Members that are archives are opened in turn, down to the depth of the limits.

use super::{BatchPlace, Child, Input, Open, Problem, Problems, Reader, io_message};
use crate::Error;
use crate::values::{FieldTable, ValueBatch};

/// Longest name of a member that is shown, in characters.
const NAME_CHARS_MAX: usize = 512;

/// A member of an archive.
pub(super) struct Entry {
    /// Its name as the archive has it.
    pub(super) name: String,
    /// Its bytes, or why they cannot be had.
    pub(super) input: Result<Input, String>,
}

/// The members of an archive, in its order.
pub(super) trait Entries {
    /// The next member. The one before may be read no more.
    ///
    /// # Errors
    /// A [`Problem`] that ends the archive.
    fn next(&mut self) -> Result<Option<Entry>, Problem>;
}

struct Member {
    name: String,
    reader: Box<dyn Reader + Send>,
}

/// Reads an archive.
pub(super) struct ArchiveReader {
    entries: Box<dyn Entries + Send>,
    child: Child,
    current: Option<Member>,
    problems: Problems,
    rows: u64,
    /// The batch given last is plain text.
    is_text: bool,
    binary: u64,
    skipped: u64,
    ended: bool,
}

impl ArchiveReader {
    pub(super) fn new(entries: Box<dyn Entries + Send>, child: Child) -> Self {
        Self {
            entries,
            child,
            current: None,
            problems: Problems::default(),
            rows: 0,
            is_text: false,
            binary: 0,
            skipped: 0,
            ended: false,
        }
    }

    fn member_problem(&mut self, name: &str, place: &str, message: String) {
        let place = match place {
            "the file" | "" => format!("member `{name}`"),
            place => format!("member `{name}`, {place}"),
        };
        self.problems.add(place, message);
    }

    /// Takes over what the current member's reader has to say.
    fn collect_problems(&mut self) {
        if let Some(mut member) = self.current.take() {
            for problem in member.reader.problems() {
                self.member_problem(&member.name, &problem.place, problem.message);
            }
            self.problems.untold += member.reader.problems_untold();
            self.current = Some(member);
        }
    }

    fn close_member(&mut self) {
        self.collect_problems();
        if let Some(member) = self.current.take() {
            self.rows += member.reader.rows().unwrap_or_default();
            self.skipped += member.reader.members_skipped();
        }
    }

    /// Opens the next member that can be read.
    fn open_next(&mut self) -> Result<bool, Problem> {
        while let Some(entry) = self.entries.next()? {
            self.child.budget.entry().map_err(|e| Problem { place: "the file".into(), message: io_message(&e) })?;
            let name = printable(&entry.name);
            if leads_out(&entry.name) {
                let message = "its name leads out of the archive; it was scanned all the same, but unpack the archive \
                               with care";
                self.member_problem(&name, "", message.into());
            }
            let opened = match entry.input {
                Ok(input) => self.child.open(&entry.name, input),
                Err(message) => Err(Error::read(name.clone(), message)),
            };
            match opened {
                Ok(Open::Ready(opened)) => {
                    self.current = Some(Member { name, reader: opened.reader });
                    return Ok(true);
                }
                Ok(Open::Skipped) => self.skipped += 1,
                Ok(Open::Binary) => self.binary += 1,
                Err(Error::Read { message, .. }) => self.member_problem(&name, "", message),
                Err(e) => self.member_problem(&name, "", e.to_string()),
            }
        }
        if self.binary > 0 {
            let message = format!(
                "{} of its members are binary and of no known format; they were not scanned (`--binary skip` leaves \
                 such members out, `--binary scan` scans their bytes as text)",
                self.binary
            );
            self.problems.add("the file".into(), message);
        }
        Ok(false)
    }
}

impl Reader for ArchiveReader {
    fn next(
        &mut self,
        fields: &mut FieldTable,
        batch: &mut ValueBatch,
        place: &mut BatchPlace,
    ) -> Result<bool, Problem> {
        while !self.ended {
            if self.current.is_none() && !self.open_next().inspect_err(|_| self.ended = true)? {
                self.ended = true;
                break;
            }
            let Some(member) = &mut self.current else { break };
            *place = BatchPlace::default();
            let more = member.reader.next(fields, batch, place);
            self.is_text = member.reader.is_text();
            place.member = Some(match place.member.take() {
                Some(inner) => format!("{}!{inner}", member.name),
                None => member.name.clone(),
            });
            let name = member.name.clone();
            match more {
                Ok(true) => self.collect_problems(),
                Ok(false) => self.close_member(),
                Err(problem) => {
                    self.close_member();
                    self.member_problem(&name, &problem.place, problem.message);
                }
            }
            if !batch.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn problems(&mut self) -> Vec<Problem> {
        self.problems.take()
    }

    fn problems_untold(&mut self) -> u64 {
        self.problems.take_untold()
    }

    fn is_text(&self) -> bool {
        self.is_text
    }

    fn rows(&self) -> Option<u64> {
        let current = self.current.as_ref().and_then(|m| m.reader.rows()).unwrap_or_default();
        Some(self.rows + current)
    }

    fn members_skipped(&self) -> u64 {
        self.skipped
    }
}

/// A name as it may be shown: without what could disturb a terminal, and of bounded length.
fn printable(name: &str) -> String {
    name.chars().take(NAME_CHARS_MAX).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Whether an unpacking tool that trusts the name would write outside its folder.
fn leads_out(name: &str) -> bool {
    let mut chars = name.chars();
    let drive = chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.next() == Some(':');
    drive || name.starts_with(['/', '\\']) || name.split(['/', '\\']).any(|part| part == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_out() {
        for name in ["../x", "a/../../x", "/etc/x", "C:\\x", "a\\..\\x", ".."] {
            assert!(leads_out(name), "{name}");
        }
        for name in ["x", "a/b", "..a/b..", "a/...", "train-00000.json", ""] {
            assert!(!leads_out(name), "{name}");
        }
    }
}
