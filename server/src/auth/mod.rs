//! Who asks: from a token, a certificate or an identity provider's token to a principal and what it may see.

mod oidc;
pub mod tokens;

use crate::Error;
use crate::access::Access;
use crate::config::{Config, Limits, Role};
use oidc::Provider;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use tokens::TokenFile;

/// Who asks, and what they may see.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    /// Name in the audit log and in errors.
    pub name: String,
    /// Its roles, sorted: sessions are shared by those who have the same.
    pub roles: Vec<String>,
    /// What the roles give.
    pub access: Arc<Access>,
    /// Its limits.
    pub limits: Limits,
}

/// Turns credentials into principals.
#[derive(Debug)]
pub(crate) struct Authenticator {
    required: bool,
    tokens: Option<TokenFile>,
    provider: Option<Provider>,
    certificates: BTreeMap<String, Vec<String>>,
    roles: BTreeMap<String, Role>,
    limits: Limits,
}

impl Authenticator {
    /// As configured. Reads keys and tokens once, so that what cannot work stops start-up.
    pub async fn start(config: &Config) -> Result<Self, Error> {
        let auth = config.auth.clone().unwrap_or_default();
        let tokens = auth.tokens.as_deref().map(TokenFile::open).transpose()?;
        let provider = match auth.oidc {
            Some(oidc) => Some(Provider::start(oidc).await?),
            None => None,
        };
        let all = Self {
            required: config.authenticates(),
            tokens,
            provider,
            certificates: auth.certificates,
            roles: config.roles.clone(),
            limits: config.limits,
        };
        for (name, roles) in &all.certificates {
            all.principal(name, roles.clone())?;
        }
        Ok(all)
    }

    /// Whether clients must prove who they are.
    pub fn required(&self) -> bool {
        self.required
    }

    /// The principal of a client on this machine, where none has to prove who it is.
    pub fn local(&self, address: IpAddr) -> Result<Principal, Error> {
        if self.required || !address.is_loopback() {
            return Err(Error::Unauthenticated("credentials are required".into()));
        }
        self.principal("local", vec!["admin".to_owned()])
    }

    /// The principal of a token: one of the file, or one that the identity provider signed.
    pub async fn token(&self, token: &str) -> Result<Principal, Error> {
        if let Some(file) = self.tokens.as_ref().filter(|_| tokens::is_token(token)) {
            let (name, roles) = file.check(token).await?;
            return self.principal(&name, roles);
        }
        match &self.provider {
            Some(provider) => {
                let (name, mut roles) = provider.check(token).await?;
                // The provider knows roles of other programs too, an `admin` of theirs among them: those that are built
                // in count where the configuration has them.
                roles.retain(|role| self.roles.contains_key(role));
                self.principal(&name, roles)
            }
            None => Err(refused()),
        }
    }

    /// The principal of a certificate that was checked, by its common name.
    pub fn certificate(&self, common_name: &str) -> Option<Result<Principal, Error>> {
        let roles = self.certificates.get(common_name)?;
        Some(self.principal(common_name, roles.clone()))
    }

    /// Somebody who was proven to be one that events come from, and may do nothing else.
    pub fn sender(&self, name: &str) -> Principal {
        let access = Arc::new(Access::of_sender());
        Principal { name: name.to_owned(), roles: Vec::new(), access, limits: self.limits }
    }

    fn principal(&self, name: &str, mut roles: Vec<String>) -> Result<Principal, Error> {
        roles.sort();
        roles.dedup();
        let access = Access::of(&roles, &self.roles)?;
        let limits = access.limits(self.limits);
        Ok(Principal { name: name.to_owned(), roles, access: Arc::new(access), limits })
    }
}

/// One answer for every token that does not hold, so that none tells how near it was.
fn refused() -> Error {
    Error::Unauthenticated("the token is not known, has expired or was revoked".into())
}
