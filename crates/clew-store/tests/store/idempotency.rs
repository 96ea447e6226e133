//! Idempotency records: one effect, the same answer; another body is a conflict.

use clew_store::idempotency::{self, Answer, Begun};
use clew_store::testing::database;
use clew_store::{Page, Tenant, offer};
use sqlx::Executor as _;

const BODY: [u8; 32] = [7; 32];

fn answer(text: &str) -> Answer {
    Answer {
        status: 201,
        headers: vec![
            ("location".into(), "/v1/offers/1".into()),
            ("content-type".into(), "application/json".into()),
        ],
        body: text.as_bytes().to_vec(),
    }
}

async fn effect(tenant: &mut Tenant<'_>) {
    let new =
        offer::NewOffer { name: "effect".into(), expression: Some("true".into()), ..Default::default() };
    offer::insert(tenant, &new).await.unwrap();
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    let other_id = test.tenant("two").await.unwrap();
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    assert_eq!(idempotency::begin(&mut tenant, "k", "create_offer", &BODY).await.unwrap(), Begun::New);
    idempotency::finish(&mut tenant, "k", &answer("one")).await.unwrap();
    tenant.commit().await.unwrap();

    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let replay = idempotency::begin(&mut tenant, "k", "create_offer", &BODY).await.unwrap();
    assert_eq!(replay, Begun::Replay(answer("one")));
    for (operation, body) in [("create_offer", [8; 32]), ("create_rule", BODY)] {
        assert_eq!(idempotency::begin(&mut tenant, "k", operation, &body).await.unwrap(), Begun::Conflict);
    }
    // Another tenant's key of the same name is another key.
    let mut other = test.store.tenant(other_id).await.unwrap();
    assert_eq!(idempotency::begin(&mut other, "k", "create_offer", &BODY).await.unwrap(), Begun::New);
    // And operators' is another again.
    let mut operator = test.store.operator().await.unwrap();
    assert_eq!(idempotency::begin(&mut operator, "k", "create_tenant", &BODY).await.unwrap(), Begun::New);
    idempotency::finish(&mut operator, "k", &answer("tenant")).await.unwrap();
    operator.commit().await.unwrap();
}

#[tokio::test]
async fn a_request_that_was_undone_leaves_no_record() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    for _ in 0..2 {
        let mut tenant = test.store.tenant(tenant_id).await.unwrap();
        assert_eq!(idempotency::begin(&mut tenant, "k", "create_offer", &BODY).await.unwrap(), Begun::New);
        drop(tenant);
    }
}

#[tokio::test]
async fn a_day_later_the_key_is_free() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    for key in ["k", "l"] {
        let mut tenant = test.store.tenant(tenant_id).await.unwrap();
        idempotency::begin(&mut tenant, key, "create_offer", &BODY).await.unwrap();
        idempotency::finish(&mut tenant, key, &answer("one")).await.unwrap();
        tenant.commit().await.unwrap();
    }
    let mut owner = test.owner().await.unwrap();
    owner.execute("update idempotency set created_at = now() - interval '25 hours'").await.unwrap();
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    assert_eq!(idempotency::begin(&mut tenant, "k", "create_rule", &[9; 32]).await.unwrap(), Begun::New);
    idempotency::finish(&mut tenant, "k", &answer("two")).await.unwrap();
    tenant.commit().await.unwrap();
    assert_eq!(test.store.queue().purge_idempotency().await.unwrap(), 1, "the one that was not taken again");
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    let replay = idempotency::begin(&mut tenant, "k", "create_rule", &[9; 32]).await.unwrap();
    assert_eq!(replay, Begun::Replay(answer("two")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_at_the_same_time_have_one_effect() {
    let test = database().await.unwrap();
    let tenant_id = test.tenant("one").await.unwrap();
    let requests: Vec<_> = (0..8)
        .map(|n| {
            let store = test.store.clone();
            tokio::spawn(async move {
                let mut tenant = store.tenant(tenant_id).await.unwrap();
                match idempotency::begin(&mut tenant, "k", "create_offer", &BODY).await.unwrap() {
                    Begun::New => {
                        effect(&mut tenant).await;
                        let answer = answer(&format!("answer {n}"));
                        idempotency::finish(&mut tenant, "k", &answer).await.unwrap();
                        tenant.commit().await.unwrap();
                        answer
                    }
                    Begun::Replay(answer) => answer,
                    Begun::Conflict => panic!("the body is the same"),
                }
            })
        })
        .collect();
    let mut answers = Vec::new();
    for request in requests {
        answers.push(request.await.unwrap());
    }
    assert!(answers.iter().all(|answer| answer == &answers[0]), "byte for byte");
    let mut tenant = test.store.tenant(tenant_id).await.unwrap();
    assert_eq!(offer::list(&mut tenant, &Page::default()).await.unwrap().data.len(), 1);
}
