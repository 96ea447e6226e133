//! What is known of the request being answered, for its log line and for problems: a task-local, so that a
//! panic handler and an error deep inside reach it without passing it along.

use std::sync::{Arc, OnceLock};

use uuid::Uuid;

use crate::limit::Left;

/// The request being answered.
#[derive(Debug)]
pub(crate) struct Context {
    /// Version 7, made here; an incoming `x-request-id` is not trusted.
    pub(crate) request_id: Uuid,
    /// Set when the caller is known.
    pub(crate) tenant_id: OnceLock<Uuid>,
    /// Set when the request was counted.
    pub(crate) limits: OnceLock<Vec<Left>>,
}

impl Context {
    pub(crate) fn new(request_id: Uuid) -> Arc<Self> {
        Arc::new(Self { request_id, tenant_id: OnceLock::new(), limits: OnceLock::new() })
    }
}

tokio::task_local! {
    pub(crate) static CONTEXT: Arc<Context>;
}

/// The id of the request being answered; empty outside of one.
pub(crate) fn request_id() -> String {
    CONTEXT.try_with(|context| context.request_id.to_string()).unwrap_or_default()
}

/// Notes the tenant for the log line.
pub(crate) fn set_tenant(tenant_id: Uuid) {
    let _ = CONTEXT.try_with(|context| context.tenant_id.set(tenant_id));
}

/// Notes what the caller may still ask for, for the answer's headers.
pub(crate) fn set_limits(limits: Vec<Left>) {
    let _ = CONTEXT.try_with(|context| context.limits.set(limits));
}
