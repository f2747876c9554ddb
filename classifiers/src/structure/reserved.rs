//! Values that have the right form and are nobody's: ranges and domains that are kept for private use, for examples and
//! for tests, mailboxes of roles, and card numbers out of the manuals of payment providers. Rules name these checks in
//! `lower:`, since such a value is worth less and not nothing: an address of an inner network may still tell of a person.

use std::net::{IpAddr, Ipv4Addr};

/// Second-level domains of RFC 2606, section 3.
const EXAMPLE_DOMAINS: [&str; 3] = ["example.com", "example.net", "example.org"];
/// Top-level domains of RFC 2606, section 2.
const EXAMPLE_TLDS: [&str; 4] = ["example", "invalid", "localhost", "test"];

/// Mailboxes of RFC 2142, and those of the same kind that are in use everywhere.
const ROLES: [&str; 38] = [
    "abuse",
    "admin",
    "administrator",
    "billing",
    "contact",
    "do-not-reply",
    "donotreply",
    "feedback",
    "ftp",
    "hello",
    "help",
    "helpdesk",
    "hostmaster",
    "info",
    "jobs",
    "legal",
    "mailer-daemon",
    "marketing",
    "news",
    "newsletter",
    "no-reply",
    "no_reply",
    "noc",
    "noreply",
    "notifications",
    "office",
    "postmaster",
    "press",
    "privacy",
    "root",
    "sales",
    "security",
    "service",
    "support",
    "usenet",
    "uucp",
    "webmaster",
    "www",
];

/// Numbers that Stripe, PayPal, Braintree, Adyen and Worldpay publish for tests.
const TEST_CARDS: [&str; 40] = [
    "2223000048400011",
    "2223003122003222",
    "2223520043560014",
    "3056930009020004",
    "30569309025904",
    "3530111333300000",
    "3566002020360505",
    "36227206271667",
    "36700102000000",
    "370000000000002",
    "371449635398431",
    "378282246310005",
    "378734493671000",
    "38520000023237",
    "4000000000000002",
    "4000000000000077",
    "4000000000009995",
    "4000002500003155",
    "4000002760003184",
    "4000056655665556",
    "4005519200000004",
    "4009348888881881",
    "4012000033330026",
    "4012000077777777",
    "4012888888881881",
    "4111111111111111",
    "4217651111111119",
    "4222222222222",
    "4242424242424242",
    "4444333322221111",
    "4500600000000061",
    "5105105105105100",
    "5200828282828210",
    "5454545454545454",
    "5555555555554444",
    "5555555555555557",
    "6011000990139424",
    "6011111111111117",
    "6200000000000005",
    "6304000000000000",
];

/// An address of an inner network: it tells of nobody outside, and within of somebody.
pub(super) fn ip_private(value: &str) -> bool {
    match parse_ip(value) {
        Some(IpAddr::V4(address)) => v4_private(address),
        Some(IpAddr::V6(address)) => address.is_unique_local() || address.is_unicast_link_local(),
        None => false,
    }
}

/// An address that is no host's, or of the host itself.
pub(super) fn ip_reserved(value: &str) -> bool {
    match parse_ip(value) {
        Some(IpAddr::V4(address)) => v4_reserved(address),
        Some(IpAddr::V6(address)) => {
            let is_documentation = address.segments()[..2] == [0x2001, 0xdb8];
            address.is_loopback() || address.is_unspecified() || is_documentation
        }
        None => false,
    }
}

/// Without zone and length of prefix; an IPv4 address in an IPv6 one is an IPv4 address.
fn parse_ip(value: &str) -> Option<IpAddr> {
    let address: IpAddr = value.split(['%', '/']).next()?.parse().ok()?;
    Some(address.to_canonical())
}

fn v4_private(address: Ipv4Addr) -> bool {
    let octets = address.octets();
    // RFC 6598: between a provider and its customers.
    let is_shared = octets[0] == 100 && octets[1] & 0xc0 == 64;
    address.is_private() || address.is_link_local() || is_shared
}

fn v4_reserved(address: Ipv4Addr) -> bool {
    let octets = address.octets();
    // RFC 2544: for measuring network devices.
    let is_benchmark = octets[0] == 198 && octets[1] & 0xfe == 18;
    address.is_loopback()
        || address.is_unspecified()
        || address.is_broadcast()
        || address.is_documentation()
        || is_benchmark
}

pub(super) fn email_example(value: &str) -> bool {
    value.rsplit_once('@').is_some_and(|(_, domain)| is_example(domain))
}

pub(super) fn email_role(value: &str) -> bool {
    let Some((local, _)) = value.rsplit_once('@') else { return false };
    let local = local.split('+').next().unwrap_or_default().to_ascii_lowercase();
    ROLES.contains(&local.as_str())
}

/// The host of a URL, or of user information and a host, is one for examples.
pub(super) fn url_example(value: &str) -> bool {
    let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    is_example(host.split(':').next().unwrap_or_default())
}

fn is_example(domain: &str) -> bool {
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    let is_below =
        |parent: &str| domain.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    EXAMPLE_DOMAINS.iter().chain(&EXAMPLE_TLDS).any(|parent| is_below(parent))
}

/// Social Security numbers that stood in advertisements and pamphlets: <https://www.ssa.gov/history/ssn/misused.html>.
pub(super) fn ssn_advertised(value: &str) -> bool {
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    // The last group is reserved for advertisements.
    ["078051120", "219099999", "457555462"].contains(&digits.as_str())
        || (digits.len() == 9 && digits.starts_with("98765432"))
}

/// Social Security numbers that are not issued: <https://www.ssa.gov/employer/randomization.html>. What is masked is not
/// among them.
pub(super) fn ssn_unissued(value: &str) -> bool {
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    digits.len() == 9 && !crate::validators::by_name("us.ssn").is_some_and(|ssn| (ssn.check)(&digits))
}

pub(super) fn card_test(value: &str) -> bool {
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    TEST_CARDS.contains(&digits.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validators;

    fn check(what: fn(&str) -> bool, yes: &[&str], no: &[&str]) {
        for value in yes {
            assert!(what(value), "{value}");
        }
        for value in no {
            assert!(!what(value), "{value}");
        }
    }

    #[test]
    fn addresses_of_no_public_host() {
        check(
            ip_private,
            &[
                "10.1.2.3",
                "172.16.0.1",
                "172.31.255.9",
                "192.168.0.12",
                "169.254.7.7",
                "100.64.0.1",
                "fd00::1",
                "fe80::1%eth0",
                "::ffff:10.0.0.1",
                "fc00::/7",
            ],
            &["", "11.1.2.3", "172.32.0.1", "192.169.0.1", "100.128.0.1", "2001:db9::1", "127.0.0.1", "10.1.2", "x"],
        );
        check(
            ip_reserved,
            &[
                "127.0.0.1",
                "0.0.0.0",
                "255.255.255.255",
                "192.0.2.17",
                "198.51.100.4",
                "203.0.113.200",
                "198.19.0.9",
                "2001:db8::17",
                "::1",
                "::ffff:127.0.0.1",
            ],
            &["", "128.0.0.1", "198.20.0.1", "2001:db9::1", "10.1.2.3", "192.0.3.1", "x"],
        );
    }

    #[test]
    fn mailboxes_and_domains_of_nobody() {
        check(
            email_example,
            &["ana@example.com", "ana@Mail.Example.ORG", "ana@kiln.test", "ana@shop.example"],
            &["ana@anexample.com", "ana@example.io", "ana@kiln.io", "example.com", "ana@test.io"],
        );
        check(
            email_role,
            &["postmaster@kiln.io", "No-Reply@kiln.io", "info+de@kiln.io"],
            &["ana@kiln.io", "informa@kiln.io", "kiln.io", "anna.info@kiln.io"],
        );
        check(
            url_example,
            &["https://example.com/a?b", "http://www.example.net:8080", "ana:x@kiln.test", "HTTPS://A.EXAMPLE/"],
            &[
                "https://kiln.io/example.com",
                "https://example.com.kiln.io",
                "ana@kiln.io",
                "https://kiln.io?h=example.com",
            ],
        );
    }

    #[test]
    fn numbers_of_advertisements() {
        check(
            ssn_advertised,
            &["078-05-1120", "219099999", "987-65-4321", "987 65 4329", "457-55-5462"],
            &["078-05-1121", "987-65-4330", "987-65-432", "987-44-6120", "***-**-4321"],
        );
    }

    #[test]
    fn numbers_that_are_not_issued() {
        check(
            ssn_unissued,
            &["987-44-6120", "000-12-3456", "666123456", "536-00-8726", "536 22 0000"],
            &["536-22-8726", "536228726", "***-**-8726", "536-22-872", ""],
        );
    }

    #[test]
    fn cards_of_manuals() {
        check(
            card_test,
            &["4111 1111 1111 1111", "378282246310005", "5555-5555-5555-4444"],
            &["4111111111111112", "4079 4636 1743 0119", "", "411111111111111"],
        );
        let luhn = validators::by_name("luhn").expect("a validator").check;
        assert!(TEST_CARDS.iter().all(|card| luhn(card)), "a number without its check digit is no card");
    }
}
