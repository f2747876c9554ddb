//! `lineward serve` to others than this machine: TLS with certificates that `openssl` makes, certificates of clients,
//! tokens of an identity provider. The clients check the server, and the server checks them.

use crate::lineward::{Lineward, Outcome};
use crate::readers::python_with;
use crate::servers::{CLIENTS, Server, estate, has_psql};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

const COUNT: &str = "SELECT count(*) > 0 FROM runs";

pub fn has_openssl() -> bool {
    let found = Command::new("openssl").arg("version").output().is_ok_and(|output| output.status.success());
    if !found {
        println!("skipped: `openssl` is not here (apt-get install openssl)");
    }
    found
}

fn openssl(lineward: &Lineward, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(arguments).current_dir(lineward.path("")).output().expect("it starts");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

const EC: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/// An authority: `NAME.pem` and `NAME.key`.
pub fn authority(lineward: &Lineward, name: &str) {
    let (subject, key, certificate) = (format!("/CN={name}"), format!("{name}.key"), format!("{name}.pem"));
    let rest = ["-keyout", &key, "-out", &certificate, "-subj", &subject, "-days", "2"];
    openssl(lineward, &[&["req", "-x509"], &EC[..], &rest].concat());
}

/// A certificate that an authority signed.
pub fn certificate(lineward: &Lineward, authority: &str, name: &str, extensions: &str) {
    lineward.write(&format!("{name}.ext"), extensions);
    let file = |end: &str| format!("{name}.{end}");
    let (subject, key, request, signed, ext) =
        (format!("/CN={name}"), file("key"), file("csr"), file("pem"), file("ext"));
    let rest = ["-keyout", &key, "-out", &request, "-subj", &subject];
    openssl(lineward, &[&["req"], &EC[..], &rest].concat());
    let (ca, ca_key) = (format!("{authority}.pem"), format!("{authority}.key"));
    let by = ["-CA", &ca, "-CAkey", &ca_key, "-CAcreateserial", "-days", "2"];
    openssl(lineward, &[&["x509", "-req", "-in", &request, "-out", &signed, "-extfile", &ext], &by[..]].concat());
}

pub const SERVER: &str = "subjectAltName=DNS:localhost,IP:127.0.0.1";
pub const CLIENT: &str = "extendedKeyUsage=clientAuth";

/// psql that insists on a server whose certificate `authority` signed.
fn psql(lineward: &Lineward, server: &Server, authority: &str, certificate: Option<&str>, token: &str) -> Outcome {
    let mut command = server.psql_with(&[COUNT]);
    command
        .env("PGHOSTADDR", "127.0.0.1")
        .env("PGSSLMODE", "verify-full")
        .env("PGSSLROOTCERT", lineward.path(&format!("{authority}.pem")))
        .env("PGPASSWORD", token)
        .args(["-h", "localhost"]);
    if let Some(name) = certificate {
        command.env("PGSSLCERT", lineward.path(&format!("{name}.pem")));
        command.env("PGSSLKEY", lineward.path(&format!("{name}.key")));
    }
    lineward.run_command(&mut command)
}

fn refused(outcome: Outcome, said: &str) {
    assert!(outcome.code != Some(0) && outcome.stderr.contains(said), "{outcome:?}");
}

#[test]
fn others_come_by_tls_with_a_token() {
    if !has_psql() || !has_openssl() {
        return;
    }
    let lineward = estate();
    authority(&lineward, "ca");
    authority(&lineward, "other");
    certificate(&lineward, "ca", "server", SERVER);
    lineward.write("serve.yaml", "tls: {certificate: server.pem, key: server.key}\nauth: {tokens: tokens.json}\n");
    let made = lineward.run(["token", "create", "ann", "--role", "reader", "--tokens", "tokens.json"]).ok();
    let token = made.stdout.trim();
    let open = ["--config", "serve.yaml", "--postgres", "0.0.0.0:0"];
    let server = Server::start(&lineward, &open);
    assert_eq!(psql(&lineward, &server, "ca", None, token).ok().stdout.trim(), "t");
    refused(psql(&lineward, &server, "other", None, token), "certificate");
    refused(psql(&lineward, &server, "ca", None, "lw_0_0"), "not known");
    let Some(python) = python_with("venv-clients", &CLIENTS) else { return };
    let said = python_clients(&lineward, &server, &python, &["-", token]);
    assert_eq!(said, json!({ "flight": true, "http": 200, "http_without_token": 401, "http_in_clear": false }));
}

#[test]
fn a_certificate_names_its_client() {
    if !has_psql() || !has_openssl() {
        return;
    }
    let lineward = estate();
    for name in ["ca", "other"] {
        authority(&lineward, name);
    }
    certificate(&lineward, "ca", "server", SERVER);
    for (authority, name) in [("ca", "ann"), ("ca", "bob")] {
        certificate(&lineward, authority, name, CLIENT);
    }
    lineward.write(
        "serve.yaml",
        "tls: {certificate: server.pem, key: server.key, client_ca: ca.pem}\n\
         auth: {certificates: {ann: [reader]}}\naudit: audit.jsonl\n",
    );
    let server = Server::start(&lineward, &["--config", "serve.yaml"]);
    assert_eq!(psql(&lineward, &server, "ca", Some("ann"), "").ok().stdout.trim(), "t");
    refused(psql(&lineward, &server, "ca", None, ""), "");
    refused(psql(&lineward, &server, "ca", Some("bob"), "x"), "not known");
    // A certificate of the same name that another authority signed.
    std::fs::remove_file(lineward.path("ann.pem")).expect("removed");
    certificate(&lineward, "other", "ann", CLIENT);
    refused(psql(&lineward, &server, "ca", Some("ann"), ""), "");
    certificate(&lineward, "ca", "ann", CLIENT);
    let audit = std::fs::read_to_string(lineward.path("audit.jsonl")).expect("a log");
    assert!(audit.contains("\"principal\":\"ann\"") && !audit.contains("\"principal\":\"bob\""));
    let Some(python) = python_with("venv-clients", &CLIENTS) else { return };
    let said = python_clients(&lineward, &server, &python, &["ann", "-"]);
    assert_eq!((&said["flight"], &said["http"]), (&json!(true), &json!(200)), "{said}");
}

fn python_clients(lineward: &Lineward, server: &Server, python: &Path, arguments: &[&str]) -> Value {
    let script = lineward_tests::folder().join("tests/e2e/tls_clients.py");
    let mut command = Command::new(python);
    command.arg(script).args([&server.http, &server.flight]).arg(lineward.path("")).args(arguments);
    serde_json::from_str(&lineward.run_command(&mut command).ok().stdout).expect("JSON")
}

/// A provider's token is signed here as a provider would, and its keys are read from a file.
#[test]
fn tokens_of_an_identity_provider() {
    if !has_psql() || !has_openssl() {
        return;
    }
    let lineward = estate();
    let key = provider(&lineward, "idp.key");
    provider(&lineward, "thief.key");
    lineward.write("jwks.json", json!({ "keys": [key] }).to_string());
    lineward.write(
        "serve.yaml",
        "auth: {oidc: {issuer: 'https://idp.example', audience: lineward, jwks: jwks.json, roles_claim: groups}}\n\
         audit: audit.jsonl\nroles: {narrow: {tables: [models]}, reader: {tables: ['*']}}\n",
    );
    let server = Server::start(&lineward, &["--config", "serve.yaml"]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let claims = |audience: &str, ends: u64, groups: &[&str]| json!({ "iss": "https://idp.example", "aud": audience, "sub": "ann@idp", "exp": ends, "groups": groups });
    let ask = |key: &str, claims: &Value| {
        let token = signed(&lineward, key, claims);
        lineward.run_command(server.psql_with(&[COUNT]).env("PGPASSWORD", token))
    };
    let reader = claims("lineward", now + 600, &["reader", "unknown-here"]);
    assert_eq!(ask("idp.key", &reader).ok().stdout.trim(), "t");
    refused(ask("thief.key", &reader), "not known");
    refused(ask("idp.key", &claims("other", now + 600, &["reader"])), "not known");
    refused(ask("idp.key", &claims("lineward", now - 600, &["reader"])), "not known");
    refused(ask("idp.key", &claims("lineward", now + 600, &["narrow"])), "permission denied");
    refused(ask("idp.key", &claims("lineward", now + 600, &[])), "permission denied");
    // One of another program, as the configuration has none.
    refused(ask("idp.key", &claims("lineward", now + 600, &["admin"])), "permission denied");
    let audit = std::fs::read_to_string(lineward.path("audit.jsonl")).expect("a log");
    assert!(audit.contains("\"principal\":\"ann@idp\""));
}

/// A key that an identity provider signs with, as a file, and its public half as one of a key set (RFC 7517).
pub fn provider(lineward: &Lineward, key: &str) -> Value {
    openssl(lineward, &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key]);
    let modulus = String::from_utf8(openssl(lineward, &["rsa", "-in", key, "-noout", "-modulus"])).expect("text");
    let modulus = hex::decode(modulus.trim().trim_start_matches("Modulus=")).expect("hex");
    json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k1", "e": "AQAB",
        "n": BASE64_URL_SAFE_NO_PAD.encode(modulus) })
}

/// A token as a provider signs it.
pub fn signed(lineward: &Lineward, key: &str, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&json!({ "alg": "RS256", "typ": "JWT", "kid": "k1" })), part(claims));
    lineward.write("to-sign", &text);
    let signature = openssl(lineward, &["dgst", "-sha256", "-sign", key, "to-sign"]);
    format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}
