//! Profiles of columns, as a scan tells them.

use super::past::{ask, session_of};
use serde_json::json;

#[tokio::test]
async fn a_column_says_how_many_of_its_values_are_what() {
    let finding = |field: &str, matched: u32, verdict: &str| {
        json!({ "field": field, "entity": "CREDIT_CARD", "categories": ["financial"], "detector": "payment-card",
            "match_count": matched, "distinct_count": matched, "value_count": 10_000, "matched_values": matched,
            "verdict": verdict, "confidence": 0.9 })
    };
    let plain = json!({ "entity": "US_SSN", "categories": ["pii"], "detector": "us-ssn", "match_count": 1,
        "confidence": 0.9 });
    let event = json!({ "lineward": "scan", "version": 1, "scan_id": "s", "scanned_at": "2026-01-02T00:00:00Z",
        "asset": { "type": "file", "namespace": "file", "name": "/orders.parquet" },
        "files": [{ "findings": [finding("card", 9_800, "column"), finding("order", 1, "chance"), plain] }] });
    let (_place, session) = session_of(&[event]).await;
    let profiles = "SELECT field, value_count, matched_values, share, verdict FROM column_profiles ORDER BY field";
    let expected = ["card | 10000 | 9800 | 0.98 | column", "order | 10000 | 1 | 0.0001 | chance"];
    assert_eq!(ask(&session, profiles).await, expected);
}
