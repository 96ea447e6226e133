//! One feature's Newton step.

/// Slopes and curvatures of the bins of one feature.
pub(super) type Sums = [[f64; 2]; 256];

/// Penalties on one feature's table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Penalty {
    pub(super) smoothness: f64,
    pub(super) shrinkage: f64,
}

impl Penalty {
    /// ½ (smoothness × Σ (step − step before)² + shrinkage × Σ step²); the first bin has no neighbour.
    pub(super) fn of(self, table: &[f64]) -> f64 {
        let squares: f64 = table.iter().map(|step| step * step).sum();
        let known = table.get(1..).unwrap_or(&[]);
        let bends: f64 = known.windows(2).map(|pair| (pair[1] - pair[0]) * (pair[1] - pair[0])).sum();
        0.5 * (self.shrinkage * squares + self.smoothness * bends)
    }

    /// The step δ of a table with (H + P) δ = −(g + P table), P being the penalty's tridiagonal matrix: one
    /// elimination down and one substitution up. A bin that nothing holds stays where it is.
    pub(super) fn step(self, table: &[f64], sums: &[[f64; 2]]) -> Vec<f64> {
        let n = table.len().min(sums.len());
        let (mut pivots, mut right) = (vec![0.0; n], vec![0.0; n]);
        let tie = |a: usize, b: usize| if a >= 1 && b < n && a < b { self.smoothness } else { 0.0 };
        for at in 0..n {
            let (before, after) = (tie(at.wrapping_sub(1), at), tie(at, at + 1));
            pivots[at] = sums[at][1] + self.shrinkage + before + after;
            right[at] = -sums[at][0] - self.shrinkage * table[at];
            if before > 0.0 {
                right[at] -= before * (table[at] - table[at - 1]);
                let factor = share(before, pivots[at - 1]);
                pivots[at] -= factor * before;
                right[at] += factor * right[at - 1];
            }
            if after > 0.0 {
                right[at] -= after * (table[at] - table[at + 1]);
            }
        }
        for at in (0..n).rev() {
            let above = if at + 1 < n { tie(at, at + 1) * right[at + 1] } else { 0.0 };
            right[at] = share(right[at] + above, pivots[at]);
        }
        right
    }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 1e-12 { part / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_solves_its_equations() {
        let penalty = Penalty { smoothness: 2.0, shrinkage: 0.5 };
        let table = [0.3, -1.0, 0.2, 0.9, 0.0];
        let sums = [[1.0, 2.0], [-3.0, 1.0], [0.5, 0.0], [2.0, 4.0], [-1.0, 0.1]];
        let step = penalty.step(&table, &sums);
        let moved: Vec<f64> = table.iter().zip(&step).map(|(table, step)| table + step).collect();
        for at in 0..5 {
            // The derivative of the quadratic model plus the penalty, by differences.
            let objective = |change: f64| {
                let mut moved = moved.clone();
                moved[at] += change;
                let model: f64 = (0..5)
                    .map(|b| (moved[b] - table[b]) * (sums[b][0] + 0.5 * sums[b][1] * (moved[b] - table[b])))
                    .sum();
                model + penalty.of(&moved)
            };
            assert!((objective(1e-5) - objective(-1e-5)).abs() < 1e-9, "bin {at}");
        }
    }
}
