//! The object store: a folder, or S3-compatible. Objects are named by their content's hash and never change,
//! but for the checkpoints of jobs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use crate::error::{Error, Result};

/// Bytes a part of an upload holds; with [`PARTS_AT_ONCE`] the bound on an upload's memory.
const PART_SIZE: usize = 8 * 1024 * 1024;
const PARTS_AT_ONCE: usize = 4;

/// Where objects are kept. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    /// The folder, when the store is one.
    folder: Option<PathBuf>,
    /// Where objects of a remote store are laid to be mapped into memory.
    cache: Option<PathBuf>,
}

/// An object that was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its name: folder, hash of the content, ending.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
}

/// An object's bytes, mapped into memory.
#[derive(Debug)]
pub struct Mapped(memmap2::Mmap);

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Objects {
    /// Opens a store: a folder's path (made if need be), or `s3://bucket`. An S3 store opened so takes what it
    /// needs from the machine it runs on; see [`Objects::open_with`].
    pub fn open(url: &str) -> Result<Objects> {
        Objects::open_with(url, &HashMap::new(), None)
    }

    /// The same with options of the S3 client by their names (`access_key_id`, `secret_access_key`, `endpoint`,
    /// `region`, `allow_http`, …), and a folder in which objects are laid to be mapped into memory.
    pub fn open_with(url: &str, options: &HashMap<String, String>, cache: Option<&Path>) -> Result<Objects> {
        if url.starts_with("s3://") {
            let mut builder = AmazonS3Builder::new().with_url(url);
            for (name, value) in options {
                let key = name.parse().map_err(|_| {
                    Error::input(
                        format!("object store option '{name}'"),
                        "is not known; see access_key_id, endpoint, region",
                    )
                })?;
                builder = builder.with_config(key, value);
            }
            let store: Arc<dyn ObjectStore> = Arc::new(builder.build()?);
            return Ok(Objects { store, folder: None, cache: cache.map(Path::to_owned) });
        }
        if url.contains("://") && !url.starts_with("file://") {
            return Err(Error::input("object store", "its address must be a folder or begin with s3://"));
        }
        let folder = Path::new(url.strip_prefix("file://").unwrap_or(url));
        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
        let folder = folder.canonicalize().map_err(|error| Error::io(folder, error))?;
        let store: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new_with_prefix(&folder)?);
        Ok(Objects { store, folder: Some(folder), cache: None })
    }

    /// Puts bytes under `folder`, named by their hash with `ending` (such as `.parquet`) behind it.
    pub async fn put(&self, folder: &str, ending: &str, bytes: impl Into<Bytes>) -> Result<Stored> {
        let bytes = bytes.into();
        let name = format!("{folder}/{}{ending}", blake3::hash(&bytes).to_hex());
        let size_bytes = bytes.len() as u64;
        self.store.put(&path(&name)?, bytes.into()).await?;
        settle(self.folder.as_deref(), &name).await?;
        Ok(Stored { name, size_bytes })
    }

    /// Puts bytes under a name that does not come of their content, whole or not at all; what was there before is replaced.
    pub(crate) async fn put_as(&self, name: &str, bytes: impl Into<Bytes>) -> Result<()> {
        self.store.put(&path(name)?, bytes.into().into()).await?;
        settle(self.folder.as_deref(), name).await
    }

    /// Begins to put an object whose bytes come piece by piece.
    pub async fn writer(&self, folder: &str, ending: &str) -> Result<ObjectWriter> {
        let upload = path(&format!("{folder}/upload-{}", Uuid::now_v7()))?;
        let parts = WriteMultipart::new_with_chunk_size(self.store.put_multipart(&upload).await?, PART_SIZE);
        Ok(ObjectWriter {
            store: Arc::clone(&self.store),
            on_disk: self.folder.clone(),
            upload,
            parts,
            folder: folder.to_owned(),
            ending: ending.to_owned(),
            hash: blake3::Hasher::new(),
            size_bytes: 0,
        })
    }

    /// Puts a file of this machine.
    pub async fn put_file(&self, folder: &str, ending: &str, file: &Path) -> Result<Stored> {
        use tokio::io::AsyncReadExt;
        let mut reader = tokio::fs::File::open(file).await.map_err(|error| Error::io(file, error))?;
        let mut writer = self.writer(folder, ending).await?;
        let mut buffer = vec![0; 1 << 20];
        loop {
            let n = match reader.read(&mut buffer).await {
                Ok(n) => n,
                Err(error) => {
                    writer.abort().await?;
                    return Err(Error::io(file, error));
                }
            };
            match buffer.get(..n) {
                Some(piece) if n > 0 => writer.write(piece).await?,
                _ => return writer.finish().await,
            }
        }
    }

    /// All bytes of an object.
    pub async fn get(&self, name: &str) -> Result<Bytes> {
        let found = self.store.get(&path(name)?).await.map_err(|error| missing(name, error))?;
        Ok(found.bytes().await?)
    }

    /// The bytes of an object, piece by piece.
    pub async fn stream(&self, name: &str) -> Result<BoxStream<'static, Result<Bytes>>> {
        let found = self.store.get(&path(name)?).await.map_err(|error| missing(name, error))?;
        Ok(found.into_stream().map(|piece| piece.map_err(Error::from)).boxed())
    }

    /// Removes an object; it is no error if it is not there.
    pub async fn delete(&self, name: &str) -> Result<()> {
        if let Some(cache) = &self.cache {
            let file = cache.join(path(name)?.as_ref());
            match tokio::fs::remove_file(&file).await {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::io(file, error)),
            }
        }
        match self.store.delete(&path(name)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether an object is there.
    pub async fn exists(&self, name: &str) -> Result<bool> {
        match self.store.head(&path(name)?).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The names of all objects below `folder`.
    pub async fn list(&self, folder: &str) -> Result<Vec<String>> {
        let mut found = self.store.list(Some(&path(folder)?));
        let mut names = Vec::new();
        while let Some(object) = found.next().await {
            names.push(object?.location.to_string());
        }
        Ok(names)
    }

    /// Whether the store answers; for readiness.
    pub async fn ping(&self) -> Result<()> {
        match self.store.head(&path("ping")?).await {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// An object's file on this machine. Of a remote store it is fetched first, once.
    pub async fn local(&self, name: &str) -> Result<PathBuf> {
        let path = path(name)?;
        if let Some(folder) = &self.folder {
            let file = folder.join(path.as_ref());
            return match tokio::fs::try_exists(&file).await {
                Ok(true) => Ok(file),
                _ => Err(Error::corrupt(
                    format!("object {name}"),
                    "it is missing from the object store; restore it from a backup",
                )),
            };
        }
        let Some(cache) = &self.cache else {
            return Err(Error::input(
                "object store",
                "a remote one needs a cache folder on this machine; configure one",
            ));
        };
        let file = cache.join(path.as_ref());
        if tokio::fs::try_exists(&file).await.map_err(|error| Error::io(&file, error))? {
            return Ok(file);
        }
        self.fetch(name, &file).await?;
        Ok(file)
    }

    /// An object's bytes, mapped into memory.
    pub async fn map(&self, name: &str) -> Result<Mapped> {
        let file = self.local(name).await?;
        let opened = std::fs::File::open(&file).map_err(|error| Error::io(&file, error))?;
        #[expect(unsafe_code, reason = "objects are named by their content and never written to again")]
        let map = unsafe { memmap2::Mmap::map(&opened) };
        Ok(Mapped(map.map_err(|error| Error::io(&file, error))?))
    }

    async fn fetch(&self, name: &str, file: &Path) -> Result<()> {
        let io = |error| Error::io(file, error);
        if let Some(parent) = file.parent() {
            tokio::fs::create_dir_all(parent).await.map_err(io)?;
        }
        let part = file.with_extension(format!("{}.part", Uuid::now_v7()));
        let fetched = async {
            let mut written = tokio::fs::File::create(&part).await.map_err(io)?;
            let mut hash = blake3::Hasher::new();
            let mut pieces = self.stream(name).await?;
            while let Some(piece) = pieces.next().await {
                let piece = piece?;
                hash.update(&piece);
                written.write_all(&piece).await.map_err(io)?;
            }
            written.flush().await.map_err(io)?;
            if !name.contains(hash.finalize().to_hex().as_str()) {
                return Err(Error::corrupt(
                    format!("object {name}"),
                    "its content is not what its name says; restore it",
                ));
            }
            tokio::fs::rename(&part, file).await.map_err(io)
        };
        let outcome = fetched.await;
        if outcome.is_err() {
            drop(tokio::fs::remove_file(&part).await);
        }
        outcome
    }
}

/// An object that is being put.
#[derive(Debug)]
pub struct ObjectWriter {
    store: Arc<dyn ObjectStore>,
    on_disk: Option<PathBuf>,
    upload: ObjectPath,
    parts: WriteMultipart,
    folder: String,
    ending: String,
    hash: blake3::Hasher,
    size_bytes: u64,
}

impl ObjectWriter {
    /// Puts a piece behind the others; waits while too much of what came before is still under way.
    pub async fn write(&mut self, piece: &[u8]) -> Result<()> {
        self.parts.wait_for_capacity(PARTS_AT_ONCE).await?;
        self.hash.update(piece);
        self.size_bytes += piece.len() as u64;
        self.parts.write(piece);
        Ok(())
    }

    /// How many bytes were put so far.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Ends the object and gives it its name.
    pub async fn finish(self) -> Result<Stored> {
        self.parts.finish().await?;
        let name = format!("{}/{}{}", self.folder, self.hash.finalize().to_hex(), self.ending);
        self.store.rename(&self.upload, &path(&name)?).await?;
        settle(self.on_disk.as_deref(), &name).await?;
        Ok(Stored { name, size_bytes: self.size_bytes })
    }

    /// Leaves nothing of it.
    pub async fn abort(self) -> Result<()> {
        self.parts.abort().await?;
        Ok(())
    }
}

/// Makes an object of a folder last through a loss of power: a row of the database is about to name it.
async fn settle(folder: Option<&Path>, name: &str) -> Result<()> {
    let Some(folder) = folder else { return Ok(()) };
    let file = folder.join(name);
    let synced = async { tokio::fs::File::open(&file).await?.sync_all().await };
    synced.await.map_err(|error| Error::io(&file, error))
}

fn path(name: &str) -> Result<ObjectPath> {
    ObjectPath::parse(name).map_err(|_| Error::input(format!("object {name:?}"), "is no name of an object"))
}

fn missing(name: &str, error: object_store::Error) -> Error {
    match error {
        object_store::Error::NotFound { .. } => Error::corrupt(
            format!("object {name}"),
            "it is missing from the object store; restore it from a backup",
        ),
        error => error.into(),
    }
}
