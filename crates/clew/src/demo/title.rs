//! What products are called, from the files: a recommendation by id alone says little to a person.

use std::collections::HashMap;

use clew_crm::Value;
use clew_store::Entity;
use clew_store::folder::Folder;
use clew_store::intake::{File, TableFile};

use super::source::Source;

/// Columns that hold what a product is called, the likeliest first.
const NAMES: [&str; 8] =
    ["title", "name", "product_name", "label", "description", "product_type", "type", "category"];

/// The titles of these products, as far as the files have any.
pub(super) fn titles(source: &Source, product_ids: &[&str]) -> HashMap<String, String> {
    // A title is an ornament: without it the id stands alone.
    read(source, product_ids).unwrap_or_default()
}

fn read(source: &Source, product_ids: &[&str]) -> clew_store::Result<HashMap<String, String>> {
    let folder = Folder::open(source.dir())?;
    let mut titles = HashMap::new();
    let Some((entity, path)) = folder.files.iter().find(|(entity, _)| *entity == Entity::Products) else {
        return Ok(titles);
    };
    let mut rows = TableFile::open(&File::open(path, None)?, *entity, &folder.mapping.of(*entity))?;
    let schema = rows.schema();
    let column = NAMES.iter().find_map(|name| schema.iter().position(|(column, _)| column == name));
    let Some(column) = column else { return Ok(titles) };
    while let Some(row) = rows.next()? {
        if product_ids.contains(&row.id)
            && let Some(Value::Text(title)) = row.attributes.values().nth(column)
        {
            titles.insert(row.id.to_owned(), title.to_owned());
        }
    }
    Ok(titles)
}
