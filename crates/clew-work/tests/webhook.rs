//! Webhooks by a worker: signed, tried again, told to nobody inside, and switched off by a receiver that is gone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clew_store::Page;
use clew_store::job::State;
use clew_store::webhook::{self, Delivery, DeliveryState, Event, NewWebhook, Reach, Secret, Webhook};
use clew_work::{Kind, Outcome, Task};
use serde_json::{Value, json};
use support::{House, Running, start};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// What a receiver was told.
#[derive(Debug, Clone)]
struct Told {
    head: String,
    body: String,
}

impl Told {
    fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("no {name}: {}", self.head))
    }

    fn is_signed_by(&self, secret: &Secret) -> bool {
        let signed =
            format!("{}.{}.{}", self.header("webhook-id"), self.header("webhook-timestamp"), self.body);
        let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.expose()), signed.as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(mac));
        self.header("webhook-signature").split(' ').any(|found| found == expected)
    }
}

/// A receiver that answers with these statuses, the last one from then on.
async fn receiver(statuses: Vec<u16>) -> (SocketAddr, Arc<Mutex<Vec<Told>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let all = Arc::clone(&told);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut read = Vec::new();
            let (head, body) = loop {
                assert!(stream.read_buf(&mut read).await.unwrap() > 0, "the request broke off");
                let text = String::from_utf8(read.clone()).unwrap();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                if body.len() == length.parse::<usize>().unwrap() {
                    break (head.to_owned(), body.to_owned());
                }
            };
            let n = {
                let mut all = all.lock().unwrap();
                all.push(Told { head, body });
                all.len()
            };
            let status = statuses[n.min(statuses.len()) - 1];
            let answer = format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (address, told)
}

/// A kind of job that ends as its payload says.
struct Simple;

impl Kind for Simple {
    fn name(&self) -> &'static str {
        "simple"
    }

    fn run<'a>(&'a self, task: &'a Task) -> Outcome<'a> {
        Box::pin(async {
            match task.job().payload["ends"].as_str() {
                Some("well") => {
                    task.finish(task.tenant().await?, &json!({ "line": "marie@example.com" })).await
                }
                _ => panic!("marie@example.com is no number"),
            }
        })
    }
}

async fn hook(house: &House, url: String) -> (Webhook, Secret) {
    let mut tenant = house.test.store.tenant(house.tenant_id).await.unwrap();
    let events = vec![Event::JobSucceeded, Event::JobFailed];
    let made = webhook::insert(&mut tenant, &NewWebhook { url, events, enabled: true }).await.unwrap();
    tenant.commit().await.unwrap();
    made
}

fn work(house: &House) -> Running {
    let reach = Reach { networks: vec!["127.0.0.0/8".parse().unwrap()], plain_http: true };
    let worker = house.worker("one", |config| {
        config.webhooks = reach;
        config.webhook_pauses = vec![Duration::from_millis(10); 9];
    });
    start(worker.with_kind(Simple))
}

async fn deliveries(house: &House, webhook: &Webhook) -> Vec<Delivery> {
    let mut tenant = house.test.store.tenant(house.tenant_id).await.unwrap();
    webhook::list_deliveries(&mut tenant, webhook.id, &Page::default()).await.unwrap().data
}

/// Waits until the webhook's deliveries are as they must become; fails after a minute.
async fn until(house: &House, webhook: &Webhook, what: impl Fn(&[Delivery]) -> bool) -> Vec<Delivery> {
    let look = async {
        let mut listener = house.test.store.queue().listen().await.unwrap();
        loop {
            let found = deliveries(house, webhook).await;
            if what(&found) {
                return found;
            }
            listener.recv().await.unwrap();
        }
    };
    match tokio::time::timeout(Duration::from_secs(60), look).await {
        Ok(found) => found,
        Err(_) => panic!("the deliveries never came to it: {:?}", deliveries(house, webhook).await),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ends_of_jobs_are_told_signed_and_without_what_they_were_about() {
    let house = House::new().await;
    let (address, told) = receiver(vec![204]).await;
    let (hook, secret) = hook(&house, format!("http://{address}/in")).await;
    let worker = work(&house);
    let well = house.enqueue("simple", json!({ "ends": "well" })).await;
    let badly = house.enqueue("simple", json!({ "ends": "badly" })).await;
    let done =
        |all: &[Delivery]| all.len() == 2 && all.iter().all(|one| one.state == DeliveryState::Delivered);
    let found = until(&house, &hook, done).await;
    assert!(found.iter().all(|one| one.n_attempts == 1 && one.status == Some(204) && one.error.is_none()));

    let told = told.lock().unwrap().clone();
    for (event, job_id, error) in
        [("job.succeeded", well, Value::Null), ("job.failed", badly, json!({ "code": "internal" }))]
    {
        let one = told.iter().find(|one| one.body.contains(event)).unwrap();
        let body: Value = serde_json::from_str(&one.body).unwrap();
        assert_eq!(body["data"], json!({ "job_id": job_id, "kind": "simple", "error": error }));
        assert!(one.is_signed_by(&secret), "{one:?}");
        assert!(!one.body.contains("marie"));
        let id = found.iter().find(|delivery| delivery.event == event).unwrap().id;
        assert_eq!(one.header("webhook-id"), format!("msg_{}", id.simple()));
    }
    assert!(!format!("{secret:?}").contains(&STANDARD.encode(secret.expose())), "Debug shows nothing");
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_taken_is_tried_again_and_can_be_told_once_more() {
    let house = House::new().await;
    let (address, told) = receiver(vec![500, 302, 200]).await;
    let (hook, secret) = hook(&house, format!("http://{address}/")).await;
    let worker = work(&house);
    house.enqueue("simple", json!({ "ends": "well" })).await;
    let delivered = |all: &[Delivery]| all.first().is_some_and(|one| one.state == DeliveryState::Delivered);
    let found = until(&house, &hook, delivered).await;
    assert_eq!((found[0].n_attempts, found[0].status, &found[0].error), (3, Some(200), &None));
    let heard = told.lock().unwrap().clone();
    assert!(heard.iter().all(|one| one.header("webhook-id") == heard[0].header("webhook-id") && one.body == heard[0].body));

    // With another secret, both sign; then it is told once more.
    let mut tenant = house.test.store.tenant(house.tenant_id).await.unwrap();
    let (_, newer) = webhook::rotate(&mut tenant, hook.id, 60).await.unwrap();
    webhook::replay(&mut tenant, found[0].id).await.unwrap();
    assert!(webhook::replay(&mut tenant, found[0].id).await.is_err(), "it is on its way");
    tenant.commit().await.unwrap();
    until(&house, &hook, |all| all[0].n_attempts == 4).await;
    let last = told.lock().unwrap().last().unwrap().clone();
    assert!(last.is_signed_by(&secret) && last.is_signed_by(&newer));
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_inside_is_told_and_who_is_gone_is_told_no_more() {
    let house = House::new().await;
    let (address, told) = receiver(vec![410]).await;
    // Written when the configuration was wider, or past it: a worker of today's refuses.
    let (inside, _) = hook(&house, format!("http://{address}/")).await;
    let worker = start(house.worker("strict", |_| {}).with_kind(Simple));
    let id = house.enqueue("simple", json!({ "ends": "well" })).await;
    assert_eq!(house.end(id).await.state, State::Succeeded);
    let found = until(&house, &inside, |all| all.first().is_some_and(|one| one.n_attempts == 1)).await;
    assert_eq!(found[0].error.as_deref(), Some("its address is not a public one"));
    assert!(told.lock().unwrap().is_empty());
    worker.end().await;

    let worker = work(&house);
    let (gone, _) = hook(&house, format!("http://{address}/gone")).await;
    house.enqueue("simple", json!({ "ends": "well" })).await;
    until(&house, &gone, |all| all.first().is_some_and(|one| one.state == DeliveryState::Failed)).await;
    let mut tenant = house.test.store.tenant(house.tenant_id).await.unwrap();
    assert!(!webhook::find(&mut tenant, gone.id).await.unwrap().unwrap().enabled);
    worker.end().await;
}
