//! Signatures of content: what is compared to find near copies of data.
//!
//! A signature is made of keyed hashes of the word 5-grams of a text, so nobody without the key can test whether a
//! sentence is in it. It has two parts, made of independent hashes: 128 short ones to find candidates by, and a sample to
//! compute a similarity from. This file is their form and the estimate; who makes them is the scanner, who looks for
//! candidates is the store.

use serde::{Deserialize, Serialize};

/// Number of short hashes.
pub const MINHASHES: usize = 128;
/// Hashes in the largest sample.
pub const SAMPLE_MAX: usize = 1_024;
/// Version of how signatures are made. Those of two versions are never compared.
pub const SIGNATURE_FORM: i32 = 1;

/// A signature. Only made whole, by [`Signature::new`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Signature {
    key_id: String,
    form: i32,
    shingle_count: i64,
    complete: bool,
    minhash: Vec<u16>,
    sample: Vec<u64>,
}

/// What is no signature: which part, and what is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not [`MINHASHES`] short hashes.
    #[error("`minhash` is not {MINHASHES} hashes of 2 bytes")]
    Minhash,
    /// Not 1 to [`SAMPLE_MAX`] hashes, each larger than the one before.
    #[error("`sample` is not 1 to {SAMPLE_MAX} ascending hashes of 8 bytes")]
    Sample,
    /// Not eight hexadecimal digits.
    #[error("`key` is not the id of a key, 8 hexadecimal digits")]
    Key,
}

impl Signature {
    /// A signature of its parts: the id of the key, the number of n-grams that were read, whether the sample is all
    /// there are, [`MINHASHES`] short hashes, and a sample in ascending order.
    ///
    /// # Errors
    /// [`SignatureError`] where a part is not of its shape.
    pub fn new(
        key_id: impl Into<String>,
        form: i32,
        shingle_count: i64,
        complete: bool,
        minhash: Vec<u16>,
        sample: Vec<u64>,
    ) -> Result<Self, SignatureError> {
        let key_id = key_id.into();
        if key_id.len() != 8 || !key_id.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(SignatureError::Key);
        }
        if minhash.len() != MINHASHES {
            return Err(SignatureError::Minhash);
        }
        if sample.is_empty() || sample.len() > SAMPLE_MAX || !sample.is_sorted_by(|a, b| a < b) {
            return Err(SignatureError::Sample);
        }
        Ok(Self { key_id, form, shingle_count: shingle_count.max(0), complete, minhash, sample })
    }

    /// A signature of its parts as they are stored: hashes as bytes, least significant first.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn from_bytes(
        key_id: impl Into<String>,
        form: i32,
        shingle_count: i64,
        complete: bool,
        minhash: &[u8],
        sample: &[u8],
    ) -> Result<Self, SignatureError> {
        let (short, rest) = minhash.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(SignatureError::Minhash);
        }
        let (long, rest) = sample.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(SignatureError::Sample);
        }
        let short = short.iter().map(|b| u16::from_le_bytes(*b)).collect();
        let long = long.iter().map(|b| u64::from_le_bytes(*b)).collect();
        Self::new(key_id, form, shingle_count, complete, short, long)
    }

    /// Id of the key of its hashes. Those of two keys say nothing of each other.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Version of how it was made.
    pub fn form(&self) -> i32 {
        self.form
    }

    /// N-grams that were read, repetitions counted.
    pub fn shingle_count(&self) -> i64 {
        self.shingle_count
    }

    /// The sample is all distinct n-grams there are.
    pub fn complete(&self) -> bool {
        self.complete
    }

    /// The short hashes.
    pub fn minhash(&self) -> &[u16] {
        &self.minhash
    }

    /// The sample: the least hashes of all, ascending.
    pub fn sample(&self) -> &[u64] {
        &self.sample
    }

    /// The short hashes as bytes.
    pub fn minhash_bytes(&self) -> Vec<u8> {
        self.minhash.iter().flat_map(|h| h.to_le_bytes()).collect()
    }

    /// The sample as bytes.
    pub fn sample_bytes(&self) -> Vec<u8> {
        self.sample.iter().flat_map(|h| h.to_le_bytes()).collect()
    }

    /// How alike two contents are: the Jaccard similarity of their sets of n-grams, 0 to 1. `None` where the two
    /// signatures were made with different keys or in different forms.
    ///
    /// Where both samples are complete this is the similarity itself. Else it is estimated from the n-grams of both
    /// whose hashes are among the least: the share of those that both have. It has no bias, and with `n` hashes looked at
    /// the standard error of `sqrt(J * (1 - J) / n)`: 0.0125 at J = 0.8 for two samples of 1,024, 0.025 where one of them
    /// has 256.
    pub fn similarity(&self, other: &Self) -> Option<f32> {
        if self.key_id != other.key_id || self.form != other.form {
            return None;
        }
        // Up to the smaller of the two last hashes it is known of each whether it is in either.
        let last = self.last().min(other.last());
        let (mut mine, mut theirs) = (up_to(&self.sample, last), up_to(&other.sample, last));
        let all = mine.len() + theirs.len();
        let mut common = 0;
        while let ([a, rest @ ..], [b, others @ ..]) = (mine, theirs) {
            common += usize::from(a == b);
            if a <= b {
                mine = rest;
            }
            if b <= a {
                theirs = others;
            }
        }
        Some(common as f32 / (all - common).max(1) as f32)
    }

    fn last(&self) -> u64 {
        match self.sample.last() {
            Some(last) if !self.complete => *last,
            _ => u64::MAX,
        }
    }
}

fn up_to(sample: &[u64], last: u64) -> &[u64] {
    &sample[..sample.partition_point(|hash| *hash <= last)]
}

/// A signature in JSON: hashes in hexadecimal digits, which no rule takes for a credential.
#[derive(Serialize, Deserialize)]
struct Written {
    key: String,
    form: i32,
    shingles: i64,
    complete: bool,
    minhash: String,
    sample: String,
}

impl From<Signature> for Written {
    fn from(of: Signature) -> Self {
        Self {
            minhash: hex::encode(of.minhash_bytes()),
            sample: hex::encode(of.sample_bytes()),
            key: of.key_id,
            form: of.form,
            shingles: of.shingle_count,
            complete: of.complete,
        }
    }
}

impl TryFrom<Written> for Signature {
    type Error = SignatureError;

    fn try_from(of: Written) -> Result<Self, SignatureError> {
        let minhash = hex::decode(of.minhash).map_err(|_| SignatureError::Minhash)?;
        let sample = hex::decode(of.sample).map_err(|_| SignatureError::Sample)?;
        Self::from_bytes(of.key, of.form, of.shingles, of.complete, &minhash, &sample)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(key: &str, form: i32, complete: bool, sample: Vec<u64>) -> Signature {
        Signature::new(key, form, 9, complete, (0..MINHASHES as u16).collect(), sample).expect("a signature")
    }

    fn alike(a: (bool, &[u64]), b: (bool, &[u64])) -> f32 {
        let (a, b) = (signature("0123abcd", 1, a.0, a.1.to_vec()), signature("0123abcd", 1, b.0, b.1.to_vec()));
        let there = a.similarity(&b).expect("one key");
        assert_eq!(b.similarity(&a), Some(there), "the same both ways");
        there
    }

    #[test]
    fn whole_samples_give_the_similarity_itself() {
        assert_eq!(alike((true, &[1, 2, 3, 4]), (true, &[2, 3, 4, 5])), 0.6);
        assert_eq!(alike((true, &[1, 2]), (true, &[1, 2])), 1.0);
        assert_eq!(alike((true, &[1, 2]), (true, &[3])), 0.0);
    }

    /// Beyond the last hash of a part of a set nobody knows what else is in it.
    #[test]
    fn hashes_beyond_the_smaller_last_one_do_not_count() {
        assert_eq!(alike((false, &[1, 2, 4, 8]), (false, &[1, 4, 9, 10])), 0.5);
        assert_eq!(alike((false, &[1, 2, 4, 8]), (true, &[1, 2, 4, 8, 9, 10])), 1.0);
        assert_eq!(alike((false, &[5, 6]), (true, &[100])), 0.0);
    }

    #[test]
    fn keys_and_forms_are_never_compared() {
        let of = |key, form| signature(key, form, true, vec![1, 2, 3]);
        assert_eq!(of("0123abcd", 1).similarity(&of("0123abce", 1)), None);
        assert_eq!(of("0123abcd", 1).similarity(&of("0123abcd", 2)), None);
        assert_eq!(of("0123abcd", 1).similarity(&of("0123abcd", 1)), Some(1.0));
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        let signature = signature("0123abcd", 1, false, vec![1, 2, u64::MAX]);
        let text = serde_json::to_string(&signature).expect("written");
        assert_eq!(serde_json::from_str::<Signature>(&text).expect("read"), signature);
        for (good, bad) in [
            ("0123abcd", "0123abc"),
            ("0123abcd", "0123abcx"),
            ("\"minhash\":\"0000", "\"minhash\":\"00"),
            ("\"minhash\":\"0000", "\"minhash\":\"000x"),
            ("\"sample\":\"0100000000000000", "\"sample\":\"0200000000000000"),
            ("\"sample\":\"0100000000000000", "\"sample\":\"00"),
        ] {
            let broken = text.replacen(good, bad, 1);
            assert_ne!(broken, text);
            assert!(serde_json::from_str::<Signature>(&broken).is_err(), "{bad}");
        }
        let too_many = (0..=SAMPLE_MAX as u64).collect();
        assert_eq!(Signature::new("0123abcd", 1, 0, true, vec![0; MINHASHES], too_many), Err(SignatureError::Sample));
    }
}
