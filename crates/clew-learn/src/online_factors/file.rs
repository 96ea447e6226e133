//! The state in a file, so that a stream can be taken up where it was left: `{name}.shape` (u64: factors, clock,
//! most rows, most columns, refresh), `{name}.params` (f64: memory, λ, ν, α₀), `{name}.ids` (u32), `{name}.seen`
//! (u64), `{name}.row_frequencies` and `{name}.column_frequencies` (f64), `{name}.rows` and `{name}.columns` (f32),
//! `{name}.gramians` (f64: rows now, rows when looked at, columns now, columns when looked at).

use std::collections::BTreeMap;

use super::side::{Law, Side};
use super::{FittedOnlineFactors, OnlineFactors, Row};
use crate::error::{Error, Result};
use crate::format::{File, Writer};

impl FittedOnlineFactors {
    /// Adds the state to a file, under `name`.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        let (p, law) = (&self.params, self.law);
        let shape = [law.d as u64, self.clock, p.most_rows as u64, p.most_columns as u64, p.refresh_events];
        writer.section(&format!("{name}.shape"), &shape)?;
        let params = [p.memory, law.regularisation, law.exponent, law.unobserved];
        writer.section(&format!("{name}.params"), &params)?;
        let rows = || self.rows.values();
        writer.section(&format!("{name}.ids"), &self.rows.keys().copied().collect::<Vec<u32>>())?;
        writer.section(&format!("{name}.seen"), &rows().map(|row| row.seen).collect::<Vec<u64>>())?;
        let frequencies: Vec<f64> = rows().map(|row| row.frequency).collect();
        writer.section(&format!("{name}.row_frequencies"), &frequencies)?;
        writer.section(&format!("{name}.column_frequencies"), &self.column_frequencies)?;
        let vectors: Vec<f32> = rows().flat_map(|row| row.vector.iter().copied()).collect();
        writer.section(&format!("{name}.rows"), &vectors)?;
        writer.section(&format!("{name}.columns"), &self.columns)?;
        let (rows, columns) = (&self.row_side, &self.column_side);
        let gramians = [&rows.now, &rows.looked_at, &columns.now, &columns.looked_at].map(Vec::as_slice);
        writer.section(&format!("{name}.gramians"), &gramians.concat())
    }

    /// Reads back what [`FittedOnlineFactors::write`] wrote.
    pub fn read(file: &File, name: &str) -> Result<FittedOnlineFactors> {
        let wrong =
            || Error::format(format!("the stream's state '{name}' does not fit together"), "start again");
        let (
            &[d, clock, most_rows, most_columns, refresh_events],
            &[memory, regularisation, exponent, unobserved],
        ) = (file.view::<u64>(&format!("{name}.shape"))?, file.view::<f64>(&format!("{name}.params"))?)
        else {
            return Err(wrong());
        };
        let ids = file.view::<u32>(&format!("{name}.ids"))?;
        let seen = file.view::<u64>(&format!("{name}.seen"))?;
        let row_frequencies = file.view::<f64>(&format!("{name}.row_frequencies"))?;
        let column_frequencies = file.view::<f64>(&format!("{name}.column_frequencies"))?;
        let vectors = file.view::<f32>(&format!("{name}.rows"))?;
        let columns = file.view::<f32>(&format!("{name}.columns"))?;
        let gramians = file.view::<f64>(&format!("{name}.gramians"))?;
        let numbers = [memory, regularisation, exponent, unobserved];
        let frequencies = || row_frequencies.iter().chain(column_frequencies);
        let sound = (1..=1_024).contains(&d)
            && gramians.len() as u64 == 4 * d * d
            && gramians.iter().all(|value| value.is_finite())
            && numbers.iter().all(|value| value.is_finite() && *value >= 0.0)
            && frequencies().all(|value| value.is_finite() && *value >= 0.0)
            && vectors.iter().chain(columns).all(|value| value.is_finite())
            && vectors.len() as u64 == ids.len() as u64 * d
            && columns.len() as u64 == column_frequencies.len() as u64 * d
            && (ids.len(), ids.len()) == (seen.len(), row_frequencies.len())
            && ids.windows(2).all(|pair| pair[0] < pair[1])
            && seen.iter().all(|&seen| seen < clock)
            && clock < u64::MAX / 2
            && ids.len() as u64 <= most_rows
            && column_frequencies.len() as u64 <= most_columns
            && refresh_events > 0
            && memory > 0.0
            && regularisation > 0.0;
        if !sound {
            return Err(wrong());
        }
        let d = d as usize;
        let by_age: BTreeMap<u64, u32> = seen.iter().copied().zip(ids.iter().copied()).collect();
        if by_age.len() != ids.len() {
            return Err(wrong());
        }
        let row = |((&seen, &frequency), vector): ((&u64, &f64), &[f32])| Row {
            vector: vector.to_vec(),
            frequency,
            seen,
        };
        let rows = seen.iter().zip(row_frequencies).zip(vectors.chunks_exact(d)).map(row);
        let mut sides = gramians.chunks_exact(d * d).map(<[f64]>::to_vec);
        let mut side = || match (sides.next(), sides.next()) {
            (Some(now), Some(looked_at)) => Side::at(now, looked_at, d),
            _ => Err(wrong()),
        };
        Ok(FittedOnlineFactors {
            params: OnlineFactors {
                most_rows: most_rows as usize,
                most_columns: most_columns as usize,
                memory,
                refresh_events,
            },
            law: Law { d, regularisation, exponent, unobserved },
            clock,
            rows: ids.iter().copied().zip(rows).collect(),
            by_age,
            row_side: side()?,
            column_side: side()?,
            columns: columns.to_vec(),
            column_frequencies: column_frequencies.to_vec(),
        })
    }
}
