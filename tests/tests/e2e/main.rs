//! End-to-end tests, one binary: real brokers, real files, the real `lineward`.
//!
//! They run the binary that lies beside them in the target folder: `cargo build --workspace` comes first.
#![expect(clippy::print_stdout, reason = "a test says what it leaves out, and how to repeat what it did by chance")]

mod bad_input;
mod canary;
mod cluster;
mod judges;
mod kafka;
mod kafka_secured;
mod lineage;
mod lineward;
mod oracle;
mod pipeline;
mod postgres;
mod questions;
mod readers;
mod readers_spark;
mod rules;
mod servers;
mod servers_jdbc;
mod servers_tls;
mod walk;
