//! Where the key of fingerprints comes from: a file, the environment, or the user's own key, made on first use.
//!
//! Whoever has the key can find out short values by trying all of them, so the file is its owner's alone and the key
//! is never printed. Scans whose fingerprints are to be compared must use one key.

use anyhow::{Context as _, bail};
use lineward_classifiers::FingerprintKey;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Environment variable with the key.
const VARIABLE: &str = "LINEWARD_FINGERPRINT_KEY";

/// The key: of `file`, else of the environment, else the user's own. Where none can be kept, one for this run only,
/// with a warning.
pub(crate) fn load(file: Option<&Path>) -> anyhow::Result<FingerprintKey> {
    if let Some(path) = file {
        return read(path);
    }
    if let Ok(text) = std::env::var(VARIABLE)
        && !text.trim().is_empty()
    {
        return parse(text.as_bytes()).with_context(|| format!("in the environment variable `{VARIABLE}`"));
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
    let set = std::env::var(VARIABLE).is_ok_and(|text| !text.trim().is_empty());
    if file.is_some() || set || user_path().is_some_and(|path| path.exists()) {
        return load(file);
    }
    bail!("there is no fingerprint key; give `--fingerprint-key-file` or set `{VARIABLE}`")
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
