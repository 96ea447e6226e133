//! For tests of every crate: a private Postgres per process, started at the first need, and a fresh migrated
//! database per test.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::postgres::{Private, PrivateConfig};
use crate::store::{Store, StoreConfig};

/// Folders of ended processes are removed when they are older than this: a younger one may be just being made.
const SETTLED: Duration = Duration::from_secs(60);

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static N_DATABASES: AtomicU32 = AtomicU32::new(0);

struct Cluster {
    // Not dropped at the end of the process, but the kernel stops it then.
    private: Private,
    dir: PathBuf,
}

/// A fresh migrated database, and a folder for objects that goes with it.
#[derive(Debug)]
pub struct TestStore {
    /// Connected to the database, as a service is: as a role that owns nothing.
    pub store: Store,
    /// The database's address.
    pub url: String,
    objects: PathBuf,
}

impl TestStore {
    /// An empty folder for objects.
    pub fn objects_dir(&self) -> &Path {
        &self.objects
    }

    /// Makes a tenant; gives its id.
    pub async fn tenant(&self, name: &str) -> Result<Uuid> {
        let mut operator = self.store.operator().await?;
        let row = crate::tenant::insert(&mut operator, name, "EUR", crate::tenant::Mode::Live).await?;
        operator.commit().await?;
        Ok(row.id)
    }

    /// Writes a campaign's row, as an import would.
    pub async fn campaign(&self, tenant_id: Uuid, id: &str) -> Result<()> {
        let mut tenant = self.store.tenant(tenant_id).await?;
        let batch = crate::tenant::next_batch(&mut tenant).await?;
        let insert = "insert into campaigns (tenant_id, id, sent_at, batch) values ($1, $2, now(), $3)
             on conflict do nothing";
        sqlx::query(insert).bind(tenant_id).bind(id).bind(batch).execute(tenant.connection()).await?;
        tenant.commit().await
    }

    /// Everything that the database holds, as `pg_dump` writes it.
    pub async fn dump(&self) -> Result<String> {
        let url = self.url.clone();
        let dumped = tokio::task::spawn_blocking(move || {
            let program = crate::postgres::program("pg_dump")?;
            let output = std::process::Command::new(&program)
                .args(["--inserts", "--dbname", &url])
                .output()
                .map_err(|error| Error::io(&program, error))?;
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                return Err(Error::private("pg_dump", said));
            }
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        });
        dumped.await.map_err(|error| Error::private("pg_dump", error.to_string()))?
    }

    /// The moment by Postgres's clock.
    pub async fn now(&self) -> Result<chrono::DateTime<chrono::Utc>> {
        Ok(sqlx::query_scalar("select now()").fetch_one(&mut self.owner().await?).await?)
    }

    /// A connection as the owner, without any wall: for what a test wants to see or break.
    pub async fn owner(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect(&self.url).await?)
    }

    /// Does as the owner of the tables could: for what a test wants to break.
    pub async fn sabotage(&self, statement: &'static str) -> Result<()> {
        self.owner().await?.execute(statement).await?;
        Ok(())
    }

    /// Connects anew, so that what was changed in the database's settings counts.
    pub async fn reconnect(&mut self) -> Result<()> {
        self.store = Store::connect_to_serve(&self.url, StoreConfig::default()).await?;
        Ok(())
    }

    /// A hash of all rows of a tenant, by table where it has any: for a test that says who must not have changed them.
    pub async fn hashes(&self, tenant_id: Uuid) -> Result<Vec<(String, String)>> {
        let mut owner = self.owner().await?;
        let tables: Vec<String> = sqlx::query_scalar(
            "select relname::text from pg_class join pg_attribute on attrelid = pg_class.oid
             where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and attname = 'tenant_id'
             order by 1",
        )
        .fetch_all(&mut owner)
        .await?;
        let mut hashes = Vec::new();
        for table in tables {
            // The names come from the catalogue. The operator is Postgres's own whatever a test has put before it.
            let hash = sqlx::AssertSqlSafe(format!(
                "select md5(string_agg(t::text, ',' order by t::text)) from public.\"{table}\" t
                 where tenant_id operator(pg_catalog.=) $1"
            ));
            let hash: Option<String> = sqlx::query_scalar(hash).bind(tenant_id).fetch_one(&mut owner).await?;
            hashes.extend(hash.map(|hash| (table, hash)));
        }
        Ok(hashes)
    }
}

/// A fresh migrated database: a copy of one that was migrated once in this process.
pub async fn database() -> Result<TestStore> {
    let cluster = CLUSTER.get_or_try_init(start).await?;
    let name = format!("test_{}", N_DATABASES.fetch_add(1, Ordering::Relaxed));
    // A name cannot be a parameter; this one is made above. The template must have no connections, hence `postgres`.
    let create = format!("create database {name} template clew");
    let mut owner = PgConnection::connect(&address(cluster.private.url(), "postgres")).await?;
    owner.execute(sqlx::AssertSqlSafe(create)).await?;
    owner.close().await?;
    let url = address(cluster.private.url(), &name);
    let store = Store::connect_to_serve(&url, StoreConfig::default()).await?;
    let objects = cluster.dir.join("objects").join(&name);
    std::fs::create_dir_all(&objects).map_err(|error| Error::io(&objects, error))?;
    Ok(TestStore { store, url, objects })
}

/// The address of another database of the same cluster.
fn address(url: &str, database: &str) -> String {
    url.replacen("/clew?", &format!("/{database}?"), 1)
}

async fn start() -> Result<Cluster> {
    let started = tokio::task::spawn_blocking(|| {
        let root = std::env::temp_dir().join(format!("clew-testing-{}", crate::postgres::effective_uid()));
        sweep(&root);
        let dir = root.join(Uuid::now_v7().simple().to_string());
        let private = Private::start_hastily(PrivateConfig::new(&dir))?;
        Ok::<_, Error>(Cluster { private, dir })
    });
    let cluster = started.await.map_err(|error| Error::private("tests", error.to_string()))??;
    let store = Store::connect(cluster.private.url(), StoreConfig::default()).await?;
    store.migrate().await?;
    store.close().await;
    Ok(cluster)
}

/// Removes the folders of processes that have ended.
fn sweep(root: &Path) {
    let Ok(entries) = std::fs::read_dir(root) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let settled = std::fs::metadata(&path)
            .and_then(|metadata| metadata.modified())
            .is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > SETTLED));
        let lock = std::fs::File::options().read(true).write(true).open(path.join("lock"));
        let free = lock.as_ref().is_ok_and(|lock| lock.try_lock().is_ok());
        if settled && free && !path.join("data/postmaster.pid").exists() {
            let _ = std::fs::remove_dir_all(&path);
        }
    }
}
