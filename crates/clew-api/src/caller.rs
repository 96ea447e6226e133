//! Who calls. `Caller<Marketer>` in a handler's signature is its authorisation: the extractor yields the
//! caller, its tenant and its right, or a refusal, before any body is read.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, header, request::Parts};
use clew_store::Tenant;
use clew_store::audit::Actor;
use clew_store::key::{self, Credential, Right};
use clew_store::session;
use secrecy::SecretString;
use uuid::Uuid;

use crate::act::Acting;
use crate::context;
use crate::extract;
use crate::problem::{Code, Problem, Result};
use crate::state::ApiState;
use crate::token::{Subject, unauthenticated};

/// What an operation needs, as a type.
pub trait Needs: Send + Sync + 'static {
    /// Its word in messages and in the document.
    const WORD: &'static str;

    /// Whether a right is enough; an operator has none.
    fn allows(right: Option<Right>) -> bool;
}

/// `reader` and above: sees everything of the tenant, changes nothing.
#[derive(Debug)]
pub struct Reader;

/// `marketer` and above: works with offers, segments, rules, models.
#[derive(Debug)]
pub struct Marketer;

/// `owner`: keys as well.
#[derive(Debug)]
pub struct Owner;

/// `ingest`, or `marketer` and above: sends data.
#[derive(Debug)]
pub struct Sender;

/// `ingest`, or `reader` and above: follows what became of data that was sent.
#[derive(Debug)]
pub struct Follower;

/// `operator`: manages tenants and sees no tenant's data.
#[derive(Debug)]
pub struct Operator;

impl Needs for Reader {
    const WORD: &'static str = "reader";

    fn allows(right: Option<Right>) -> bool {
        right >= Some(Right::Reader)
    }
}

impl Needs for Marketer {
    const WORD: &'static str = "marketer";

    fn allows(right: Option<Right>) -> bool {
        right >= Some(Right::Marketer)
    }
}

impl Needs for Owner {
    const WORD: &'static str = "owner";

    fn allows(right: Option<Right>) -> bool {
        right == Some(Right::Owner)
    }
}

impl Needs for Sender {
    const WORD: &'static str = "ingest or marketer";

    fn allows(right: Option<Right>) -> bool {
        right == Some(Right::Ingest) || Marketer::allows(right)
    }
}

impl Needs for Follower {
    const WORD: &'static str = "ingest or reader";

    fn allows(right: Option<Right>) -> bool {
        right.is_some()
    }
}

impl Needs for Operator {
    const WORD: &'static str = "operator";

    fn allows(right: Option<Right>) -> bool {
        right.is_none()
    }
}

/// Somebody who may do what `N` needs.
#[derive(Debug, Clone)]
pub struct Caller<N> {
    /// The tenant of the credential; nil for operators.
    pub tenant_id: Uuid,
    /// The key's or the member's id.
    pub id: Uuid,
    /// The right of the credential; an operator has none.
    pub right: Option<Right>,
    /// The session of a signed-in member; keys have none.
    pub session_id: Option<Uuid>,
    acting: Acting,
    needs: PhantomData<fn() -> N>,
}

impl<N: Needs> Caller<N> {
    /// Opens the caller's tenant: a transaction walled by row-level security. Its commit writes the request to the
    /// audit log.
    ///
    /// # Errors
    /// 503 or 500 when Postgres is away.
    pub async fn open<'a>(&self, state: &'a ApiState) -> Result<Tenant<'a>> {
        self.open_tenant(state, self.tenant_id).await
    }

    async fn open_tenant<'a>(&self, state: &'a ApiState, tenant_id: Uuid) -> Result<Tenant<'a>> {
        let mut tenant = state.store().tenant(tenant_id).await?;
        let act = self.acting.on(&mut tenant).await?;
        Ok(tenant.acting(act))
    }
}

impl Caller<Operator> {
    /// Opens a transaction of the operators', whose commit writes the request to their audit log.
    ///
    /// # Errors
    /// 503 or 500 when Postgres is away.
    pub async fn open_operator<'a>(&self, state: &'a ApiState) -> Result<clew_store::Operator<'a>> {
        Ok(state.store().operator().await?.acting(self.acting.act()))
    }

    /// Opens a tenant that an operator has just made, to give it its first key.
    ///
    /// # Errors
    /// 503 or 500 when Postgres is away.
    pub async fn open_new<'a>(&self, state: &'a ApiState, tenant_id: Uuid) -> Result<Tenant<'a>> {
        self.open_tenant(state, tenant_id).await
    }
}

impl<N: Needs> FromRequestParts<ApiState> for Caller<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self> {
        let credential = bearer(&parts.headers)?;
        let (tenant_id, id, right, session_id, actor) = if credential.starts_with("clew_") {
            match key::verify(state.store(), &SecretString::from(credential)).await? {
                Some(Credential::Tenant { tenant_id, key_id, right }) => {
                    (tenant_id, key_id, Some(right), None, Actor::Key)
                }
                Some(Credential::Operator { key_id }) => (Uuid::nil(), key_id, None, None, Actor::Operator),
                None => return Err(unauthenticated()),
            }
        } else {
            let tokens = state.config().tokens.as_ref().ok_or_else(unauthenticated)?;
            let now = state.now();
            let Subject { tenant_id, member_id, session_id } = tokens.verify(credential, now)?;
            let mut tenant = state.store().tenant(tenant_id).await?;
            let right = session::find_right(&mut tenant, session_id, member_id, now).await?;
            let right = right.ok_or_else(unauthenticated)?;
            (tenant_id, member_id, Some(right), Some(session_id), Actor::Member)
        };
        context::set_tenant(tenant_id);
        // Operators share one tenant's bucket, that of the nil tenant.
        state.limiter().check(tenant_id, id)?;
        if !N::allows(right) {
            let found = right.map_or("operator", Right::as_str);
            let detail = format!("this needs the right {}; the credential has {found}", N::WORD);
            return Err(Problem::new(Code::Forbidden, detail));
        }
        extract::check_no_query(parts)?;
        let acting = Acting::of(parts, state, actor, id).await;
        Ok(Self { tenant_id, id, right, session_id, acting, needs: PhantomData })
    }
}

fn bearer(headers: &HeaderMap) -> Result<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else { return Err(unauthenticated()) };
    let value = value.to_str().map_err(|_| unauthenticated())?;
    let (scheme, credential) = value.split_once(' ').ok_or_else(unauthenticated)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(unauthenticated());
    }
    Ok(credential.trim())
}
