//! The hashes of signatures: fast ones that decide what is kept, and a pseudo-random function for what leaves this crate.
//!
//! All are keyed with secrets derived from the fingerprint key. The fast ones multiply and fold, and are no more than
//! well distributed; nothing of them is ever stored but how many zeros one begins with. What is stored has gone
//! through SipHash-2-4 (Aumasson and Bernstein, 2012), which without its key nobody can compute or take back.

use crate::FingerprintKey;

/// Secrets of signatures, of one fingerprint key.
#[derive(Clone)]
pub(super) struct Secrets {
    pub(super) word: [u64; 2],
    pub(super) sampled: [u64; 2],
    pub(super) placed: [u64; 2],
    sample: [u64; 2],
    minhash: [u64; 2],
}

impl Secrets {
    pub(super) fn of(key: &FingerprintKey) -> Self {
        let pair = |label| {
            let secret = key.derived(label);
            let half = |at: usize| secret[at..].first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight));
            [half(0), half(8)]
        };
        // A multiplier must be odd, or it would lose what it multiplies.
        let factor = |label| pair(label).map(|n| n | 1);
        Self {
            word: factor("near copies: words"),
            sampled: factor("near copies: which n-grams are kept"),
            placed: factor("near copies: where n-grams go"),
            sample: pair("near copies: sample"),
            minhash: pair("near copies: minhash"),
        }
    }

    /// An n-gram of a sample as it is stored, from its fast hash. Those with more leading zeros come first, so that a
    /// part of the order is known without this function.
    pub(super) fn sample(&self, fast: u64) -> u64 {
        let level = 63 - u64::from(fast.leading_zeros().min(63));
        level << 58 | sip(self.sample, fast) >> 6
    }

    /// The short hash of the least n-gram of a place.
    pub(super) fn minhash(&self, least: u64) -> u16 {
        sip(self.minhash, least) as u16
    }
}

/// Both halves of a product, folded into one.
#[inline]
pub(super) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// SipHash-2-4 of eight bytes.
fn sip([k0, k1]: [u64; 2], message: u64) -> u64 {
    let mut v = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    // The last block holds the rest of the message, which is empty, and its length.
    for block in [message, 8 << 56] {
        v[3] ^= block;
        (0..2).for_each(|_| round(&mut v));
        v[0] ^= block;
    }
    v[2] ^= 0xff;
    (0..4).for_each(|_| round(&mut v));
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[2] = v[2].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[1]);
    v[0] = v[0].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ninth test vector of the function's authors: key and message are 0, 1, 2, ...
    #[test]
    fn sip_hash_is_what_its_authors_say() {
        let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        assert_eq!(sip(key, 0x0706_0504_0302_0100), 0x93f5_f579_9a93_2462);
    }
}
