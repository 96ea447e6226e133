//! Offers and rules of the commands on files: CSV with one of them a line, or one expression on the command line.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clew_crm::{AppliesTo, CompiledRule, History, Offer, ProductSet, Records, Rule, Scope};
use serde::Deserialize;

use crate::failure::WrongUse;

/// Which offers.
#[derive(clap::Args, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct OfferArgs {
    /// The offers: CSV with the columns offer_id and expression (or product_ids, separated by |)
    #[arg(long, value_name = "FILE")]
    offers: Option<PathBuf>,
    /// One offer as an expression over products, for instance 'product.category == "wine"'
    #[arg(long, value_name = "EXPRESSION")]
    offer: Option<String>,
}

/// An offer that was found to have products.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// As the file says; `offer` for the one of the command line.
    pub(crate) id: String,
    /// Its products.
    pub(crate) products: ProductSet,
}

#[derive(Debug, Deserialize)]
struct OfferLine {
    offer_id: String,
    #[serde(default)]
    expression: Option<String>,
    #[serde(default)]
    product_ids: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RuleLine {
    name: String,
    scope: Scope,
    expression: String,
    #[serde(default)]
    reason: Option<String>,
}

impl OfferArgs {
    /// Every offer with its products; all of them are looked at before anything is computed.
    ///
    /// # Errors
    /// A [`WrongUse`] that names file and line: no such file or column, a bad expression, an offer without products.
    pub(crate) fn resolve(&self, records: &Records) -> anyhow::Result<Vec<Resolved>> {
        let Some(path) = &self.offers else {
            let expression = self.offer.as_deref().unwrap_or_default();
            let products = resolved(&Offer::by_expression("offer", expression), records)?;
            return Ok(vec![Resolved { id: "offer".to_owned(), products }]);
        };
        read(path, records)
    }
}

/// Reads a file of offers.
///
/// # Errors
/// As [`OfferArgs::resolve`].
pub(crate) fn read(path: &Path, records: &Records) -> anyhow::Result<Vec<Resolved>> {
    let mut offers: Vec<Resolved> = Vec::new();
    for (line, row) in lines::<OfferLine>(path, "offer_id,expression")? {
        let place = || format!("{}, line {line}", path.display());
        let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let list = |text: String| text.split('|').map(|id| id.trim().to_owned()).collect();
        let offer = Offer {
            name: row.offer_id.clone(),
            expression: filled(row.expression),
            product_ids: filled(row.product_ids).map(list),
        };
        if offers.iter().any(|known| known.id == row.offer_id) {
            let text =
                format!("{}: the offer_id '{}' is there twice; give each its own", place(), row.offer_id);
            return Err(WrongUse::new(text).into());
        }
        let products = resolved(&offer, records).with_context(place)?;
        offers.push(Resolved { id: row.offer_id, products });
    }
    if offers.is_empty() {
        return Err(WrongUse::new(format!("{} has no offer; write one a line", path.display())).into());
    }
    Ok(offers)
}

/// The rules of a file that hold in this place, ready to be applied.
///
/// # Errors
/// A [`WrongUse`] that names file and line.
pub(crate) fn read_rules(
    path: Option<&PathBuf>,
    place: AppliesTo,
    history: &History<'_>,
) -> anyhow::Result<Vec<CompiledRule>> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let mut rules = Vec::new();
    for (line, row) in lines::<RuleLine>(path, "name,scope,expression,reason")? {
        let reason = row.reason.unwrap_or_else(|| row.name.clone());
        let rule = Rule::new(&row.name, row.scope, &row.expression, &reason);
        if rule.is_in_force(place) {
            let compiled = rule.compile(history).map_err(|error| WrongUse::of(&error));
            rules.push(compiled.with_context(|| format!("{}, line {line}", path.display()))?);
        }
    }
    Ok(rules)
}

fn resolved(offer: &Offer, records: &Records) -> anyhow::Result<ProductSet> {
    Ok(offer.resolve(records).map_err(|error| WrongUse::of(&error))?)
}

/// The lines of a CSV file with their numbers.
fn lines<T: for<'de> Deserialize<'de>>(path: &Path, columns: &str) -> anyhow::Result<Vec<(u64, T)>> {
    let fault =
        |what: String| WrongUse::new(format!("{}: {what}; expected the columns {columns}", path.display()));
    let mut reader = csv::ReaderBuilder::new()
        .flexible(false)
        .trim(csv::Trim::Headers)
        .from_path(path)
        .map_err(|error| fault(error.to_string()))?;
    let header = reader.headers().map_err(|error| fault(error.to_string()))?.clone();
    let mut rows = Vec::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| fault(error.to_string()))? {
        let line = record.position().map_or(0, csv::Position::line);
        rows.push((line, record.deserialize(Some(&header)).map_err(|error| fault(error.to_string()))?));
    }
    Ok(rows)
}
