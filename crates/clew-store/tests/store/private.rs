//! The private Postgres: started, stopped, started again, killed, side by side.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use clew_store::postgres::{Private, PrivateConfig};
use clew_store::{Page, Store, StoreConfig, tenant};
use tempfile::TempDir;

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
