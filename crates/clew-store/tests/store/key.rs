//! Keys: shown once, verified, expired, revoked.

use chrono::{DateTime, TimeDelta, Utc};
use clew_store::key::{self, Credential, NewKey, Right};
use clew_store::tenant::{self, Mode};
use clew_store::testing::database;
use clew_store::{Error, Page};
use secrecy::{ExposeSecret as _, SecretString};

const LONG_AGO: DateTime<Utc> = DateTime::from_timestamp_nanos(0);
const LONG_HENCE: DateTime<Utc> = DateTime::from_timestamp_nanos(7_258_118_400_000_000_000);

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
    assert!(text.starts_with(&format!("clew_live_{}_", row.id.simple())) && text.ends_with(&row.last_four));
    assert_eq!(text.len(), 10 + 32 + 1 + 64 + 8);
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
    // Of another secret, with the right checksum: only the stored hash tells it apart.
    let guessed = good.replace(&good[good.len() - 72..], &"0".repeat(64));
    let mut crc = flate2::Crc::new();
    crc.update(guessed.as_bytes());
    let guessed = format!("{guessed}{:08x}", crc.sum());
    let forged = [
        guessed,
        String::new(),
        "clew_".into(),
        "clew_live_".into(),
        format!("clew_live_{}_", row.id.simple()),
        format!("{}{flipped}", &good[..good.len() - 1]),
        good.to_uppercase(),
        format!("{good} "),
        good.replacen("clew_", "clew-", 1),
        format!("clew_{}_{}", uuid::Uuid::now_v7().simple(), "0".repeat(64)),
        good.replacen("live", "test", 1),
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

#[tokio::test]
async fn a_key_is_replaced_with_an_overlap() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let (old, old_shown) = key::insert(&mut tenant, &new(Some(LONG_HENCE))).await.unwrap();
    let (made, shown) = key::rotate(&mut tenant, old.id, 60).await.unwrap();
    tenant.commit().await.unwrap();
    assert_eq!((&made.name, made.right), (&old.name, old.right));
    let lifetime = |key: &key::Key| key.expires_at.unwrap() - key.created_at;
    assert_eq!(lifetime(&made), lifetime(&old));
    for shown in [&old_shown, &shown] {
        assert!(key::verify(&test.store, shown).await.unwrap().is_some(), "both work in between");
    }
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let found = key::find(&mut tenant, old.id).await.unwrap().unwrap();
    assert_eq!(found.successor_id, Some(made.id));
    assert_eq!(found.expires_at, Some(made.created_at + TimeDelta::seconds(60)));
    // It is replaced once; its successor at once; and what is not there cannot be.
    assert!(matches!(key::rotate(&mut tenant, old.id, 60).await, Err(Error::Conflict { .. })));
    key::rotate(&mut tenant, made.id, 0).await.unwrap();
    let absent = key::rotate(&mut tenant, uuid::Uuid::now_v7(), 0).await;
    assert!(matches!(absent, Err(Error::Missing { .. })));
    tenant.commit().await.unwrap();
    assert_eq!(key::verify(&test.store, &shown).await.unwrap(), None);
    let other = test.tenant("two").await.unwrap();
    let mut other = test.store.tenant(other).await.unwrap();
    assert!(matches!(key::rotate(&mut other, old.id, 0).await, Err(Error::Missing { .. })));
}

#[tokio::test]
async fn an_operators_key_is_replaced_with_an_overlap() {
    let test = database().await.unwrap();
    let mut operator = test.store.operator().await.unwrap();
    let (old, old_shown) = key::insert_operator(&mut operator, "console", None).await.unwrap();
    let (made, shown) = key::rotate_operator(&mut operator, old.id, 60).await.unwrap();
    let again = key::rotate_operator(&mut operator, old.id, 60).await;
    assert!(matches!(again, Err(Error::Conflict { .. })));
    operator.commit().await.unwrap();
    assert_eq!((made.name.as_str(), made.expires_at), ("console", None));
    for shown in [&old_shown, &shown] {
        assert!(key::verify(&test.store, shown).await.unwrap().is_some(), "both work in between");
    }
}

#[tokio::test]
async fn a_key_of_the_first_format_works_on() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    let id = uuid::Uuid::now_v7();
    let text = format!("clew_{}_{}", id.simple(), "5e".repeat(32));
    sqlx::query(
        r#"insert into keys (tenant_id, id, name, "right", hash, last_four)
           values ($1, $2, 'old', 'reader', sha256($3), '5e5e')"#,
    )
    .bind(tenant_id)
    .bind(id)
    .bind(text.as_bytes())
    .execute(&mut test.owner().await.unwrap())
    .await
    .unwrap();
    let expected = Credential::Tenant { tenant_id, key_id: id, right: Right::Reader };
    assert_eq!(key::verify(&test.store, &text.into()).await.unwrap(), Some(expected));
}

#[tokio::test]
async fn keys_of_made_up_data_say_so() {
    let test = database().await.unwrap();
    let mut operator = test.store.operator().await.unwrap();
    let row = tenant::insert(&mut operator, "sandbox", "EUR", Mode::Test).await.unwrap();
    operator.commit().await.unwrap();
    let mut tenant = test.store.tenant(row.id).await.unwrap();
    let (made, shown) = key::insert(&mut tenant, &new(None)).await.unwrap();
    assert!(shown.expose_secret().starts_with("clew_test_"));
    let (_, shown) = key::rotate(&mut tenant, made.id, 0).await.unwrap();
    assert!(shown.expose_secret().starts_with("clew_test_"));
}
