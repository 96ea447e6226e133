//! What is promoted: any selection of the catalogue, by an expression or by a list of products.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::expression::{Predicate, Schema, Scope, Unmatched, nearest, one_of};
use crate::product_set::ProductSet;
use crate::records::Records;
use crate::table::TableView;

/// An offer as a person writes it: an expression over products, or a list of product ids, not both.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Offer {
    /// What people call it.
    pub name: String,
    /// True of its products.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// Its products.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_ids: Option<Vec<String>>,
}

impl Offer {
    /// An offer by an expression over products.
    pub fn by_expression(name: impl Into<String>, expression: impl Into<String>) -> Offer {
        Offer { name: name.into(), expression: Some(expression.into()), product_ids: None }
    }

    /// An offer of these products.
    pub fn by_products(name: impl Into<String>, product_ids: Vec<String>) -> Offer {
        Offer { name: name.into(), expression: None, product_ids: Some(product_ids) }
    }

    /// Its products among all that the records know.
    pub fn resolve(&self, records: &Records) -> Result<ProductSet> {
        self.resolve_in(records.products().view())
    }

    /// Its products in a catalogue. Refuses an offer without any, naming the values that may have been meant.
    /// Listed products that the catalogue lacks are left out; all of them lacking is refused.
    pub fn resolve_in(&self, catalogue: TableView<'_>) -> Result<ProductSet> {
        match (&self.expression, &self.product_ids) {
            (Some(expression), None) => self.selected(expression, catalogue),
            (None, Some(product_ids)) => self.listed(product_ids, catalogue),
            (given, _) => Err(Error::input(
                format!(
                    "the offer '{}' has {} an expression {} a list of products",
                    self.name,
                    if given.is_some() { "both" } else { "neither" },
                    if given.is_some() { "and" } else { "nor" },
                ),
                "give one of the two",
            )),
        }
    }

    fn selected(&self, expression: &str, catalogue: TableView<'_>) -> Result<ProductSet> {
        let schema = Schema::of_table(Scope::Product, catalogue);
        let predicate = Predicate::parse(expression, &schema)
            .map_err(|error| Error::from(error).of("offer", &self.name))?;
        let products = ProductSet::from_bits(predicate.evaluate_products(catalogue)?);
        if products.is_empty() {
            let unmatched = predicate.unmatched(catalogue)?;
            return Err(self.nothing(catalogue.len(), unmatched.first()));
        }
        Ok(products)
    }

    fn listed(&self, product_ids: &[String], catalogue: TableView<'_>) -> Result<ProductSet> {
        let found = product_ids.iter().filter_map(|id| catalogue.find(id));
        let products = ProductSet::new(catalogue.len(), found);
        if products.is_empty() {
            let unmatched = product_ids.first().map(|id| {
                let near = nearest(id, (0..catalogue.len() as u32).map(|row| catalogue.id(row)));
                let nearest = near.into_iter().map(str::to_owned).collect();
                Unmatched { column: "product_id".to_owned(), value: id.clone(), nearest }
            });
            return Err(self.nothing(catalogue.len(), unmatched.as_ref()));
        }
        Ok(products)
    }

    fn nothing(&self, n_products: usize, unmatched: Option<&Unmatched>) -> Error {
        let what = format!("the offer '{}'", self.name);
        let remedy = match unmatched {
            _ if n_products == 0 => "the catalogue is empty; send products first".to_owned(),
            Some(Unmatched { column, value, nearest }) if nearest.is_empty() => {
                format!("no product has '{value}' in column '{column}'; correct it")
            }
            Some(Unmatched { column, value, nearest }) => {
                let near: Vec<&str> = nearest.iter().map(String::as_str).collect();
                format!("no product has '{value}' in column '{column}'; did you mean {}?", one_of(&near))
            }
            None => format!("none of the {n_products} products passes all its conditions; loosen one"),
        };
        Error::Nothing { what, remedy }
    }
}
