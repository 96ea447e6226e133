//! Few large files instead of many small ones: the youngest are merged when they have become many.

use std::path::{Path, PathBuf};

use arrow_array::Array;
use hashbrown::HashSet;

use super::part::{self, Kind, PartWriter};
use super::write::RowColumns;
use crate::error::Result;

/// How many files of a kind a snapshot may have before some are merged.
pub(crate) const MAX_PARTS: usize = 8;

/// Which of the youngest files to merge, by the number of their rows: from the first one on that is not more than
/// twice as large as all after it. So a row is rewritten a few times over the life of a tenant, and no more.
pub(crate) fn merge_from(n_rows: &[u64]) -> Option<usize> {
    if n_rows.len() <= MAX_PARTS {
        return None;
    }
    let mut after = 0;
    let mut from = n_rows.len();
    for (i, n) in n_rows.iter().enumerate().rev() {
        if i + 1 < n_rows.len() && *n > after * 2 && n_rows.len() - i > MAX_PARTS / 2 {
            break;
        }
        after += n;
        from = i;
    }
    Some(from.min(n_rows.len() - 2))
}

/// Merges files, oldest first, into one; gives how many rows it has.
pub(crate) fn merge(kind: Kind, files: &[PathBuf], into: &Path) -> Result<u64> {
    match kind {
        Kind::Dictionary | Kind::Events => {
            let mut writer = PartWriter::create(into, kind)?;
            for path in files {
                for batch in part::read(path, kind)? {
                    writer.write(&batch.map_err(|_| part::damaged(path))?)?;
                }
            }
            writer.finish()
        }
        Kind::Rows => merge_rows(files, into),
    }
}

/// Of rows with the same id the youngest counts.
fn merge_rows(files: &[PathBuf], into: &Path) -> Result<u64> {
    let mut writer = PartWriter::create(into, Kind::Rows)?;
    let mut rows = RowColumns::default();
    let mut seen: HashSet<String, ahash::RandomState> = HashSet::default();
    for path in files.iter().rev() {
        for batch in part::read(path, Kind::Rows)? {
            let batch = batch.map_err(|_| part::damaged(path))?;
            let (ids, attributes) = part::row_columns(&batch).ok_or_else(|| part::damaged(path))?;
            // Within a file too the last row counts, though no file has an id twice.
            for i in 0..ids.len() {
                if seen.insert(ids.value(i).to_owned()) {
                    rows.push(ids.value(i), attributes.value(i));
                }
                if rows.is_full() {
                    writer.write(&rows.take()?)?;
                }
            }
        }
    }
    if !rows.is_empty() {
        writer.write(&rows.take()?)?;
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_young_files_are_merged_and_large_old_ones_left() {
        assert_eq!(merge_from(&[100; 8]), None);
        assert_eq!(merge_from(&[1_000_000, 10, 10, 10, 10, 10, 10, 10, 10]), Some(1));
        assert_eq!(merge_from(&[10; 9]), Some(0));
        // However they grow, there are never many, and no row is rewritten often.
        let (mut parts, mut n_rewritten, mut n) = (Vec::new(), 0, 0);
        for _ in 0..2_000 {
            parts.push(100_u64);
            n += 100;
            if let Some(from) = merge_from(&parts) {
                let merged: u64 = parts.drain(from..).sum();
                n_rewritten += merged;
                parts.push(merged);
            }
            assert!(parts.len() <= MAX_PARTS + 1);
        }
        assert!(n_rewritten < 12 * n, "{n_rewritten} of {n}");
    }

    #[test]
    fn of_rows_with_the_same_id_the_youngest_counts() {
        let dir = tempfile::tempdir().unwrap();
        let files: Vec<PathBuf> = (0..2).map(|i| dir.path().join(i.to_string())).collect();
        for (path, rows) in files.iter().zip([[("a", "1"), ("b", "1")], [("b", "2"), ("c", "2")]]) {
            let mut writer = PartWriter::create(path, Kind::Rows).unwrap();
            let mut columns = RowColumns::default();
            rows.iter().for_each(|(id, attributes)| columns.push(id, attributes));
            writer.write(&columns.take().unwrap()).unwrap();
            writer.finish().unwrap();
        }
        let into = dir.path().join("merged");
        assert_eq!(merge(Kind::Rows, &files, &into).unwrap(), 3);
        let batch = part::read(&into, Kind::Rows).unwrap().next().unwrap().unwrap();
        let (ids, attributes) = part::row_columns(&batch).unwrap();
        let mut rows: Vec<_> = ids.iter().flatten().zip(attributes.iter().flatten()).collect();
        rows.sort_unstable();
        assert_eq!(rows, [("a", "1"), ("b", "2"), ("c", "2")]);
    }
}
