use super::*;

#[test]
fn urls_are_told_from_paths() {
    for url in ["s3://bucket/a", "S3://bucket", "gs://b/a/b.parquet", "az://container/x", "abfss://c@a/x"] {
        assert!(is_url(url), "{url}");
    }
    for path in ["data/", "s3", "s3:/bucket", "/mnt/s3://x", "file:///tmp/x", "https://example.org/x"] {
        assert!(!is_url(path), "{path}");
    }
}

#[test]
fn urls_of_objects_are_written_as_the_given_one() {
    for (base, prefix, location, expected) in [
        ("s3://lake/raw/", "raw", "raw/a/b.json", "s3://lake/raw/a/b.json"),
        ("s3://lake/raw/a.json", "raw/a.json", "raw/a.json", "s3://lake/raw/a.json"),
        ("s3://lake", "", "a.json", "s3://lake/a.json"),
    ] {
        let url = url_of(&Url::parse(base).expect("a URL"), &Path::from(prefix), &Path::from(location));
        assert_eq!(url, expected);
    }
}

/// An object in memory behind the same reads.
fn object(bytes: &[u8]) -> Object {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    let store: Box<dyn ObjectStore> = Box::new(object_store::memory::InMemory::new());
    let meta = runtime.block_on(async {
        store.put(&Path::from("x"), bytes.to_vec().into()).await.expect("put");
        store.head(&Path::from("x")).await.expect("head")
    });
    Object { url: "s3://b/x".into(), bucket: Arc::new(Bucket { store, runtime }), meta, blocks: Mutex::default() }
}

#[test]
fn any_read_gives_the_bytes_of_its_place() {
    let bytes: Vec<u8> = (0..3_500_000u32).map(|n| (n * 31 % 251) as u8).collect();
    let object = object(&bytes);
    for (offset, length) in
        [(0, 10), (1_048_570, 20), (5, 2_000_000), (3_499_990, 100), (0, 4_000_000), (3_500_000, 1), (u64::MAX, 1)]
    {
        let mut got = vec![0; length];
        let mut count = 0;
        loop {
            match object.read_at(offset.saturating_add(count as u64), &mut got[count..]).expect("read") {
                0 => break,
                n => count += n,
            }
        }
        let from = (offset as usize).min(bytes.len());
        let to = from.saturating_add(length).min(bytes.len());
        assert!(got[..count] == bytes[from..to], "{offset} {length}");
    }
}

#[test]
fn a_replaced_object_is_an_error() {
    let object = object(b"first");
    let path = Path::from("x");
    let replaced = object.bucket.store.put(&path, b"other".to_vec().into());
    object.bucket.runtime.block_on(replaced).expect("put");
    let e = object.read_at(0, &mut [0; 5]).expect_err("not the same");
    assert!(e.to_string().contains("replaced"), "{e}");
}
