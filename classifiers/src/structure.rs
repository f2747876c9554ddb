//! Structure checks: does a matched text have the inner shape that its format promises?
//!
//! Each check reads one value as it was found (separators included) and answers yes or no. Rule files name them in
//! `check:`, beside the national number validators. They read no context, keep nothing and never fail: an input of any
//! bytes gives an answer. What they do not do: look for values in text, or weigh how likely a finding is.

mod reserved;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

/// A named structure check.
#[derive(Clone, Copy)]
pub struct Structure {
    /// The name that rule files use, `lower_snake`.
    pub name: &'static str,
    /// One line on what the check accepts.
    pub title: &'static str,
    /// The check: true if the value has the structure.
    pub check: fn(&str) -> bool,
}

/// Every structure check, by name.
pub fn all() -> &'static [Structure] {
    STRUCTURES
}

/// The structure check called `name`.
pub fn by_name(name: &str) -> Option<&'static Structure> {
    STRUCTURES.iter().find(|structure| structure.name == name)
}

/// Shannon entropy of the value's bytes, in bits a byte; zero for an empty value.
pub fn entropy_bits(value: &str) -> f32 {
    let mut counts = [0u32; 256];
    value.bytes().for_each(|b| counts[b as usize] += 1);
    if value.is_empty() {
        return 0.0;
    }
    let total = value.len() as f32;
    // Most bytes of a token stand there once, and the logarithm of one is nothing.
    let repeated = |b: u8| Some(std::mem::take(&mut counts[usize::from(b)])).filter(|n| *n > 1);
    let spent: f32 = value.bytes().filter_map(repeated).map(|n| n as f32 * (n as f32).log2()).sum();
    total.log2() - spent / total
}

const STRUCTURES: &[Structure] = &[
    Structure {
        name: "atlassian_crc",
        title: "Atlassian token whose last eight digits are its CRC-32",
        check: atlassian_crc,
    },
    Structure {
        name: "aws_key_id",
        title: "AWS key id: four-letter prefix and base32 with an account number",
        check: aws_key_id,
    },
    Structure { name: "basic_credentials", title: "base64 of user, colon and password", check: basic_credentials },
    Structure { name: "base58_key", title: "32 or 64 bytes in base58, as Solana writes keys", check: base58_key },
    Structure { name: "base58check", title: "base58 with a double SHA-256 checksum", check: base58check },
    Structure { name: "bech32", title: "bech32 or bech32m with its checksum", check: bech32 },
    Structure {
        name: "bip39",
        title: "BIP-39 phrase: words of its English list, the last one with the checksum",
        check: bip39,
    },
    Structure {
        name: "card_test",
        title: "payment card number that payment providers publish for tests",
        check: reserved::card_test,
    },
    Structure { name: "card", title: "payment card number: issuer range, length and Luhn digit", check: card },
    Structure { name: "date", title: "calendar date between 1850 and 2100", check: date },
    Structure {
        name: "discord_token",
        title: "Discord token: base64 of a numeric id, timestamp, signature",
        check: discord_token,
    },
    Structure {
        name: "eip55",
        title: "Ethereum address, with its EIP-55 capitals if it is in mixed case",
        check: eip55,
    },
    Structure {
        name: "email_example",
        title: "e-mail address in a domain that is reserved for examples and tests (RFC 2606)",
        check: reserved::email_example,
    },
    Structure {
        name: "email_role",
        title: "e-mail address of a role and of nobody, as postmaster (RFC 2142) and noreply",
        check: reserved::email_role,
    },
    Structure { name: "email", title: "e-mail address with a plausible top-level domain", check: email },
    Structure {
        name: "github_crc",
        title: "GitHub or npm token whose last six characters are its CRC-32",
        check: github_crc,
    },
    Structure { name: "gitlab_crc", title: "GitLab routable token with its length and CRC-32", check: gitlab_crc },
    Structure {
        name: "grafana_crc",
        title: "Grafana service-account token whose last eight digits are its CRC-32",
        check: grafana_crc,
    },
    Structure {
        name: "ip_private",
        title: "IP address of an inner network (RFC 1918, 3927, 4193, 6598)",
        check: reserved::ip_private,
    },
    Structure {
        name: "ip_reserved",
        title: "IP address of the host itself, of all hosts or of documentation (RFC 1122, 2544, 3849, 5737)",
        check: reserved::ip_reserved,
    },
    Structure { name: "ipv4", title: "IPv4 address of a host, not a version number or a mask", check: ipv4 },
    Structure {
        name: "ipv4_named",
        title: "IPv4 address of a host, of which something else says that it is one",
        check: ipv4_named,
    },
    Structure { name: "ipv6", title: "IPv6 address of a host", check: ipv6 },
    Structure { name: "json_service_account", title: "Google service-account key file", check: json_service_account },
    Structure { name: "jwt", title: "JSON Web Token with a readable header", check: jwt },
    Structure { name: "mixed", title: "holds a letter and a digit", check: mixed },
    Structure { name: "monero", title: "Monero address with its Keccak-256 checksum", check: monero },
    Structure { name: "nkey", title: "NATS nkey seed: base32, its kind and a CRC-16", check: nkey },
    Structure { name: "not_masked", title: "no placeholder or template; counting is allowed", check: not_masked },
    Structure { name: "not_placeholder", title: "no placeholder, template or keyboard run", check: not_placeholder },
    Structure { name: "not_word", title: "no plain word or identifier", check: not_word },
    Structure { name: "pem_block", title: "PEM private key block with a plausible body", check: pem_block },
    Structure {
        name: "pem_private_key",
        title: "PEM private key block whose body is DER, an OpenSSH or an OpenPGP key, or is encrypted",
        check: pem_private_key,
    },
    Structure { name: "phone", title: "7 to 15 digits, not all the same", check: phone },
    Structure { name: "public_domain", title: "host name under a public top-level domain", check: public_domain },
    Structure {
        name: "pypi_macaroon",
        title: "PyPI token: a macaroon with location, identifier and signature",
        check: pypi_macaroon,
    },
    Structure {
        name: "random_token",
        title: "a prefix of words and a random part that holds no word",
        check: random_token,
    },
    Structure {
        name: "ssn_advertised",
        title: "US Social Security number of advertisements and pamphlets",
        check: reserved::ssn_advertised,
    },
    Structure {
        name: "ssn_unissued",
        title: "US Social Security number of an area, group or serial that is not issued",
        check: reserved::ssn_unissued,
    },
    Structure { name: "url_credentials", title: "URL with a user, a real password and a host", check: url_credentials },
    Structure {
        name: "url_example",
        title: "URL with a host in a domain that is reserved for examples and tests (RFC 2606)",
        check: reserved::url_example,
    },
];

// Placeholders and words

/// Looks for any of several parts in one pass, in any case: each value that could be a secret is asked for dozens of them.
struct AnyOf(Result<AhoCorasick, &'static [&'static str]>);

impl AnyOf {
    fn new(parts: &'static [&'static str]) -> Self {
        let mut builder = AhoCorasick::builder();
        // Values are short: looking for a place to begin at costs more than beginning.
        builder.kind(Some(AhoCorasickKind::DFA)).ascii_case_insensitive(true).prefilter(false);
        Self(builder.build(parts).map_err(|_| parts))
    }

    fn is_match(&self, value: &str) -> bool {
        match &self.0 {
            Ok(automaton) => automaton.is_match(value),
            // Parts that are too many for an automaton are looked for one by one.
            Err(parts) => {
                let lower = value.to_ascii_lowercase();
                parts.iter().any(|part| lower.contains(part))
            }
        }
    }
}

static PLACEHOLDERS: LazyLock<AnyOf> = LazyLock::new(|| AnyOf::new(PLACEHOLDER_PARTS));
static KEYBOARD: LazyLock<AnyOf> = LazyLock::new(|| AnyOf::new(KEYBOARD_PARTS));

/// Parts that no real secret holds, at any place and in any case. Four random base62 characters equal one of these
/// four-letter parts once in about a million, so they do not cost recall.
const PLACEHOLDER_PARTS: &[&str] = &[
    "example",
    "sample",
    "dummy",
    "placehold",
    "changeme",
    "change_me",
    "change-me",
    "changeit",
    "replaceme",
    "replace_",
    "replace-",
    "redacted",
    "notreal",
    "not_real",
    "not-a-real",
    "xxxx",
    "****",
    "....",
    "----",
    "your_",
    "your-",
    "yourkey",
    "yourtoken",
    "yoursecret",
    "yourpass",
    "yourapi",
    "insert_",
    "insert-",
    "enter_",
    "enter-",
    "todo",
    "fixme",
    "foobar",
    "lorem",
    "mysecret",
    "my_secret",
    "my-secret",
    "some_",
    "\u{2026}",
    "\u{2022}",
];

/// Parts that fingers make on a keyboard, or that are jokes in hexadecimal.
const KEYBOARD_PARTS: &[&str] = &["deadbeef", "qwerty", "asdfgh"];

/// Words of which a placeholder is made: a value of nothing but these (and digits) is no secret.
static PLACEHOLDER_WORDS: Words = LazyLock::new(|| {
    " a abc access account an any api app application auth bar baz bearer bot client code \
    config credential credentials data db default demo dev empty env fake false field file \
    foo from goes guest here hidden id in input is it key keys live local login masked me \
    mock my mypass mypassword name new nil no none null oauth of old optional or pass \
    passphrase passwd password passwords prefix private prod public pw pwd real refresh \
    required root secret secrets secure session set some something string super \
    supersecret te test tester testing text the this to token tokens true type undefined \
    unknown unset use user username value var with x xx xxx xyz yes you your "
        .split_ascii_whitespace()
        .collect()
});

fn not_placeholder(value: &str) -> bool {
    if !not_masked(value) || KEYBOARD.is_match(value) {
        return false;
    }
    let lower = value.trim().to_ascii_lowercase();
    !has_period(lower.as_bytes(), usize::MAX) && !is_sequential(lower.as_bytes())
}

/// The weaker form, for values whose length and alphabet a provider's name already promises: who writes about a format
/// makes tokens up by counting (`abcdef1234567890`), and a reader should hear of those, but not of `xxxx` or `<token>`.
fn not_masked(value: &str) -> bool {
    let value = value.trim();
    if value.is_empty() || is_template(value) || value.ends_with("...") {
        return false;
    }
    !(value.as_bytes().get(..4).is_some_and(|head| head.eq_ignore_ascii_case(b"your"))
        || PLACEHOLDERS.is_match(value)
        || is_placeholder_words(value)
        || is_uniform(value.as_bytes())
        || has_period(value.as_bytes(), 5))
}

/// `${NAME}`, `$NAME`, `{{ name }}`, `<name>`, `%NAME%`, `%s`, `#{name}`, `[name]`, `:name`, `$(command)`.
fn is_template(value: &str) -> bool {
    static MARKS: LazyLock<AnyOf> = LazyLock::new(|| {
        AnyOf::new(&[
            "${",
            "$(",
            "{{",
            "}}",
            "#{",
            "<%",
            "%>",
            "<<",
            "$[",
            "@@",
            ".$",
            "['",
            "process.env",
            "os.environ",
            "getenv",
        ])
    });
    if MARKS.is_match(value) {
        return true;
    }
    let bytes = value.as_bytes();
    let (first, last) = (bytes[0], bytes[bytes.len() - 1]);
    let inner = &bytes[1..];
    match first {
        b'<' => last == b'>',
        b'{' => last == b'}',
        b'[' => last == b']',
        b'(' => last == b')',
        b'%' => last == b'%' || bytes.len() <= 3 || bytes[1] == b'(',
        b'$' => inner.iter().all(|&b| b.is_ascii_alphabetic() || b == b'_') || is_upper_name(inner),
        b'@' | b'&' | b':' => {
            !inner.is_empty() && inner.iter().all(|&b| b.is_ascii_alphabetic() || b"_.-".contains(&b))
        }
        _ => false,
    }
}

fn is_upper_name(name: &[u8]) -> bool {
    name.iter().all(|&b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

fn is_placeholder_words(value: &str) -> bool {
    let mut letters = 0;
    for word in words(value) {
        if !is_one_of(&PLACEHOLDER_WORDS, word) {
            return false;
        }
        letters += word.len();
    }
    // A value without any letter (`12345678`, `****`) is judged by the other tests, a mere sign by this one.
    letters > 0 || !value.bytes().any(|b| b.is_ascii_digit()) && value.len() < 6
}

/// Words that are looked up, of a text in which blanks set them off.
type Words = LazyLock<HashSet<&'static str>>;

/// Whether a word is in a list, in any case.
fn is_one_of(list: &Words, word: &str) -> bool {
    let mut lower = [0; WORD_BYTES_MAX];
    let Some(lower) = lower.get_mut(..word.len()) else { return false };
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    std::str::from_utf8(lower).is_ok_and(|lower| list.contains(lower))
}

/// No list holds a longer word.
const WORD_BYTES_MAX: usize = 16;

/// The runs of letters in `value`, cut at capitals that follow a lower-case letter.
fn words(value: &str) -> impl Iterator<Item = &str> {
    let bytes = value.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        at += bytes[at..].iter().take_while(|b| !b.is_ascii_alphabetic()).count();
        let start = at;
        let is_cut = |at: usize| at > start && bytes[at].is_ascii_uppercase() && bytes[at - 1].is_ascii_lowercase();
        while at < bytes.len() && bytes[at].is_ascii_alphabetic() && !is_cut(at) {
            at += 1;
        }
        (at > start).then(|| &value[start..at])
    })
}

/// What a value's [`words`] are like.
#[derive(Debug, Default, Clone, Copy)]
struct Wording {
    words: usize,
    /// Letters in all of them.
    letters: usize,
    /// Letters in those that are like words of a language.
    word_like: usize,
}

impl Wording {
    fn of(value: &str) -> Self {
        words(value).fold(Self::default(), |sum, word| Self {
            words: sum.words + 1,
            letters: sum.letters + word.len(),
            word_like: sum.word_like + if is_word_like(word) { word.len() } else { 0 },
        })
    }
}

/// Of too few different characters, or one character for most of its length: `aaaaaaa`, `000000`.
fn is_uniform(value: &[u8]) -> bool {
    if value.len() < 4 {
        return false;
    }
    let distinct = count_distinct(value);
    if distinct <= 2 || (value.len() >= 12 && distinct <= 3) || (value.len() >= 24 && distinct <= 5) {
        return true;
    }
    let longest = longest_run(value, |a, b| a == b);
    longest >= 7 && longest * 4 >= value.len() || longest * 2 > value.len()
}

/// A piece of at most `period_max` characters, three times or more: `abcabcabcabc`.
fn has_period(value: &[u8], period_max: usize) -> bool {
    value.len() >= 4
        && (1..=period_max.min(value.len() / 3)).any(|period| value[period..].iter().zip(value).all(|(a, b)| a == b))
}

/// More than half of the value counts up or down, as in `abcd1234`. In a long value that must be one run, because people
/// who write about a token often make one up of several runs and mean it to be read as a token; in a very long one, where
/// the alphabet alone fills half, it must be most of it, or nothing may be left over.
fn is_sequential(lower: &[u8]) -> bool {
    const LONG: usize = 20;
    const VERY_LONG: usize = 24;
    let (mut covered, mut longest, mut up, mut down) = (0, 0, 1, 1);
    for pair in lower.windows(2) {
        let alnum = pair.iter().all(u8::is_ascii_alphanumeric);
        let wraps = pair == b"90" || pair == b"9a";
        up = if alnum && (pair[1] == pair[0].wrapping_add(1) || wraps) { up + 1 } else { 1 };
        down = if alnum && pair[0] == pair[1].wrapping_add(1) { down + 1 } else { 1 };
        let run = up.max(down);
        longest = longest.max(run);
        covered += match run {
            4 => 4,
            5.. => 1,
            _ => 0,
        };
    }
    match lower.len() {
        VERY_LONG.. => longest * 4 > lower.len() * 3 || covered * 10 > lower.len() * 9,
        LONG.. => longest * 2 > lower.len(),
        len => covered * 2 > len && covered >= 4,
    }
}

fn count_distinct(value: &[u8]) -> usize {
    let mut seen = [0u64; 4];
    value.iter().for_each(|&b| seen[usize::from(b >> 6)] |= 1 << (b & 63));
    seen.iter().map(|bits| bits.count_ones() as usize).sum()
}

fn longest_run(value: &[u8], same: impl Fn(u8, u8) -> bool) -> usize {
    let (mut best, mut run) = (1, 1);
    for pair in value.windows(2) {
        run = if same(pair[0], pair[1]) { run + 1 } else { 1 };
        best = best.max(run);
    }
    best
}

fn not_word(value: &str) -> bool {
    // A leading `#` makes a style selector or a comment of a word.
    let value = value.trim().trim_start_matches('#');
    // `password: proxyPass);`: the bracket belongs to the code around.
    let value = if value.contains('(') { value } else { value.trim_end_matches([')', ';']) };
    if value.is_empty()
        || is_path_or_call(value)
        || is_password_hash(value)
        || is_public_key(value)
        || is_checked_token(value)
        || names_a_secret(value)
        || is_word_with_sign(value)
    {
        return false;
    }
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    if value.bytes().any(|b| !b.is_ascii_alphanumeric() && !b"_.-:/ ,'()[]>\\".contains(&b)) {
        // Other signs (`!`, `#`, `+`, `@`) stand in passwords and tokens; sentences are told by their blanks.
        return value.bytes().filter(|&b| b == b' ').count() < 2;
    }
    if is_versioned_name(value) {
        return false;
    }
    if digits > 0 && !value.bytes().any(|b| b.is_ascii_alphabetic()) {
        return !value.contains('.');
    }
    if digits > 0 {
        return !is_numbered_identifier(value);
    }
    let wording = Wording::of(value);
    wording.word_like * 10 < wording.letters * 8
}

/// `oauth2_token`, `key_v1`, `Base32SecretKey`, `jackson-0.11.2`: words with a few short numbers between or behind them.
/// `summer2019` is a password, and so is anything with a digit inside a word (`w4lnut`). Random text falls into more
/// numbers, and into shorter pieces than words are (`q4fGEHeC8irl`).
fn is_numbered_identifier(value: &str) -> bool {
    const DIGITS_MAX: usize = 2;
    const NUMBERS_MAX: usize = 2;
    const PIECE_LEN_MIN: usize = 3;
    let compound =
        value.bytes().any(|b| !b.is_ascii_alphanumeric()) || value.split(|c: char| c.is_ascii_digit()).any(has_hump);
    let separators = value.bytes().filter(|b| !b.is_ascii_alphanumeric()).count();
    let mut numbers = value.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    let short_numbers = numbers.clone().all(|digits| digits.len() <= DIGITS_MAX);
    let few_numbers = numbers.by_ref().count() <= NUMBERS_MAX.max(separators);
    if !(compound && short_numbers && few_numbers) {
        return false;
    }
    let Wording { words, letters, word_like } = Wording::of(value);
    letters >= words * PIECE_LEN_MIN && word_like * 10 >= letters * 8
}

/// `jjwt-jackson-0.11.2`, `image:1.4.0`: a name and a version of two or more numbers.
fn is_versioned_name(value: &str) -> bool {
    let Some((name, version)) = value.rsplit_once(['-', ':', '@', '_']) else { return false };
    let numbers = version.trim_start_matches('v').split('.');
    name.len() >= 3
        && version.contains('.')
        && numbers.clone().count() >= 2
        && numbers.into_iter().all(|n| (1..=4).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()))
}

fn has_hump(run: &str) -> bool {
    run.as_bytes().windows(2).any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
}

/// `self.token`, `config["token"]`, `get_token()`, `obj->token`, `/etc/secret`, `./secret.pem`.
fn is_path_or_call(value: &str) -> bool {
    value.contains("->")
        || value.contains("::")
        || value.contains("](")
        || value.contains("().")
        || value.contains("!(")
        || value.ends_with("()")
        || value.ends_with('(')
        || value.contains(".md#")
        || value.contains(".html#")
        || value.starts_with("./")
        || value.starts_with("../")
        || value.starts_with("~/")
        || (value.starts_with('/') && value[1..].contains('/') && value.bytes().filter(u8::is_ascii_digit).count() < 4)
        || value.starts_with("http://")
        || value.starts_with("https://")
}

/// `HpkePublicKey`, `azure_storage_token`, `pqdsa_key_st`: an identifier of several words, one of which says what it
/// names. Code that hands a secret on says so; a secret does not say what it is.
fn names_a_secret(value: &str) -> bool {
    static NAMING: Words = LazyLock::new(|| {
        " apikey auth certificate client credential credentials default key keys password passphrase \
        passwd private provider public pwd secret secrets session token tokens "
            .split_ascii_whitespace()
            .collect()
    });
    const DIGITS_MAX: usize = 3;
    const PIECE_LEN_MIN: usize = 3;
    let identifier = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:-".contains(&b));
    if !identifier || value.bytes().filter(u8::is_ascii_digit).count() > DIGITS_MAX {
        return false;
    }
    let wording = Wording::of(value);
    wording.words >= 2
        && wording.letters >= wording.words * PIECE_LEN_MIN
        && wording.word_like * 2 >= wording.letters
        && words(value).any(|word| is_one_of(&NAMING, word))
}

/// `*const`, `&password`, `!required`, `quote_spanned!`: a word with a sign that code puts to it.
fn is_word_with_sign(value: &str) -> bool {
    let bare = value.trim_start_matches(['*', '&', '!']).trim_end_matches('!');
    if bare.len() == value.len() || !bare.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
        return false;
    }
    let wording = Wording::of(bare);
    wording.word_like * 10 >= wording.letters * 8
}

/// `$6$salt$hash`, `{SSHA}hash`: has a rule of its own, and is not what a password field gives away.
fn is_password_hash(value: &str) -> bool {
    let after_scheme = value.split_once('}').filter(|_| value.starts_with('{')).map_or(value, |(_, rest)| rest);
    after_scheme.len() != value.len() || value.starts_with('$') && value.matches('$').count() >= 3
}

/// A public key in DER in base64: SubjectPublicKeyInfo of RSA (in the lengths in use) or of an elliptic curve, or an
/// OpenSSH public key.
fn is_public_key(value: &str) -> bool {
    const OPENINGS: &[&str] =
        &["MFwwDQYJ", "MIGfMA0G", "MIGJAoGB", "MIIBIjAN", "MIICIjAN", "MFkwEwYH", "MCowBQYD", "AAAAB3Nz", "AAAAC3Nz"];
    OPENINGS.iter().any(|opening| value.starts_with(opening))
}

/// A token that has its checksum in it has a rule that believes it, and one that half believes it where the checksum fails.
/// What stands around does not make it better.
fn is_checked_token(value: &str) -> bool {
    const GITHUB_BODY_LEN: usize = 36;
    const GITHUB: &[&str] = &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "npm_"];
    const OTHERS: &[&str] = &["glsa_", "ATATT3xFfGF0", "pypi-AgEI"];
    let is_github = |body: &str| body.len() == GITHUB_BODY_LEN && body.bytes().all(|b| b.is_ascii_alphanumeric());
    GITHUB.iter().any(|prefix| value.strip_prefix(prefix).is_some_and(is_github))
        || OTHERS.iter().any(|prefix| value.starts_with(prefix))
}

/// Letter pairs that are common inside English words and identifiers: for each first letter the letters that follow it.
/// Counted over words of public-domain speeches; pairs in fewer than one word in 1,250 are left out.
const LIKELY_PAIRS: [&str; 26] = [
    "abcdefghijklmnprstuvwxyz",
    "abcdefijlmorstuy",
    "abcdefhiklmnopqrstuvy",
    "abcdefghijlmnoprstuvwy",
    "abcdefghiklmnopqrstuvwxy",
    "abcdefilmorstuy",
    "aceghilmnorstuy",
    "adefilmnorstuy",
    "abcdefgklmnopqrstuvxz",
    "aeou",
    "adeilnopstu",
    "abcdefgiklmnopstuvy",
    "abcdefilmnopstuy",
    "abcdefghijklmnopqrstuvwy",
    "abcdefghijklmnoprstuvwxy",
    "abcdeghiklmnoprstuy",
    "u",
    "abcdefgiklmnoprstuvwy",
    "abcdefghiklmnopqrstuvwy",
    "abcdefghilmnoprstuvwxy",
    "abcdefgilmnoprstx",
    "aceilos",
    "adefhilnors",
    "abcdefhipt",
    "aceilmnopst",
    "aeio",
];

/// [`LIKELY_PAIRS`] with a bit for each second letter.
const LIKELY_NEXT: [u32; 26] = {
    let mut next = [0; 26];
    let mut first = 0;
    while first < next.len() {
        let letters = LIKELY_PAIRS[first].as_bytes();
        let mut at = 0;
        while at < letters.len() {
            next[first] |= 1 << (letters[at] - b'a');
            at += 1;
        }
        first += 1;
    }
    next
};

/// A token in the form that providers have taken to (`acme_live_`, `tok-`, then random characters): the part after the
/// last separator that is followed by enough text must change between letters, capitals and digits as chance makes it,
/// which names, versions, hashes of content and words in camel case do not.
fn random_token(value: &str) -> bool {
    // Web frameworks name bundles by their content.
    const BUNDLES: &[&str] = &["css_", "js_", "css-", "js-", "chunk-", "bundle-", "chunk_", "bundle_"];
    if BUNDLES.iter().any(|prefix| value.starts_with(prefix)) {
        return false;
    }
    let Some(body) = value.rsplit(['_', '-', '.']).find(|part| part.len() >= 16) else { return false };
    let kind = |b: &u8| (b.is_ascii_digit(), b.is_ascii_uppercase());
    let changes = body.as_bytes().windows(2).filter(|pair| kind(&pair[0]) != kind(&pair[1])).count();
    let holds = |is: fn(&u8) -> bool| usize::from(body.as_bytes().iter().any(is));
    let kinds = holds(u8::is_ascii_digit) + holds(u8::is_ascii_uppercase) + holds(u8::is_ascii_lowercase);
    // Of random base62 pairs 63 in 100 change kind, of base36 pairs 40, of random hexadecimal 47.
    let expected = if kinds == 3 { body.len() * 42 / 100 } else { body.len() * 25 / 100 };
    kinds >= 2
        && changes >= expected
        && count_distinct(body.as_bytes()) >= body.len().min(40) * 2 / 5
        && Wording::of(body).word_like * 3 <= body.len()
        && not_placeholder(value)
}

/// Letters only, and at most one unlikely pair in six. Pieces of one and two letters are what random text falls into.
fn is_word_like(word: &str) -> bool {
    const SHORT: &[&str] =
        &["by", "db", "id", "in", "io", "is", "my", "no", "of", "ok", "on", "or", "os", "to", "ui", "up", "us"];
    if word.len() < 3 {
        return SHORT.iter().any(|short| short.eq_ignore_ascii_case(word));
    }
    let letter = |b: u8| usize::from(b.to_ascii_lowercase() - b'a');
    let unlikely =
        word.as_bytes().windows(2).filter(|pair| LIKELY_NEXT[letter(pair[0])] >> letter(pair[1]) & 1 == 0).count();
    unlikely * 6 <= word.len()
}

fn mixed(value: &str) -> bool {
    value.bytes().any(|b| b.is_ascii_alphabetic()) && value.bytes().any(|b| b.is_ascii_digit())
}

// Tokens

/// GitHub's format of 2021: prefix, 30 random characters, and their CRC-32 as six base62 digits. npm uses the same.
/// Source: "Behind GitHub's new authentication token formats", github.blog, 2021-04-05.
fn github_crc(value: &str) -> bool {
    const CHECKSUM_LEN: usize = 6;
    let body = value.rsplit('_').next().unwrap_or_default();
    if !body.is_ascii() || body.len() <= CHECKSUM_LEN {
        return false;
    }
    let (random, checksum) = body.split_at(body.len() - CHECKSUM_LEN);
    radix(crc32(random.as_bytes()), BASE62, CHECKSUM_LEN).as_bytes() == checksum.as_bytes()
}

/// Grafana's service-account tokens: prefix, secret and the CRC-32 of both, its lowest byte first, in hexadecimal.
/// Source: `tokengen.go` in `pkg/components/satokengen` of Grafana.
fn grafana_crc(value: &str) -> bool {
    let Some((key, checksum)) = value.rsplit_once('_') else { return false };
    hex::encode(crc32(key.as_bytes()).to_le_bytes()) == checksum
}

/// Atlassian's tokens: everything up to and with the `=`, then its CRC-32 in capital hexadecimal.
/// Source: the checksum of Atlassian tokens in Datadog's Sensitive Data Scanner.
fn atlassian_crc(value: &str) -> bool {
    const CHECKSUM_LEN: usize = 8;
    let Some((body, checksum)) = value.split_at_checked(value.len().saturating_sub(CHECKSUM_LEN)) else { return false };
    body.ends_with('=') && format!("{:08X}", crc32(body.as_bytes())) == checksum
}

/// GitLab's routable tokens: prefix, base64 payload, `.`, perhaps a version and `.`, the length of the payload as two
/// base36 digits, and the CRC-32 of all of this as seven. Source: "Routable tokens", GitLab handbook.
fn gitlab_crc(value: &str) -> bool {
    const LENGTH_LEN: usize = 2;
    const CHECKSUM_LEN: usize = 7;
    let Some((body, checksum)) = value.split_at_checked(value.len().saturating_sub(CHECKSUM_LEN)) else { return false };
    let Some((head, length)) = body.rsplit_once('.') else { return false };
    // A version of two digits stands before the length since 2025.
    let payload = head.rsplit_once('.').filter(|(_, version)| version.len() == 2).map_or(head, |(payload, _)| payload);
    let Ok(length_said) = usize::from_str_radix(length, 36) else { return false };
    let prefix = payload.len().checked_sub(length_said).and_then(|end| payload.get(..end));
    length.len() == LENGTH_LEN
        && prefix.is_some_and(|prefix| prefix.ends_with(['-', '_']))
        && radix(crc32(body.as_bytes()), BASE36, CHECKSUM_LEN).as_bytes() == checksum.as_bytes()
}

/// A PyPI token is a macaroon in its second format: a version, fields of a type, a length and their bytes, an end mark
/// after each part, and a signature of 32 bytes at the end. Source: the format of libmacaroons, and PEP 458's warehouse.
fn pypi_macaroon(value: &str) -> bool {
    const VERSION: u8 = 2;
    let Some(body) = value.strip_prefix("pypi-") else { return false };
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(body.trim_end_matches('=')) else { return false };
    let Some((&VERSION, rest)) = bytes.split_first() else { return false };
    let Some(mut rest) = macaroon_part(rest) else { return false };
    // Caveats follow; after the last part comes an end mark of its own.
    while rest.first().is_some_and(|&b| b != MACAROON_END) {
        match macaroon_part(rest) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.get(1..)
        .and_then(macaroon_field)
        .is_some_and(|(kind, signature, end)| kind == MACAROON_SIGNATURE && signature.len() == 32 && end.is_empty())
}

const MACAROON_END: u8 = 0;
const MACAROON_IDENTIFIER: u8 = 2;
const MACAROON_SIGNATURE: u8 = 6;

/// What is behind a part: fields, an identifier among them, and an end mark.
fn macaroon_part(mut bytes: &[u8]) -> Option<&[u8]> {
    let mut identified = false;
    loop {
        if let Some((&MACAROON_END, after)) = bytes.split_first() {
            return identified.then_some(after);
        }
        let (kind, _, after) = macaroon_field(bytes)?;
        identified |= kind == MACAROON_IDENTIFIER;
        bytes = after;
    }
}

/// A field's type, its bytes, and what is behind it. Type and length are varints; no type needs more than a byte.
fn macaroon_field(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&kind, rest) = bytes.split_first()?;
    let (&low, mut rest) = rest.split_first()?;
    let mut len = usize::from(low & 0x7f);
    if low & 0x80 != 0 {
        let (&high, after) = rest.split_first()?;
        if high & 0x80 != 0 {
            return None;
        }
        (len, rest) = (len | usize::from(high) << 7, after);
    }
    let (data, after) = rest.split_at_checked(len)?;
    (kind < 0x80).then_some((kind, data, after))
}

/// A seed as NATS writes it: base32 of two bytes that say `S` and the kind of key, 32 bytes of seed and the CRC-16
/// (XMODEM) of them all, lowest byte first. Source: the nkeys library of NATS.
fn nkey(value: &str) -> bool {
    let Some(bytes) = base32_decode(value.as_bytes()) else { return false };
    let Some((body, checksum)) = bytes.split_last_chunk::<2>() else { return false };
    body.len() == 34 && crc16_xmodem(body) == u16::from_le_bytes(*checksum)
}

fn crc16_xmodem(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| (crc << 1) ^ (0x1021 & (crc >> 15).wrapping_neg()))
    })
}

/// RFC 4648 base32 without padding; bits that fill no byte are left out.
fn base32_decode(text: &[u8]) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut count) = (Vec::with_capacity(text.len() * 5 / 8), 0u32, 0);
    for &b in text {
        let digit = match b {
            b'A'..=b'Z' => b - b'A',
            b'2'..=b'7' => b - b'2' + 26,
            _ => return None,
        };
        bits = bits << 5 | u32::from(digit);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

const BASE36: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A number in the digits given, with zeros in front.
fn radix(mut number: u32, digits: &[u8], width: usize) -> String {
    let mut out = vec![digits[0]; width];
    for digit in out.iter_mut().rev() {
        *digit = digits[number as usize % digits.len()];
        number /= digits.len() as u32;
    }
    out.into_iter().map(char::from).collect()
}

/// CRC-32 as in ISO-HDLC (zip, Ethernet). Bit by bit, because it reads 30 bytes a token.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

/// RFC 7519 and RFC 7515: base64url header with `alg`, base64url payload that is an object, a signature.
fn jwt(value: &str) -> bool {
    let parts: Vec<&str> = value.split('.').collect();
    let [header, payload, _signature, ..] = parts.as_slice() else { return false };
    let object = |part: &str| -> Option<serde_json::Map<String, serde_json::Value>> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?).ok()
    };
    let Some(header) = object(header) else { return false };
    match parts.len() {
        3 => {
            header.get("alg").is_some_and(serde_json::Value::is_string)
                && payload.len() >= 4
                && object(payload).is_some()
        }
        // JWE, RFC 7516: the second part is an encrypted key, possibly empty.
        5 => header.contains_key("alg") && header.contains_key("enc"),
        _ => false,
    }
}

/// An RFC 7468 block (or the older PEM and OpenSSH ones) of a private key, begun and ended with the same label, whose
/// body has variety and is not text.
fn pem_block(value: &str) -> bool {
    pem_parts(value).is_some()
}

/// A [`pem_block`] that reads as what its label says.
fn pem_private_key(value: &str) -> bool {
    pem_parts(value).is_some_and(|(label, head, body)| match label {
        "OPENSSH PRIVATE KEY" => is_openssh_key(&body),
        // A secret-key packet (tag 5) in the old and in the new form, RFC 9580 section 4.2.
        "PGP PRIVATE KEY BLOCK" => body.first().is_some_and(|b| matches!(b, 0x94..=0x97 | 0xc5)),
        "SSH2 ENCRYPTED PRIVATE KEY" => body.starts_with(&[0x3f, 0x6f, 0xf9, 0xeb]),
        // RFC 1421: the whole DER is encrypted, with a block cipher of 8 or 16 bytes.
        _ if head.contains("ENCRYPTED") => head.contains("DEK-Info:") && body.len().is_multiple_of(8),
        _ => is_der_key(&body),
    })
}

/// Label, header and decoded body of a block of a private key.
fn pem_parts(value: &str) -> Option<(&str, &str, Vec<u8>)> {
    const BODY_LEN_MIN: usize = 40;
    let (label, rest) = pem_label(value, "-----BEGIN ").filter(|(label, _)| label.contains("PRIVATE KEY"))?;
    let end = rest.find("-----END ")?;
    pem_label(&rest[end..], "-----END ").filter(|(end_label, _)| *end_label == label)?;
    let body = pem_body(&rest[..end]);
    let plausible = body.len() >= BODY_LEN_MIN
        && count_distinct(&body) >= 14
        && !is_uniform(&body)
        && !has_period(&body, usize::MAX)
        && longest_run(&body, |a, b| a == b) < 24;
    let bytes = decode_pem(&body);
    (plausible && !is_text(&bytes)).then_some((label, &rest[..end], bytes))
}

/// The bytes of a PEM body; none if it is no base64.
fn decode_pem(body: &[u8]) -> Vec<u8> {
    let end = body.iter().rposition(|&b| b != b'=').map_or(0, |last| last + 1);
    PEM_BASE64.decode(&body[..end]).unwrap_or_default()
}

/// Without padding, and with whatever bits are left over: people cut and made-up keys have some.
const PEM_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A sentence in base64 is no key.
fn is_text(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&b| b.is_ascii_graphic() || b.is_ascii_whitespace())
}

/// A DER SEQUENCE over all of the bytes that begins with a version (PKCS 1, PKCS 8, SEC 1, DSA) or with the algorithm of
/// an encrypted PKCS 8 key.
fn is_der_key(bytes: &[u8]) -> bool {
    const SEQUENCE: u8 = 0x30;
    const INTEGER: u8 = 0x02;
    let Some((&SEQUENCE, rest)) = bytes.split_first() else { return false };
    der_content(rest).is_some_and(|content| matches!(content.first(), Some(&INTEGER | &SEQUENCE)))
}

/// The content behind a DER length (X.690, section 8.1.3) that names exactly what is there.
fn der_content(bytes: &[u8]) -> Option<&[u8]> {
    let (&first, rest) = bytes.split_first()?;
    let (len, content) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (len, content) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (len.iter().fold(0, |len, &b| len << 8 | usize::from(b)), content)
        }
        _ => return None,
    };
    (content.len() == len).then_some(content)
}

/// The magic, then strings with their lengths: cipher, key derivation and its options, a number of public keys, as many
/// of those, and the private part. Source: `PROTOCOL.key` of OpenSSH.
fn is_openssh_key(bytes: &[u8]) -> bool {
    const KEYS_MAX: u32 = 8;
    let read = || -> Option<bool> {
        let rest = bytes.strip_prefix(b"openssh-key-v1\0")?;
        let rest = (0..3).try_fold(rest, |rest, _| ssh_string(rest))?;
        let (keys, rest) = rest.split_first_chunk::<4>()?;
        let keys = u32::from_be_bytes(*keys);
        if !(1..=KEYS_MAX).contains(&keys) {
            return None;
        }
        let rest = (0..keys + 1).try_fold(rest, |rest, _| ssh_string(rest))?;
        Some(rest.is_empty())
    };
    read() == Some(true)
}

/// What is behind a string with its length, RFC 4251 section 5.
fn ssh_string(bytes: &[u8]) -> Option<&[u8]> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    rest.get(u32::from_be_bytes(*len) as usize..)
}

fn pem_label<'a>(text: &'a str, opening: &str) -> Option<(&'a str, &'a str)> {
    let after = &text[text.find(opening)? + opening.len()..];
    let close = after.find("-----")?;
    Some((&after[..close], &after[close + 5..]))
}

/// A block of a key by its label and its body alone, for equal keys are written with all kinds of line ends and
/// indentation. `None` where the text is no block.
pub(crate) fn pem_form(value: &str) -> Option<String> {
    const OPENING: &str = "-----BEGIN ";
    let (label, rest) = value.starts_with(OPENING).then(|| pem_label(value, OPENING))??;
    let body = pem_body(&rest[..rest.find("-----END ").unwrap_or(rest.len())]);
    // What the body leaves out (a header, a comment) is no key, and a body of nothing is no form.
    (!body.is_empty()).then(|| format!("{label} {}", String::from_utf8_lossy(&body)))
}

/// The base64 of a PEM body. Line ends may be escaped once or twice (`\n`, `\\n`), as in JSON and environment files;
/// header lines (`Proc-Type: 4,ENCRYPTED`) and the PGP checksum line are left out.
fn pem_body(text: &str) -> Vec<u8> {
    let unescaped = text.replace("\\r", "").replace("\\n", "\n").replace("\\t", " ").replace('\\', "");
    unescaped
        .lines()
        // The checksum of a PGP block is `=` and four characters.
        .filter(|line| !(line.contains(": ") || line.starts_with('=') && line.trim_end().len() == 5))
        // A `+` alone joins the strings of a program.
        .flat_map(|line| line.split_ascii_whitespace().filter(|word| word.bytes().any(|b| b.is_ascii_alphanumeric())))
        .flat_map(str::bytes)
        .filter(|b| b.is_ascii_alphanumeric() || b"+/=".contains(b))
        .collect()
}

/// `scheme://user:password@host`; the scheme may be missing. RFC 3986, section 3.2.
fn url_credentials(value: &str) -> bool {
    let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
    let authority = authority(rest);
    let Some((userinfo, host)) = authority.rsplit_once('@') else { return false };
    let Some((user, password)) = userinfo.split_once(':') else { return false };
    is_host(host) && is_real_password(user, password)
}

/// A password may hold an unescaped `/`, `?` or `#`, so the authority ends at the first of them after the last `@`.
fn authority(rest: &str) -> &str {
    let at = rest.rfind('@').unwrap_or(0);
    let end = rest[at..].find(['/', '?', '#']).map_or(rest.len(), |end| at + end);
    &rest[..end]
}

fn is_host(host: &str) -> bool {
    let first = host.split([',', ':']).next().unwrap_or_default();
    let bracketed = host.starts_with('[') && host.contains(']');
    bracketed
        || (first.starts_with(|c: char| c.is_ascii_alphanumeric())
            && first.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)))
}

fn is_real_password(user: &str, password: &str) -> bool {
    const TOO_WEAK: &[&str] = &["admin", "root", "postgres", "mysql", "guest", "redis", "mongo", "rabbitmq", "p", "pw"];
    let lower = password.to_ascii_lowercase();
    password.len() >= 3
        && (!lower.contains("pass") || mixed(password))
        && !lower.contains("secret")
        && !TOO_WEAK.contains(&lower.as_str())
        && (user != password || mixed(password))
        && !user.contains(['<', '{', '$'])
        && not_placeholder(password)
}

/// `base64(id).timestamp.signature`, where the id is a snowflake: 17 to 20 digits.
fn discord_token(value: &str) -> bool {
    let mut parts = value.split('.');
    let (Some(id), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let decoded = decode_base64(id);
    (17..=20).contains(&decoded.len()) && decoded.iter().all(u8::is_ascii_digit)
}

fn decode_base64(text: &str) -> Vec<u8> {
    let text = text.trim_end_matches('=');
    URL_SAFE_NO_PAD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(text)).unwrap_or_default()
}

/// The credentials of HTTP Basic authentication, RFC 7617: printable text with a colon and something behind it.
fn basic_credentials(value: &str) -> bool {
    let Ok(text) = String::from_utf8(decode_base64(value)) else { return false };
    let Some((user, password)) = text.split_once(':') else { return false };
    text.chars().all(|c| !c.is_control()) && is_real_password(user, password)
}

/// The JSON file that Google issues for a service account, plain or escaped inside another string.
fn json_service_account(value: &str) -> bool {
    let plain = value.replace("\\\"", "\"");
    ["\"service_account\"", "\"private_key\"", "-----BEGIN ", "\"client_email\""]
        .iter()
        .all(|part| plain.contains(part))
}

/// The sixteen characters after the prefix are base32, and since 2018 the account number stands in their first bytes.
/// Older ids (`AKIAI`, `AKIAJ`) have no account in them, so only one that reads as no account at all (zero) is refused.
fn aws_key_id(value: &str) -> bool {
    const PREFIX_LEN: usize = 4;
    let Some(body) = value.get(PREFIX_LEN..) else { return false };
    let Some(number) = base32_prefix(body.as_bytes()) else { return false };
    body.len() >= 16 && count_distinct(body.as_bytes()) >= 5 && (number & 0x7fff_ffff_ff80) >> 7 != 0
}

/// The first 48 bits of base32 text as a number; none if a character is not base32 or there are too few.
fn base32_prefix(text: &[u8]) -> Option<u64> {
    let mut bits: u128 = 0;
    for &b in text.iter().take(16) {
        let digit = match b {
            b'A'..=b'Z' => b - b'A',
            b'2'..=b'7' => b - b'2' + 26,
            _ => return None,
        };
        bits = bits << 5 | u128::from(digit);
    }
    (text.len() >= 16).then_some((bits >> 32) as u64)
}

// Checksummed encodings

/// Bitcoin addresses, WIF keys and extended keys: payload and the first four bytes of its double SHA-256.
fn base58check(value: &str) -> bool {
    const CHECKSUM_LEN: usize = 4;
    let Some(bytes) = base58_decode(value) else { return false };
    if bytes.len() <= CHECKSUM_LEN + 1 {
        return false;
    }
    let (payload, checksum) = bytes.split_at(bytes.len() - CHECKSUM_LEN);
    Sha256::digest(Sha256::digest(payload))[..CHECKSUM_LEN] == *checksum
}

/// A public key or the seed and public key of ed25519, which carry no checksum.
fn base58_key(value: &str) -> bool {
    base58_decode(value).is_some_and(|bytes| matches!(bytes.len(), 32 | 64) && count_distinct(&bytes) >= 16)
}

/// A Monero address: network, two keys, perhaps a payment id, and four bytes of the Keccak-256 of them, in base58 block by
/// block of eight bytes. Source: the address format of the Monero project, `base58.cpp`.
fn monero(value: &str) -> bool {
    const BLOCK_LEN: usize = 11;
    const BLOCK_BYTES: usize = 8;
    // Ends of seven characters are five bytes; both lengths of an address end so.
    const END: (usize, usize) = (7, 5);
    const CHECKSUM_LEN: usize = 4;
    if !matches!(value.len(), 95 | 106) {
        return false;
    }
    let mut bytes = Vec::with_capacity(77);
    for block in value.as_bytes().chunks(BLOCK_LEN) {
        let size = if block.len() == BLOCK_LEN { BLOCK_BYTES } else { END.1 };
        let number = block.iter().try_fold(0u128, |n, b| Some(n * 58 + BASE58.iter().position(|c| c == b)? as u128));
        let Some(number) = number.filter(|n| n >> (8 * size) == 0) else { return false };
        bytes.extend_from_slice(&number.to_be_bytes()[16 - size..]);
    }
    let (payload, checksum) = bytes.split_at(bytes.len() - CHECKSUM_LEN);
    // Main, test and stage network: an address, one with a payment id, and a subaddress.
    matches!(payload[0], 18 | 19 | 42 | 53 | 54 | 63 | 24 | 25 | 36) && keccak256(payload)[..CHECKSUM_LEN] == *checksum
}

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

fn base58_decode(text: &str) -> Option<Vec<u8>> {
    const LEN_MAX: usize = 128;
    if text.len() > LEN_MAX {
        return None;
    }
    let mut little_endian: Vec<u8> = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        let mut carry = BASE58.iter().position(|&c| c == byte)? as u32;
        for digit in &mut little_endian {
            carry += u32::from(*digit) * 58;
            *digit = carry as u8;
            carry >>= 8;
        }
        if carry > 0 {
            little_endian.push(carry as u8);
        }
    }
    let zeros = text.bytes().take_while(|&b| b == b'1').count();
    little_endian.resize(little_endian.len() + zeros, 0);
    little_endian.reverse();
    Some(little_endian)
}

/// BIP-173 and BIP-350: human-readable part, `1`, data and a six-character checksum, all in one case.
fn bech32(value: &str) -> bool {
    const CHARSET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const CHECKSUMS: [u32; 2] = [1, 0x2bc8_30a3];
    if value.bytes().any(|b| b.is_ascii_uppercase()) && value.bytes().any(|b| b.is_ascii_lowercase()) {
        return false;
    }
    let lower = value.to_ascii_lowercase();
    let Some((prefix, data)) = lower.rsplit_once('1') else { return false };
    if prefix.is_empty() || data.len() < 6 || !prefix.bytes().all(|b| (33..=126).contains(&b)) {
        return false;
    }
    let Some(data) = data.bytes().map(|b| CHARSET.iter().position(|&c| c == b)).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let expanded =
        prefix.bytes().map(|b| u32::from(b >> 5)).chain([0]).chain(prefix.bytes().map(|b| u32::from(b & 31)));
    CHECKSUMS.contains(&expanded.chain(data.into_iter().map(|d| d as u32)).fold(1, bech32_step))
}

fn bech32_step(checksum: u32, value: u32) -> u32 {
    const GENERATORS: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let top = checksum >> 25;
    let shifted = (checksum & 0x01ff_ffff) << 5 ^ value;
    GENERATORS
        .iter()
        .enumerate()
        .filter(|(i, _)| top >> i & 1 == 1)
        .fold(shifted, |sum, (_, generator)| sum ^ generator)
}

/// The 2,048 words of BIP-39 in English, in the order that gives each its number.
/// Source: `english.txt` beside BIP-0039, whose content the standard fixes.
static BIP39_WORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| include_str!("bip39_english.txt").lines().collect());

/// A mnemonic of 12, 15, 18, 21 or 24 words: each stands for 11 bits, and the last bits of all are the first of the
/// SHA-256 of those before.
fn bip39(value: &str) -> bool {
    let numbers: Option<Vec<usize>> = value
        .split_ascii_whitespace()
        .map(|word| BIP39_WORDS.binary_search(&word.to_ascii_lowercase().as_str()).ok())
        .collect();
    let Some(numbers) = numbers else { return false };
    if !(12..=24).contains(&numbers.len()) || !numbers.len().is_multiple_of(3) {
        return false;
    }
    let bit = |at: usize| numbers[at / 11] >> (10 - at % 11) & 1;
    let checksum_bits = numbers.len() / 3;
    let entropy_bits = checksum_bits * 32;
    let entropy: Vec<u8> =
        (0..entropy_bits / 8).map(|byte| (0..8).fold(0, |value, i| value << 1 | bit(byte * 8 + i) as u8)).collect();
    let checksum = (entropy_bits..entropy_bits + checksum_bits).fold(0, |value, at| value << 1 | bit(at) as u8);
    Sha256::digest(&entropy)[0] >> (8 - checksum_bits) == checksum
}

/// EIP-55. An address in one case carries no checksum and is accepted.
fn eip55(value: &str) -> bool {
    let Some(hex) = value.strip_prefix("0x").or_else(|| value.strip_prefix("0X")) else { return false };
    if hex.len() != 40 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) || count_distinct(hex.as_bytes()) < 6 {
        return false;
    }
    let lower = hex.to_ascii_lowercase();
    if hex == lower || hex == hex.to_ascii_uppercase() {
        return true;
    }
    let digest = keccak256(lower.as_bytes());
    hex.bytes().enumerate().filter(|(_, b)| b.is_ascii_alphabetic()).all(|(i, b)| {
        let nibble = if i % 2 == 0 { digest[i / 2] >> 4 } else { digest[i / 2] & 15 };
        b.is_ascii_uppercase() == (nibble >= 8)
    })
}

/// Keccak-256 with the padding of the Keccak submission (0x01), as Ethereum uses it, not that of SHA-3.
fn keccak256(input: &[u8]) -> [u8; 32] {
    const RATE: usize = 136;
    let mut padded = input.to_vec();
    padded.push(1);
    padded.resize(padded.len().next_multiple_of(RATE), 0);
    if let Some(last) = padded.last_mut() {
        *last |= 0x80;
    }
    let mut state = [0u64; 25];
    for block in padded.chunks_exact(RATE) {
        for (lane, bytes) in state.iter_mut().zip(block.chunks_exact(8)) {
            *lane ^= bytes.iter().rev().fold(0, |word, &b| word << 8 | u64::from(b));
        }
        keccak_f(&mut state);
    }
    let mut digest = [0; 32];
    for (out, lane) in digest.chunks_exact_mut(8).zip(state) {
        out.copy_from_slice(&lane.to_le_bytes());
    }
    digest
}

/// Keccak-f[1600], FIPS 202 section 3.3. Round constants come from the LFSR of section 3.2.5.
fn keccak_f(state: &mut [u64; 25]) {
    let mut lfsr = 1u8;
    for _ in 0..24 {
        let column: [u64; 5] = std::array::from_fn(|x| (0..5).fold(0, |sum, y| sum ^ state[x + 5 * y]));
        for (i, lane) in state.iter_mut().enumerate() {
            *lane ^= column[(i + 4) % 5] ^ column[(i + 1) % 5].rotate_left(1);
        }
        let (mut x, mut y, mut moved) = (1, 0, state[1]);
        for t in 0..24u32 {
            (x, y) = (y, (2 * x + 3 * y) % 5);
            let rotated = moved.rotate_left((t + 1) * (t + 2) / 2 % 64);
            moved = std::mem::replace(&mut state[x + 5 * y], rotated);
        }
        for row in state.chunks_exact_mut(5) {
            let old: [u64; 5] = std::array::from_fn(|x| row[x]);
            for (x, lane) in row.iter_mut().enumerate() {
                *lane = old[x] ^ (!old[(x + 1) % 5] & old[(x + 2) % 5]);
            }
        }
        for j in 0..7 {
            if lfsr & 1 == 1 {
                state[0] ^= 1 << ((1u32 << j) - 1);
            }
            lfsr = lfsr << 1 ^ if lfsr & 0x80 != 0 { 0x71 } else { 0 };
        }
    }
}

// Personal and network data

/// Issuer ranges by leading digits: inclusive range of prefixes, and the lengths in use (ISO/IEC 7812-1 and the
/// networks' published ranges). Test numbers of payment providers pass: they are
/// well-formed, and policies may list them.
const CARD_RANGES: &[(u32, u32, &[usize])] = &[
    (4, 4, &[13, 16, 19]),
    (51, 55, &[16]),
    (2221, 2720, &[16]),
    (34, 34, &[15]),
    (37, 37, &[15]),
    (6011, 6011, &[16, 17, 18, 19]),
    (644, 649, &[16, 17, 18, 19]),
    (65, 65, &[16, 17, 18, 19]),
    (300, 305, &[14, 15, 16, 17, 18, 19]),
    (3095, 3095, &[14, 15, 16, 17, 18, 19]),
    (36, 36, &[14, 15, 16, 17, 18, 19]),
    (38, 39, &[14, 15, 16, 17, 18, 19]),
    (3528, 3589, &[16, 17, 18, 19]),
    (1800, 1800, &[15]),
    (2131, 2131, &[15]),
    (62, 62, &[16, 17, 18, 19]),
    (81, 82, &[16]),
    (2200, 2204, &[16, 17, 18, 19]),
    (50, 50, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (56, 58, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (60, 61, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (63, 63, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (66, 69, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (9792, 9792, &[16]),
];

fn card(value: &str) -> bool {
    let digits: Vec<u8> = value.bytes().filter(u8::is_ascii_digit).map(|b| b - b'0').collect();
    let separators_only =
        value.bytes().all(|b| b.is_ascii_digit() || b" -.\t".contains(&b)) || value.contains('\u{a0}');
    separators_only && in_card_range(&digits) && luhn(&digits) && count_distinct(&digits) > 1
}

fn in_card_range(digits: &[u8]) -> bool {
    (12..=19).contains(&digits.len())
        && CARD_RANGES.iter().any(|(low, high, lengths)| {
            let width = low.ilog10() as usize + 1;
            let prefix = digits[..width].iter().fold(0, |number, &d| number * 10 + u32::from(d));
            (*low..=*high).contains(&prefix) && lengths.contains(&digits.len())
        })
}

fn luhn(digits: &[u8]) -> bool {
    let sum = digits.iter().rev().enumerate().fold(0u32, |sum, (i, &d)| {
        let doubled = u32::from(d) << (i % 2);
        sum + doubled / 10 + doubled % 10
    });
    sum.is_multiple_of(10)
}

/// Resolvers that people do write; other addresses of four small numbers are read as versions.
const SMALL_ADDRESSES: &[[u8; 4]] =
    &[[1, 0, 0, 1], [1, 1, 1, 1], [4, 2, 2, 1], [4, 2, 2, 2], [8, 8, 4, 4], [8, 8, 8, 8], [9, 9, 9, 9]];

fn ipv4(value: &str) -> bool {
    ipv4_octets(value).is_some_and(|octets| octets.iter().any(|&o| o >= 10) || SMALL_ADDRESSES.contains(&octets))
}

/// [`ipv4`] in a field or behind a label for addresses, where four small numbers are no version.
fn ipv4_named(value: &str) -> bool {
    ipv4_octets(value).is_some()
}

/// The parts of an address that can be a host's.
fn ipv4_octets(value: &str) -> Option<[u8; 4]> {
    // The standard parser refuses leading zeros and octets over 255.
    let address = value.parse::<Ipv4Addr>().ok()?;
    let octets = address.octets();
    let mask = u32::from(address).leading_ones() + u32::from(address).trailing_zeros() == 32 && octets[0] >= 254;
    (octets[0] != 0 && !address.is_loopback() && !address.is_broadcast() && !mask).then_some(octets)
}

fn ipv6(value: &str) -> bool {
    const DIGITS_MIN: usize = 16;
    let address = value.split(['%', '/']).next().unwrap_or_default();
    let Ok(parsed) = address.parse::<Ipv6Addr>() else { return false };
    if parsed.is_unspecified() || parsed.is_loopback() {
        return false;
    }
    let digits = address.bytes().filter(u8::is_ascii_hexdigit).count();
    let full = !address.contains("::") && digits >= DIGITS_MIN;
    let first = parsed.segments()[0];
    let assigned = matches!(first, 0x2000..=0x3fff | 0xfc00..=0xfdff | 0xfe80..=0xfebf | 0xff00..=0xff0f)
        || parsed.to_ipv4_mapped().is_some()
        || first == 0x64;
    // `ab::cd` is C++ or a time as often as an address: a short form counts in assigned ranges only.
    full || assigned && digits >= 5
}

/// The dot-atom form of RFC 5322 with the length limits of RFC 5321, section 4.5.3.1.
fn email(value: &str) -> bool {
    let Some((local, domain)) = value.rsplit_once('@') else { return false };
    is_local_part(local) && domain.len() <= 253 && is_domain(domain)
}

fn is_local_part(local: &str) -> bool {
    (1..=64).contains(&local.len())
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b))
}

fn is_domain(domain: &str) -> bool {
    let labels: Vec<&str> = domain.split('.').collect();
    labels.len() >= 2
        && labels.iter().all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
        && labels.last().is_some_and(|tld| is_plausible_tld(tld))
}

/// Two-letter country codes with a delegated top-level domain (ISO 3166-1, and `ac`, `eu`, `su`, `uk`).
static COUNTRY_TLDS: Words = LazyLock::new(|| {
    " ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo \
    br bs bt bv bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk \
    dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq \
    gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh \
    ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn \
    mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg \
    ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk sl sm sn so \
    sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy \
    uz va vc ve vg vi vn vu wf ws ye yt za zm zw "
        .split_ascii_whitespace()
        .collect()
});

/// Endings of files that are no top-level domains, as in `icon@2x.png`.
static FILE_ENDINGS: Words = LazyLock::new(|| {
    " png jpg jpeg gif svg webp ico css html htm json xml yaml yml txt csv tsv log pdf doc \
    docx xls xlsx ppt exe dll tar php jsx tsx cpp hpp java toml lock conf ini bak tmp mp3 \
    mp4 wav avi ttf woff class jar war sql pyc ipynb swift kt local localhost internal lan \
    localdomain invalid arpa corp intranet parquet "
        .split_ascii_whitespace()
        .collect()
});

fn is_plausible_tld(tld: &str) -> bool {
    let lower = tld.to_ascii_lowercase();
    if let Some(rest) = lower.strip_prefix("xn--") {
        return rest.len() >= 3;
    }
    if !(2..=24).contains(&lower.len()) || !lower.bytes().all(|b| b.is_ascii_lowercase()) {
        return false;
    }
    match lower.len() {
        2 => COUNTRY_TLDS.contains(lower.as_str()),
        _ => !FILE_ENDINGS.contains(lower.as_str()),
    }
}

/// A host name somebody can have registered. `.test` and `.example` (RFC 6761) pass for e-mail, but not here.
fn public_domain(value: &str) -> bool {
    let name = value.trim_end_matches('.');
    let reserved = [".example", ".test", ".onion"].iter().any(|tld| name.to_ascii_lowercase().ends_with(tld));
    name.len() <= 253 && is_domain(name) && !reserved
}

/// The length limits of ITU-T E.164. Numbering plans are checked elsewhere.
fn phone(value: &str) -> bool {
    let digits: Vec<u8> = value.bytes().filter(u8::is_ascii_digit).collect();
    (7..=15).contains(&digits.len()) && count_distinct(&digits) > 1
}

/// Year, month and day with `-`, `/`, `.` or blanks, in the orders in use, the month as number or English name.
fn date(value: &str) -> bool {
    let day_part = value.split(['T']).next().unwrap_or_default();
    let source = if day_part.len() >= 8 { day_part } else { value };
    let parts: Vec<&str> =
        source.split(|c: char| !c.is_ascii_alphanumeric()).filter(|p| !p.is_empty() && *p != "of").take(3).collect();
    if let [whole] = parts.as_slice() {
        return whole.len() == 8 && whole.is_ascii() && is_day(&whole[..4], &whole[4..6], &whole[6..]);
    }
    let [a, b, c] = parts.as_slice() else { return false };
    is_day(a, b, c) || is_day(c, b, a) || is_day(c, a, b)
}

fn is_day(year: &str, month: &str, day: &str) -> bool {
    let Some(year) = parse_year(year) else { return false };
    let Some(month) = parse_month(month) else { return false };
    let day = day.trim_end_matches(['s', 't', 'n', 'd', 'r', 'h']);
    day.len() <= 2 && day.parse().is_ok_and(|day: u32| (1..=days_in(year, month)).contains(&day))
}

fn parse_year(text: &str) -> Option<u32> {
    let year: u32 = text.parse().ok()?;
    match text.len() {
        2 => Some(2000 + year),
        4 => (1850..=2100).contains(&year).then_some(year),
        _ => None,
    }
}

fn parse_month(text: &str) -> Option<u32> {
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let lower = text.to_ascii_lowercase();
    if let Some(index) = NAMES.iter().position(|name| lower.len() >= 3 && name.starts_with(&lower)) {
        return Some(index as u32 + 1);
    }
    (text.len() <= 2).then(|| text.parse().ok()).flatten().filter(|month| (1..=12).contains(month))
}

fn days_in(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs one check over values it must accept and values it must refuse.
    fn rows(name: &str, accepted: &[&str], refused: &[&str]) {
        let check = by_name(name).expect("the check is listed").check;
        accepted.iter().for_each(|value| assert!(check(value), "{name} must accept {value:?}"));
        refused.iter().for_each(|value| assert!(!check(value), "{name} must refuse {value:?}"));
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = all().iter().map(|s| s.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all().len());
        assert!(by_name("no_such_check").is_none());
    }

    #[test]
    fn placeholders_and_words() {
        rows(
            "not_placeholder",
            &["Tr0ut_88line", "gr8-Kiln!77", "m4rble.Dust", "q9Zx7Lw2Tn5Vb8Rk", "$ecret-kiln9"],
            &[
                "",
                "password",
                "your-api-key-here",
                "YOUR_TOKEN",
                "my_secret_token",
                "xxxxxxxxxxxxxxxx",
                "changeme",
                "<token>",
                "${TOKEN}",
                "$TOKEN",
                "{{ token }}",
                "%s",
                "%TOKEN%",
                "****",
                "AKIAIOSFODNN7EXAMPLE",
                "aaaaaaaaaaaa",
                "123456",
                "abcabcabcabc",
                "abcdefghijklmnop",
                "0123456789",
                "test123",
                "process.env.TOKEN",
                "abcdefghijklmnopqrstuvwxyz",
                "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKL",
            ],
        );
        // A long value of which a good part does not count up.
        rows("not_placeholder", &["kq7m2xd9w4abcdefghijklmnopqrst0vz8"], &["kqabcdefghijklmnopqrstuvwx"]);
        rows(
            "not_word",
            &[
                "zavqfuxo",
                "w4lnut_gr0ve",
                "summer2019",
                "tavorin42x",
                "k1ln7-Rust",
                "a!b2#c",
                "c/DRQhPgVchw+y/oTVc3zB==",
            ],
            &[
                "",
                "required",
                "next_token",
                "getToken",
                "self.password",
                "oauth2_token",
                "Base32SecretKey",
                "PASSWORD_FIELD",
                "/etc/ssl/private",
                "config[\"token\"](x)",
                "read_password2()",
                "user->token",
                "jackson-0.11.2",
                "io.kiln:kiln-core-2.10.4",
                "userPass);",
                "HpkePublicKey",
                "azure_storage_token",
                "*const",
                "quote_spanned!",
                "write!(f",
                "url.password().and_then",
                "gomock.Eq(",
                "environment.md#TOKEN_STORE",
                "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEq8Zt1pWx7Kp2",
                "ghp_9Mt1RwQ8pvptRXkURaSKVHlHhvm7QRcl5bjD",
                "0.169363736",
                "#add-password",
                "{SSHA}x9Kq2mPz",
                "$6$salt$digest",
                "please enter your password here!",
            ],
        );
        rows(
            "not_masked",
            &[
                "abcdef1234567890abcdef1234567890",
                "ABCDEFGHIJKLMNOPQRSTUVWXYZ123456",
                "deadbeefdeadbeef01234567deadbeef",
            ],
            &["", "xxxxxxxxxxxxxxxx", "<token>", "${TOKEN}", "your-api-key-here", "abcabcabcabcabc", "ops_eyJzaWdu..."],
        );
        rows("mixed", &["a1", "9z"], &["", "abc", "123", "--"]);
    }

    #[test]
    fn tokens() {
        rows(
            "github_crc",
            &["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"],
            &["ghp_pGKCFCqy7IUyZdF9ZegW0sH1rzVBoq3EfJ5w", "ghp_", "", "ghp_\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}"],
        );
        rows(
            "jwt",
            &[
                "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1LTc3MTkiLCJleHAiOjE3MzU2ODk2MDB9.8CSyiFzqO3hHU3k0MtDAOfx1EjFk",
            ],
            &["", "a.b.c", "eyJhbGciOiJIUzI1NiJ9.payload.signature", "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ", "e30.e30.x"],
        );
        rows(
            "discord_token",
            &["MTE4NDYyMDM5MTc0NTI5ODQzMg.GhT2_k.Odk7M5OxfbLW_GKPfOCx5j49CXBY8GaYTHJKtA"],
            &["", "TOKEN.GOES.HERE", "eyJhbGciOiJIUzI1NiJ9.a.b", "MTE4NDYyMDM5MTc0NTI5ODQzMg.x"],
        );
        rows(
            "grafana_crc",
            &["glsa_q8Zt1pWx7Kp2mQaT5vBnE3rUyLc9DfGh_04b57029"],
            &["glsa_q8Zt1pWx7Kp2mQaT5vBnE3rUyLc9DfGh_00000000", "glsa_", ""],
        );
        rows(
            "atlassian_crc",
            &["ATATT3xFfGF0q8Zt1pWx7Kp2mQaT5vBnE3rUyLc9DfGh=67F6FDB8"],
            &["ATATT3xFfGF0q8Zt1pWx7Kp2mQaT5vBnE3rUyLc9DfGh=00000000", "ATATT3", "", "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}"],
        );
        rows(
            "gitlab_crc",
            &[
                "glpat-q8Zt1pWx7Kp2mQaT5vBnE3rUyLc9DfGh0Js.01.0z148jprp",
                "glrt-t1_q8Zt1pWx7Kp2mQaT5vBnE3rUyLc.0r1qaedh0",
            ],
            &[
                "glpat-q8Zt1pWx7Kp2mQaT5vBnE3rUyLc9DfGh0Js.01.0z0000000",
                "glpat-q8Zt.0r0g0wqvt",
                "glpat-",
                "",
                ".\u{e9}.zz\u{e9}\u{e9}\u{e9}\u{e9}",
            ],
        );
        rows(
            "pypi_macaroon",
            &[
                "pypi-AgEIcHlwaS5vcmcCJDZmMmE5MWM0LTBiN2QtNGUzNS05YTE4LWQzYzYwYjU3ZTJmNAACE1sxLCBbImtpbG4tdG9vbHMiXV0AAAYgpU3KGCUwux1tEyze1iN7LtkeP3IfyxlxF0SU1kk8nVw",
                "pypi-AgEIcHlwaS5vcmcCJDZmMmE5MWM0LTBiN2QtNGUzNS05YTE4LWQzYzYwYjU3ZTJmNAACtQF7InZlcnNpb24iOiAxLCAicGVybWlzc2lvbnMiOiB7InByb2plY3RzIjogWyJraWxuLXRvb2xzLWtpbG4tdG9vbHMta2lsbi10b29scy1raWxuLXRvb2xzLWtpbG4tdG9vbHMta2lsbi10b29scy1raWxuLXRvb2xzLWtpbG4tdG9vbHMta2lsbi10b29scy1raWxuLXRvb2xzLWtpbG4tdG9vbHMta2lsbi10b29scy0iXX19AAIPWzAsIDE3MzU2ODk2MDBdAAAGIDRgvjEgHmn-2qDu6LmZf1x8KZn9r-WTJTzWVK9N-tcU",
            ],
            &[
                "pypi-AgEIcHlwaS5vcmcCJDZmMmE5MWM0LTBiN2QtNGUzNS05YTE4LWQzYzYwYjU3ZTJmNAACE1sxLCBbImtpbG4tdG9vbHMiXV0AAAYgpU3KGCUwux1tEyze1iN7LtkeP3IfyxlxF0SU1kk",
                "pypi-AgEIcHlwaS5vcmc",
                "pypi-Ag",
                "pypi-",
                "",
            ],
        );
        rows(
            "nkey",
            &["SUAKKTOKDASTBOY5NUJSZXWWEN5S5WI6H5ZB7SYZOELUJFGWJE6J2XGBOY"],
            &["", "SUAKKTOKDASTBOY5NUJSZXWWEN5S5WI6H5ZB7SYZOELUJFGWJE6J2XGBZY", "SUAAA", "su!"],
        );
        rows(
            "random_token",
            &[
                "klnp_q7Zt1pWx8Kp2mQaT5vBnE3rUyLc9DfGh0Js",
                "tarn_live_R4mT8qLw2Zx7Vb5Nk9Hc3Jd6Fg1S",
                "kiln-9f3a7c1e5b8d2046af91c3e7b5d80246",
            ],
            &[
                "",
                "short_a1b2",
                "bert-base-multilingual-cased-finetuned-conll03-english",
                "app_getUserAccountInformationFromDatabase2",
                "key_aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                "key_20261121093000000000",
                "css_q7Zt1pWx8Kp2mQaT5vBnE3rUyLc9DfGh0Js",
                "test_XXXXXXXXXXXXXXXXXXXXXXXXXXXX",
            ],
        );
        rows("basic_credentials", &["ZXRsOktpbG4tMjA0MXg="], &["", "ZXRs", "dXNlcjpwYXNzd29yZA==", "!!!"]);
        rows("aws_key_id", &["AKIAZ7Q4MB2KX5TWLN3R"], &["", "AKIA", "AKIAZ7Q4MB2KX5TWLN1R", "AKIAAAAAAAAAAAAAAAAA"]);
    }

    #[test]
    fn private_keys() {
        let random = "q8Zt1pWx7Kp2mQaT5vBnE3rUyLc9DfGh0JsXo4iMkV6wRzAeHbPgYdNuSFlCj+I/";
        let pem = |label: &str, end: &str, body: &[u8], newline: &str| {
            let text = STANDARD_NO_PAD.encode(body);
            let (first, second) = text.split_at(text.len() / 2);
            format!("-----BEGIN {label}-----{newline}{first}{newline}{second}{newline}-----END {end}-----")
        };
        let block = |label: &str, body: &[u8]| pem(label, label, body, "\n");
        let noise = STANDARD_NO_PAD.decode(random.repeat(2)).expect("base64");
        let der = [&[0x30, 0x63, 0x02, 0x01, 0x00][..], &noise].concat();
        let longer = [&[0x30, 0x81, 0x63, 0x30, 0x01, 0x00][..], &noise].concat();
        let string = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat();
        let ssh = |private: &[u8]| {
            let strings = [string(b"none"), string(b"none"), string(b"")].concat();
            [&b"openssh-key-v1\0"[..], &strings, &[0, 0, 0, 1], &string(&noise), &string(private)].concat()
        };
        let encrypted = format!(
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,7C1E53A0\n\n{random}\n{random}\n-----END RSA PRIVATE KEY-----"
        );
        let joined = pem("RSA PRIVATE KEY", "RSA PRIVATE KEY", &der, "\\n\" +\n  \"");
        let sentence = b"Dear reader, this is a plain sentence in base64, and nothing that opens a door.";
        let accepted = [
            block("RSA PRIVATE KEY", &der),
            block("ENCRYPTED PRIVATE KEY", &longer),
            pem("PRIVATE KEY", "PRIVATE KEY", &der, "\\n"),
            pem("OPENSSH PRIVATE KEY", "OPENSSH PRIVATE KEY", &ssh(&noise), "\\\\n"),
            block("PGP PRIVATE KEY BLOCK", &[&[0x95][..], &noise].concat()),
            encrypted.clone(),
            joined,
        ];
        let altered = [
            block("RSA PRIVATE KEY", &noise),
            block("RSA PRIVATE KEY", &der[..der.len() - 1]),
            block("OPENSSH PRIVATE KEY", &der),
            block("OPENSSH PRIVATE KEY", &ssh(&noise)[..150]),
            encrypted.replace("DEK-Info", "Comment"),
        ];
        let none = [
            String::new(),
            "-----BEGIN PRIVATE KEY-----".to_owned(),
            "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----".to_owned(),
            block("PUBLIC KEY", &der),
            pem("RSA PRIVATE KEY", "EC PRIVATE KEY", &der, "\n"),
            block("OPENSSH PRIVATE KEY", sentence),
        ];
        let texts = |of: &[&[String]]| -> Vec<String> { of.concat() };
        let refs = |of: &'static str, yes: Vec<String>, no: Vec<String>| {
            let yes: Vec<&str> = yes.iter().map(String::as_str).collect();
            rows(of, &yes, &no.iter().map(String::as_str).collect::<Vec<_>>());
        };
        refs("pem_private_key", texts(&[&accepted]), texts(&[&altered, &none]));
        refs("pem_block", texts(&[&accepted, &altered]), texts(&[&none]));
        rows(
            "json_service_account",
            &[r#"{"type":"service_account","private_key":"-----BEGIN PRIVATE KEY-----x","client_email":"a@b"}"#],
            &["", r#"{"type":"service_account"}"#],
        );
    }

    #[test]
    fn urls() {
        rows(
            "url_credentials",
            &[
                "postgres://etl:Kiln-2041x@db.kiln.io:5432/main",
                "ana:q8Zt1pWx@10.0.0.7",
                "redis://:w4lnutGr0ve@[fd00::7]:6380",
            ],
            &[
                "",
                "https://kiln.io/",
                "https://ana@kiln.io",
                "postgres://user:password@localhost/db",
                "mysql://root:root@db",
                "https://${USER}:${PASS}@kiln.io",
                "http://ana:<token>@kiln.io",
                "https://ana:q8Zt1pWx@",
                "a:b@c",
            ],
        );
        rows(
            "public_domain",
            &["kiln.io", "a.b.co.uk"],
            &["", "kiln", "localhost", "db.internal", "main.py2", "x.test", "-a.com"],
        );
        rows(
            "email",
            &["ana@kiln.io", "a.b+c@mail.kiln.co.uk", "o'neil@example.com"],
            &[
                "",
                "ana@",
                "@kiln.io",
                "ana@kiln",
                "icon@2x.png",
                ".a@kiln.io",
                "a..b@kiln.io",
                "ana@kiln.zz",
                "a b@kiln.io",
            ],
        );
    }

    #[test]
    fn wallets() {
        rows(
            "base58check",
            &["15st6ZLC6gifUgm4bXVcmnmd77pms9yuBm", "KwamnzbG5c7VPeHgwXJjw54co8utYYAc91LJSsFxVzPFhM13yyMn"],
            &["", "15st6ZLC6gifUgm4bXVcmnmd77pms9yuBn", "0OIl", "1111"],
        );
        rows(
            "monero",
            &[
                "46Y56iXv7y6hj13Nw6B9BMHMYF8pewe2xhDG1mnbucaT7ZJGA8dYujVA8AnhvdYo6mKthp5uC816qjLCih4FgCvwUH5TJFr",
                "84HQJ2Hi1udcTfssGcWoe98gatGCWejNRPKL2Lbcy97nM2qHS6wmWmhSMFkWXR455u41yWSMvXyA1dMN59yqD94YCFBXjAm",
                "4KeEXFqUf5kR3SWE7DGUhj7nN4sPzbbTZ5rmDCCVjjdXZ9LB5sPJBLTfXCw7QJxBQK3oWKPh5W56s6sSoD525GdrUvXB6AVk38oQBUHLgJ",
            ],
            &[
                "46Y56iXv7y6hj13Nw6B9BMHMYF8pewe2xhDG1mnbAcaT7ZJGA8dYujVA8AnhvdYo6mKthp5uC816qjLCih4FgCvwUH5TJFr",
                "46Y56iXv7y6hj13Nw6B9BMHMYF8pewe2xhDG1mnbucaT7ZJGA8dYujVA8AnhvdYo6mKthp5uC816qjLCih4FgCvwUH5TJF",
                "",
                "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
            ],
        );
        rows(
            "base58_key",
            &[
                "4Kw3BYThBGCFpRXqmZz71eLJrkxpVeNAG3k15rm7ptAj",
                "55oME9hZv2WxDT5n7mnG96uyCQtxvZJE19u2gcF6RTcsJa69Euh1wSzdvLJaWSQwPdFbcScdsyU7B4fwGWsfvSVv",
            ],
            &["", "4Kw3BYThBGCFpRXqmZz71eLJrkxpVeNAG3k15rm7pt", "11111111111111111111111111111111", "0OIl"],
        );
        // The first two rows are BIP-173 and BIP-350 test vectors.
        rows("bech32", &["A12UEL5L", "a1lqfn3a"], &["", "A12UEL5l", "a12uel5m", "1", "x1b4n0q5v"]);
        // The first two rows are test vectors of BIP-39.
        rows(
            "bip39",
            &[
                "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
                "hamster diagram private dutch cause delay private meat slide toddler razor book happy fancy gospel tennis maple dilemma loan word shrug inflict delay length",
                "Legal winner thank year wave sausage worth useful legal winner thank yellow",
            ],
            &[
                "",
                "legal",
                "legal winner thank year wave sausage worth useful legal winner thank year",
                "legal winner thank year wave sausage worth useful legal winner thank tarn",
                "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
            ],
        );
        // From EIP-55.
        rows(
            "eip55",
            &["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"],
            &["", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", "0x0000000000000000000000000000000000000000", "5aAeb6"],
        );
    }

    #[test]
    fn keccak_matches_its_published_vector() {
        let expected = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
        assert_eq!(hex::encode(keccak256(b"")), expected);
        assert_ne!(keccak256(&[0; 135]), keccak256(&[0; 136]), "padding of a full block");
    }

    #[test]
    fn numbers() {
        rows(
            "card",
            &["4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005", "6011000990139424", "3530111333300000"],
            &["", "4111 1111 1111 1112", "0000000000000000", "1234567812345670", "411111111111", "4111x1111y1111z1111"],
        );
        rows("phone", &["+49 30 1234567", "(415) 555-0132"], &["", "12345", "0000000", "1234567890123456"]);
        rows(
            "date",
            &[
                "1984-02-29",
                "29.02.1984",
                "2/28/1999",
                "12 March 1971",
                "Mar 3rd, 2001",
                "19840229",
                "1984-02-29T10:00:00Z",
            ],
            &["", "1985-02-29", "13/13/1999", "1700-01-01", "12.5", "a-b-c"],
        );
        rows(
            "ipv4",
            &["81.2.69.142", "10.0.0.1", "8.8.8.8", "192.168.17.4"],
            &["", "1.2.3.4", "4.0.1.0", "0.1.2.3", "256.1.1.1", "10.0.0", "255.255.255.0", "127.0.0.1", "01.2.3.4"],
        );
        rows("ipv4_named", &["8.9.4.5", "81.2.69.142"], &["", "0.1.2.3", "256.1.1.1", "255.255.255.0", "127.0.0.1"]);
        rows(
            "ipv6",
            &["2001:db8::8a2e:370:7334", "fe80::1ff:fe23:4567:890a%eth0", "a3f1:52c0:77de:9b10:4c2d:e8f6:1a2b:3c4d"],
            &["", "::", "::1", "ab::cd", "std::fs", "12:30:45"],
        );
    }

    #[test]
    fn checks_never_panic() {
        let odd = [
            "",
            " ",
            "\0",
            "\u{e9}",
            "-----BEGIN ",
            "://",
            "@",
            "a@",
            ":@",
            "1",
            "....",
            "\u{1f600}\u{1f600}",
            "0x",
            "$",
            "%",
            "<",
        ];
        for structure in all() {
            for text in odd {
                let _ = (structure.check)(text);
                let _ = (structure.check)(&text.repeat(300));
            }
        }
    }
}
