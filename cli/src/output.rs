//! Where output goes: standard output, or a file that appears whole or not at all.
//!
//! A reader that closes standard output early (`lineward scan . | head`) is no error of ours, and is told apart from a
//! connection that breaks elsewhere by [`StdoutClosed`].

use anyhow::{Context as _, bail};
use std::fmt;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

/// The reader of standard output has gone.
#[derive(Debug)]
struct StdoutClosed;

impl fmt::Display for StdoutClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("standard output was closed")
    }
}

impl std::error::Error for StdoutClosed {}

/// Whether an error means only that nobody reads standard output any more.
pub(crate) fn is_stdout_closed(e: &anyhow::Error) -> bool {
    e.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(is_closed)
}

/// Like [`is_stdout_closed`], for an I/O error by itself.
pub(crate) fn is_closed(e: &io::Error) -> bool {
    e.get_ref().is_some_and(|inner| inner.is::<StdoutClosed>())
}

/// Standard output, buffered; by the line on a terminal.
pub(crate) fn stdout() -> Box<dyn Write + Send> {
    match io::stdout().is_terminal() {
        true => Box::new(Stdout),
        false => Box::new(BufWriter::with_capacity(1 << 16, Stdout)),
    }
}

/// Marks a broken pipe as what it is.
struct Stdout;

impl Stdout {
    fn mark(e: io::Error) -> io::Error {
        match e.kind() {
            io::ErrorKind::BrokenPipe => io::Error::new(io::ErrorKind::BrokenPipe, StdoutClosed),
            _ => e,
        }
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stdout().write(bytes).map_err(Self::mark)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush().map_err(Self::mark)
    }
}

/// One line on standard error, with the program's name in front.
pub(crate) fn complain(message: fmt::Arguments<'_>) {
    // Nobody is left to tell where standard error is closed.
    let _ = writeln!(io::stderr().lock(), "lineward: {message}");
}

/// Text from outside (a path, an argument) without characters that could steer a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c.is_control() {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
        out
    })
}

/// A file being written under a temporary name beside its own.
pub(crate) struct OutputFile {
    path: PathBuf,
    /// `None` where the target is a pipe or a device, which is written to as it is.
    temporary: Option<tempfile::TempPath>,
}

impl OutputFile {
    /// Opens it for writing. The file that may stand at `path` stays until [`OutputFile::commit`].
    pub(crate) fn create(path: &Path) -> anyhow::Result<(Self, Box<dyn Write + Send>)> {
        let failed = || format!("cannot write `{}`", path.display());
        let file_type = std::fs::metadata(path).map(|m| m.file_type()).ok();
        if file_type.is_some_and(|t| t.is_dir()) {
            bail!("cannot write `{}`: it is a folder; name a file", path.display());
        }
        if file_type.is_some_and(|t| !t.is_file()) {
            let file = std::fs::OpenOptions::new().write(true).open(path).with_context(failed)?;
            return Ok((Self { path: path.to_owned(), temporary: None }, Box::new(BufWriter::new(file))));
        }
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".lineward-");
        #[cfg(unix)]
        builder.permissions(<std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666));
        let (file, temporary) = builder.tempfile_in(folder).with_context(failed)?.into_parts();
        let writer = BufWriter::with_capacity(1 << 16, file);
        Ok((Self { path: path.to_owned(), temporary: Some(temporary) }, Box::new(writer)))
    }

    /// Puts the file in its place. The writer must have been flushed.
    pub(crate) fn commit(self) -> anyhow::Result<()> {
        let Some(temporary) = self.temporary else { return Ok(()) };
        temporary.persist(&self.path).with_context(|| format!("cannot write `{}`", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_spelled_out() {
        assert_eq!(printable("notes/ä b\u{1b}[31m.txt"), "notes/ä b\\u{1b}[31m.txt");
    }

    #[test]
    fn only_our_own_broken_pipe_is_quiet() {
        let ours = anyhow::Error::from(Stdout::mark(io::ErrorKind::BrokenPipe.into())).context("writing");
        let theirs = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(is_stdout_closed(&ours));
        assert!(!is_stdout_closed(&theirs));
    }

    #[test]
    fn a_file_appears_when_it_is_committed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report.jsonl");
        std::fs::write(&path, "before").expect("written");
        let (file, mut writer) = OutputFile::create(&path).expect("created");
        writer.write_all(b"after").expect("written");
        writer.flush().expect("flushed");
        assert_eq!(std::fs::read(&path).expect("read"), b"before");
        file.commit().expect("committed");
        assert_eq!(std::fs::read(&path).expect("read"), b"after");
        assert!(OutputFile::create(folder.path()).is_err());
    }
}
