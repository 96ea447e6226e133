//! The tenant's active model, brought to a date over its latest snapshot: what answers gain curves and
//! recommendations. Which versions is read in the request's transaction; the opening happens after it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use clew_crm::scorer::Scorer;
use clew_crm::{CompiledRule, History, Model, Offer, Predicate, ProductSet, Records, Rule, Schema, Scope};
use clew_learn::Silent;
use clew_store::snapshot::{self, SnapshotInfo};
use clew_store::{Tenant, model};
use uuid::Uuid;

use crate::cache::Key;
use crate::moment::Moment;
use crate::problem::{Code, FieldError, Problem, Result};
use crate::refusal;
use crate::state::ApiState;

/// Bytes that a scorer holds for each customer and each event, beside the records: its vectors, its facts and its lines.
const SCORER_BYTES_PER_CUSTOMER: u64 = 570;
const SCORER_BYTES_PER_EVENT: u64 = 16;

/// The snapshot of a tenant that is written to all the time is brought up to date this often at most.
const MIN_AGE: TimeDelta = TimeDelta::seconds(60);

/// The share of a request's time that it waits for what answers to be opened.
const PATIENCE: f64 = 0.8;
const OPENING: &str = "the model is being opened, as it is once after a training or a start of the server; ask again in a moment";

const REMOVED: &str = "the model was removed while it was asked, since newer ones took its place; ask again";

/// Which model answers.
pub(crate) struct Versions {
    tenant_id: Uuid,
    model_id: Uuid,
    object: String,
    size_bytes: u64,
    as_of: DateTime<Utc>,
}

/// The active model at a date.
pub(crate) struct Serving {
    pub(crate) model_id: Uuid,
    pub(crate) as_of: DateTime<Utc>,
    pub(crate) scorer: Arc<Scorer>,
}

impl Serving {
    /// Finds the active model.
    ///
    /// # Errors
    /// 409 when there is none yet.
    pub(crate) async fn find(tenant: &mut Tenant<'_>) -> Result<Versions> {
        let none =
            || Problem::new(Code::NoModel, "there is no active model yet; train one with POST /v1/models");
        Self::find_active(tenant).await?.ok_or_else(none)
    }

    /// Finds the active model, if there is one.
    pub(crate) async fn find_active(tenant: &mut Tenant<'_>) -> Result<Option<Versions>> {
        Ok(model::find_active(tenant).await?.and_then(|row| Versions::of(tenant, row)))
    }

    /// Finds the model that knows most of what was before a time; the active one when all have learned from later days.
    ///
    /// # Errors
    /// 409 when there is none yet.
    pub(crate) async fn find_before(tenant: &mut Tenant<'_>, at: DateTime<Utc>) -> Result<Versions> {
        let earlier = model::find_before(tenant, at).await?;
        match earlier.and_then(|row| Versions::of(tenant, row)) {
            Some(versions) => Ok(versions),
            None => Self::find(tenant).await,
        }
    }

    /// What the model knows at its date.
    pub(crate) fn history(&self) -> History<'_> {
        self.scorer.history()
    }

    /// The products of an offer.
    ///
    /// # Errors
    /// 422 under `pointer` when it matches none, or is wrong.
    pub(crate) fn products(&self, offer: &Offer, pointer: &str) -> Result<ProductSet> {
        offer.resolve_in(self.history().products()).map_err(|error| refusal::crm(error, pointer))
    }

    /// An expression over customers or products.
    ///
    /// # Errors
    /// 422 under `pointer`.
    pub(crate) fn predicate(&self, scope: Scope, source: &str, pointer: &str) -> Result<Predicate> {
        let schema = Schema::of(scope, &self.history());
        Predicate::parse(source, &schema).map_err(|error| Problem::field(pointer, error.to_string()))
    }

    /// Rules, in their order.
    ///
    /// # Errors
    /// 422 with every rule that is wrong, each under its place in `pointer`.
    pub(crate) fn compile(&self, rules: &[Rule], pointer: &str) -> Result<Vec<CompiledRule>> {
        compile(rules, &self.history(), pointer)
    }
}

/// Checks rules against a history.
pub(crate) fn compile(rules: &[Rule], history: &History<'_>, pointer: &str) -> Result<Vec<CompiledRule>> {
    let mut compiled = Vec::with_capacity(rules.len());
    let mut errors = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        match rule.compile(history) {
            Ok(rule) => compiled.push(rule),
            Err(error) => {
                let detail = refusal::chain(&error);
                errors.push(FieldError { pointer: format!("{pointer}/{index}"), detail });
            }
        }
    }
    if errors.is_empty() { Ok(compiled) } else { Err(Problem::invalid(errors)) }
}

impl Versions {
    /// Those of a model that is ready.
    fn of(tenant: &Tenant<'_>, row: model::Model) -> Option<Self> {
        let size_bytes = row.size_bytes.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        let (object, as_of) = row.object.zip(row.as_of)?;
        Some(Self { tenant_id: tenant.id(), model_id: row.id, object, size_bytes, as_of })
    }

    /// Opens what answers, at the model's own date unless another is given.
    ///
    /// # Errors
    /// 409 when no customer was active before the date; 503 while the opening takes longer than the request may.
    pub(crate) async fn open(self, state: &ApiState, as_of: Option<Moment>) -> Result<Serving> {
        let Versions { tenant_id, model_id, as_of: own, .. } = self;
        let as_of = as_of.map_or(own, |at| at.0);
        let info = latest(state, tenant_id).await?;
        let at = as_of.timestamp();
        let key = Key::Scorer(tenant_id, model_id, info.version, at);
        let own = state.clone();
        // A scorer holds its records and its model: both are looked for only to make it, whatever else was given up since.
        let make = async move {
            let records = open_records(&own, tenant_id, &info).await?;
            let model = self.model(&own).await?;
            make_scorer(own, model, records, at).await
        };
        // Of a large shop it takes longer than a request may; it goes on when the request has ended.
        let patience = state.config().request_timeout.mul_f64(PATIENCE);
        let scorer = Box::pin(state.cache().scorer(key, Box::pin(make)));
        match tokio::time::timeout(patience, scorer).await {
            Ok(scorer) => Ok(Serving { model_id, as_of, scorer: scorer? }),
            Err(_) => Err(Problem::unavailable(OPENING, 5)),
        }
    }

    /// Opens the model alone.
    ///
    /// # Errors
    /// 409 when it was removed since it was found; 500 when its file cannot be read.
    pub(crate) async fn model(&self, state: &ApiState) -> Result<Arc<Model>> {
        let key = Key::Model(self.tenant_id, self.model_id);
        let open = open_model(state.clone(), self.object.clone(), self.size_bytes);
        let opened = state.cache().model(key, open).await;
        if opened.is_err() {
            let mut tenant = state.store().tenant(self.tenant_id).await?;
            if model::find(&mut tenant, self.model_id).await?.is_none() {
                return Err(Problem::new(Code::Conflict, REMOVED));
            }
        }
        opened
    }
}

/// When each tenant's snapshot was last brought up to date from here.
#[derive(Debug, Default)]
pub(crate) struct Freshness(Mutex<HashMap<Uuid, DateTime<Utc>>>);

impl Freshness {
    /// Whether it is time again; if so, now counts as the last time.
    fn is_due(&self, tenant_id: Uuid, now: DateTime<Utc>) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = all.get(&tenant_id).is_none_or(|last| now - *last >= MIN_AGE);
        if due {
            all.insert(tenant_id, now);
        }
        due
    }
}

/// The tenant's records, no older than a minute: what was imported can be looked at before a model is trained.
/// (Trainings bring the snapshot up to date too.)
pub(crate) async fn records(state: &ApiState, tenant_id: Uuid) -> Result<Arc<Records>> {
    let mut tenant = state.store().tenant(tenant_id).await?;
    let last_batch = clew_store::tenant::find_own(&mut tenant).await?.last_batch;
    drop(tenant);
    let info = match snapshot::latest(state.store(), tenant_id).await? {
        Some(info) if info.batch == last_batch || !state.freshness().is_due(tenant_id, state.now()) => info,
        _ => {
            let own = state.clone();
            // It goes on when the request has gone: the next one finds it done.
            let refresh = async move {
                snapshot::refresh(own.store(), own.objects(), tenant_id, Arc::new(Silent)).await
            };
            tokio::spawn(refresh).await.map_err(Problem::internal)??
        }
    };
    open_records(state, tenant_id, &info).await
}

async fn latest(state: &ApiState, tenant_id: Uuid) -> Result<SnapshotInfo> {
    snapshot::latest(state.store(), tenant_id).await?.ok_or_else(|| {
        Problem::new(Code::NoModel, "the data was not read yet; train a model with POST /v1/models")
    })
}

async fn open_records(state: &ApiState, tenant_id: Uuid, info: &SnapshotInfo) -> Result<Arc<Records>> {
    let (own, info) = (state.clone(), info.clone());
    let key = Key::Records(tenant_id, info.version);
    let open = async move {
        let (_, records) = snapshot::open_latest(own.store(), own.objects(), tenant_id, info).await?;
        let size_bytes = records.size_bytes() as u64;
        Ok((Arc::new(records), size_bytes))
    };
    state.cache().records(key, open).await
}

async fn open_model(state: ApiState, object: String, size_bytes: u64) -> Result<(Arc<Model>, u64)> {
    let mapped = Arc::new(state.objects().map(&object).await?);
    let model = state.compute().run(move |_| Ok(Arc::new(Model::open(mapped)?))).await?;
    Ok((model, size_bytes))
}

async fn make_scorer(
    state: ApiState,
    model: Arc<Model>,
    records: Arc<Records>,
    as_of: i64,
) -> Result<(Arc<Scorer>, u64)> {
    let size_bytes = SCORER_BYTES_PER_CUSTOMER * records.n_customers() as u64
        + SCORER_BYTES_PER_EVENT * records.n_events() as u64;
    let made = state.compute().run(move |run| Ok(Arc::new(Scorer::new(run, model, records, as_of)?))).await?;
    Ok((made, size_bytes))
}
