//! End-to-end tests, one binary: real brokers, real files, the real `lineward`.

mod bad_input;
mod canary;
mod kafka;
mod lineward;
mod pipeline;
mod readers;
mod rules;
mod walk;
