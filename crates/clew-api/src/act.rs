//! What a request does, as the audit log will have it: read off the request itself, so that no handler can forget it.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams};
use axum::http::request::Parts;
use clew_store::Tenant;
use clew_store::audit::{self, Act, Actor};
use uuid::Uuid;

use crate::problem::Result;
use crate::state::ApiState;
use crate::{address, context, openapi};

/// Nouns whose ids are the tenant's own, and may be a person's.
const OWN: [&str; 3] = ["customers", "products", "campaigns"];

/// What the caller's request does.
#[derive(Debug, Clone)]
pub(crate) struct Acting {
    act: Act,
    /// The tenant's own id in the path, if that is what the path names.
    own_id: Option<String>,
}

/// The request of somebody who is only about to say who they are.
#[derive(Debug, Clone)]
pub(crate) struct Stranger(Act);

impl FromRequestParts<ApiState> for Stranger {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Infallible> {
        let mut act = Acting::of(parts, state, Actor::Member, Uuid::nil()).await.act;
        act.actor_id = None;
        Ok(Self(act))
    }
}

impl Stranger {
    /// What the member does who turned out to be behind it.
    pub(crate) fn acting_as(&self, member_id: Uuid) -> Act {
        Act { actor_id: Some(member_id), ..self.0.clone() }
    }

    /// What is done by nobody that is known.
    pub(crate) fn act(&self) -> Act {
        self.0.clone()
    }

    /// The network that it comes from.
    pub(crate) fn network(&self) -> String {
        address::network(self.0.address)
    }
}

impl Acting {
    /// Reads it off the request.
    pub(crate) async fn of(parts: &mut Parts, state: &ApiState, actor: Actor, actor_id: Uuid) -> Self {
        let path =
            parts.extensions.get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
        let mut act =
            Act::new(actor, openapi::operation(&parts.method, &path).map_or("unknown", |known| known.id));
        act.actor_id = Some(actor_id);
        act.address = address::of_sender(&parts.headers, &parts.extensions, &state.config().trusted_proxies);
        act.request_id = context::request_id().parse().ok();
        let mut own_id = None;
        if let Ok(params) = RawPathParams::from_request_parts(parts, state).await
            && let Some((_, id)) = params.iter().next()
        {
            let noun = path.split('/').nth(2).unwrap_or_default();
            match Uuid::try_parse(id) {
                Ok(id) if !OWN.contains(&noun) => act.resource = Some(id.to_string()),
                _ => own_id = Some(id.to_owned()),
            }
        }
        Self { act, own_id }
    }

    /// The act on something of this tenant's.
    pub(crate) async fn on(&self, tenant: &mut Tenant<'_>) -> Result<Act> {
        let mut act = self.act.clone();
        if let Some(id) = &self.own_id {
            act.resource = Some(audit::pseudonym(tenant, id).await?);
        }
        Ok(act)
    }

    /// The act, of what has no tenant.
    pub(crate) fn act(&self) -> Act {
        self.act.clone()
    }
}
