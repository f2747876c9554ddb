//! Edges between versions, and accesses.

use super::assets::By;
use super::{Context, Projector};
use crate::rows::{AccessRow, EdgeRow, Micros};
use lineward_events::{Access, AccessAction, EdgeType, Evidence, Link};

impl Projector {
    /// Adds an edge that holds since a time, or confirms it; the better evidence stays. The edge of a run holds since the
    /// run says so now, others since they were first said. Returns its id; an edge from a version to itself is none.
    pub(super) fn link(
        &mut self,
        context: &Context,
        (src, dst): (i64, i64),
        run: Option<i64>,
        edge_type: EdgeType,
        evidence: Evidence,
        since: Micros,
    ) -> Option<i64> {
        if src == dst {
            return None;
        }
        let id = self.edge_id(src, dst, run, edge_type);
        if edge_type == EdgeType::Contains {
            self.note_member(src, dst);
            self.unlink_near(context, src, dst);
            if evidence != Evidence::VersionInferred {
                self.listed.remove(&dst);
            }
        }
        if edge_type == EdgeType::NearDuplicate && self.is_near(src, dst) {
            // Measured is more than said.
            return Some(id);
        }
        if matches!(edge_type, EdgeType::CopyOf | EdgeType::NearDuplicate) {
            self.note_alike(src, dst);
        }
        // One that ended begins anew.
        let current = self.edges.get(&id).filter(|e| e.valid_to.is_none());
        if current.is_some_and(|e| e.confidence >= evidence.confidence()) {
            if run.is_some() {
                self.edges.update(context, &id, |e| e.valid_from = since);
            }
            return Some(id);
        }
        let masking = current.is_some_and(|e| e.masking);
        let valid_from = current.filter(|_| run.is_none()).map_or(since, |e| e.valid_from);
        let edge = edge_row(context, (id, src, dst), edge_type, evidence, (valid_from, None));
        self.edges.put(context, EdgeRow { run_sid: run, masking, ..edge });
        Some(id)
    }

    /// The id of an edge, new or known.
    fn edge_id(&mut self, src: i64, dst: i64, run: Option<i64>, edge_type: EdgeType) -> i64 {
        let key = (src, dst, run, edge_type.as_str().into());
        if let Some(id) = self.edge_ids.get(&key) {
            return *id;
        }
        let id = self.edges.next_id();
        self.edge_ids.insert(key, id);
        if run.is_none() && edge_type == EdgeType::Derived {
            self.declared_into.entry(dst).or_default().insert(id);
        }
        id
    }

    /// Keeps that an edge by declaration held from a time to another. One that goes on says that already; of several
    /// spells with a time between them the last is kept. It is an edge of no run: what a run has says where its outputs
    /// come from now.
    pub(super) fn link_until(
        &mut self,
        context: &Context,
        (src, dst): (i64, i64),
        (edge_type, evidence): (EdgeType, Evidence),
        (since, until): (Micros, Micros),
    ) {
        if src == dst {
            return;
        }
        let id = self.edge_id(src, dst, None, edge_type);
        let (mut valid_from, mut valid_to) = (since, until);
        if let Some(known) = self.edges.get(&id) {
            let Some(end) = known.valid_to else { return };
            if known.valid_from <= since && since < end {
                return;
            }
            if end >= since && known.valid_from <= until {
                (valid_from, valid_to) = (known.valid_from.min(since), end.max(until));
            } else if end > until {
                return;
            }
        }
        let spell = (valid_from, Some(valid_to));
        self.edges.put(context, edge_row(context, (id, src, dst), edge_type, evidence, spell));
    }

    pub(super) fn unlink(&mut self, context: &Context, src: i64, dst: i64, run: Option<i64>, edge_type: EdgeType) {
        if let Some(id) = self.edge_ids.get(&(src, dst, run, edge_type.as_str().into())).copied() {
            self.edges.retract(context, &id);
        }
        if edge_type == EdgeType::Contains {
            self.forget_member(src, dst);
        }
    }

    pub(super) fn set_masking(&mut self, context: &Context, edge: i64, masking: bool) {
        self.edges.update(context, &edge, |e| e.masking = masking);
    }

    pub(super) fn apply_link(&mut self, context: &Context, link: &Link) {
        let src = self.read(context, &link.src, context.at, None);
        let dst = match link.edge_type {
            // A member or a copy by declaration says nothing of when its target was written.
            EdgeType::Contains | EdgeType::NearDuplicate => self.read(context, &link.dst, context.at, None),
            _ => self.write(context, &link.dst, context.at, By::Declaration, &context.version_name()),
        };
        let ends = (src.version_id, dst.version_id);
        let since = match link.edge_type {
            EdgeType::Contains | EdgeType::NearDuplicate => self.both_began(ends),
            _ => context.at,
        };
        self.link(context, ends, None, link.edge_type, link.evidence, since);
    }

    pub(super) fn apply_access(&mut self, context: &Context, access: &Access) {
        let succeeded = access.error_code.is_none();
        let bound = match access.action {
            AccessAction::Write if succeeded => {
                self.write(context, &access.asset, context.at, By::Access, &context.version_name())
            }
            _ => self.read(context, &access.asset, context.at, None),
        };
        let action = format!("{:?}", access.action).to_uppercase();
        if !self.accessed.insert((context.event_key, bound.asset_id, action.clone())) {
            return;
        }
        let access_id = self.accesses.next_id();
        self.accesses.put(
            context,
            AccessRow {
                access_id,
                version_id: bound.version_id,
                action,
                principal: access.principal.clone(),
                role: access.role.clone(),
                bytes: access.bytes,
                error_code: access.error_code.clone(),
                event_time: context.at,
                recorded: context.recorded(),
            },
        );
    }
}

/// An edge of no run.
fn edge_row(
    context: &Context,
    (edge_id, src_version_id, dst_version_id): (i64, i64, i64),
    edge_type: EdgeType,
    evidence: Evidence,
    (valid_from, valid_to): (Micros, Option<Micros>),
) -> EdgeRow {
    EdgeRow {
        edge_id,
        src_version_id,
        dst_version_id,
        run_sid: None,
        edge_type: edge_type.as_str().into(),
        evidence: evidence.as_str().into(),
        confidence: evidence.confidence(),
        masking: false,
        clear_mask: 0,
        valid_from,
        valid_to,
        recorded: context.recorded(),
    }
}
