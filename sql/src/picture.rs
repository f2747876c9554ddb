//! The lineage of an asset as a graph to be drawn: its versions, and every hop between them.

use crate::functions::seeds;
use crate::{Error, LinewardSession};
use lineward_store::graph::{Direction, GapKind, Hop, Version, View};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Which way to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ways {
    /// What it was made from.
    pub up: bool,
    /// What was made from it.
    pub down: bool,
}

/// A version in a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// `type:namespace/name@version`.
    pub text: String,
    /// `DATASET`, `MODEL`, ...
    pub asset_type: String,
    /// Namespace of the asset.
    pub namespace: String,
    /// Name of the asset.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Hops from what was asked about: below 0 upstream, above 0 downstream.
    pub level: i64,
    /// Tags seen in it or flowed into it.
    pub tags: Vec<String>,
    /// What is not known of it.
    pub gap: Option<String>,
}

/// A hop in a picture; ends are positions in the list of nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where data comes from.
    pub src: usize,
    /// Where it goes.
    pub dst: usize,
    /// What the hop means.
    pub edge_type: &'static str,
    /// How it is known.
    pub evidence: &'static str,
    /// The run that made it.
    pub run_id: Option<String>,
}

/// A graph to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Versions, from the sources to what was made last.
    pub nodes: Vec<Node>,
    /// Hops, in the order of their ends.
    pub links: Vec<Link>,
    /// Everything is known and in the picture.
    pub complete: bool,
}

impl Picture {
    /// The picture for programs.
    pub fn to_json(&self) -> Value {
        let node = |n: &Node| {
            json!({
                "id": n.text, "asset_type": n.asset_type, "namespace": n.namespace, "name": n.name,
                "version": n.version, "level": n.level, "tags": n.tags, "gap_reason": n.gap,
            })
        };
        let link = |l: &Link| {
            json!({
                "src": self.nodes[l.src].text, "dst": self.nodes[l.dst].text, "edge_type": l.edge_type,
                "evidence": l.evidence, "run_id": l.run_id,
            })
        };
        json!({
            "complete": self.complete,
            "nodes": self.nodes.iter().map(node).collect::<Vec<_>>(),
            "edges": self.links.iter().map(link).collect::<Vec<_>>(),
        })
    }
}

impl LinewardSession {
    /// The lineage of an asset, at the times of the session.
    ///
    /// # Errors
    ///
    /// [`Error::Name`] where the text names no asset or several, [`Error::Store`] where the store cannot be read.
    pub async fn picture(&self, asset: &str, ways: Ways, max_depth: Option<u32>) -> Result<Picture, Error> {
        let view = self.view().await?;
        let seeds = seeds(&view, &[asset.to_owned()])?;
        Ok(draw(&view, &seeds, ways, max_depth))
    }
}

fn draw(view: &View, seeds: &[Version], ways: Ways, max_depth: Option<u32>) -> Picture {
    let mut levels: BTreeMap<Version, i64> = seeds.iter().map(|s| (*s, 0)).collect();
    let mut cut = false;
    for (wanted, direction, sign) in [(ways.up, Direction::Upstream, -1), (ways.down, Direction::Downstream, 1)] {
        for reached in view.walk(direction, seeds, max_depth.filter(|_| wanted).or((!wanted).then_some(0))) {
            cut |= reached.cut;
            levels.entry(reached.version).or_insert(sign * i64::from(reached.depth));
        }
    }
    let mut order: Vec<(i64, Version)> = levels.iter().map(|(version, level)| (*level, *version)).collect();
    order.sort_unstable();
    let place: BTreeMap<Version, usize> = order.iter().enumerate().map(|(at, (_, version))| (*version, at)).collect();
    let mut seen = BTreeSet::new();
    let mut links = Vec::new();
    for (_, version) in &order {
        for hop in view.hops(Direction::Downstream, *version) {
            if let Some(dst) = place.get(&hop.dst).filter(|_| seen.insert(key(&hop))) {
                links.push(Link {
                    src: place[version],
                    dst: *dst,
                    edge_type: hop.edge_type.as_str(),
                    evidence: hop.evidence.as_str(),
                    run_id: hop.run.map(|run| view.graph().run_id(run).to_owned()),
                });
            }
        }
    }
    let nodes: Vec<Node> = order.iter().map(|(level, version)| node(view, *version, *level)).collect();
    let hidden = |n: &Node| n.level <= 0 && n.gap.is_some();
    Picture { complete: !cut && (!ways.up || !nodes.iter().any(hidden)), nodes, links }
}

fn key(hop: &Hop) -> (Version, Version, Option<u32>, &'static str) {
    (hop.src, hop.dst, hop.run, hop.edge_type.as_str())
}

fn node(view: &View, version: Version, level: i64) -> Node {
    let graph = view.graph();
    let (asset, masks) = (graph.asset(version), view.tags_of(version));
    let gap = view.gaps_of(version).into_iter().find(|g| g.kind.hides_inputs() || g.kind == GapKind::ScanIncomplete);
    Node {
        text: graph.text(version),
        asset_type: asset.asset_type.clone(),
        namespace: asset.namespace.clone(),
        name: asset.name.clone(),
        version: graph.version_name(version).to_owned(),
        level,
        tags: graph.tag_names(masks.own | masks.inherited).into_iter().map(str::to_owned).collect(),
        gap: gap.map(|gap| format!("{}: {}", gap.kind.as_str(), gap.detail)),
    }
}
