//! The private Postgres: started, stopped, started again, killed, side by side.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clew_store::offer::{self, NewOffer};
use clew_store::postgres::{Private, PrivateConfig};
use clew_store::{Page, Store, StoreConfig, tenant};
use tempfile::TempDir;
use uuid::Uuid;

/// A folder that Postgres's account can reach, also when the tests run as root.
fn folder() -> (TempDir, PathBuf) {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().to_owned();
    (outer, dir)
}

async fn start(dir: &Path) -> Private {
    let config = PrivateConfig::new(dir);
    tokio::task::spawn_blocking(|| Private::start_hastily(config)).await.unwrap().unwrap()
}

async fn stop(private: Private) {
    tokio::task::spawn_blocking(|| drop(private)).await.unwrap();
}

async fn connect(private: &Private) -> Store {
    Store::connect(private.url(), StoreConfig::default()).await.unwrap()
}

#[tokio::test]
async fn what_was_written_is_there_after_a_stop() {
    let (_outer, dir) = folder();
    let private = start(&dir).await;
    let store = connect(&private).await;
    let message = store.ping().await.unwrap_err().to_string();
    assert!(message.contains("run `clew migrate`"), "{message}");
    store.migrate().await.unwrap();
    store.migrate().await.unwrap();
    store.ping().await.unwrap();
    let mut operator = store.operator().await.unwrap();
    tenant::insert(&mut operator, "shop", "EUR", tenant::Mode::Live).await.unwrap();
    operator.commit().await.unwrap();

    // One folder, one server.
    let config = PrivateConfig::new(&dir);
    let second = tokio::task::spawn_blocking(|| Private::start(config)).await.unwrap();
    let message = second.err().unwrap().to_string();
    assert!(message.contains(&format!("in use by process {}", std::process::id())), "{message}");

    // A stop does not wait for sessions that are open.
    stop(private).await;
    assert!(store.ping().await.unwrap_err().is_unavailable());

    let private = start(&dir).await;
    let store = connect(&private).await;
    let mut operator = store.operator().await.unwrap();
    let tenants = tenant::list(&mut operator, &Page::default()).await.unwrap().data;
    assert_eq!(tenants[0].name, "shop");
}

#[tokio::test]
async fn two_run_side_by_side_and_a_long_path_is_no_obstacle() {
    let (_outer, one) = folder();
    let (_other, two) = folder();
    let two = two.join("a folder with, a comma".repeat(5));
    std::fs::create_dir_all(two.parent().unwrap()).unwrap();
    let (one, two) = (start(&one).await, start(&two).await);
    assert_ne!(one.url(), two.url());
    assert!(one.url().len() < 200 && two.url().len() < 200);
    for private in [&one, &two] {
        let fsync: String =
            sqlx::query_scalar("show fsync").fetch_one(&mut owner(private).await).await.unwrap();
        assert_eq!(fsync, "on");
    }
}

async fn owner(private: &Private) -> sqlx::PgConnection {
    <sqlx::PgConnection as sqlx::Connection>::connect(private.url()).await.unwrap()
}

/// Postgres's account cannot enter what only root may. Says nothing when the tests do not run as root.
#[tokio::test]
async fn a_folder_that_the_account_cannot_reach_is_replaced() {
    let (outer, dir) = folder();
    if std::os::unix::fs::MetadataExt::uid(&outer.path().metadata().unwrap()) != 0 {
        eprintln!("not root: skipped");
        return;
    }
    std::fs::set_permissions(&dir, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let private = start(&dir.join("inner")).await;
    let instead = private.dir().to_owned();
    assert!(!instead.starts_with(&dir) && instead.join("data/PG_VERSION").exists(), "{}", instead.display());
    stop(private).await;
    // The same folder leads to the same data.
    let private = start(&dir.join("inner")).await;
    assert_eq!(private.dir(), instead);
    stop(private).await;
    std::fs::remove_dir_all(instead).unwrap();
}

#[tokio::test]
async fn a_server_that_was_killed_is_started_again() {
    let (_outer, dir) = folder();
    let private = start(&dir).await;
    let process_id = private.process_id();
    let store = connect(&private).await;
    store.migrate().await.unwrap();
    let killed = Command::new("kill").args(["-KILL", &process_id.to_string()]).status().unwrap();
    assert!(killed.success());
    let since = Instant::now();
    while private.process_id() == process_id {
        assert!(since.elapsed() < Duration::from_secs(60), "it is not started again");
        tokio::task::yield_now().await;
    }
    // The pool's connections are of the old one; it replaces them.
    store.ping().await.unwrap();
    store.operator().await.unwrap();
}

#[tokio::test]
async fn what_a_killed_start_left_is_no_obstacle() {
    let (_outer, dir) = folder();
    std::fs::create_dir_all(dir.join("data.new/base")).unwrap();
    let private = start(&dir).await;
    connect(&private).await.migrate().await.unwrap();
    stop(private).await;
    // A process id that belongs to another program by now.
    std::fs::write(dir.join("data/postmaster.pid"), format!("{}\n", std::process::id())).unwrap();
    let private = start(&dir).await;
    connect(&private).await.ping().await.unwrap();
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let (_outer, dir) = folder();
    std::fs::write(dir.join("file"), "").unwrap();
    let message = Private::start(PrivateConfig::new(dir.join("file/inner"))).unwrap_err().to_string();
    assert!(message.contains("file/inner"), "{message}");
    let config = PrivateConfig { bin: Some(dir.clone()), dir };
    let message = Private::start(config).unwrap_err().to_string();
    assert!(message.contains("apt-get install postgresql"), "{message}");
}

/// Acknowledged writes outlive a killed Postgres, and the service finds it again by itself. `CLEW_DATABASE_KILLS` says
/// how often it is killed.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_a_killed_server() {
    #[allow(clippy::disallowed_methods, reason = "how long a trial takes comes from the environment")]
    let n_kills = std::env::var("CLEW_DATABASE_KILLS").ok().map_or(3, |text| text.parse().unwrap());
    let (_outer, dir) = folder();
    let private = start(&dir).await;
    connect(&private).await.migrate().await.unwrap();
    let store = Store::connect_to_serve(private.url(), StoreConfig::default()).await.unwrap();
    let mut operator = store.operator().await.unwrap();
    let tenant_id = tenant::insert(&mut operator, "shop", "EUR", tenant::Mode::Live).await.unwrap().id;
    operator.commit().await.unwrap();

    let ending = Arc::new(AtomicBool::new(false));
    let n_acknowledged = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..4)
        .map(|_| {
            tokio::spawn(write(store.clone(), tenant_id, Arc::clone(&ending), Arc::clone(&n_acknowledged)))
        })
        .collect();
    let mut longest = Duration::ZERO;
    for _ in 0..n_kills {
        // Some writes between two kills.
        let goal = n_acknowledged.load(Ordering::SeqCst) + 200;
        while n_acknowledged.load(Ordering::SeqCst) < goal {
            tokio::task::yield_now().await;
        }
        let killed = private.process_id();
        assert!(Command::new("kill").args(["-KILL", &killed.to_string()]).status().unwrap().success());
        while private.process_id() == killed {
            tokio::task::yield_now().await;
        }
        let since = Instant::now();
        while store.ping().await.is_err() {
            assert!(since.elapsed() < Duration::from_secs(60), "it is not found again");
        }
        longest = longest.max(since.elapsed());
    }
    ending.store(true, Ordering::SeqCst);
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    let kept: Vec<Uuid> =
        sqlx::query_scalar("select id from offers").fetch_all(&mut owner(&private).await).await.unwrap();
    let kept: HashSet<Uuid> = kept.into_iter().collect();
    let n_lost = acknowledged.iter().filter(|id| !kept.contains(id)).count();
    println!(
        "{} writes acknowledged, {n_lost} lost, {n_kills} kills, back after {longest:?} at the most",
        acknowledged.len()
    );
    assert_eq!(n_lost, 0);
}

/// Writes offers until told to end; gives the ids of those whose commit was answered.
async fn write(store: Store, tenant_id: Uuid, ending: Arc<AtomicBool>, n: Arc<AtomicUsize>) -> Vec<Uuid> {
    let new = NewOffer { name: "one".into(), expression: Some("true".into()), ..NewOffer::default() };
    let one = async || {
        let mut tenant = store.tenant(tenant_id).await?;
        let offer = offer::insert(&mut tenant, &new).await?;
        tenant.commit().await?;
        Ok::<_, clew_store::Error>(offer.id)
    };
    let mut acknowledged = Vec::new();
    while !ending.load(Ordering::SeqCst) {
        if let Ok(id) = one().await {
            acknowledged.push(id);
            n.fetch_add(1, Ordering::SeqCst);
        }
    }
    acknowledged
}
