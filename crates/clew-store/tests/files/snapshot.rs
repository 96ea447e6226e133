//! Snapshots: the same records as from the files, reading only what changed.

use std::sync::Arc;

use clew_learn::Silent;
use clew_store::{Entity, folder, snapshot};

use crate::common::{CAMPAIGNS, CUSTOMERS, EVENTS, PRODUCTS, Shop};

async fn refresh(shop: &Shop) -> snapshot::SnapshotInfo {
    snapshot::refresh(&shop.test.store, &shop.objects, shop.tenant_id, Arc::new(Silent)).await.unwrap()
}

fn n_objects(shop: &Shop) -> usize {
    let folder = shop.test.objects_dir().join(shop.tenant_id.to_string()).join("snapshot");
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

#[tokio::test]
async fn a_snapshot_holds_what_the_files_hold() {
    let shop = Shop::open().await;
    shop.import(Entity::Customers, CUSTOMERS).await;
    shop.import(Entity::Products, PRODUCTS).await;
    shop.import(Entity::Campaigns, CAMPAIGNS).await;
    shop.import(Entity::Events, EVENTS).await;
    let info = refresh(&shop).await;
    assert_eq!((info.version, info.batch), (1, 4));
    assert_eq!((info.n_customers, info.n_products, info.n_campaigns, info.n_events), (2, 2, 1, 6));
    let from_snapshot = snapshot::open(&shop.objects, &info).await.unwrap();
    let (from_files, _) = folder::read(&shop.folder(), None).unwrap();
    assert_eq!(format!("{from_snapshot:?}"), format!("{from_files:?}"));
    // Nothing was written since: it is the same snapshot.
    assert_eq!(refresh(&shop).await, info);
    assert_eq!(snapshot::latest(&shop.test.store, shop.tenant_id).await.unwrap(), Some(info));
}

#[tokio::test]
async fn many_small_writes_add_up_to_the_same_records_as_one() {
    let shop = Shop::open().await;
    shop.import(Entity::Products, PRODUCTS).await;
    let header = "kind,customer_id,product_id,occurred_at,basket_id\n";
    let mut whole = header.to_owned();
    let mut customers = "customer_id,age\n".to_owned();
    for i in 0..24 {
        let row = format!("kind {},c{},p{},2017-01-{:02},b{}\n", i % 4, i % 7, i % 5, 1 + i, i / 3);
        whole.push_str(&row);
        shop.import(Entity::Events, &format!("{header}{row}")).await;
        let row = format!("c{},{}\n", i % 7, 20 + i);
        customers.push_str(&row);
        shop.import(Entity::Customers, &format!("customer_id,age\n{row}")).await;
        let info = refresh(&shop).await;
        assert_eq!((info.version, info.n_events), (i + 1, 1 + i as u64));
    }
    // Small files were merged, and what only old versions had is gone.
    assert!(n_objects(&shop) < 60, "{}", n_objects(&shop));
    let info = refresh(&shop).await;
    let from_snapshot = snapshot::open(&shop.objects, &info).await.unwrap();
    std::fs::write(shop.folder().join("events.csv"), whole).unwrap();
    std::fs::write(shop.folder().join("customers.csv"), customers).unwrap();
    let (from_files, _) = folder::read(&shop.folder(), None).unwrap();
    assert_eq!(format!("{from_snapshot:?}"), format!("{from_files:?}"));
}

#[tokio::test]
async fn rows_that_were_deleted_are_gone_from_the_next_snapshot() {
    let shop = Shop::open().await;
    shop.import(Entity::Events, EVENTS).await;
    assert_eq!(refresh(&shop).await.n_events, 6);
    let mut owner = shop.test.owner().await.unwrap();
    for sql in [
        "delete from events where tenant_id = $1 and kind = 'search'",
        "update data_counts set n_rows = n_rows - 1 where tenant_id = $1 and kind = 'search'",
        "update tenants set last_batch = last_batch + 1 where id = $1",
    ] {
        sqlx::query(sql).bind(shop.tenant_id).execute(&mut owner).await.unwrap();
    }
    let info = refresh(&shop).await;
    assert_eq!((info.version, info.n_events), (2, 5));
    assert_eq!(snapshot::open(&shop.objects, &info).await.unwrap().n_events(), 5);
}

#[tokio::test]
async fn a_tenant_without_data_has_an_empty_snapshot_and_a_missing_part_is_told_of() {
    let shop = Shop::open().await;
    let info = refresh(&shop).await;
    assert_eq!((info.batch, info.n_events), (0, 0));
    assert_eq!(snapshot::open(&shop.objects, &info).await.unwrap().n_events(), 0);
    shop.import(Entity::Events, EVENTS).await;
    let info = refresh(&shop).await;
    let folder = shop.test.objects_dir().join(shop.tenant_id.to_string()).join("snapshot");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "parquet") {
            std::fs::write(path, b"PAR1 not any more PAR1").unwrap();
        }
    }
    let message = snapshot::open(&shop.objects, &info).await.unwrap_err().to_string();
    assert!(message.contains("is damaged"), "{message}");
}
