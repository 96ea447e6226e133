//! Members and sessions: stored as hashes alone, and not there for another tenant.

use chrono::{DateTime, TimeDelta, Utc};
use clew_store::key::Right;
use clew_store::member::{self, NewMember};
use clew_store::session::{self, Refreshed};
use clew_store::testing::database;
use clew_store::{Error, Page, sign_in};
use secrecy::{ExposeSecret as _, SecretString};

const NOW: DateTime<Utc> = DateTime::from_timestamp_nanos(1_800_000_000_000_000_000);

fn anna() -> NewMember {
    NewMember { email: "anna@example.com".into(), name: Some("Anna".into()), right: Right::Reader }
}

#[tokio::test]
async fn secrets_are_stored_as_hashes_alone() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let row = member::insert(&mut tenant, &anna()).await.unwrap();
    let (_, invitation) = member::invite(&mut tenant, row.id, NOW + TimeDelta::days(1)).await.unwrap();
    let opened = session::open(&mut tenant, row.id, NOW).await.unwrap();
    tenant.commit().await.unwrap();
    assert_eq!(member::tenant_of_invitation(&invitation), Some(tenant_id));
    assert_eq!(session::tenant_of_refresh_token(&opened.refresh_token), Some(tenant_id));
    assert_eq!(session::tenant_of_refresh_token(&invitation), None, "one is not the other");
    let mut owner = test.owner().await.unwrap();
    let stored: Vec<String> = sqlx::query_scalar(
        "select members::text from members union all select sessions::text from sessions
         union all select refresh_tokens::text from refresh_tokens",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert_eq!(stored.len(), 3);
    for secret in [&invitation, &opened.refresh_token] {
        let text = secret.expose_secret();
        let (_, bits) = text.rsplit_once('_').unwrap();
        assert!(stored.iter().all(|row| !row.contains(&bits[..64])));
        assert!(!format!("{secret:?} {opened:?}").contains(&bits[..8]), "Debug shows nothing");
    }
}

#[tokio::test]
async fn a_tenant_with_an_owner_keeps_one() {
    let test = database().await.unwrap();
    let (one, two) = (test.tenant("one").await.unwrap(), test.tenant("two").await.unwrap());
    let owner = |email: &str| NewMember { email: email.into(), name: None, right: Right::Owner };
    let mut other = test.store.tenant(two).await.unwrap();
    member::insert(&mut other, &owner("otto@example.com")).await.unwrap();
    other.commit().await.unwrap();

    let mut tenant = test.store.tenant(one).await.unwrap();
    let last = member::insert(&mut tenant, &owner("ida@example.com")).await.unwrap();
    let reader = member::insert(&mut tenant, &anna()).await.unwrap();
    let refused = member::delete(&mut tenant, last.id).await.unwrap_err();
    assert!(refused.to_string().contains("make another member an owner first"), "{refused}");
    assert!(member::update(&mut tenant, last.id, None, Right::Marketer).await.is_err());
    member::update(&mut tenant, last.id, Some("Ida"), Right::Owner).await.unwrap();
    member::update(&mut tenant, reader.id, None, Right::Owner).await.unwrap();
    member::delete(&mut tenant, last.id).await.unwrap();
    assert!(member::delete(&mut tenant, reader.id).await.is_err(), "now she is the last");
}

#[tokio::test]
async fn a_member_of_one_tenant_is_not_there_for_another() {
    let test = database().await.unwrap();
    let (one, two) = (test.tenant("one").await.unwrap(), test.tenant("two").await.unwrap());
    let mut tenant = test.store.tenant(one).await.unwrap();
    let row = member::insert(&mut tenant, &anna()).await.unwrap();
    let (_, invitation) = member::invite(&mut tenant, row.id, NOW + TimeDelta::days(1)).await.unwrap();
    let opened = session::open(&mut tenant, row.id, NOW).await.unwrap();
    let again = member::insert(&mut tenant, &anna()).await.unwrap_err();
    assert!(matches!(again, Error::Conflict { constraint } if constraint == "members_email"));
    drop(tenant);
    let mut tenant = test.store.tenant(one).await.unwrap();
    assert_eq!(member::find(&mut tenant, row.id).await.unwrap(), None, "what is not committed is not there");
    let row = member::insert(&mut tenant, &anna()).await.unwrap();
    let (_, invitation_now) = member::invite(&mut tenant, row.id, NOW + TimeDelta::days(1)).await.unwrap();
    let opened_now = session::open(&mut tenant, row.id, NOW).await.unwrap();
    tenant.commit().await.unwrap();

    let mut other = test.store.tenant(two).await.unwrap();
    assert_eq!(member::find(&mut other, row.id).await.unwrap(), None);
    assert!(member::list(&mut other, &Page::default()).await.unwrap().data.is_empty());
    assert!(member::update(&mut other, row.id, None, Right::Owner).await.is_err());
    assert!(member::delete(&mut other, row.id).await.is_err());
    assert!(member::invite(&mut other, row.id, NOW).await.is_err());
    for invitation in [&invitation, &invitation_now] {
        assert_eq!(member::find_invited(&mut other, invitation, NOW).await.unwrap(), None);
        assert_eq!(member::take_up(&mut other, invitation, "$", NOW).await.unwrap(), None);
    }
    for opened in [&opened, &opened_now] {
        let refreshed = session::refresh(&mut other, &opened.refresh_token, NOW).await.unwrap();
        assert!(matches!(refreshed, Refreshed::Refused));
        assert_eq!(session::find_right(&mut other, opened.id, row.id, NOW).await.unwrap(), None);
    }
    session::end(&mut other, opened_now.id, NOW).await.unwrap();
    session::end_all(&mut other, row.id, None, NOW).await.unwrap();
    other.commit().await.unwrap();
    let mut tenant = test.store.tenant(one).await.unwrap();
    let right = session::find_right(&mut tenant, opened_now.id, row.id, NOW).await.unwrap();
    assert_eq!(right, Some(Right::Reader), "nothing that was tried changed anything");
    // The same e-mail may be there as well, and neither tenant learns of it.
    let mut other = test.store.tenant(two).await.unwrap();
    member::insert(&mut other, &anna()).await.unwrap();
}

#[tokio::test]
async fn only_who_has_a_password_is_found_by_e_mail() {
    let test = database().await.unwrap();
    let (one, two) = (test.tenant("one").await.unwrap(), test.tenant("two").await.unwrap());
    let mut ids = Vec::new();
    for tenant_id in [one, two] {
        let mut tenant = test.store.tenant(tenant_id).await.unwrap();
        let row = member::insert(&mut tenant, &anna()).await.unwrap();
        let (_, invitation) = member::invite(&mut tenant, row.id, NOW + TimeDelta::days(1)).await.unwrap();
        tenant.commit().await.unwrap();
        ids.push((tenant_id, row.id, invitation));
    }
    let find = |tenant_id| sign_in::find_member(&test.store, "anna@example.com", tenant_id);
    assert_eq!(find(None).await.unwrap(), None, "both are only invited");
    let take_up = async |(tenant_id, _, invitation): &(uuid::Uuid, uuid::Uuid, SecretString)| {
        let mut tenant = test.store.tenant(*tenant_id).await.unwrap();
        member::take_up(&mut tenant, invitation, "$", NOW).await.unwrap().unwrap();
        tenant.commit().await.unwrap();
    };
    take_up(&ids[1]).await;
    assert_eq!(find(None).await.unwrap(), Some((two, ids[1].1)));
    take_up(&ids[0]).await;
    assert_eq!(find(None).await.unwrap(), Some((one, ids[0].1)), "who was a member first");
    assert_eq!(find(Some(two)).await.unwrap(), Some((two, ids[1].1)));
    assert_eq!(find(Some(uuid::Uuid::nil())).await.unwrap(), None);
}
