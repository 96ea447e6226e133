//! Keys: shown once, verified, expired, revoked.

use chrono::{DateTime, Utc};
use clew_store::key::{self, Credential, NewKey, Right};
use clew_store::testing::database;
use clew_store::{Error, Page};
use secrecy::{ExposeSecret as _, SecretString};

const LONG_AGO: DateTime<Utc> = DateTime::from_timestamp_nanos(0);

fn new(expires_at: Option<DateTime<Utc>>) -> NewKey {
    NewKey { name: "website".into(), right: Right::Marketer, expires_at }
}

#[tokio::test]
async fn a_key_is_verified_until_it_is_revoked() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let (row, shown) = key::insert(&mut tenant, &new(None)).await.unwrap();
    let (other, _) = key::insert(&mut tenant, &new(None)).await.unwrap();
    assert_eq!(key::verify(&test.store, &shown).await.unwrap(), None, "not before the commit");
    tenant.commit().await.unwrap();

    let text = shown.expose_secret();
    assert!(text.starts_with(&format!("clew_{}_", row.id.simple())) && text.ends_with(&row.last_four));
    assert_eq!(text.len(), 5 + 32 + 1 + 64);
    assert!(!format!("{shown:?}").contains(&row.last_four), "Debug shows nothing");
    let expected = Credential::Tenant { tenant_id, key_id: row.id, right: Right::Marketer };
    assert_eq!(key::verify(&test.store, &shown).await.unwrap(), Some(expected));

    // Its use is noted; the other's is not.
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    assert!(key::find(&mut tenant, row.id).await.unwrap().unwrap().last_used_at.is_some());
    assert_eq!(key::list(&mut tenant, &Page::default()).await.unwrap().data[0], other);

    let revoked = key::revoke(&mut tenant, row.id).await.unwrap();
    assert_eq!(key::revoke(&mut tenant, row.id).await.unwrap(), revoked, "twice is once");
    tenant.commit().await.unwrap();
    assert_eq!(key::verify(&test.store, &shown).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_no_key_is_refused() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let (row, shown) = key::insert(&mut tenant, &new(None)).await.unwrap();
    let (_, expired) = key::insert(&mut tenant, &new(Some(LONG_AGO))).await.unwrap();
    tenant.commit().await.unwrap();
    let good = shown.expose_secret().to_owned();
    let flipped = if good.ends_with('0') { "1" } else { "0" };
    let forged = [
        String::new(),
        "clew_".into(),
        format!("clew_{}_", row.id.simple()),
        format!("{}{flipped}", &good[..good.len() - 1]),
        good.to_uppercase(),
        format!("{good} "),
        good.replacen("clew_", "clew-", 1),
        format!("clew_{}_{}", uuid::Uuid::now_v7().simple(), &good[good.len() - 64..]),
        "é".repeat(80),
        expired.expose_secret().to_owned(),
    ];
    for text in forged {
        assert_eq!(
            key::verify(&test.store, &SecretString::from(text.clone())).await.unwrap(),
            None,
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_key_of_one_tenant_is_not_there_for_another() {
    let test = database().await.unwrap();
    let (one, two) = (test.tenant("one").await.unwrap(), test.tenant("two").await.unwrap());
    let mut tenant = test.store.tenant(one).await.unwrap();
    let (row, _) = key::insert(&mut tenant, &new(None)).await.unwrap();
    tenant.commit().await.unwrap();
    let mut tenant = test.store.tenant(two).await.unwrap();
    assert!(matches!(key::revoke(&mut tenant, row.id).await, Err(Error::Missing { .. })));
    assert_eq!(key::find(&mut tenant, row.id).await.unwrap(), None);
    assert!(key::list(&mut tenant, &Page::default()).await.unwrap().data.is_empty());
}

#[tokio::test]
async fn operators_have_keys_of_their_own() {
    let test = database().await.unwrap();
    let mut operator = test.store.operator().await.unwrap();
    let (row, shown) = key::insert_operator(&mut operator, "console", None).await.unwrap();
    let (_, expired) = key::insert_operator(&mut operator, "old", Some(LONG_AGO)).await.unwrap();
    operator.commit().await.unwrap();
    let verified = key::verify(&test.store, &shown).await.unwrap();
    assert_eq!(verified, Some(Credential::Operator { key_id: row.id }));
    assert_eq!(key::verify(&test.store, &expired).await.unwrap(), None);

    let mut operator = test.store.operator().await.unwrap();
    assert_eq!(key::list_operator(&mut operator, &Page::default()).await.unwrap().data.len(), 2);
    key::revoke_operator(&mut operator, row.id).await.unwrap();
    operator.commit().await.unwrap();
    assert_eq!(key::verify(&test.store, &shown).await.unwrap(), None);
}
