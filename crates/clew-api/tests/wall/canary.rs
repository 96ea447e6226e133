//! Two tenants with everything, each with a mark of its own in every string that it keeps; and where to look for a
//! mark that has got out: bodies, headers, logs, metrics, files.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

use clew_api::{ApiConfig, Requests};
use clew_store::key::Right;
use clew_store::object::Objects;
use clew_store::quota::Quota;
use clew_work::{WorkConfig, Worker, WorkerParts};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::common::{Answer, Api, Client, now};
use crate::operation::{Operation, operations};
use crate::thing::{Things, things};

/// In every string that the second tenant keeps.
pub(crate) const CANARY: &str = "cnry9q7x";
/// In every string of the first.
const OWN: &str = "ownmark5";
const N_CUSTOMERS: usize = 240;
const N_PRODUCTS: usize = 30;
const N_EVENTS: usize = 6_000;

/// A tenant with one of everything, and the credential of its owner.
pub(crate) struct Party {
    pub(crate) tenant_id: Uuid,
    pub(crate) things: Things,
    pub(crate) key: String,
}

/// Who tries, and whose canaries must not get out.
pub(crate) struct Scene {
    pub(crate) api: Api,
    pub(crate) own: Party,
    pub(crate) foreign: Party,
    /// Cursors that were given to the second tenant.
    pub(crate) cursors: Vec<String>,
    /// `Idempotency-Key`s that the second tenant has used, with the operation and the body.
    pub(crate) replays: Vec<(String, &'static str, Value)>,
}

/// A limit that no test meets.
fn config() -> ApiConfig {
    let many = Requests { per_second: 1_000_000, burst: 1_000_000 };
    ApiConfig {
        tenant_requests: many,
        credential_requests: many,
        quota: Quota::default(),
        ..ApiConfig::default()
    }
}

/// What was logged in this process.
static LOG: LazyLock<Arc<Mutex<Vec<u8>>>> = LazyLock::new(|| {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let writer = Arc::clone(&kept);
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .with_writer(move || Kept(Arc::clone(&writer)))
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    kept
});

struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Scene {
    /// Both tenants with data, a trained model each, and one of everything.
    pub(crate) async fn new() -> Self {
        LazyLock::force(&LOG);
        let api = Api::start_with(config()).await;
        let ending = CancellationToken::new();
        let worker = Worker::new(WorkerParts {
            store: api.database.store.clone(),
            objects: Objects::open(api.database.objects_dir().to_str().unwrap()).unwrap(),
            pool: Arc::new(rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap()),
            clock: Arc::new(now),
            config: WorkConfig::new("test"),
        });
        let worker = tokio::spawn(worker.run(ending.clone()));
        let own_id = api.database.tenant(&format!("Shop {OWN}")).await.unwrap();
        let foreign_id = api.database.tenant(&format!("Shop {CANARY}")).await.unwrap();
        let own = party(&api, own_id, OWN).await;
        let foreign = party(&api, foreign_id, CANARY).await;
        ending.cancel();
        worker.await.unwrap();

        let client = api.bearer(&foreign.key);
        let mut cursors = Vec::new();
        for operation in
            operations().iter().filter(|operation| operation.parameters.contains(&"cursor".into()))
        {
            let address = operation.address(&foreign.things);
            let page = operation.send(&client, &format!("{address}{}limit=1", sign(&address))).await;
            let cursor = serde_json::from_str::<Value>(&page.text).unwrap()["next_cursor"].clone();
            cursors.extend(cursor.as_str().map(str::to_owned));
        }
        assert!(cursors.len() >= 5, "{} cursors", cursors.len());
        let mut replays = Vec::new();
        for (n, (path, body)) in [
            ("/v1/offers", json!({"name": format!("once {CANARY}"), "expression": "true"})),
            ("/v1/segments", json!({"name": format!("once {CANARY}"), "expression": "true"})),
            ("/v1/keys", json!({"name": format!("once {CANARY}"), "right": "reader"})),
        ]
        .into_iter()
        .enumerate()
        {
            let key = format!("order-{n}");
            let answer = client.post_once(&key, path, &body).await;
            assert_eq!(answer.status, 201, "{}: {:#?}", answer.text, Self::errors());
            replays.push((key, path, body));
        }
        Self { api, own, foreign, cursors, replays }
    }

    /// The client of the one who tries.
    pub(crate) fn client(&self) -> Client {
        self.api.bearer(&self.own.key)
    }

    /// The same scene over new connections, which find the database as it now is.
    pub(crate) async fn reconnected(mut self) -> Self {
        self.api.database.reconnect().await.unwrap();
        self.api = Api::over(self.api.database, self.api.tenant_id, config(), Arc::new(now));
        self
    }

    /// A hash of every row of the second tenant, table by table.
    pub(crate) async fn foreign_rows(&self) -> Vec<(String, String)> {
        self.api.database.hashes(self.foreign.tenant_id).await.unwrap()
    }

    /// The last errors that were logged.
    pub(crate) fn errors() -> Vec<String> {
        let log = String::from_utf8_lossy(&LOG.lock().unwrap()).into_owned();
        let errors = log.lines().filter(|line| line.contains(" ERROR ") || line.contains(" WARN "));
        errors.rev().take(10).map(str::to_owned).collect()
    }

    /// Where, outside of answers, a canary is that should not be: the log, the metrics, the files of others.
    pub(crate) async fn found_elsewhere(&self) -> Vec<String> {
        let mut found = Vec::new();
        let log = String::from_utf8_lossy(&LOG.lock().unwrap()).into_owned();
        assert!(log.contains("answered"), "nothing was logged");
        found.extend(log.lines().filter(|line| line.contains(CANARY)).map(|line| format!("log: {line}")));
        let metrics = self.api.nobody().get("/metrics").await.text;
        if metrics.contains(CANARY) || metrics.contains(&self.foreign.tenant_id.to_string()) {
            found.push("/metrics".to_owned());
        }
        files_with(self.api.database.objects_dir(), &self.foreign.tenant_id.to_string(), &mut found);
        found
    }
}

/// Files with a canary in name or content, but for those in folders of the tenant whose canaries they are.
fn files_with(dir: &Path, excepted: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == excepted {
            continue;
        }
        if path.is_dir() {
            files_with(&path, excepted, found);
        } else {
            let content = std::fs::read(&path).unwrap();
            let canary = CANARY.as_bytes();
            if name.contains(CANARY) || content.windows(canary.len()).any(|window| window == canary) {
                found.push(path.display().to_string());
            }
        }
    }
}

/// Whether a canary is in the body or in a header of an answer.
pub(crate) fn is_in(answer: &Answer) -> bool {
    answer.text.contains(CANARY)
        || answer.headers.iter().any(|(_, value)| String::from_utf8_lossy(value.as_bytes()).contains(CANARY))
}

/// What a further parameter is joined to an address with.
pub(crate) fn sign(address: &str) -> char {
    if address.contains('?') { '&' } else { '?' }
}

async fn party(api: &Api, tenant_id: Uuid, mark: &str) -> Party {
    let key = api.key_of(tenant_id, Right::Owner, None).await.1;
    let owner = api.bearer(&key);
    for (entity, file) in files(mark) {
        let answer =
            owner.upload(&format!("/v1/imports?entity={entity}"), "text/csv", file).await.expect(202);
        ended(&owner, answer.header("location")).await;
    }
    let trained = owner.post("/v1/models", &json!({"horizon_days": 28, "seed": 7})).await.expect(202);
    ended(&owner, trained.header("location")).await;
    // Two of everything, so that lists have a second page.
    things(api, tenant_id, &owner, mark).await;
    let mut things = things(api, tenant_id, &owner, mark).await;
    things.set("models", trained.id());
    // What is sent as another's must not hold the canary itself: it may be echoed.
    things.set("customers", "probe-k".to_owned());
    things.set("products", "probe-p".to_owned());
    things.set("campaigns", "probe-m".to_owned());
    things.set("columns", "customers/age".to_owned());
    things.set("column", "age".to_owned());
    Party { tenant_id, things, key }
}

/// Follows a job by its events to its end, which must be a good one.
async fn ended(client: &Client, location: &str) {
    let events = client.get(&format!("{location}/events")).await.expect(200);
    let last = events.text.lines().filter_map(|line| line.strip_prefix("data: ")).next_back().unwrap();
    let job: Value = serde_json::from_str(last).unwrap();
    assert_eq!(job["state"], "succeeded", "{job}");
}

/// A shop whose every string has the mark, but for the ids of one customer, one product and one campaign.
fn files(mark: &str) -> [(&'static str, String); 4] {
    let customer = |n: usize| if n == 0 { "probe-k".to_owned() } else { format!("{mark}-k{n}") };
    let product = |n: usize| if n == 0 { "probe-p".to_owned() } else { format!("{mark}-p{n}") };
    let campaign = |n: usize| if n == 0 { "probe-m".to_owned() } else { format!("{mark}-m{n}") };
    let mut customers = format!("customer_id,age,city,hobby_{mark}\n");
    for n in 0..N_CUSTOMERS {
        customers +=
            &format!("{},{},city {mark} {},hobby {mark} {}\n", customer(n), 18 + n % 60, n % 7, n % 5);
    }
    let mut products = "product_id,title,category,brand,price\n".to_owned();
    for n in 0..N_PRODUCTS {
        products += &format!(
            "{},title {mark} {n},category {mark} {},brand {mark} {},{}.5\n",
            product(n),
            n % 4,
            n % 6,
            5 + n
        );
    }
    let mut events =
        "kind,customer_id,product_id,occurred_at,quantity,revenue,query,campaign_id\n".to_owned();
    let mut next = crate::attack::Dice::new(11);
    for n in 0..N_EVENTS {
        let day = chrono::Days::new((n * 500 / N_EVENTS) as u64);
        let at = chrono::NaiveDate::from_ymd_opt(2025, 6, 1).unwrap() + day;
        let kind = ["purchase", "view", "search", "message_sent"][next.below(4)];
        let (k, p, m) = (next.below(N_CUSTOMERS), next.below(N_PRODUCTS), next.below(3));
        events += &format!(
            "{kind},{},{},{at}T12:00:00Z,1,{}.5,query {mark},{}\n",
            customer(k),
            product(p),
            5 + p,
            campaign(m)
        );
    }
    let mut campaigns = "campaign_id,sent_at,title\n".to_owned();
    for n in 0..3 {
        campaigns += &format!("{},2026-0{}-01T08:00:00Z,title {mark}\n", campaign(n), n + 1);
    }
    [("customers", customers), ("products", products), ("campaigns", campaigns), ("events", events)]
}

/// Operations that an owner of a tenant may do.
pub(crate) fn owners() -> Vec<Operation> {
    operations().into_iter().filter(|operation| operation.allows("owner")).collect()
}
