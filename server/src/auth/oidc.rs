//! Tokens that an OpenID Connect provider signed: signature, issuer, audience and times are checked here; the provider
//! itself is only asked for its keys.

use super::refused;
use crate::Error;
use crate::config::OidcConfig;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use serde_json::{Map, Value};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Algorithms with a public key. One with a shared secret would let anyone sign who can read the key set.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Least time between two readings of the keys, so that made-up key ids cannot make us ask the provider all the time.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Longest time that keys are used without a look at what the provider has now: one that it took back must not hold on.
const OLDEST: Duration = Duration::from_secs(3600);
const TIMEOUT: Duration = Duration::from_secs(10);

/// A provider and its keys.
#[derive(Debug)]
pub(super) struct Provider {
    config: OidcConfig,
    keys: Mutex<Keys>,
}

#[derive(Clone)]
struct Keys {
    set: Arc<JwkSet>,
    /// When they were read last, or were to be.
    tried: Instant,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("count", &self.set.keys.len()).finish_non_exhaustive()
    }
}

impl Provider {
    /// Reads the provider's keys.
    pub async fn start(config: OidcConfig) -> Result<Self, Error> {
        let set = read_keys(&config.jwks).await?;
        Ok(Self { config, keys: Mutex::new(Keys { set: Arc::new(set), tried: Instant::now() }) })
    }

    /// Name and roles in a token that holds.
    pub async fn check(&self, token: &str) -> Result<(String, Vec<String>), Error> {
        let header = decode_header(token).map_err(|_| refused())?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(refused());
        }
        let set = self.keys(OLDEST).await;
        let claims = match self.claims(token, &header, &set) {
            // The provider may have put another key in its place, under the same id too.
            None => {
                let newer = self.keys(READ_AGAIN_AFTER).await;
                let is_newer = !Arc::ptr_eq(&set, &newer);
                is_newer.then(|| self.claims(token, &header, &newer)).flatten().ok_or_else(refused)?
            }
            Some(claims) => claims,
        };
        let name = claims.get(&self.config.principal_claim).and_then(Value::as_str).ok_or_else(refused)?;
        Ok((name.to_owned(), texts(claims.get(&self.config.roles_claim))))
    }

    /// What a token says, where one of these keys signed it and it holds.
    fn claims(&self, token: &str, header: &Header, set: &JwkSet) -> Option<Map<String, Value>> {
        let key = find(set, header.kid.as_deref())?;
        let key = DecodingKey::from_jwk(&key).ok()?;
        let mut rules = Validation::new(header.alg);
        rules.set_issuer(&[&self.config.issuer]);
        rules.set_audience(&[&self.config.audience]);
        rules.set_required_spec_claims(&["exp", "iss", "aud"]);
        rules.validate_nbf = true;
        Some(decode::<Map<String, Value>>(token, &key, &rules).ok()?.claims)
    }

    /// The provider's keys, read again where that was tried longer ago than this. Those that are known stay where the
    /// provider does not answer.
    async fn keys(&self, oldest: Duration) -> Arc<JwkSet> {
        let known = {
            let mut keys = self.keys.lock().unwrap_or_else(|e| e.into_inner());
            if keys.tried.elapsed() < oldest {
                return keys.set.clone();
            }
            // Also where it fails: who sends tokens must not make us ask all the time.
            keys.tried = Instant::now();
            keys.set.clone()
        };
        match read_keys(&self.config.jwks).await {
            Ok(set) => {
                let set = Arc::new(set);
                self.keys.lock().unwrap_or_else(|e| e.into_inner()).set = set.clone();
                set
            }
            Err(error) => {
                tracing::warn!(error = %error, "the keys of the identity provider cannot be read; the known ones stay");
                known
            }
        }
    }
}

/// The key with an id; without an id the only key.
fn find(set: &JwkSet, id: Option<&str>) -> Option<Jwk> {
    match id {
        Some(id) => set.find(id).cloned(),
        None => (set.keys.len() == 1).then(|| set.keys[0].clone()),
    }
}

/// A list of texts, or the words of one text, as providers write roles and scopes.
fn texts(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::Array(all)) => all.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect(),
        Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

async fn read_keys(place: &str) -> Result<JwkSet, Error> {
    let fail = |what: &dyn std::fmt::Display| Error::Config(format!("cannot read the keys at `{place}`: {what}"));
    let bytes = if place.starts_with("https://") {
        let client = reqwest::Client::builder().timeout(TIMEOUT).https_only(true).build().map_err(|e| fail(&e))?;
        let answer = client.get(place).send().await.and_then(reqwest::Response::error_for_status);
        answer.map_err(|e| fail(&e))?.bytes().await.map_err(|e| fail(&e))?.to_vec()
    } else {
        tokio::fs::read(place).await.map_err(|e| fail(&e))?
    };
    serde_json::from_slice(&bytes).map_err(|e| fail(&format!("no JSON Web Key Set (line {})", e.line())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{EncodingKey, encode};
    use serde_json::json;

    /// A key pair made for this test alone.
    struct Signer {
        pair: ring_pair::Pair,
    }

    mod ring_pair {
        use base64::Engine as _;
        use base64::prelude::BASE64_URL_SAFE_NO_PAD;

        pub struct Pair {
            pub pkcs8: Vec<u8>,
            pub public: String,
        }

        pub fn new() -> Pair {
            // An Ed25519 seed in the fixed PKCS#8 frame of RFC 8410.
            use ed25519::*;
            let seed = [7u8; 32];
            let mut pkcs8 = hex::decode("302e020100300506032b657004220420").expect("hex");
            pkcs8.extend(seed);
            Pair { public: BASE64_URL_SAFE_NO_PAD.encode(public_of_seed_7()), pkcs8 }
        }

        mod ed25519 {
            /// The public key of the seed of 32 bytes of 7.
            pub fn public_of_seed_7() -> [u8; 32] {
                let mut out = [0; 32];
                hex::decode_to_slice("ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c", &mut out)
                    .expect("hex");
                out
            }
        }
    }

    impl Signer {
        fn sign(&self, claims: &Value, kid: &str) -> String {
            let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) };
            encode(&header, claims, &EncodingKey::from_ed_der(&self.pair.pkcs8)).expect("signed")
        }
    }

    fn in_an_hour() -> i64 {
        chrono::Utc::now().timestamp() + 3600
    }

    async fn provider() -> (Signer, Provider, tempfile::TempDir) {
        let signer = Signer { pair: ring_pair::new() };
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("jwks.json");
        let jwk =
            json!({"kty": "OKP", "crv": "Ed25519", "x": signer.pair.public, "kid": "k1", "alg": "EdDSA", "use": "sig"});
        std::fs::write(&path, json!({"keys": [jwk]}).to_string()).expect("written");
        let config = OidcConfig {
            issuer: "https://idp.test".into(),
            audience: "lineward".into(),
            jwks: path.to_string_lossy().into_owned(),
            principal_claim: "sub".into(),
            roles_claim: "roles".into(),
        };
        (signer, Provider::start(config).await.expect("keys"), folder)
    }

    #[tokio::test]
    async fn a_signed_token_names_its_principal() {
        let (signer, provider, _folder) = provider().await;
        let claims = json!({"iss": "https://idp.test", "aud": "lineward", "exp": in_an_hour(), "sub": "ann", "roles": ["reader"]});
        let (name, roles) = provider.check(&signer.sign(&claims, "k1")).await.expect("holds");
        assert_eq!((name.as_str(), roles), ("ann", vec!["reader".to_owned()]));
    }

    #[tokio::test]
    async fn anything_else_is_refused() {
        let (signer, provider, _folder) = provider().await;
        let good = json!({"iss": "https://idp.test", "aud": "lineward", "exp": in_an_hour(), "sub": "ann"});
        let with = |key: &str, value: Value| {
            let mut claims = good.clone();
            claims[key] = value;
            signer.sign(&claims, "k1")
        };
        let mut tampered = signer.sign(&good, "k1");
        tampered.replace_range(tampered.len() - 6..tampered.len() - 4, "AA");
        let shared =
            encode(&Header::new(Algorithm::HS256), &good, &EncodingKey::from_secret(b"public")).expect("signed");
        for (what, token) in [
            ("issuer", with("iss", json!("https://other.test"))),
            ("audience", with("aud", json!("other"))),
            ("expired", with("exp", json!(1))),
            ("not yet", with("nbf", json!(in_an_hour()))),
            ("no principal", with("sub", Value::Null)),
            ("key", signer.sign(&good, "k2")),
            ("tampered", tampered),
            ("shared secret", shared),
            ("no token", "a.b.c".to_owned()),
        ] {
            assert!(matches!(provider.check(&token).await, Err(Error::Unauthenticated(_))), "{what}");
        }
        assert!(provider.check(&signer.sign(&good, "k1")).await.is_ok());
    }

    #[tokio::test]
    async fn keys_that_were_taken_back_do_not_hold_on() {
        let (signer, provider, folder) = provider().await;
        let token = signer
            .sign(&json!({"iss": "https://idp.test", "aud": "lineward", "exp": in_an_hour(), "sub": "ann"}), "k1");
        let path = folder.path().join("jwks.json");
        let keys = std::fs::read_to_string(&path).expect("read");
        let age = |age: Duration| {
            let then = Instant::now().checked_sub(age).expect("the machine runs for longer");
            provider.keys.lock().expect("free").tried = then;
        };
        std::fs::write(&path, "{\"keys\": []}").expect("written");
        assert!(provider.check(&token).await.is_ok(), "read a moment ago");
        age(OLDEST);
        assert!(provider.check(&token).await.is_err(), "read again, and gone");
        std::fs::write(&path, keys).expect("written");
        assert!(provider.check(&token).await.is_err(), "just looked");
        age(READ_AGAIN_AFTER);
        assert!(provider.check(&token).await.is_ok(), "there again");
        std::fs::remove_file(&path).expect("removed");
        age(OLDEST);
        assert!(provider.check(&token).await.is_ok(), "a provider that does not answer keeps nobody out");
        assert!(provider.keys.lock().expect("free").tried.elapsed() < READ_AGAIN_AFTER, "that was a try");
    }

    #[test]
    fn roles_in_any_form() {
        assert_eq!(texts(Some(&json!(["a", 1, "b"]))), ["a", "b"]);
        assert_eq!(texts(Some(&json!("a b"))), ["a", "b"]);
        assert!(texts(None).is_empty());
    }
}
