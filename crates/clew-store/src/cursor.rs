//! Pages of a list: keyset cursors, stable under writes, signed, and bound to their tenant, list and filter.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::scope::Tenant;

/// The most rows of a page.
pub const MAX_LIMIT: u32 = 1_000;
const VERSION: u8 = 1;
const SEAL_LEN: usize = 16;

/// Which page of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Rows wanted; taken as 1 when 0 and as [`MAX_LIMIT`] when more.
    pub limit: u32,
    /// What the previous page gave as its `next_cursor`; none for the first page.
    pub cursor: Option<String>,
}

impl Default for Page {
    fn default() -> Self {
        Self { limit: 100, cursor: None }
    }
}

impl Page {
    /// The first page.
    pub fn first(limit: u32) -> Self {
        Self { limit, cursor: None }
    }

    /// Rows to read: one more than asked for, to know whether another page follows.
    pub(crate) fn n_read(&self) -> i64 {
        i64::from(self.n_rows()) + 1
    }

    /// The limit, within its bounds.
    pub fn n_rows(&self) -> u32 {
        self.limit.clamp(1, MAX_LIMIT)
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged<T> {
    /// The rows.
    pub data: Vec<T>,
    /// What to ask the next page with; none on the last.
    pub next_cursor: Option<String>,
}

impl<T> Paged<T> {
    /// The same page of other rows.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Paged<U> {
        Paged { data: self.data.into_iter().map(f).collect(), next_cursor: self.next_cursor }
    }
}

/// Seals positions in one list of one tenant under one filter.
pub(crate) struct Sealer {
    key: [u8; 32],
}

impl Sealer {
    /// `secret` is the tenant's; `list` names the list, `filter` everything that chose its rows.
    pub(crate) fn new(secret: &[u8; 32], list: &str, filter: &str) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(secret);
        // Lengths first, so that no two pairs of list and filter read the same.
        hasher.update(&(list.len() as u64).to_le_bytes());
        hasher.update(list.as_bytes());
        hasher.update(filter.as_bytes());
        Self { key: *hasher.finalize().as_bytes() }
    }

    /// For the list of tenants, which every operator may see in full: nothing is bound by its cursor.
    pub(crate) fn of_operators(list: &str) -> Self {
        Self::new(&blake3::derive_key("clew cursor of operators", b""), list, "")
    }

    fn mac(&self, position: &str) -> [u8; SEAL_LEN] {
        let mut mac = [0; SEAL_LEN];
        mac.copy_from_slice(&blake3::keyed_hash(&self.key, position.as_bytes()).as_bytes()[..SEAL_LEN]);
        mac
    }

    pub(crate) fn seal(&self, position: &str) -> String {
        let mut bytes = Vec::with_capacity(1 + SEAL_LEN + position.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.mac(position));
        bytes.extend_from_slice(position.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(crate) fn open(&self, cursor: &str) -> Result<String> {
        let refused = || Error::input("cursor", "is not of this list and filter; start from the first page");
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
        let (head, position) = bytes.split_at_checked(1 + SEAL_LEN).ok_or_else(refused)?;
        let position = std::str::from_utf8(position).map_err(|_| refused())?;
        let genuine: bool = subtle::ConstantTimeEq::ct_eq(&head[1..], &self.mac(position)[..]).into();
        if head[0] != VERSION || !genuine {
            return Err(refused());
        }
        Ok(position.to_owned())
    }

    /// The position after which the page starts.
    pub(crate) fn position(&self, page: &Page) -> Result<Option<String>> {
        page.cursor.as_deref().map(|cursor| self.open(cursor)).transpose()
    }

    /// The position of a list that is kept in the order of UUIDs.
    pub(crate) fn position_uuid(&self, page: &Page) -> Result<Option<Uuid>> {
        let position = self.position(page)?;
        position.map(|text| text.parse().map_err(|_| Error::input("cursor", "holds no id"))).transpose()
    }

    /// Cuts what was read ([`Page::n_read`] rows) to the page, with the cursor of the next one.
    pub(crate) fn paged<T>(&self, page: &Page, mut rows: Vec<T>, key: impl Fn(&T) -> String) -> Paged<T> {
        let n_rows = page.n_rows() as usize;
        let more = rows.len() > n_rows;
        rows.truncate(n_rows);
        let next_cursor = if more { rows.last().map(|row| self.seal(&key(row))) } else { None };
        Paged { data: rows, next_cursor }
    }
}

impl Tenant<'_> {
    pub(crate) async fn sealer(&mut self, list: &str, filter: &str) -> Result<Sealer> {
        Ok(Sealer::new(&self.secret().await?, list, filter))
    }

    /// Opens the cursor of a list that is not kept in Postgres (the members of a segment, say): the position that
    /// [`Tenant::seal_cursor`] was given, or none on the first page.
    pub async fn open_cursor(&mut self, list: &str, filter: &str, page: &Page) -> Result<Option<String>> {
        self.sealer(list, filter).await?.position(page)
    }

    /// Makes the cursor that continues such a list after `position`.
    pub async fn seal_cursor(&mut self, list: &str, filter: &str, position: &str) -> Result<String> {
        Ok(self.sealer(list, filter).await?.seal(position))
    }

    pub(crate) async fn secret(&mut self) -> Result<[u8; 32]> {
        let id = self.id();
        let known =
            self.store.secrets.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&id).copied();
        if let Some(secret) = known {
            return Ok(secret);
        }
        let secret: Option<Vec<u8>> = sqlx::query_scalar("select secret from tenants where id = $1")
            .bind(id)
            .fetch_optional(self.connection())
            .await?;
        let secret = secret.ok_or(Error::Missing { what: "tenant" })?;
        let secret: [u8; 32] = secret
            .try_into()
            .map_err(|_| Error::corrupt("the tenant's secret", "restore the row from a backup"))?;
        self.store.secrets.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(id, secret);
        Ok(secret)
    }
}

#[cfg(test)]
mod any_bytes;
