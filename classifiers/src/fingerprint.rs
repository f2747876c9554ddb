//! Keyed fingerprints: equal values have equal fingerprints, and the value cannot be read from one.
//!
//! Card and social-security numbers are few enough to try all, so a plain hash hides nothing: the hash is an HMAC with a
//! key that lives outside the store. Values are normalised first. A fingerprint names the key it was made with, so that
//! fingerprints of two keys are never compared.

use crate::Error;
use crate::normalise::Normalise;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use std::fmt;

/// Bytes of the HMAC that a fingerprint keeps: 128 bits, far beyond chance collisions.
pub(crate) const KEPT_BYTES: usize = 16;

/// The key of fingerprints.
#[derive(Clone)]
pub struct FingerprintKey {
    mac: Hmac<Sha256>,
    id: String,
}

impl FingerprintKey {
    /// A key from secret bytes.
    ///
    /// # Errors
    /// [`Error::Key`] where there are fewer than 16.
    pub fn new(secret: &[u8]) -> Result<Self, Error> {
        if secret.len() < 16 {
            return Err(Error::Key(format!("{} bytes are too few; use at least 16 (32 are usual)", secret.len())));
        }
        let mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|e| Error::Key(e.to_string()))?;
        // The id is a hash of the key under a fixed label: it tells keys apart and gives nothing away.
        let id = hex::encode(&Sha256::new().chain_update(b"lineward key id").chain_update(secret).finalize()[..4]);
        Ok(Self { mac, id })
    }

    /// Id of the key: 8 hex digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The fingerprint of a value of an entity: `KEYID:HEX`. The entity is part of it, so that a number that is two
    /// things in two data sets is not taken for a link.
    pub fn fingerprint(&self, entity: &str, value: &str, normalise: Normalise) -> String {
        self.shown(&self.keyed(entity, value, normalise))
    }

    /// The bytes of a fingerprint.
    pub(crate) fn keyed(&self, entity: &str, value: &str, normalise: Normalise) -> [u8; KEPT_BYTES] {
        let mut mac = self.mac.clone();
        mac.update(entity.as_bytes());
        mac.update(&[0]);
        mac.update(normalise.form(value).as_bytes());
        let mut kept = [0; KEPT_BYTES];
        kept.copy_from_slice(&mac.finalize().into_bytes()[..KEPT_BYTES]);
        kept
    }

    /// A fingerprint as it is written.
    pub(crate) fn shown(&self, keyed: &[u8; KEPT_BYTES]) -> String {
        let mut hex = [0; 2 * KEPT_BYTES];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(keyed) {
            let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        let mut out = String::with_capacity(self.id.len() + 1 + hex.len());
        out.push_str(&self.id);
        out.push(':');
        out.extend(hex.map(char::from));
        out
    }
}

impl FingerprintKey {
    /// Keyed hash of bytes: tells equal records apart from others without a plain hash, which a short record could be
    /// guessed from.
    pub fn digest(&self, bytes: &[u8]) -> [u8; 32] {
        let mut mac = self.mac.clone();
        mac.update(b"record\0");
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    }

    /// A secret for another purpose, from which the key cannot be told. It is the half of an HMAC that no fingerprint
    /// shows, whatever entity and value somebody asks the fingerprint of.
    pub(crate) fn derived(&self, label: &str) -> [u8; KEPT_BYTES] {
        let mut mac = self.mac.clone();
        mac.update(b"derived\0");
        mac.update(label.as_bytes());
        let mut hidden = [0; KEPT_BYTES];
        hidden.copy_from_slice(&mac.finalize().into_bytes()[KEPT_BYTES..]);
        hidden
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FingerprintKey({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_written_two_ways_is_one_fingerprint() {
        let key = FingerprintKey::new(&[7; 32]).expect("long enough");
        let f = |v| key.fingerprint("CREDIT_CARD", v, Normalise::Digits);
        assert_eq!(f("4929 3813 3266 4295"), f("4929-3813-3266-4295"));
        assert_ne!(f("4929 3813 3266 4295"), f("4929 3813 3266 4296"));
    }

    /// Stored fingerprints are compared with those of later versions: they must never change. The expected text is of
    /// another implementation of HMAC and SHA-256.
    #[test]
    fn a_fingerprint_is_what_it_always_was() {
        let key = FingerprintKey::new(&[7; 32]).expect("long enough");
        let fingerprint = key.fingerprint("CREDIT_CARD", "4929 3813 3266 4295", Normalise::Digits);
        assert_eq!(fingerprint, "b655cd8e:e15c1d47a18360ec436b20c8cec5a813");
    }

    #[test]
    fn what_a_person_is_known_by_is_one_fingerprint_in_all_its_forms() {
        let (key, rules) =
            (FingerprintKey::new(&[7; 32]).expect("long enough"), crate::RuleSet::built_in().expect("rules"));
        for (entity, one, other) in [
            ("PHONE_NUMBER", "(628) 555-7714", "+1 628.555.7714"),
            ("FAX_NUMBER", "+49 (0)30 5557 4418", "0049 30 55574418"),
            ("DATE_OF_BIRTH", "March 17th, 1968", "1968-03-17"),
            ("DATE_TIME", "10/22/2021", "2021-10-22"),
            ("IP_ADDRESS", "2001:DB8:0:0::1", "2001:db8::1"),
            ("MAC_ADDRESS", "00-1b-44-11-3a-b7", "001B.4411.3AB7"),
        ] {
            let (_, rule) = rules.iter().find(|(_, rule)| rule.entity == entity).expect("a rule of the entity");
            let f = |value| key.fingerprint(entity, value, rule.normalise);
            assert_eq!(f(one), f(other), "{entity}");
        }
    }

    #[test]
    fn keys_and_entities_separate() {
        let a = FingerprintKey::new(&[1; 32]).expect("long enough");
        let b = FingerprintKey::new(&[2; 32]).expect("long enough");
        assert_ne!(a.id(), b.id());
        let value = "943 476 5919";
        assert_ne!(
            a.fingerprint("UK_NHS", value, Normalise::Digits),
            b.fingerprint("UK_NHS", value, Normalise::Digits)
        );
        assert_ne!(
            a.fingerprint("UK_NHS", value, Normalise::Digits),
            a.fingerprint("PHONE_NUMBER", value, Normalise::Digits)
        );
        assert!(FingerprintKey::new(b"short").is_err());
    }
}
