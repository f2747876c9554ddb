//! Every table: what is written by hand is what serde makes of the rows.

use super::*;
use crate::bytes::Bytes;
use crate::rows::Row;
use serde::Serialize;

fn check<E: Encode + Serialize>(rows: &[E]) {
    let schema = schema::arrow_schema(E::TABLE).expect("a schema");
    let expected = serde_arrow::to_record_batch(schema.fields(), &rows).expect("rows that serde can write");
    let found = encode(rows).expect("rows that fit");
    assert_eq!(found.schema(), expected.schema(), "{}", E::TABLE);
    for (n, field) in schema.fields().iter().enumerate() {
        assert_eq!(found.column(n).as_ref(), expected.column(n).as_ref(), "{}.{}", E::TABLE, field.name());
    }
}

fn recorded(n: i64) -> Recorded {
    Recorded { recorded_at: 10 + n, retracted_at: (n == 1).then_some(99), event_key: Hash([n as u8; 32]), revision: n }
}

/// Text, or nothing for every other row, and never the same in two columns.
fn some(n: i64, column: &str) -> Option<String> {
    (n != 1).then(|| format!("{column} {n}"))
}

fn each<E>(make: impl Fn(i64) -> E) -> Vec<E> {
    (0..3).map(make).collect()
}

#[test]
fn events_dead_letters_and_epochs_are_written_as_serde_does() {
    check(&each(|n| EventRow {
        event_key: Hash([n as u8; 32]),
        source: format!("source {n}"),
        format: format!("format {n}"),
        event_kind: format!("kind {n}"),
        event_type: some(n, "type"),
        event_time: (n != 1).then_some(n),
        received_at: n + 7,
        producer: some(n, "producer"),
        schema_url: some(n, "schema"),
        run_id: some(n, "run"),
        job_namespace: some(n, "job namespace"),
        job_name: some(n, "job name"),
        principal: some(n, "principal"),
        topic: some(n, "topic"),
        topic_id: some(n, "topic id"),
        partition: (n != 1).then_some(n as i32),
        offset: (n != 1).then_some(n * 3),
        ordinal: n as i32,
        payload: format!("payload {n}"),
        redactions: some(n, "redactions"),
    }));
    check(&each(|n| DeadLetterRow {
        source: format!("source {n}"),
        topic: some(n, "topic"),
        topic_id: some(n, "topic id"),
        partition: (n != 1).then_some(n as i32),
        offset: (n != 1).then_some(n * 3),
        ordinal: n as i32,
        reason: format!("reason {n}"),
        place: format!("place {n}"),
        size_bytes: n * 5,
        payload_hmac: (n != 1).then_some(Hash([n as u8; 32])),
        received_at: n,
    }));
    check(&each(|n| EpochRow {
        epoch: n,
        table_versions: (0..n).map(|t| (format!("table {t}"), t * 2)).collect(),
        writer: format!("writer {n}"),
        ruleset: some(n, "ruleset"),
        committed_at: n,
    }));
}

#[test]
fn assets_jobs_and_runs_are_written_as_serde_does() {
    check(&each(|n| AssetRow {
        asset_id: n,
        namespace: format!("namespace {n}"),
        name: format!("name {n}"),
        asset_type: format!("TYPE {n}"),
        parent_asset_id: (n != 1).then_some(n * 2),
        canonical_asset_id: (n != 1).then_some(n * 3),
        first_seen: n * 4,
        dropped_at: (n != 1).then_some(n * 5),
        schema_json: some(n, "schema"),
        recorded: recorded(n),
    }));
    check(&each(|n| AssetVersionRow {
        version_id: n,
        asset_id: n * 2,
        version: format!("version {n}"),
        version_scheme: format!("scheme {n}").into(),
        inferred: n != 1,
        content_sha256: (n != 1).then_some(Hash([1; 32])),
        merkle_root: (n == 1).then_some(Hash([2; 32])),
        row_count: (n != 1).then_some(n * 3),
        size_bytes: (n != 1).then_some(n * 4),
        file_count: (n != 1).then_some(n * 5),
        produced_by_run: (n != 1).then_some(n * 6),
        valid_from: n * 7,
        valid_to: (n != 1).then_some(n * 8),
        listed_at: (n != 1).then_some(n * 9),
        declared_at: (n != 1).then_some(n * 10),
        schema_id: (n != 2).then_some(n),
        schema_at: (n != 1).then_some(n * 11),
        recorded: recorded(n),
    }));
    check(&each(|n| JobRow {
        job_id: n,
        namespace: format!("namespace {n}"),
        name: format!("name {n}"),
        integration: some(n, "integration"),
        job_type: some(n, "type"),
        processing_type: some(n, "processing"),
        source_code_url: some(n, "url"),
        recorded: recorded(n),
    }));
    check(&each(|n| RunRow {
        run_sid: n,
        run_id: format!("run {n}"),
        job_id: n * 2,
        parent_run_id: some(n, "parent"),
        root_run_id: some(n, "root"),
        state: format!("STATE {n}").into(),
        started_at: (n != 1).then_some(n * 3),
        ended_at: (n != 1).then_some(n * 4),
        nominal_start: (n != 1).then_some(n * 5),
        nominal_end: (n != 1).then_some(n * 6),
        principal: some(n, "principal"),
        git_sha: some(n, "sha"),
        image: some(n, "image"),
        inputs_known: n != 1,
        params: (0..n).map(|p| (format!("name {p}"), format!("value {p}"))).collect(),
        recorded: recorded(n),
    }));
    check(&each(|n| RunIoRow {
        run_sid: n,
        version_id: n * 2,
        io: format!("IO {n}").into(),
        context: format!("context {n}"),
        subset: some(n, "subset"),
        evidence: format!("EVIDENCE {n}").into(),
        event_time: n * 3,
        row_count: (n != 1).then_some(n * 4),
        size_bytes: (n != 1).then_some(n * 5),
        schema_id: (n != 2).then_some(n * 6),
        schema_at: (n != 1).then_some(n * 7),
        recorded: recorded(n),
    }));
}

#[test]
fn edges_findings_tags_and_accesses_are_written_as_serde_does() {
    check(&each(|n| EdgeRow {
        edge_id: n,
        src_version_id: n * 2,
        dst_version_id: n * 3,
        run_sid: (n != 1).then_some(n * 4),
        edge_type: format!("TYPE {n}").into(),
        evidence: format!("EVIDENCE {n}").into(),
        confidence: 0.25 * n as f32,
        masking: n == 1,
        clear_mask: n * 5,
        valid_from: n * 6,
        valid_to: (n != 1).then_some(n * 7),
        recorded: recorded(n),
    }));
    check(&each(|n| FindingRow {
        finding_id: n,
        version_id: n * 2,
        field: some(n, "field"),
        entity: format!("ENTITY {n}"),
        tag_id: n as i32 * 3,
        categories: (0..n).map(|c| format!("category {c}")).collect(),
        detector: format!("detector {n}"),
        detector_version: some(n, "version"),
        match_count: n * 4,
        distinct_count: (n != 1).then_some(n * 5),
        confidence: 0.25 * n as f32,
        coverage: 0.5 * n as f32,
        origin: format!("origin {n}"),
        policy: some(n, "policy"),
        severity: some(n, "severity"),
        scanned_at: n * 6,
        value_count: (n != 1).then_some(n * 7),
        matched_values: (n != 1).then_some(n * 8),
        verdict: some(n, "verdict"),
        recorded: recorded(n),
    }));
    check(&each(|n| TagRow {
        tag_id: n as i32,
        tag: format!("TAG {n}"),
        parent: some(n, "parent"),
        regime: some(n, "regime"),
        propagate: n != 1,
        severity: n as i32 * 2,
        recorded: recorded(n),
    }));
    check(&each(|n| AccessRow {
        access_id: n,
        version_id: n * 2,
        action: format!("ACTION {n}"),
        principal: some(n, "principal"),
        role: some(n, "role"),
        bytes: (n != 1).then_some(n * 3),
        error_code: some(n, "code"),
        event_time: n * 4,
        recorded: recorded(n),
    }));
}

#[test]
fn fields_mappings_policies_and_the_record_index_are_written_as_serde_does() {
    check(&each(|n| FieldRow {
        field_id: n,
        asset_id: n * 2,
        name: format!("name {n}"),
        ordinal: (n != 1).then_some(n as i32),
        data_type: some(n, "type"),
        recorded: recorded(n),
    }));
    check(&each(|n| SchemaRow {
        schema_id: n,
        ordinal: n as i32 * 2,
        field_id: n * 3,
        data_type: some(n, "type"),
        recorded: recorded(n),
    }));
    check(&each(|n| ColumnMappingRow {
        mapping_id: n,
        ordinal: n as i32 * 2,
        src_field_id: n * 3,
        dst_field_id: (n != 1).then_some(n * 4),
        mapping_type: format!("TYPE {n}").into(),
        subtype: some(n, "subtype"),
        masking: n == 1,
        clear_mask: n * 5,
        description: some(n, "description"),
        recorded: recorded(n),
    }));
    check(&each(|n| RunMappingRow {
        run_sid: (n != 1).then_some(n),
        mapping_id: n * 2,
        src_version_id: n * 3,
        dst_version_id: n * 4,
        event_time: n * 5,
        recorded: recorded(n),
    }));
    check(&each(|n| PolicyRow {
        policy_id: n,
        name: format!("name {n}"),
        version: n as i32 + 1,
        effect: format!("EFFECT {n}").into(),
        expr: format!("expr {n}"),
        tags: (0..n).map(|t| format!("TAG {t}")).collect(),
        applies_to: format!("job {n}"),
        valid_from: n * 2,
        valid_to: (n != 1).then_some(n * 3),
        recorded: recorded(n),
    }));
    check(&each(|n| RecordIndexRow {
        subject_key: format!("subject {n}"),
        entity: format!("entity {n}"),
        version_id: n,
        row_group: (n != 1).then_some(n as i32),
        row: n * 2,
        byte_offset: n * 3,
        byte_len: n as i32 * 4,
        recorded: recorded(n),
    }));
    check(&each(|n| SignatureRow {
        version_id: n,
        key_id: format!("key {n}"),
        form: n as i32 * 2,
        shingle_count: n * 3,
        complete: n == 1,
        minhash: Bytes(vec![n as u8; 3]),
        sample: Bytes(vec![n as u8 + 4; n as usize]),
        scanned_at: n * 4,
        recorded: recorded(n),
    }));
}

#[test]
fn a_list_that_does_not_fit_its_table_is_an_error() {
    let mut columns = Columns::new("tags", 1).expect("a table");
    columns.text("a tag where its number belongs");
    (0..9).for_each(|_| columns.i64(1));
    assert!(columns.finish().is_err());
    assert!(Columns::new("no_such_table", 1).is_err());
    // A row's table has one name.
    assert_eq!(<RunRow as Row>::TABLE, <RunRow as Encode>::TABLE);
}
