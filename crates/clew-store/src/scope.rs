//! Transactions that are walled: each takes a role with few rights, and row-level security does the rest.

use std::marker::PhantomData;

use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use crate::audit::{self, Act};
use crate::error::Result;
use crate::store::Store;

/// A transaction as the application's role with the tenant set: the only door to a tenant's rows. Row-level
/// security holds even for a query that forgets its `where`, and even when the service connects as a superuser
/// (who bypasses it), since the role is set too. Dropped without [`Tenant::commit`], it is undone.
#[derive(Debug)]
pub struct Tenant<'a> {
    pub(crate) store: &'a Store,
    transaction: Transaction<'static, Postgres>,
    tenant_id: Uuid,
    act: Option<Act>,
}

impl<'a> Tenant<'a> {
    pub(crate) async fn begin(store: &'a Store, tenant_id: Uuid) -> Result<Self> {
        let mut transaction = store.pool.begin().await?;
        set(&mut transaction, tenant_id).await?;
        Ok(Self { store, transaction, tenant_id, act: None })
    }

    /// Makes a tenant's transaction of a worker's, which is then one with what the worker has done in it.
    pub(crate) async fn enter(
        store: &'a Store,
        mut transaction: Transaction<'static, Postgres>,
        tenant_id: Uuid,
    ) -> Result<Self> {
        set(&mut transaction, tenant_id).await?;
        Ok(Self { store, transaction, tenant_id, act: None })
    }

    /// Gives the transaction back, not yet committed.
    pub(crate) fn leave(self) -> Transaction<'static, Postgres> {
        self.transaction
    }

    /// The tenant that is set.
    pub fn id(&self) -> Uuid {
        self.tenant_id
    }

    /// Says who does what here: the commit writes it to the audit log.
    #[must_use]
    pub fn acting(mut self, act: Act) -> Self {
        self.act = Some(act);
        self
    }

    /// Makes everything done lasting, and with it the entry of the audit log.
    pub async fn commit(mut self) -> Result<()> {
        if let Some(act) = self.act.take() {
            audit::append(&mut self, &act).await?;
        }
        Ok(self.transaction.commit().await?)
    }

    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }
}

async fn set(transaction: &mut Transaction<'static, Postgres>, tenant_id: Uuid) -> Result<()> {
    sqlx::query(
        "select set_config('role', 'clew_app', true), set_config('clew.tenant', $1::uuid::text, true)",
    )
    .bind(tenant_id)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// A transaction as the operator's role: sees tenants and operators' keys, and no tenant's data.
#[derive(Debug)]
pub struct Operator<'a> {
    transaction: Transaction<'static, Postgres>,
    store: PhantomData<&'a Store>,
    act: Option<Act>,
}

impl<'a> Operator<'a> {
    pub(crate) async fn begin(store: &'a Store) -> Result<Self> {
        let mut transaction = store.pool.begin().await?;
        sqlx::query("select set_config('role', 'clew_operator', true), set_config('clew.tenant', '', true)")
            .execute(&mut *transaction)
            .await?;
        Ok(Self { transaction, store: PhantomData, act: None })
    }

    /// Says who does what here: the commit writes it to the operators' audit log.
    #[must_use]
    pub fn acting(mut self, act: Act) -> Self {
        self.act = Some(act);
        self
    }

    /// Makes everything done lasting, and with it the entry of the audit log.
    pub async fn commit(mut self) -> Result<()> {
        if let Some(act) = self.act.take() {
            audit::append(&mut self, &act).await?;
        }
        Ok(self.transaction.commit().await?)
    }

    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }
}

/// What [`Tenant`] and [`Operator`] have in common, for records that both keep (idempotency, audit).
pub trait Scope: sealed::Sealed + Send {
    /// The tenant's id, or the nil one for operators.
    fn scope_id(&self) -> Uuid;
}

impl Scope for Tenant<'_> {
    fn scope_id(&self) -> Uuid {
        self.tenant_id
    }
}

impl Scope for Operator<'_> {
    fn scope_id(&self) -> Uuid {
        Uuid::nil()
    }
}

pub(crate) mod sealed {
    /// Keeps [`super::Scope`] to this crate, and the connection with it.
    pub trait Sealed {
        /// The transaction's connection.
        fn scope_connection(&mut self) -> &mut sqlx::PgConnection;

        /// What the transaction's commit will write to the audit log.
        fn scope_act(&mut self) -> Option<&mut crate::audit::Act>;
    }

    impl Sealed for super::Tenant<'_> {
        fn scope_connection(&mut self) -> &mut sqlx::PgConnection {
            self.connection()
        }

        fn scope_act(&mut self) -> Option<&mut crate::audit::Act> {
            self.act.as_mut()
        }
    }

    impl Sealed for super::Operator<'_> {
        fn scope_connection(&mut self) -> &mut sqlx::PgConnection {
            self.connection()
        }

        fn scope_act(&mut self) -> Option<&mut crate::audit::Act> {
            self.act.as_mut()
        }
    }
}
