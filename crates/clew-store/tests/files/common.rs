//! A tenant with a store and a folder, to import files into.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use clew_learn::Silent;
use clew_store::ingest::{self, Incoming, Ingested};
use clew_store::mapping::Mapping;
use clew_store::object::Objects;
use clew_store::testing::{self, TestStore};
use clew_store::{Entity, Result};
use uuid::Uuid;

pub(crate) struct Shop {
    pub(crate) test: TestStore,
    pub(crate) objects: Objects,
    pub(crate) tenant_id: Uuid,
    dir: tempfile::TempDir,
}

pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_500_000_000, 0).unwrap()
}

impl Shop {
    pub(crate) async fn open() -> Shop {
        let test = testing::database().await.unwrap();
        let tenant_id = test.tenant("A shop").await.unwrap();
        let objects = Objects::open(test.objects_dir().to_str().unwrap()).unwrap();
        Shop { test, objects, tenant_id, dir: tempfile::tempdir().unwrap() }
    }

    /// A folder with the files that were imported, under their entities' names.
    pub(crate) fn folder(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    pub(crate) async fn import(&self, entity: Entity, text: &str) -> Ingested {
        self.try_import(entity, text, &serde_json::json!({})).await.unwrap()
    }

    pub(crate) async fn try_import(
        &self,
        entity: Entity,
        text: &str,
        mapping: &serde_json::Value,
    ) -> Result<Ingested> {
        let path = self.dir.path().join(format!("{entity}.csv"));
        std::fs::write(&path, text).unwrap();
        let incoming = Incoming {
            entity,
            name: format!("{entity}.csv"),
            path,
            format: None,
            mapping: Mapping::from_json(mapping, entity)?,
            readmit_erased: false,
        };
        let mut tenant = self.test.store.tenant(self.tenant_id).await?;
        let ingested = ingest::run(&mut tenant, &self.objects, &incoming, now(), Arc::new(Silent)).await?;
        tenant.commit().await?;
        Ok(ingested)
    }

    /// A number that the owner of the tables sees.
    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        let mut owner = self.test.owner().await.unwrap();
        sqlx::query_scalar(sql).bind(self.tenant_id).fetch_one(&mut owner).await.unwrap()
    }
}

pub(crate) const CUSTOMERS: &str = "customer_id,first_name,age,since,active,tags\n\
    c1,Ann,31,2016-05-01,true,a|b\n\
    c2,\"Bob, \"\"B\"\"\",,,false,\n\
    c1,Anne,32,2016-05-01 23:30,true,b\n";
pub(crate) const PRODUCTS: &str = "product_id,title,price\np1,Wine,9.5\np2,Bread,1\n";
pub(crate) const CAMPAIGNS: &str = "campaign_id,sent_at,channel\nm1,2017-01-01T08:00:00Z,email\n";
pub(crate) const EVENTS: &str = "kind,customer_id,product_id,occurred_at,quantity,revenue,campaign_id,basket_id,query\n\
    purchase,c1,p1,2017-01-01T10:00:00.250Z,1,9.5,,b1,\n\
    purchase,c1,p1,2017-01-01T10:00:00.250Z,1,9.5,,b1,\n\
    Product Viewed,c2,p2,2017-02-02 08:00,,,,,\n\
    purchase,c9,p9,2017-03-03,89638,0,,b2,\n\
    search,c2,,2017-03-04,,,,,red wine\n\
    message_sent,c1,,2017-01-01T08:00:00Z,,,m1,,\n\
    loyalty card,c1,,2016-12-31,,,,,\n";
