//! Where the key of fingerprints comes from: a file, the environment, a command that asks a keyring or a vault, or the
//! user's own key, made on first use.
//!
//! A command serves every keyring there is (`secret-tool lookup`, `security find-generic-password -w`, `keyctl pipe`,
//! `pass show`), on each system with the program that belongs to it. Whoever has the key can find out short values by trying all of them, so the file is its owner's alone and the key
//! is never printed. Scans whose fingerprints are to be compared must use one key.

use anyhow::{Context as _, bail};
use lineward_classifiers::FingerprintKey;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Environment variable with the key.
const VARIABLE: &str = "LINEWARD_FINGERPRINT_KEY";
/// Environment variable with a command that prints the key.
const COMMAND: &str = "LINEWARD_FINGERPRINT_KEY_COMMAND";

/// The key: of `file`, else of the environment, else the user's own. Where none can be kept, one for this run only,
/// with a warning.
pub(crate) fn load(file: Option<&Path>) -> anyhow::Result<FingerprintKey> {
    if let Some(path) = file {
        return read(path);
    }
    match (variable(VARIABLE), variable(COMMAND)) {
        (Some(_), Some(_)) => bail!("`{VARIABLE}` and `{COMMAND}` are both set; unset one of them"),
        (Some(text), None) => {
            return parse(text.as_bytes()).with_context(|| format!("in the environment variable `{VARIABLE}`"));
        }
        (None, Some(command)) => {
            return told_by(&command).with_context(|| format!("in the environment variable `{COMMAND}`"));
        }
        (None, None) => {}
    }
    match user_path() {
        Some(path) if path.exists() => read(&path),
        Some(path) => match create(&path) {
            Ok(key) => Ok(key),
            // Another run may have made it in the meantime.
            Err(_) if path.exists() => read(&path),
            Err(e) => ephemeral(&format!("`{}` cannot be written: {e:#}", path.display())),
        },
        None => ephemeral("neither `XDG_CONFIG_HOME` nor `HOME` is set"),
    }
}

/// The key as in [`load`], where there is one: none is made, since what it found could not be compared with anything.
pub(crate) fn existing(file: Option<&Path>) -> anyhow::Result<FingerprintKey> {
    let is_set = variable(VARIABLE).or_else(|| variable(COMMAND)).is_some();
    if file.is_some() || is_set || user_path().is_some_and(|path| path.exists()) {
        return load(file);
    }
    bail!("there is no fingerprint key; give `--fingerprint-key-file` or set `{VARIABLE}`")
}

/// What an environment variable says, where it says something.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.trim().is_empty())
}

/// The key that a command prints. It is run without a shell, and is not given standard input, which may be the data to
/// scan; what it complains of goes to standard error.
fn told_by(command: &str) -> anyhow::Result<FingerprintKey> {
    let words = shlex::split(command).context("a quotation mark has no other; close it")?;
    let Some((program, arguments)) = words.split_first() else { bail!("it names no command") };
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("`{program}` cannot be run"))?;
    if !output.status.success() {
        bail!("`{program}` gave no key ({})", output.status);
    }
    parse(&output.stdout).with_context(|| format!("what `{program}` printed is no key"))
}

/// Reads a key: hex digits, or any bytes. A line break at the end is not part of it.
fn parse(text: &[u8]) -> anyhow::Result<FingerprintKey> {
    let text = text.trim_ascii_end();
    let secret = match hex::decode(text) {
        Ok(bytes) if bytes.len() >= 16 => bytes,
        _ => text.to_vec(),
    };
    Ok(FingerprintKey::new(&secret)?)
}

fn read(path: &Path) -> anyhow::Result<FingerprintKey> {
    let text = std::fs::read(path).with_context(|| format!("cannot read the fingerprint key `{}`", path.display()))?;
    warn_if_open(path);
    parse(&text).with_context(|| format!("in `{}`", path.display()))
}

#[cfg(unix)]
fn warn_if_open(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    if std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o077 != 0) {
        tracing::warn!("the fingerprint key `{}` can be read by others; `chmod 600` it", path.display());
    }
}

#[cfg(not(unix))]
fn warn_if_open(_: &Path) {}

fn user_path() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    // The XDG base directory specification ignores relative paths.
    let config = set("XDG_CONFIG_HOME").filter(|p| p.is_absolute()).or_else(|| Some(set("HOME")?.join(".config")))?;
    Some(config.join("lineward").join("fingerprint.key"))
}

/// Makes a key. The file appears whole, under its name, readable by its owner only; it never replaces another.
fn create(path: &Path) -> anyhow::Result<FingerprintKey> {
    let Some(folder) = path.parent() else { bail!("it has no folder") };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    let secret = random()?;
    // Temporary files have mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(file, "{}", hex::encode(secret))?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    Ok(FingerprintKey::new(&secret)?)
}

fn ephemeral(why: &str) -> anyhow::Result<FingerprintKey> {
    tracing::warn!("{why}; the fingerprints of this run cannot be compared with those of others");
    Ok(FingerprintKey::new(&random()?)?)
}

fn random() -> anyhow::Result<[u8; 32]> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|e| anyhow::anyhow!("no random numbers from the system: {e}"))?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_and_bytes_and_line_breaks() {
        let hex = parse(b"000102030405060708090a0b0c0d0e0f").expect("a key");
        let bytes = FingerprintKey::new(&(0..16).collect::<Vec<u8>>()).expect("a key");
        assert_eq!(hex.id(), bytes.id());
        let phrase = FingerprintKey::new(b"a pass phrase of some length").expect("a key");
        assert_eq!(parse(b"a pass phrase of some length\n").expect("a key").id(), phrase.id());
        assert!(parse(b"short").is_err());
    }

    #[test]
    fn a_command_tells_the_key() {
        let told = told_by("printf '%s\n' 'a pass phrase of some length'").expect("a key");
        assert_eq!(told.id(), parse(b"a pass phrase of some length").expect("a key").id());
        for (command, complaint) in [
            ("printf 'open", "close it"),
            ("no-such-program-here", "cannot be run"),
            ("false", "gave no key"),
            ("echo hush", "what `echo` printed is no key"),
        ] {
            let error = format!("{:#}", told_by(command).expect_err("no key"));
            assert!(error.contains(complaint) && !error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn a_key_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lineward").join("fingerprint.key");
        let made = create(&path).expect("made");
        assert_eq!(read(&path).expect("read").id(), made.id());
        assert!(create(&path).is_err());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        }
    }
}
