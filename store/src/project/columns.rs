//! Schemas, column lineage and the record index: which fields a version has, which field comes from which, and where in a
//! file people's records are.
//!
//! The mappings of one event between two versions are a set; equal sets are one, named by a hash of what is in them, so
//! that a job that runs every day adds one row a day and not one a column.

use super::{Context, Projector};
use crate::columns;
use crate::error::Error;
use crate::rows::{ColumnMappingRow, FieldRow, Micros, RecordIndexRow, RunIoKey, RunMappingRow, SchemaRow};
use arrow::array::RecordBatch;
use lineward_events::{ColumnMapping, EventKey, Field, Indexed, Io, MappingType};
use std::collections::BTreeSet;

/// A member of a set: source field, destination field, whether it is direct, subtype, masking, description.
type Member<'a> = (i64, Option<i64>, bool, Option<&'a str>, bool, Option<&'a str>);

/// The id of a set: a hash of what is in it.
fn set_id(members: &str) -> i64 {
    let hash = EventKey::of_canonical(members).0;
    let bytes = hash.first_chunk::<8>().copied().unwrap_or_default();
    // Delta readers expect ids of 0 or more.
    i64::from_be_bytes(bytes) & i64::MAX
}

/// The schema that counts, with when it was said: the newer one, whichever comes in first.
fn newer_schema(held: (Option<i64>, Option<Micros>), (said, at): (i64, Micros)) -> (Option<i64>, Option<Micros>) {
    let is_newer = (held.1, held.0) < (Some(at), Some(said));
    if is_newer { (Some(said), Some(at)) } else { held }
}

impl Projector {
    pub(super) fn index_columns(&mut self) {
        for field in self.fields.iter() {
            self.field_ids.entry(field.asset_id).or_default().insert(field.name.clone(), field.field_id);
        }
        for row in self.run_mappings.iter() {
            match row.run_sid {
                Some(run) => {
                    let ends = (row.src_version_id, row.dst_version_id, row.mapping_id);
                    self.run_states.entry(run).or_default().mappings.insert(ends);
                }
                None => {
                    let set = (row.src_version_id, row.mapping_id);
                    self.declared_columns.entry(row.dst_version_id).or_default().insert(set);
                }
            }
        }
    }

    /// The id of a field, new or known.
    fn field(&mut self, context: &Context, asset_id: i64, name: &str) -> i64 {
        if let Some(id) = self.field_ids.get(&asset_id).and_then(|fields| fields.get(name)) {
            return *id;
        }
        let field_id = self.fields.next_id();
        self.field_ids.entry(asset_id).or_default().insert(name.to_owned(), field_id);
        self.fields.put(
            context,
            FieldRow {
                field_id,
                asset_id,
                name: name.to_owned(),
                ordinal: None,
                data_type: None,
                recorded: context.recorded(),
            },
        );
        field_id
    }

    /// Keeps the schema of an asset, field by field.
    pub(super) fn note_fields(&mut self, context: &Context, asset_id: i64, fields: &[Field]) {
        for (ordinal, field) in (0..).zip(fields) {
            let id = self.field(context, asset_id, &field.name);
            self.fields.update(context, &id, |row| {
                row.ordinal = Some(ordinal);
                if field.data_type.is_some() {
                    row.data_type.clone_from(&field.data_type);
                }
            });
        }
    }

    /// The schema that fields are; `None` where there are none.
    fn schema(&mut self, context: &Context, asset_id: i64, fields: &[Field]) -> Option<i64> {
        if fields.is_empty() {
            return None;
        }
        // By names: ids of assets and fields depend on which was mentioned first.
        let asset = self.assets.get(&asset_id).map(|asset| (&asset.namespace, &asset.name));
        let named: Vec<(&str, Option<&str>)> = fields.iter().map(|f| (&*f.name, f.data_type.as_deref())).collect();
        let schema_id = set_id(&format!("{asset:?} {named:?}"));
        if self.schemas.get(&(schema_id, 0)).is_none() {
            for (ordinal, field) in (0..).zip(fields) {
                let field_id = self.field(context, asset_id, &field.name);
                let (data_type, recorded) = (field.data_type.clone(), context.recorded());
                self.schemas.put(context, SchemaRow { schema_id, ordinal, field_id, data_type, recorded });
            }
        }
        Some(schema_id)
    }

    /// What somebody who wrote or declared a version says of its fields. What was said last counts.
    pub(super) fn say_schema(&mut self, context: &Context, asset_id: i64, version_id: i64, fields: &[Field]) {
        let Some(said) = self.schema(context, asset_id, fields) else { return };
        self.versions.update(context, &version_id, |row| {
            (row.schema_id, row.schema_at) = newer_schema((row.schema_id, row.schema_at), (said, context.at));
        });
    }

    /// What a run says again of what it reads or writes: counts only grow while it runs, fields are those said last.
    pub(super) fn say_again(&mut self, context: &Context, key: &RunIoKey, asset_id: i64, io: &Io) {
        self.run_io.update(context, key, |row| {
            row.row_count = row.row_count.max(io.row_count);
            row.size_bytes = row.size_bytes.max(io.size_bytes);
            // Of two that were said it is one and the same, whichever comes in first.
            row.subset = [row.subset.take(), io.subset.clone()].into_iter().flatten().min();
        });
        self.say_fields(context, key, asset_id, &io.asset.fields);
    }

    /// What a run says of the fields of what it reads or writes. What was said last counts.
    pub(super) fn say_fields(&mut self, context: &Context, key: &RunIoKey, asset_id: i64, fields: &[Field]) {
        let Some(said) = self.schema(context, asset_id, fields) else { return };
        self.run_io.update(context, key, |row| {
            (row.schema_id, row.schema_at) = newer_schema((row.schema_id, row.schema_at), (said, context.at));
        });
    }

    /// Takes back sets of columns that a run maps no longer, or that are declared no longer: source, destination, set.
    pub(super) fn retract_mappings(
        &mut self,
        context: &Context,
        run: Option<i64>,
        gone: impl Iterator<Item = (i64, i64, i64)>,
    ) {
        for (src, dst, mapping) in gone {
            self.run_mappings.retract(context, &(run, mapping, src, dst));
        }
    }

    /// Records that columns of one version come from columns of another.
    pub(super) fn map_columns(
        &mut self,
        context: &Context,
        run: Option<i64>,
        (src, dst): (i64, i64),
        mappings: &[&ColumnMapping],
    ) {
        let asset_of = |v: i64| self.versions.get(&v).map(|v| v.asset_id);
        let (Some(src_asset), Some(dst_asset)) = (asset_of(src), asset_of(dst)) else { return };
        if src == dst {
            return;
        }
        let mut members: BTreeSet<Member<'_>> = BTreeSet::new();
        for m in mappings {
            let from = self.field(context, src_asset, &m.src_field);
            let to = m.dst_field.as_ref().map(|name| self.field(context, dst_asset, name));
            let direct = m.mapping == MappingType::Direct;
            members.insert((from, to, direct, m.subtype.as_deref(), m.masking, m.description.as_deref()));
        }
        let mapping_id = self.mapping_set(context, &members);
        match run {
            Some(run) => _ = self.run_states.entry(run).or_default().mappings.insert((src, dst, mapping_id)),
            None => _ = self.declared_columns.entry(dst).or_default().insert((src, mapping_id)),
        }
        let key = (run, mapping_id, src, dst);
        // Said again, later: it holds since it was said first.
        let event_time = self.run_mappings.get(&key).map_or(context.at, |row| row.event_time.min(context.at));
        self.run_mappings.put(
            context,
            RunMappingRow {
                run_sid: run,
                mapping_id,
                src_version_id: src,
                dst_version_id: dst,
                event_time,
                recorded: context.recorded(),
            },
        );
    }

    fn mapping_set(&mut self, context: &Context, members: &BTreeSet<Member<'_>>) -> i64 {
        let mapping_id = set_id(&format!("{members:?}"));
        if self.column_mappings.get(&(mapping_id, 0)).is_some() {
            return mapping_id;
        }
        for (ordinal, (src, dst, direct, subtype, masking, description)) in (0..).zip(members) {
            self.column_mappings.put(
                context,
                ColumnMappingRow {
                    mapping_id,
                    ordinal,
                    src_field_id: *src,
                    dst_field_id: *dst,
                    mapping_type: if *direct { "DIRECT" } else { "INDIRECT" }.into(),
                    subtype: subtype.map(str::to_owned),
                    masking: *masking,
                    clear_mask: 0,
                    description: description.map(str::to_owned),
                    recorded: context.recorded(),
                },
            );
        }
        mapping_id
    }

    /// Takes the mappings of a run from one source version over to another.
    pub(super) fn rebind_mappings(&mut self, context: &Context, sid: i64, before: i64, now: i64) {
        let Some(state) = self.run_states.get_mut(&sid) else { return };
        let moved: Vec<_> = state.mappings.iter().filter(|(src, ..)| *src == before).copied().collect();
        for ends in &moved {
            state.mappings.remove(ends);
            if ends.1 != now {
                state.mappings.insert((now, ends.1, ends.2));
            }
        }
        for (src, dst, mapping) in moved {
            let key = (Some(sid), mapping, src, dst);
            let Some(row) = self.run_mappings.get(&key).cloned() else { continue };
            self.run_mappings.retract(context, &key);
            if dst != now {
                self.run_mappings.put(context, RunMappingRow { src_version_id: now, ..row });
            }
        }
    }

    pub(super) fn apply_indexed(&mut self, context: &Context, indexed: &Indexed) {
        let version_id = self.observe(context, &indexed.asset).version_id;
        self.record_index.extend(indexed.records.iter().map(|r| RecordIndexRow {
            subject_key: r.subject.clone(),
            entity: r.entity.clone(),
            version_id,
            row_group: r.row_group,
            row: r.row,
            byte_offset: r.byte_offset,
            byte_len: r.byte_len,
            recorded: context.recorded(),
        }));
    }

    pub(super) fn take_record_index(&mut self) -> Result<Option<RecordBatch>, Error> {
        let mut rows = std::mem::take(&mut self.record_index);
        // In the order in which they are asked for.
        rows.sort_by(|a, b| a.subject_key.cmp(&b.subject_key));
        if rows.is_empty() { Ok(None) } else { columns::encode(&rows).map(Some) }
    }
}
