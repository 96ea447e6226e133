//! A network in a file: `{name}.loss` (JSON), `{name}.shape` (u64: columns, hidden units, steps, whether the
//! network was kept), `{name}.unit` (JSON), `{name}.losses` (f64: before, after), `{name}.parameters` (f64), and the scaler under
//! `{name}.scaler`.

use super::FittedNetwork;
use super::objective::Shape;
use crate::error::{Error, Result};
use crate::format::{File, Writer};
use crate::scaling::StandardScaler;

impl FittedNetwork {
    /// Adds the network to a file, under `name`.
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        writer.json(&format!("{name}.loss"), &self.loss)?;
        writer.json(&format!("{name}.unit"), &self.shape.unit)?;
        let shape = [self.shape.d, self.shape.h, self.n_iterations, usize::from(self.left_the_start)];
        writer.section(&format!("{name}.shape"), &shape.map(|number| number as u64))?;
        writer.section(&format!("{name}.losses"), &[self.loss_before, self.loss_after])?;
        writer.section(&format!("{name}.parameters"), &self.parameters)?;
        self.scaler.write(writer, &format!("{name}.scaler"))
    }

    /// Reads back what [`FittedNetwork::write`] wrote.
    pub fn read(file: &File, name: &str) -> Result<FittedNetwork> {
        let wrong = || Error::format(format!("the network '{name}' does not fit together"), "train again");
        let (&[d, h, n_iterations, left], &[loss_before, loss_after]) =
            (file.view::<u64>(&format!("{name}.shape"))?, file.view::<f64>(&format!("{name}.losses"))?)
        else {
            return Err(wrong());
        };
        let parameters = file.view::<f64>(&format!("{name}.parameters"))?;
        let scaler = StandardScaler::read(file, &format!("{name}.scaler"))?;
        // Both sizes are below what is really there, so that their product cannot overflow.
        let bound = parameters.len() as u64;
        let sound = (1..bound).contains(&d)
            && (1..bound).contains(&h)
            && d.checked_mul(h).is_some_and(|product| product < bound)
            && scaler.means.len() as u64 == d
            && parameters.iter().chain([&loss_before, &loss_after]).all(|value| value.is_finite())
            && left <= 1;
        let shape = Shape { d: d as usize, h: h as usize, unit: file.json(&format!("{name}.unit"))? };
        // In this order: the length of an unsound shape may overflow.
        if !sound || shape.len() != parameters.len() {
            return Err(wrong());
        }
        Ok(FittedNetwork {
            loss: file.json(&format!("{name}.loss"))?,
            loss_before,
            loss_after,
            left_the_start: left == 1,
            n_iterations: n_iterations as usize,
            scaler,
            shape,
            parameters: parameters.to_vec(),
        })
    }
}
