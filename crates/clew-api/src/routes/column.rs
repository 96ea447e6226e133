//! Columns of customers and products: what each may be used for. Guessed from names and values when they come in,
//! corrected here.

use std::collections::BTreeSet;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use clew_crm::{ColumnClass, ColumnUse};
use clew_store::column as rows;
use clew_store::key::Right;
use clew_store::{Entity, Page, Tenant, audit, model};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::{Answer, List};
use crate::caller::{Caller, Marketer, Reader};
use crate::extract::{Body, Query};
use crate::problem::{Code, Problem, Result};
use crate::state::ApiState;

/// What a column may be used for. `plain`: learned from and shown. `personal`: learned from, its values shown to owners
/// alone. `identifier`: never learned from, its values shown to owners alone. `sensitive`: neither learned from, unless
/// an owner says so, nor shown to anybody but owners, nor named in an expression by anybody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Class {
    Plain,
    Personal,
    Identifier,
    Sensitive,
}

impl From<ColumnClass> for Class {
    fn from(class: ColumnClass) -> Self {
        match class {
            ColumnClass::Plain => Self::Plain,
            ColumnClass::Personal => Self::Personal,
            ColumnClass::Identifier => Self::Identifier,
            ColumnClass::Sensitive => Self::Sensitive,
        }
    }
}

impl From<Class> for ColumnClass {
    fn from(class: Class) -> Self {
        match class {
            Class::Plain => Self::Plain,
            Class::Personal => Self::Personal,
            Class::Identifier => Self::Identifier,
            Class::Sensitive => Self::Sensitive,
        }
    }
}

/// A table whose columns are the tenant's own.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ColumnTable {
    Customers,
    Products,
}

impl From<ColumnTable> for Entity {
    fn from(table: ColumnTable) -> Self {
        match table {
            ColumnTable::Customers => Self::Customers,
            ColumnTable::Products => Self::Products,
        }
    }
}

/// A column of customers or products.
#[derive(Debug, Serialize, ToSchema)]
struct Column {
    /// `customers` or `products`.
    #[schema(example = "customers")]
    table: &'static str,
    #[schema(example = "first_name")]
    name: String,
    /// `number`, `text`, `tags`, `bool` or `date`.
    #[serde(rename = "type")]
    #[schema(example = "text")]
    column_type: &'static str,
    /// What it may be used for: what was declared, else the guess.
    class: Class,
    /// What its name and values suggest.
    guess: Class,
    /// Whether somebody said so.
    #[schema(example = false)]
    declared: bool,
    /// Whether the next training learns from it.
    #[schema(example = true)]
    learned: bool,
    /// Whether its values are shown to those who are not owners.
    #[schema(example = false)]
    shown: bool,
    /// Whether the live model has learned from it: one that is closed now goes on answering so until another is trained.
    /// Null when there is no live model, and for products.
    #[schema(example = true)]
    learned_by_live_model: Option<bool>,
}

/// The customers' columns that the live model has learned from, if there is a live model.
struct Live(Option<BTreeSet<String>>);

impl Live {
    async fn find(tenant: &mut Tenant<'_>) -> Result<Self> {
        let report = model::find_active(tenant).await?.and_then(|model| model.report);
        let columns = |report: Value| {
            let figures = report["attributes"].as_array().into_iter().flatten();
            figures.filter_map(|column| column["column"].as_str().map(str::to_owned)).collect()
        };
        Ok(Self(report.map(columns)))
    }

    /// A column as it is shown.
    fn shown(&self, row: rows::Column) -> Column {
        let usable = row.usable();
        let learned = self.0.as_ref().filter(|_| row.entity == Entity::Customers);
        Column {
            learned_by_live_model: learned.map(|columns| columns.contains(&row.name)),
            table: row.entity.as_str(),
            class: usable.class.into(),
            guess: row.guess.into(),
            declared: row.declared.is_some(),
            learned: usable.is_learned(),
            shown: usable.is_shown() || row.entity == Entity::Products,
            column_type: row.column_type.name(),
            name: row.name,
        }
    }
}

/// Where a column stands: its table and its name, from the path. What can be none names nothing, hence 404.
struct Place(Entity, String);

impl FromRequestParts<ApiState> for Place {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self> {
        let place = Path::<(ColumnTable, String)>::from_request_parts(parts, state).await;
        let Path((table, name)) = place.map_err(|_| no_column())?;
        if name.contains('\0') { Err(no_column()) } else { Ok(Self(table.into(), name)) }
    }
}

fn no_column() -> Problem {
    Problem::not_found("column")
}

/// Of which table.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ColumnsQuery {
    /// Only columns of this table.
    #[param(inline)]
    table: Option<ColumnTable>,
    /// Rows wanted.
    #[serde(default = "hundred")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: u32,
    /// The `next_cursor` of the page before.
    #[param(max_length = 2048)]
    cursor: Option<String>,
}

fn hundred() -> u32 {
    100
}

/// What a column may be used for, as somebody says it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewClass {
    /// What it may be used for; null leaves it to the guess again. Products are no persons: theirs are `plain` or
    /// `identifier`.
    #[schema(required, example = "personal")]
    class: Option<Class>,
    /// Lets a sensitive column be learned from. Only an owner may say so.
    #[serde(default)]
    #[schema(default = false, example = false)]
    learn: bool,
}

/// Lists the columns of customers and products and what each may be used for, by table and name.
#[utoipa::path(get, path = "/v1/columns", operation_id = "list_columns", tag = "data",
    security(("key" = ["reader"])), params(ColumnsQuery),
    responses((status = 200, description = "A page of columns.", body = List<Column>)))]
async fn list_columns(
    caller: Caller<Reader>,
    State(state): State<ApiState>,
    Query(query): Query<ColumnsQuery>,
) -> Result<Answer> {
    let mut tenant = caller.open(&state).await?;
    let page = Page { limit: query.limit, cursor: query.cursor };
    let live = Live::find(&mut tenant).await?;
    let found = rows::list(&mut tenant, query.table.map(Into::into), &page).await?;
    let columns = found.data.into_iter().map(|row| live.shown(row)).collect();
    Answer::ok(&List::new(columns, found.next_cursor))
}

/// Declares what a column may be used for. What is shown goes by it at once, the next training learns by it: from a
/// column that is closed now, no model is carried on, and the next training is a full one. Whoever is no owner may only
/// close a column further, from `plain` to `personal` to `identifier` to `sensitive`.
#[utoipa::path(put, path = "/v1/columns/{table}/{column}", operation_id = "put_column", tag = "data",
    security(("key" = ["marketer"])), request_body = NewClass,
    params(("table" = inline(ColumnTable), Path), ("column" = String, Path, example = "first_name")),
    responses((status = 200, description = "The column as it is now.", body = Column)))]
async fn put_column(
    caller: Caller<Marketer>,
    State(state): State<ApiState>,
    Place(entity, name): Place,
    Body { value: new, .. }: Body<NewClass>,
) -> Result<Answer> {
    let declared = declared(entity, &new)?;
    let mut tenant = caller.open(&state).await?;
    let present = rows::find(&mut tenant, entity, &name).await?.ok_or_else(no_column)?;
    let wanted = declared.unwrap_or(present.guess.into());
    let is_opened = wanted.class < present.usable().class || (wanted.learn && !present.usable().learn);
    if is_opened && caller.right != Some(Right::Owner) {
        return Err(Problem::new(Code::Forbidden, "only an owner may open a column further than it is"));
    }
    let column = rows::declare(&mut tenant, entity, &name, declared).await?;
    audit::note(&mut tenant, Some(format!("{entity}.{name}")), Some(1));
    let live = Live::find(&mut tenant).await?;
    tenant.commit().await?;
    Answer::ok(&live.shown(column))
}

/// What was said, if it can be said of such a column.
fn declared(entity: Entity, new: &NewClass) -> Result<Option<ColumnUse>> {
    if new.learn && new.class != Some(Class::Sensitive) {
        return Err(Problem::field("/learn", "is only for sensitive columns"));
    }
    if entity == Entity::Products && matches!(new.class, Some(Class::Personal | Class::Sensitive)) {
        return Err(Problem::field(
            "/class",
            "products are no persons: their columns are plain or identifier",
        ));
    }
    Ok(new.class.map(|class| ColumnUse { class: class.into(), learn: new.learn }))
}

/// The routes of columns.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list_columns)).routes(routes!(put_column))
}
