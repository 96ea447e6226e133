//! The object store in a folder.

use clew_store::object::Objects;

#[tokio::test]
async fn objects_are_named_by_their_content_and_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let objects = Objects::open(dir.path().join("store").to_str().unwrap()).unwrap();
    let stored = objects.put("a/models", ".bin", &b"hello"[..]).await.unwrap();
    assert_eq!(stored.size_bytes, 5);
    assert!(stored.name.starts_with("a/models/") && stored.name.ends_with(".bin"), "{}", stored.name);
    assert_eq!(objects.put("a/models", ".bin", &b"hello"[..]).await.unwrap(), stored);
    assert_eq!(&objects.get(&stored.name).await.unwrap()[..], b"hello");
    assert_eq!(objects.map(&stored.name).await.unwrap().as_ref(), b"hello");
    objects.delete(&stored.name).await.unwrap();
    objects.delete(&stored.name).await.unwrap();
    let message = objects.get(&stored.name).await.unwrap_err().to_string();
    assert!(
        message.contains("is missing from the object store") || message.contains("is damaged"),
        "{message}"
    );
    objects.ping().await.unwrap();
}

#[tokio::test]
async fn an_upload_of_many_pieces_is_one_object_and_an_aborted_one_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let objects = Objects::open(dir.path().to_str().unwrap()).unwrap();
    let piece: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    let mut writer = objects.writer("uploads", "").await.unwrap();
    for _ in 0..10 {
        writer.write(&piece).await.unwrap();
    }
    let stored = writer.finish().await.unwrap();
    assert_eq!(stored.size_bytes, 30_000_000);
    let again = objects.put("uploads", "", piece.repeat(10)).await.unwrap();
    assert_eq!(again, stored);
    let mut writer = objects.writer("uploads", "").await.unwrap();
    writer.write(&piece).await.unwrap();
    writer.abort().await.unwrap();
    let names: Vec<_> =
        std::fs::read_dir(dir.path().join("uploads")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[tokio::test]
async fn names_that_lead_elsewhere_and_addresses_of_other_kinds_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let objects = Objects::open(dir.path().to_str().unwrap()).unwrap();
    for name in ["../secret", "a//b", "a/../../b"] {
        let message = objects.get(name).await.unwrap_err().to_string();
        assert!(message.contains("no name of an object"), "{message}");
    }
    assert!(Objects::open("gs://bucket").unwrap_err().to_string().contains("s3://"));
}
