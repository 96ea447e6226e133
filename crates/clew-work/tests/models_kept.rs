//! How many models are kept: files and rows of the oldest go when a training ends, whoever is killed meanwhile.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::fmt::Write as _;

use clew_store::job::{self, State};
use clew_store::{Entity, Page, model, tenant};
use support::{House, start};
use uuid::Uuid;

impl House {
    /// A small shop: enough to learn from.
    async fn fill(&self) {
        let mut events = "kind,customer_id,product_id,occurred_at,revenue\n".to_owned();
        for n in 0..3_000_usize {
            let day = chrono::NaiveDate::from_ymd_opt(2025, 6, 1).unwrap() + chrono::Days::new(n as u64 / 7);
            let kind = if n % 3 == 0 { "purchase" } else { "view" };
            let (customer, product) = ((n * 7919) % 150, (n * 104_729 + n / 20) % 20);
            writeln!(events, "{kind},c{customer},p{product},{day},9.5").unwrap();
        }
        let products = (0..20).map(|n| format!("p{n},category {},{}.5\n", n % 4, 5 + n)).collect::<String>();
        let products = format!("product_id,category,price\n{products}");
        for (entity, text) in [(Entity::Products, products), (Entity::Events, events)] {
            let ended = self.end(self.import_file(entity, text).await).await;
            assert_eq!(ended.state, State::Succeeded, "{ended:?}");
        }
    }

    /// Trains, and waits until what is too many is deleted; gives the model.
    async fn trained(&self, seed: i64) -> Uuid {
        let (id, job) = self.train(seed).await;
        let ended = self.end(job).await;
        assert_eq!(ended.state, State::Succeeded, "{ended:?}");
        let mut tenant = self.test.store.tenant(self.tenant_id).await.unwrap();
        let kind = Some(model::FORGET_JOB_KIND);
        let forgetting = job::list(&mut tenant, kind, None, &Page::default()).await.unwrap().data;
        drop(tenant);
        for job in forgetting {
            assert_eq!(self.end(job.id).await.state, State::Succeeded);
        }
        id
    }

    async fn listed(&self) -> Vec<Uuid> {
        let mut tenant = self.test.store.tenant(self.tenant_id).await.unwrap();
        let rows = model::list(&mut tenant, &Page::default()).await.unwrap().data;
        rows.into_iter().map(|row| row.id).collect()
    }

    async fn files(&self) -> usize {
        self.objects().list(&format!("{}/models", self.tenant_id)).await.unwrap().len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_models_are_kept_as_the_tenant_says() {
    let house = House::new().await;
    let worker = start(house.worker("one", |_| {}));
    house.fill().await;
    let mut tenant = house.test.store.tenant(house.tenant_id).await.unwrap();
    tenant::set_models_kept(&mut tenant, 2).await.unwrap();
    tenant.commit().await.unwrap();
    let (first, second) = (house.trained(1).await, house.trained(2).await);
    assert_eq!((house.listed().await, house.files().await), (vec![second, first], 2));
    // The first answers, so the second goes; the fourth is the first to the last byte, whose file stays in any case.
    let third = house.trained(3).await;
    assert_eq!((house.listed().await, house.files().await), (vec![third, first], 2));
    let fourth = house.trained(1).await;
    assert_eq!((house.listed().await, house.files().await), (vec![fourth, first], 1));
    assert_eq!(house.model(fourth).await.object, house.model(first).await.object);
    let fifth = house.trained(5).await;
    assert_eq!((house.listed().await, house.files().await), (vec![fifth, first], 2));
    assert!(house.objects().get(&house.model(first).await.object.unwrap()).await.is_ok());
    worker.end().await;
}
