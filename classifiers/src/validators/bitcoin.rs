//! Bitcoin address.
//!
//! Base58Check (BIP-13) with a double SHA-256 checksum, or segregated witness in Bech32 (BIP-173) and Bech32m
//! (BIP-350). Later witness versions are accepted with either checksum constant, as both have been in use.

use crate::validators::digits::within;

use crate::validators::sha256;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    let text = number.trim().as_bytes();
    match text {
        [b'1' | b'3', ..] => base58_check(text),
        [b'b' | b'B', ..] => segwit(text),
        _ => false,
    }
}

/// A version byte, a hash of 20 bytes and four bytes of checksum.
fn base58_check(text: &[u8]) -> bool {
    const ALPHABET: &str = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut raw = [0u8; 25];
    for c in text {
        let Some(mut carry) = within(*c, ALPHABET) else { return false };
        for byte in raw.iter_mut().rev() {
            carry += u64::from(*byte) * 58;
            *byte = carry as u8;
            carry >>= 8;
        }
        if carry > 0 {
            return false;
        }
    }
    // Each leading zero byte is written as one leading `1`, so both counts must be the same.
    let zeros = raw.iter().take_while(|b| **b == 0).count();
    let ones = text.iter().take_while(|b| **b == b'1').count();
    let check = sha256::digest(&raw[..21]).and_then(|once| sha256::digest(&once));
    zeros == ones && matches!(raw[0], 0 | 5) && check.is_some_and(|c| c[..4] == raw[21..])
}

fn segwit(text: &[u8]) -> bool {
    if text.len() > 90 || text.iter().any(u8::is_ascii_uppercase) && text.iter().any(u8::is_ascii_lowercase) {
        return false;
    }
    let Some((b"bc1" | b"BC1", data)) = text.split_at_checked(3) else { return false };
    // The human-readable part `bc`, spread over high and low bits as BIP-173 asks.
    let mut state = [3, 3, 0, 2, 3].into_iter().fold(1, polymod);
    for c in data {
        let Some(v) = within(c.to_ascii_lowercase(), "qpzry9x8gf2tvdw0s3jn54khce6mua7l") else { return false };
        state = polymod(state, v as u32);
    }
    let Some(program) = data.len().checked_sub(7) else { return false };
    let version = within(data[0].to_ascii_lowercase(), "qpzry9x8gf2tvdw0s3jn54khce6mua7l").unwrap_or(32);
    let (bytes, spare_bits) = (program * 5 / 8, program * 5 % 8);
    let padding = within(data[program].to_ascii_lowercase(), "qpzry9x8gf2tvdw0s3jn54khce6mua7l").unwrap_or(0);
    let length = if version == 0 { matches!(bytes, 20 | 32) } else { (2..=40).contains(&bytes) };
    let checksum = state == 1 || version > 0 && state == 0x2bc8_30a3;
    version <= 16 && length && checksum && spare_bits < 5 && padding.is_multiple_of(1 << spare_bits)
}

/// One step of the BCH code of BIP-173.
fn polymod(state: u32, value: u32) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let top = state >> 25;
    let shifted = (state & 0x1ff_ffff) << 5 ^ value;
    GENERATOR.iter().enumerate().filter(|(i, _)| top >> i & 1 == 1).fold(shifted, |s, (_, g)| s ^ g)
}
