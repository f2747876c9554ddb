//! End-to-end tests, one binary: real brokers, real files, the real `lineward`.

mod kafka;
