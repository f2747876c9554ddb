//! Tokens kept in a file: who they are for, which roles they give, until when. The file holds argon2id hashes, so reading
//! it lets nobody in. A token is shown once, when it is made.

use super::refused;
use crate::Error;
use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;
use tokio::sync::Semaphore;

const PREFIX: &str = "lw_";
const ID_BYTES: usize = 6;
const SECRET_BYTES: usize = 32;
/// Hashing takes 19 MiB and some time; more at once would let strangers use up the machine.
const HASHED_AT_ONCE: usize = 2;

/// A token as the file keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Identifies it; part of the token, no secret.
    pub id: String,
    /// Who it is for: the principal's name.
    pub name: String,
    /// Roles it gives.
    pub roles: Vec<String>,
    /// argon2id hash of its secret, in PHC form.
    hash: String,
    /// When it was made, in seconds since 1970.
    pub created_at: i64,
    /// When it ends, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// When it was revoked, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<i64>,
}

/// A new token: the text that is shown once, and what is kept.
pub struct Issued {
    /// The token itself.
    pub secret: String,
    /// What the file keeps of it.
    pub token: Token,
}

/// Makes a token and adds it to a file, made if it does not exist; `expires_at` in seconds since 1970.
///
/// # Errors
/// [`Error::Config`] where the file cannot be read or written.
pub fn create(path: &Path, name: &str, roles: &[String], expires_at: Option<i64>) -> Result<Issued, Error> {
    let mut all = if path.exists() { list(path)? } else { Vec::new() };
    let (id, secret) = (random::<ID_BYTES>()?, random::<SECRET_BYTES>()?);
    let salt = SaltString::encode_b64(&random::<16>()?).map_err(|e| broken(path, &e))?;
    let (id, secret) = (hex::encode(id), BASE64_URL_SAFE_NO_PAD.encode(secret));
    let hash = Argon2::default().hash_password(secret.as_bytes(), &salt).map_err(|e| broken(path, &e))?.to_string();
    let token = Token {
        id: id.clone(),
        name: name.to_owned(),
        roles: roles.to_vec(),
        hash,
        created_at: now(),
        expires_at,
        revoked_at: None,
    };
    all.push(token.clone());
    save(path, &all)?;
    Ok(Issued { secret: format!("{PREFIX}{id}_{secret}"), token })
}

/// The tokens of a file, without their secrets, which it does not hold.
///
/// # Errors
/// [`Error::Config`] where the file cannot be read.
pub fn list(path: &Path) -> Result<Vec<Token>, Error> {
    let text = std::fs::read(path).map_err(|e| broken(path, &e))?;
    // Positions only: a hash is nobody's business either.
    serde_json::from_slice(&text)
        .map_err(|e| Error::Config(format!("`{}` is no file of tokens (line {})", path.display(), e.line())))
}

/// Revokes a token by its id; servers take notice at its next use.
///
/// # Errors
/// [`Error::Unknown`] where there is none, [`Error::Config`] where the file cannot be read or written.
pub fn revoke(path: &Path, id: &str) -> Result<Token, Error> {
    let mut all = list(path)?;
    let Some(token) = all.iter_mut().find(|t| t.id == id) else {
        return Err(Error::Unknown(format!("there is no token `{id}`; `lineward token list` shows all")));
    };
    token.revoked_at.get_or_insert(now());
    let revoked = token.clone();
    save(path, &all)?;
    Ok(revoked)
}

/// Whether a text has the form of a token of this kind.
pub(super) fn is_token(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// A file of tokens that is read again when it changes.
#[derive(Debug)]
pub(super) struct TokenFile {
    path: PathBuf,
    state: Mutex<State>,
    hashing: Semaphore,
}

#[derive(Default)]
struct State {
    changed: Option<SystemTime>,
    tokens: Arc<Vec<Token>>,
    /// Tokens that were checked: SHA-256 of the whole to the hash it fits, so that each is hashed by argon2 once.
    checked: HashMap<[u8; 32], String>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("tokens", &self.tokens.len()).finish_non_exhaustive()
    }
}

impl TokenFile {
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = Self { path: path.to_owned(), state: Mutex::default(), hashing: Semaphore::new(HASHED_AT_ONCE) };
        file.tokens()?;
        Ok(file)
    }

    /// Name and roles of a token that holds.
    pub async fn check(&self, token: &str) -> Result<(String, Vec<String>), Error> {
        let tokens = self.tokens()?;
        let (id, secret) = token.strip_prefix(PREFIX).and_then(|t| t.split_once('_')).ok_or_else(refused)?;
        let known = tokens.iter().find(|t| t.id == id).ok_or_else(refused)?;
        let ended = known.revoked_at.is_some() || known.expires_at.is_some_and(|at| at <= now());
        if ended || !self.fits(token, secret, &known.hash).await? {
            return Err(refused());
        }
        Ok((known.name.clone(), known.roles.clone()))
    }

    async fn fits(&self, token: &str, secret: &str, hash: &str) -> Result<bool, Error> {
        let key: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let checked = |state: &State| state.checked.get(&key).is_some_and(|h| h == hash);
        if checked(&self.state.lock().unwrap_or_else(|e| e.into_inner())) {
            return Ok(true);
        }
        let _permit = self.hashing.acquire().await.map_err(|_| refused())?;
        let (secret, owned) = (secret.to_owned(), hash.to_owned());
        let verified = tokio::task::spawn_blocking(move || verifies(&secret, &owned)).await.map_err(|_| refused())?;
        if verified {
            self.state.lock().unwrap_or_else(|e| e.into_inner()).checked.insert(key, hash.to_owned());
        }
        Ok(verified)
    }

    fn tokens(&self) -> Result<Arc<Vec<Token>>, Error> {
        let changed = std::fs::metadata(&self.path).and_then(|m| m.modified()).map_err(|e| broken(&self.path, &e))?;
        let mut state = self.state.lock().unwrap_or_else(|e| e.into_inner());
        if state.changed != Some(changed) {
            let tokens = Arc::new(list(&self.path)?);
            *state = State { changed: Some(changed), tokens, checked: HashMap::new() };
        }
        Ok(state.tokens.clone())
    }
}

fn verifies(secret: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(secret.as_bytes(), &hash).is_ok())
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| Error::Config(format!("the system gives no random bytes: {e}")))?;
    Ok(bytes)
}

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

fn broken(path: &Path, e: &dyn std::fmt::Display) -> Error {
    Error::Config(format!("cannot use the tokens in `{}`: {e}; `lineward token create` makes the file", path.display()))
}

/// Writes the file beside and puts it in place, readable by its owner alone.
fn save(path: &Path, tokens: &[Token]) -> Result<(), Error> {
    let beside = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        file.write_all(&serde_json::to_vec_pretty(tokens)?)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    write().map_err(|e| broken(path, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tokens.json");
        (folder, path)
    }

    #[tokio::test]
    async fn a_token_holds_until_it_is_revoked() {
        let (_folder, path) = file();
        let roles = ["reader".to_owned()];
        let issued = create(&path, "ann", &roles, None).expect("made");
        let other = create(&path, "bob", &roles, None).expect("made");
        let kept = std::fs::read_to_string(&path).expect("read");
        let secret = issued.secret.rsplit_once('_').expect("a secret").1;
        assert!(kept.contains("$argon2id$") && !kept.contains(secret));
        let tokens = TokenFile::open(&path).expect("opened");
        for _ in 0..2 {
            assert_eq!(tokens.check(&issued.secret).await.expect("holds"), ("ann".into(), roles.to_vec()));
        }
        for wrong in
            [format!("{}x", issued.secret), "lw_".into(), issued.secret.replace(&issued.token.id, &other.token.id)]
        {
            assert!(matches!(tokens.check(&wrong).await, Err(Error::Unauthenticated(_))), "{wrong}");
        }
        // File times are coarse; a change in the same tick would not be seen.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        revoke(&path, &issued.token.id).expect("revoked");
        assert!(tokens.check(&issued.secret).await.is_err());
        assert!(tokens.check(&other.secret).await.is_ok());
    }

    #[tokio::test]
    async fn a_token_ends() {
        let (_folder, path) = file();
        let issued = create(&path, "ann", &[], Some(now() - 1)).expect("made");
        assert!(TokenFile::open(&path).expect("opened").check(&issued.secret).await.is_err());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_the_file() {
        let (_folder, path) = file();
        create(&path, "ann", &[], None).expect("made");
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).expect("there").permissions());
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_is_not_there_is_said() {
        let (_folder, path) = file();
        assert!(TokenFile::open(&path).expect_err("no file").to_string().contains("lineward token create"));
        create(&path, "ann", &[], None).expect("made");
        assert!(matches!(revoke(&path, "nobody"), Err(Error::Unknown(_))));
    }
}
