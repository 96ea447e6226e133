//! Jobs: long work, watched and cancelled.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use chrono::{DateTime, Utc};
use clew_store::job as rows;
use clew_store::key::Right;
use futures_util::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::broadcast;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::{Answer, List};
use crate::caller::{Caller, Follower, Marketer};
use crate::extract::{Id, Query};
use crate::feed::Moved;
use crate::problem::{Problem, Result};
use crate::state::ApiState;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JobState {
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl From<rows::State> for JobState {
    fn from(state: rows::State) -> Self {
        match state {
            rows::State::Queued => Self::Queued,
            rows::State::Running => Self::Running,
            rows::State::Succeeded => Self::Succeeded,
            rows::State::Failed => Self::Failed,
            rows::State::Cancelled => Self::Cancelled,
        }
    }
}

impl From<JobState> for rows::State {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Queued => Self::Queued,
            JobState::Running => Self::Running,
            JobState::Succeeded => Self::Succeeded,
            JobState::Failed => Self::Failed,
            JobState::Cancelled => Self::Cancelled,
        }
    }
}

/// Why a job failed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct JobError {
    /// A word for programs.
    #[schema(example = "not_enough_data")]
    code: String,
    /// What happened and what to do.
    #[schema(example = "not enough data yet: 312 of 500 buyers")]
    detail: String,
}

/// A job.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Job {
    pub(crate) id: Uuid,
    /// What is done: `import`, `train`, `drift`, `erase`, `retain`, `forget` or `webhook`.
    #[schema(example = "train")]
    kind: String,
    state: JobState,
    /// What it is at, in plain words.
    #[schema(example = "factors")]
    phase: Option<String>,
    /// Share done.
    #[schema(minimum = 0, maximum = 1, example = 0.42)]
    progress: f64,
    /// Estimate of the seconds left.
    #[schema(example = 12.5)]
    eta_seconds: Option<f64>,
    error: Option<JobError>,
    /// What it has made.
    #[schema(value_type = Option<Object>, example = json!({"model_id": "0198c6a1-7a52-7c3e-9d0f-3f6f4c3b2a10"}))]
    result: Option<Value>,
    /// Somebody has asked for its end.
    #[schema(example = false)]
    cancel_requested: bool,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
}

impl From<rows::Job> for Job {
    fn from(row: rows::Job) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            state: row.state.into(),
            phase: row.phase,
            progress: row.progress,
            eta_seconds: row.eta_seconds,
            error: row.error.map(|e| JobError { code: e.0.code, detail: e.0.detail }),
            result: row.result,
            cancel_requested: row.cancel_requested,
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
        }
    }
}

/// Which jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct JobQuery {
    /// Rows wanted.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    cursor: Option<String>,
    /// Of this kind only.
    #[param(max_length = 64, example = "train")]
    kind: Option<String>,
    /// In this state only.
    #[param(inline)]
    state: Option<JobState>,
}

fn default_limit() -> u32 {
    100
}

/// Lists the jobs, the newest first. An `ingest` key sees imports only.
#[utoipa::path(get, path = "/v1/jobs", operation_id = "list_jobs", tag = "jobs",
    security(("key" = ["ingest", "reader"])), params(JobQuery),
    responses((status = 200, description = "A page of jobs.", body = List<Job>)))]
async fn list_jobs(
    caller: Caller<Follower>,
    State(state): State<ApiState>,
    Query(query): Query<JobQuery>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let page = clew_store::Page { limit: query.limit, cursor: query.cursor };
    let ingest = caller.right == Some(Right::Ingest);
    let kind = if ingest { Some(clew_store::import::JOB_KIND) } else { query.kind.as_deref() };
    let rows = rows::list(&mut tenant, kind, query.state.map(Into::into), &page).await?;
    Answer::ok(&List::<Job>::of(rows))
}

/// Gets a job. An `ingest` key sees imports only.
#[utoipa::path(get, path = "/v1/jobs/{id}", operation_id = "get_job", tag = "jobs",
    security(("key" = ["ingest", "reader"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The job.", body = Job)))]
async fn get_job(caller: Caller<Follower>, State(state): State<ApiState>, Id(id): Id) -> Result<Answer> {
    Answer::ok(&find(&caller, &state, id).await?)
}

/// Streams a job as server-sent events: its state now, each change, and the end. Every event is named `job` and
/// holds what `get_job` answers.
#[utoipa::path(get, path = "/v1/jobs/{id}/events", operation_id = "stream_job", tag = "jobs",
    security(("key" = ["ingest", "reader"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "Events until the job has ended.", body = String, content_type = "text/event-stream",
        example = "event: job\ndata: {\"state\":\"running\",\"progress\":0.42}\n\n")))]
async fn stream_job(
    caller: Caller<Follower>,
    State(state): State<ApiState>,
    Id(id): Id,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    // Subscribed before it is read, so that no change falls between.
    let news = state.feed().subscribe(state.store(), state.draining());
    find(&caller, &state, id).await?;
    let watch = Watch { caller, state, id, news, last: String::new(), ended: false };
    let events =
        stream::unfold(watch, |mut watch| async { watch.next().await.map(|event| (Ok(event), watch)) });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

/// A stream's place in the life of its job.
struct Watch {
    caller: Caller<Follower>,
    state: ApiState,
    id: Uuid,
    news: broadcast::Receiver<Option<Moved>>,
    last: String,
    ended: bool,
}

impl Watch {
    /// The next event: at once when the job differs from what was last said, else when it moves.
    async fn next(&mut self) -> Option<Event> {
        while !self.ended {
            let job = find(&self.caller, &self.state, self.id).await.ok()?;
            self.ended = matches!(job.state, JobState::Succeeded | JobState::Failed | JobState::Cancelled);
            let json = serde_json::to_string(&job).ok()?;
            if json != self.last {
                self.last.clone_from(&json);
                return Some(Event::default().event("job").data(json));
            }
            self.moved().await?;
        }
        None
    }

    /// Waits until the job may have moved; none when the process is about to end.
    async fn moved(&mut self) -> Option<()> {
        let draining = self.state.draining().clone();
        loop {
            let news = tokio::select! {
                () = draining.cancelled() => return None,
                // A notice may be lost with its connection: look now and then.
                () = tokio::time::sleep(Duration::from_secs(5)) => return Some(()),
                news = self.news.recv() => news,
            };
            match news {
                Ok(Some(moved)) if moved.job_id != self.id => {}
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return Some(()),
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

/// Asks for a job's end. A queued one ends at once, a running one when its worker has heard; one that has ended
/// stays as it is.
#[utoipa::path(post, path = "/v1/jobs/{id}/cancel", operation_id = "cancel_job", tag = "jobs",
    security(("key" = ["marketer"])), params(("id" = Uuid, Path)),
    responses((status = 200, description = "The job as it is now.", body = Job)))]
async fn cancel_job(caller: Caller<Marketer>, State(state): State<ApiState>, Id(id): Id) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let job = Job::from(rows::cancel(&mut tenant, id).await?);
    tenant.commit().await?;
    Answer::ok(&job)
}

async fn find(caller: &Caller<Follower>, state: &ApiState, id: Uuid) -> Result<Job> {
    let mut tenant = caller.open(state).await?;
    let row = rows::find(&mut tenant, id).await?;
    let ingest = caller.right == Some(Right::Ingest);
    let row = row.filter(|row| !ingest || row.kind == clew_store::import::JOB_KIND);
    row.map(Into::into).ok_or_else(|| Problem::not_found("job"))
}

/// The routes of jobs.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list_jobs))
        .routes(routes!(get_job))
        .routes(routes!(stream_job))
        .routes(routes!(cancel_job))
}
