//! Tags of fields, by what they should be in small graphs and against brute force on random ones.

use super::*;

const FIELDS: [&str; 3] = ["a", "b", "b.c"];

/// Numbers of fields are those of their assets times this.
const STRIDE: i64 = FIELDS.len() as i64;

/// All that is known of columns: each asset has all fields.
fn with_fields(fixture: &mut Fixture) {
    for asset_id in 0..fixture.names.len() as i64 {
        for (ordinal, name) in (0..).zip(FIELDS) {
            fixture.rows.fields.push(FieldRow {
                field_id: asset_id * STRIDE + i64::from(ordinal),
                asset_id,
                name: name.into(),
                ordinal: Some(ordinal),
                data_type: None,
                recorded: recorded(),
            });
        }
    }
}

/// A mapping from a field to a field (`None`: to all of them) of two versions, as a set of its own.
fn map(fixture: &mut Fixture, ends: (i64, i64), src: i64, dst: Option<i64>, (direct, clear, at): (bool, i64, i64)) {
    let mapping_id = fixture.rows.column_mappings.len() as i64;
    fixture.rows.column_mappings.push(ColumnMappingRow {
        mapping_id,
        ordinal: 0,
        src_field_id: ends.0 * STRIDE + src,
        dst_field_id: dst.map(|dst| ends.1 * STRIDE + dst),
        mapping_type: if direct { "DIRECT" } else { "INDIRECT" }.to_owned().into(),
        subtype: None,
        masking: clear != 0,
        clear_mask: clear,
        description: None,
        recorded: recorded(),
    });
    fixture.rows.run_mappings.push(RunMappingRow {
        run_sid: None,
        mapping_id,
        src_version_id: ends.0,
        dst_version_id: ends.1,
        event_time: at,
        recorded: recorded(),
    });
}

fn find_in(fixture: &mut Fixture, name: &str, field: Option<usize>, category: &str) {
    fixture.find(name, "X", category);
    if let Some(row) = fixture.rows.findings.last_mut() {
        row.field = field.map(|field| FIELDS[field].to_owned());
    }
}

/// `name.field own/inherited/cleared/contradicted` of all fields that have any.
fn told(fixture: &Fixture, at: Option<i64>) -> Vec<String> {
    let view = fixture.view(at);
    let tell = |row: &FieldTags| {
        let (field, t) = (row.field.as_deref().unwrap_or("*"), row.tags);
        let name = &fixture.names[row.version as usize];
        format!("{name}.{field} {}/{}/{}/{}", t.own, t.inherited, t.cleared, t.contradicted)
    };
    view.field_tags().iter().map(tell).collect()
}

#[test]
fn tags_go_from_field_to_field() {
    let mut fixture = Fixture::parse("edge DERIVED d:x -> d:y\n edge DERIVED d:y -> m:z\n edge DERIVED d:x -> d:w");
    with_fields(&mut fixture);
    find_in(&mut fixture, "d:x", Some(0), "pii");
    find_in(&mut fixture, "d:x", Some(2), "phi");
    // All of `b` goes to `a`, that of `a` does not go on, but for what decides which rows there are.
    map(&mut fixture, (0, 1), 1, Some(0), (true, 0, 0));
    map(&mut fixture, (0, 1), 0, Some(1), (false, 0, 0));
    assert_eq!(
        told(&fixture, None),
        // Nobody says which columns `d:w` has from where, nor what a model learned from which.
        ["d:x.a 1/0/0/0", "d:x.b.c 2/0/0/0", "d:y.a 0/2/0/0", "m:z.* 0/2/0/0", "d:w.* 0/3/0/0"]
    );
    // What is said of `b` goes for `b.c`; without it that field may hold anything.
    let mut partly = fixture;
    partly.rows.run_mappings.pop();
    assert!(told(&partly, None).contains(&"d:y.* 0/3/0/0".to_owned()), "{:?}", told(&partly, None));
}

/// A version that follows another by itself has its columns; of one that is declared to come from it nobody says which.
#[test]
fn only_what_follows_by_itself_has_the_same_columns() {
    for (evidence, field, columns) in [("VERSION_INFERRED", "d:y.a", 1), ("EXPLICIT", "d:y.*", 0)] {
        let mut fixture = Fixture::parse(&format!("edge DERIVED d:x -> d:y by={evidence}"));
        fixture.rows.versions[1].asset_id = 0;
        with_fields(&mut fixture);
        find_in(&mut fixture, "d:x", Some(0), "pii");
        assert_eq!(told(&fixture, None), ["d:x.a 1/0/0/0".to_owned(), format!("{field} 0/1/0/0")]);
        let view = fixture.view(None);
        assert_eq!(view.column_walk(Direction::Upstream, &[1], "a", None).len(), columns, "{evidence}");
        let gap = view.column_gap(Direction::Upstream, &(1, Some("a".to_owned())));
        assert_eq!(gap.is_some(), columns == 0, "{evidence}: {gap:?}");
    }
}

#[test]
fn masked_fields_are_cleared_and_may_fail() {
    let mut fixture =
        Fixture::parse("edge DERIVED d:x -> d:y\n edge CONTAINS f:y1 -> d:y\n edge COPY_OF d:y -> d:copy");
    with_fields(&mut fixture);
    find_in(&mut fixture, "d:x", Some(0), "pii");
    map(&mut fixture, (0, 1), 0, Some(0), (true, 1, 0));
    map(&mut fixture, (0, 1), 1, Some(1), (true, 0, 0));
    let clean = ["d:x.a 1/0/0/0", "d:y.a 0/0/1/0", "d:copy.a 0/0/1/0"];
    assert_eq!(told(&fixture, None), clean);
    // Found in a member of it all the same: there, and so in the whole and its copies.
    find_in(&mut fixture, "f:y1", Some(0), "pii");
    assert_eq!(told(&fixture, None), ["d:x.a 1/0/0/0", "d:y.a 1/0/1/1", "f:y1.a 1/0/0/0", "d:copy.a 1/0/1/1"]);
    // What was cleared on the way into one file says nothing of another.
    let mut fixture = Fixture::parse("edge DERIVED d:x -> f:1\n edge CONTAINS f:1 -> d:y\n edge CONTAINS f:2 -> d:y");
    with_fields(&mut fixture);
    find_in(&mut fixture, "d:x", Some(0), "pii");
    map(&mut fixture, (0, 1), 0, Some(0), (true, 1, 0));
    map(&mut fixture, (0, 1), 1, Some(1), (true, 0, 0));
    find_in(&mut fixture, "f:2", Some(0), "pii");
    assert_eq!(told(&fixture, None), ["d:x.a 1/0/0/0", "f:1.a 0/0/1/0", "d:y.a 1/0/1/0", "f:2.a 1/0/0/0"]);
}

type Bits = (u64, u64, u64, u64);

/// The rules by their definition, over rows, until nothing changes: what is there, what would flow in, what does, and
/// what would flow in but from members.
fn by_definition(fixture: &Fixture, at: i64) -> BTreeMap<(i64, Option<String>), Bits> {
    let rows = &fixture.rows;
    let name = |id: i64| FIELDS[(id % STRIDE) as usize].to_owned();
    let mut held: BTreeMap<(i64, Option<String>), Bits> = BTreeMap::new();
    for finding in &rows.findings {
        let bit = if finding.categories[0] == "pii" { 1 } else { 2 };
        held.entry((finding.version_id, finding.field.clone())).or_default().0 |= bit;
    }
    let related = |a: &str, b: &str| a == b || [a, b].iter().all(|name| name.starts_with('b'));
    let ways = |src: i64, dst: i64| {
        let applied = rows.run_mappings.iter().filter(move |r| (r.src_version_id, r.dst_version_id) == (src, dst));
        applied.filter(|r| r.event_time <= at).map(|r| &rows.column_mappings[r.mapping_id as usize]).collect::<Vec<_>>()
    };
    let edges: Vec<_> = rows
        .edges
        .iter()
        .filter(|e| e.src_version_id != e.dst_version_id && e.valid_from <= at && e.valid_to.is_none_or(|to| at < to))
        .collect();
    for _ in 0..20 * fixture.names.len() {
        let mut more: Vec<((i64, Option<String>), Bits)> = Vec::new();
        for edge in &edges {
            let (src, dst, clear) = (edge.src_version_id, edge.dst_version_id, edge.clear_mask as u64);
            let ways = ways(src, dst);
            let all_into = rows.run_mappings.iter().filter(|r| r.dst_version_id == dst && r.event_time <= at);
            let named: Vec<String> =
                all_into.filter_map(|r| rows.column_mappings[r.mapping_id as usize].dst_field_id.map(name)).collect();
            // `b` is as well known as its only part is.
            let named = |field: &str| named.iter().any(|name| name == field);
            let leaves_out = !named("a") || !named("b") && !named("b.c");
            for ((_, field), &(own, reaching, through, arrived)) in held.iter().filter(|((v, _), _)| *v == src) {
                let passed = |clear: u64| (0, own | reaching, (own | through) & !clear, own | reaching);
                match (&*edge.edge_type, field) {
                    ("CONTAINS", _) => more.push(((dst, field.clone()), (own, reaching, through, 0))),
                    ("COPY_OF", _) => {
                        more.push(((dst, field.clone()), (own, reaching, through, arrived)));
                    }
                    (_, Some(field)) if !ways.is_empty() => {
                        for way in ways.iter().filter(|w| w.mapping_type == "DIRECT") {
                            if related(&name(way.src_field_id), field) {
                                let cleared = clear | way.clear_mask as u64;
                                more.push(((dst, way.dst_field_id.map(name)), passed(cleared)));
                            }
                        }
                        if leaves_out {
                            more.push(((dst, None), passed(clear)));
                        }
                    }
                    _ => more.push(((dst, None), passed(clear))),
                }
            }
            if edge.edge_type == "COPY_OF" {
                let back = held.iter().filter(|((v, _), _)| *v == dst);
                more.extend(back.map(|((_, field), bits)| ((src, field.clone()), *bits)));
            }
        }
        for (at, bits) in more {
            let held = held.entry(at).or_default();
            *held = (held.0 | bits.0, held.1 | bits.1, held.2 | bits.2, held.3 | bits.3);
        }
    }
    held
}

/// Where masking failed, and what that is a member or a copy of.
fn failed(
    fixture: &Fixture,
    held: &BTreeMap<(i64, Option<String>), Bits>,
    at: i64,
) -> BTreeMap<(i64, Option<String>), u64> {
    let own = |(key, bits): (&(i64, Option<String>), &Bits)| {
        let beside = |other: &Option<String>| match (&key.1, other) {
            (Some(a), Some(b)) => a == b || a.starts_with('b') && b.starts_with('b'),
            _ => true,
        };
        let fields = held.iter().filter(|((version, field), _)| *version == key.0 && beside(field));
        let (arrived, through) = fields.fold((0, 0), |(a, t), (_, bits)| (a | bits.3, t | bits.2));
        (key.clone(), bits.0 & arrived & !through)
    };
    let mut failed: BTreeMap<_, _> = held.iter().map(own).collect();
    let live = |e: &&EdgeRow| e.valid_from <= at && e.valid_to.is_none_or(|to| at < to);
    for _ in 0..2 * fixture.names.len() {
        for edge in fixture.rows.edges.iter().filter(live) {
            let ends = [(edge.src_version_id, edge.dst_version_id), (edge.dst_version_id, edge.src_version_id)];
            let ways = match &*edge.edge_type {
                "CONTAINS" => &ends[..1],
                "COPY_OF" => &ends[..],
                _ => &[],
            };
            for (src, dst) in ways {
                let more: Vec<_> =
                    failed.iter().filter(|((v, _), _)| v == src).map(|((_, f), b)| (f.clone(), *b)).collect();
                more.into_iter().for_each(|(field, bits)| *failed.entry((*dst, field)).or_default() |= bits);
            }
        }
    }
    failed
}

#[test]
fn random_fields_agree_with_their_definition() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let (mut mapped, mut cleared) = (0, 0);
    for round in 0..900 {
        let nodes = 2 + random.below(7);
        let mut fixture = Fixture::parse("");
        (0..nodes).for_each(|n| _ = fixture.version(&format!("d:{n}")));
        with_fields(&mut fixture);
        for _ in 0..random.below(2 * nodes) {
            let kind = ["DERIVED", "DERIVED", "DERIVED", "CONTAINS", "COPY_OF"][random.below(5) as usize];
            let (src, dst, from) = (random.below(nodes) as i64, random.below(nodes) as i64, random.below(8));
            let clear = if kind == "DERIVED" && random.below(3) == 0 { random.below(4) } else { 0 };
            let options =
                [format!("clear={clear}"), format!("from={from}"), format!("to={}", from + 1 + random.below(9))];
            fixture.link(kind, src, dst, &options.each_ref().map(String::as_str));
            for _ in 0..random.below(4) {
                let (a, b) = (random.below(3) as i64, random.below(4) as i64);
                let how = (random.below(4) != 0, random.below(4) as i64, random.below(10) as i64);
                map(&mut fixture, (src, dst), a, (b < 3).then_some(b), how);
            }
        }
        for n in 0..nodes {
            for _ in 0..random.below(3) {
                let field = random.below(4) as usize;
                let category = ["pii", "phi"][random.below(2) as usize];
                find_in(&mut fixture, &format!("d:{n}"), (field < 3).then_some(field), category);
            }
        }
        let at = random.below(12) as i64;
        let expected = by_definition(&fixture, at);
        let view = fixture.view(Some(at));
        let rows = view.field_tags();
        let held: BTreeMap<_, _> = rows.iter().map(|r| ((i64::from(r.version), r.field.clone()), r.tags)).collect();
        assert_eq!(held.len(), rows.len(), "round {round}: a field twice");
        let failed = failed(&fixture, &expected, at);
        for (key, (own, reaching, through, _)) in &expected {
            let tags = held.get(key).copied().unwrap_or_default();
            let failed = failed.get(key).copied().unwrap_or_default();
            let expected =
                TagMasks { own: *own, inherited: *through, cleared: reaching & !through, contradicted: failed };
            assert_eq!(tags, expected, "round {round}, {key:?} at {at}");
            mapped += usize::from(key.1.is_some() && *through != 0);
            cleared += usize::from(expected.cleared != 0);
        }
        assert!(held.keys().all(|key| expected.contains_key(key)), "round {round}");
        // Never more than the version has.
        for row in rows {
            let version = view.tags_of(row.version);
            assert_eq!(row.tags.own & !version.own, 0, "round {round}, {row:?}");
            assert_eq!(
                row.tags.inherited & !(version.inherited | version.own),
                0,
                "round {round}, {row:?}, {version:?}"
            );
        }
    }
    assert!(mapped > 100 && cleared > 100, "{mapped} {cleared}: the graphs have too little in them");
}
