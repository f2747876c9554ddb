//! Pictures of lineage as text: DOT for Graphviz, Mermaid for Markdown, SVG for everybody.
//!
//! Names come from outside and may hold anything: each form escapes them, and control characters are spelled out.

use crate::output::printable;
use lineward_sql::picture::{Node, Picture};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The picture for Graphviz.
pub(crate) fn dot(picture: &Picture) -> String {
    let mut out = String::from("digraph lineage {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n");
    for (n, node) in picture.nodes.iter().enumerate() {
        let lines: Vec<String> = label(node).iter().map(|line| quoted(line)).collect();
        let style = if node.gap.is_some() { ", style=dashed" } else { "" };
        let _ = writeln!(out, "  n{n} [label=\"{}\"{style}];", lines.join("\\n"));
    }
    for link in &picture.links {
        let _ = writeln!(out, "  n{} -> n{} [label=\"{}\"];", link.src, link.dst, link.edge_type);
    }
    out.push_str("}\n");
    out
}

fn quoted(text: &str) -> String {
    printable(text).replace('\\', "\\\\").replace('"', "\\\"")
}

/// The picture for Markdown.
pub(crate) fn mermaid(picture: &Picture) -> String {
    let mut out = String::from("flowchart LR\n");
    for (n, node) in picture.nodes.iter().enumerate() {
        let lines: Vec<String> = label(node).iter().map(|line| entities(line)).collect();
        let _ = writeln!(out, "  n{n}[\"{}\"]", lines.join("<br/>"));
    }
    for link in &picture.links {
        let _ = writeln!(out, "  n{} -->|{}| n{}", link.src, link.edge_type, link.dst);
    }
    let unknown: Vec<String> =
        picture.nodes.iter().enumerate().filter(|(_, n)| n.gap.is_some()).map(|(n, _)| format!("n{n}")).collect();
    if !unknown.is_empty() {
        let _ = writeln!(out, "  classDef unknown stroke-dasharray: 4\n  class {} unknown", unknown.join(","));
    }
    out
}

/// Mermaid writes characters with a meaning of their own as `#CODE;`.
fn entities(text: &str) -> String {
    printable(text).chars().fold(String::new(), |mut out, c| {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' | '.' | '_' | '-' | '/' | ':' | '@' | ',' => out.push(c),
            c => _ = write!(out, "#{};", c as u32),
        }
        out
    })
}

/// What a box says: type and name, version, tags.
fn label(node: &Node) -> Vec<String> {
    let mut lines = vec![
        node.asset_type.to_lowercase(),
        format!("{}/{}", node.namespace, node.name.trim_start_matches('/')),
        format!("@{}", short(&node.version)),
    ];
    if !node.tags.is_empty() {
        lines.push(node.tags.join(", "));
    }
    if node.gap.is_some() {
        lines.push("inputs not known".to_owned());
    }
    lines
}

/// A version short enough for a box: hashes are told apart by their first digits.
fn short(version: &str) -> String {
    match version.char_indices().nth(24) {
        Some((cut, _)) => format!("{}...", &version[..cut]),
        None => version.to_owned(),
    }
}

const BOX_WIDTH: i64 = 280;
const LINE_HEIGHT: i64 = 16;
const GAP_X: i64 = 110;
const GAP_Y: i64 = 24;
const MARGIN: i64 = 20;
/// Characters of a line that fit into a box.
const LINE_CHARS: usize = 42;

/// The picture as a drawing: a column a level, sources at the left.
pub(crate) fn svg(picture: &Picture) -> String {
    let mut columns: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (n, node) in picture.nodes.iter().enumerate() {
        columns.entry(node.level).or_default().push(n);
    }
    let mut places = vec![(0, 0, 0); picture.nodes.len()];
    let mut height = 0;
    for (column, members) in columns.values().enumerate() {
        let x = MARGIN + column as i64 * (BOX_WIDTH + GAP_X);
        let mut y = MARGIN;
        for &n in members {
            let tall = (label(&picture.nodes[n]).len() as i64) * LINE_HEIGHT + 12;
            places[n] = (x, y, tall);
            y += tall + GAP_Y;
        }
        height = height.max(y);
    }
    let width = 2 * MARGIN + columns.len() as i64 * (BOX_WIDTH + GAP_X) - GAP_X;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" font-family=\"sans-serif\" font-size=\"11\">\n<defs><marker id=\"end\" \
         viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path \
         d=\"M0 0 8 4 0 8z\" fill=\"#556\"/></marker></defs>\n"
    );
    for link in &picture.links {
        arrow(&mut out, places[link.src], places[link.dst], link.edge_type);
    }
    for (node, place) in picture.nodes.iter().zip(&places) {
        rectangle(&mut out, node, *place);
    }
    out.push_str("</svg>\n");
    out
}

type Place = (i64, i64, i64);

fn arrow(out: &mut String, (x1, y1, tall1): Place, (x2, y2, tall2): Place, edge_type: &str) {
    let (from, to) = ((x1 + BOX_WIDTH, y1 + tall1 / 2), (x2, y2 + tall2 / 2));
    let bend = (from.0 + to.0) / 2;
    let _ = writeln!(
        out,
        "<path d=\"M{} {}C{bend} {} {bend} {} {} {}\" fill=\"none\" stroke=\"#556\" marker-end=\"url(#end)\"/>\
         <text x=\"{bend}\" y=\"{}\" text-anchor=\"middle\" font-size=\"9\" fill=\"#556\">{}</text>",
        from.0,
        from.1,
        from.1,
        to.1,
        to.0,
        to.1,
        (from.1 + to.1) / 2 - 4,
        escaped(edge_type),
    );
}

fn rectangle(out: &mut String, node: &Node, (x, y, tall): Place) {
    let (fill, dash) = match (node.gap.is_some(), node.tags.is_empty()) {
        (true, _) => ("#f4f4f4", " stroke-dasharray=\"4\""),
        (false, true) => ("#eef4fb", ""),
        (false, false) => ("#fdeeea", ""),
    };
    let _ = writeln!(
        out,
        "<g><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{BOX_WIDTH}\" height=\"{tall}\" rx=\"4\" \
         fill=\"{fill}\" stroke=\"#556\"{dash}/>",
        escaped(&node.text)
    );
    for (n, line) in label(node).iter().enumerate() {
        let weight = if n == 1 { " font-weight=\"bold\"" } else { "" };
        let (x, y) = (x + 8, y + 8 + (n as i64 + 1) * LINE_HEIGHT - 5);
        let _ = writeln!(out, "<text x=\"{x}\" y=\"{y}\"{weight}>{}</text>", escaped(&fitted(line)));
    }
    out.push_str("</g>\n");
}

/// The end of a line that is too long: names differ there.
fn fitted(line: &str) -> String {
    let count = line.chars().count();
    if count <= LINE_CHARS {
        return line.to_owned();
    }
    let tail: String = line.chars().skip(count - LINE_CHARS + 3).collect();
    format!("...{tail}")
}

fn escaped(text: &str) -> String {
    let text = printable(text);
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lineward_sql::picture::Link;

    fn picture() -> Picture {
        let node = |name: &str, level, tags: &[&str], gap: Option<&str>| Node {
            text: format!("dataset:s3://lake/{name}@1"),
            asset_type: "DATASET".into(),
            namespace: "s3://lake".into(),
            name: name.into(),
            version: "1".into(),
            level,
            tags: tags.iter().map(|t| (*t).to_owned()).collect(),
            gap: gap.map(str::to_owned),
        };
        let nodes =
            vec![node("a\"]<b>\u{1b}[31m&--x", -1, &["PHI"], None), node("out", 0, &[], Some("inputs_unknown"))];
        let link = Link { src: 0, dst: 1, edge_type: "DERIVED", evidence: "EXPLICIT", run_id: None };
        Picture { nodes, links: vec![link], complete: false }
    }

    #[test]
    fn names_cannot_break_out_of_any_form() {
        let dot = dot(&picture());
        assert!(dot.contains("a\\\"]<b>\\\\u{1b}[31m&--x") && dot.contains("n0 -> n1"), "{dot}");
        let mermaid = mermaid(&picture());
        assert!(mermaid.contains("a#34;#93;#60;b#62;") && mermaid.contains("n0 -->|DERIVED| n1"), "{mermaid}");
        assert!(mermaid.contains("class n1 unknown"), "{mermaid}");
        let svg = svg(&picture());
        assert!(svg.contains("a&quot;]&lt;b&gt;") && !svg.contains("<b>"), "{svg}");
        for text in [dot, mermaid, svg] {
            assert!(!text.contains('\u{1b}'), "no control characters");
        }
    }

    #[test]
    fn long_lines_keep_their_end() {
        assert_eq!(fitted("short"), "short");
        let long = fitted(&format!("s3://bucket/{}/notes.jsonl", "x".repeat(80)));
        assert!(long.chars().count() == LINE_CHARS && long.ends_with("/notes.jsonl"), "{long}");
    }
}
