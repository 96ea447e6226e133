//! The product of rows and centres, register by register, with the nearest centre and the next one found
//! while the products are still at hand.
//!
//! Everything is measured from a common middle m (the mean of the centres), so that data far from 0 lose no
//! digits: |x − c|² = |x − m|² − 2 s with the score s = (x − m)·(c − m) − |c − m|² / 2, and the nearest centre
//! has the highest score. Written over arrays of fixed length, which the compiler keeps in registers: measured
//! equal to the same loop by intrinsics, so there is nothing unsafe here.

/// Centres that lie side by side in a panel.
pub(super) const WIDTH: usize = 16;
/// At most so many groups of panels: one cache line of bounds a row.
pub(super) const GROUPS: usize = 16;

/// Centres as the tile reads them.
pub(super) struct Packed {
    /// Numbers in a row.
    pub(super) d: usize,
    /// The centres, one after the other, as given.
    pub(super) centres: Vec<f32>,
    /// What is taken from rows and centres.
    pub(super) middle: Vec<f32>,
    /// The centre at each place of the panels; places without one are `u32::MAX`.
    pub(super) order: Vec<u32>,
    /// The panel group of each centre.
    pub(super) group_of: Vec<u8>,
    panels_per_group: usize,
    /// Panels × d × WIDTH: c − m.
    values: Vec<f32>,
    /// Panels × WIDTH: −|c − m|² / 2; −∞ where there is no centre.
    starts: Vec<f32>,
    /// Largest |c − m|.
    largest: f32,
}

impl Packed {
    /// Packs `centres` (k × d) in the order of the places.
    pub(super) fn new(centres: Vec<f32>, d: usize, order: Vec<u32>) -> Packed {
        let k = centres.len() / d;
        let mut middle = vec![0.0_f64; d];
        for centre in centres.chunks_exact(d) {
            middle.iter_mut().zip(centre).for_each(|(sum, &value)| *sum += f64::from(value) / k as f64);
        }
        let middle: Vec<f32> = middle.into_iter().map(|value| value as f32).collect();
        let n_panels = order.len() / WIDTH;
        let panels_per_group = n_panels.div_ceil(GROUPS).max(1);
        let mut packed = Packed {
            d,
            middle,
            group_of: vec![0; k],
            panels_per_group,
            values: vec![0.0; n_panels * d * WIDTH],
            starts: vec![f32::NEG_INFINITY; n_panels * WIDTH],
            largest: 0.0,
            centres,
            order,
        };
        for (place, &centre) in packed.order.iter().enumerate().filter(|(_, centre)| **centre != u32::MAX) {
            let (panel, lane) = (place / WIDTH, place % WIDTH);
            packed.group_of[centre as usize] = (panel / panels_per_group) as u8;
            let mut square = 0.0_f64;
            let values = &packed.centres[centre as usize * d..][..d];
            for (at, (&value, &middle)) in values.iter().zip(&packed.middle).enumerate() {
                let apart = value - middle;
                packed.values[(panel * d + at) * WIDTH + lane] = apart;
                square += f64::from(apart) * f64::from(apart);
            }
            packed.starts[place] = (-0.5 * square) as f32;
            packed.largest = packed.largest.max(square.sqrt() as f32);
        }
        packed
    }

    /// Number of centres.
    pub(super) fn k(&self) -> usize {
        self.group_of.len()
    }

    /// Number of panel groups.
    pub(super) fn n_groups(&self) -> usize {
        (self.order.len() / WIDTH).div_ceil(self.panels_per_group)
    }

    /// One centre.
    pub(super) fn centre(&self, centre: u32) -> &[f32] {
        &self.centres[centre as usize * self.d..][..self.d]
    }

    /// How far |x − m|² − 2 s may be off for a row of the given |x − m|²: the usual bound of a sum of d
    /// products (Higham 2002, section 3.1) on both terms, and the rounding of what goes in.
    pub(super) fn error(&self, square: f32) -> f32 {
        let unit = (self.d + 8) as f32 * f32::EPSILON;
        unit * (square + 2.0 * square.sqrt() * self.largest + self.largest * self.largest)
    }
}

/// The two highest scores of a row within a group, and the place of the highest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) best: f32,
    pub(super) second: f32,
    pub(super) place: u32,
}

/// Writes to `found` (slots × [`GROUPS`]) what the rows of `list` (places in `rows`, d numbers each, less the
/// middle) find in one group.
#[inline(always)]
pub(super) fn search<const FMA: bool, const R: usize>(
    packed: &Packed,
    group: usize,
    rows: &[f32],
    list: &[u32],
    found: &mut [Found],
) {
    let d = packed.d;
    let n_panels = packed.order.len() / WIDTH;
    let panels = group * packed.panels_per_group..((group + 1) * packed.panels_per_group).min(n_panels);
    for slots in list.chunks(R) {
        // A tile that is not full repeats its last row.
        let slot = |r: usize| slots[r.min(slots.len() - 1)] as usize;
        let tile: [&[f32]; R] = std::array::from_fn(|r| &rows[slot(r) * d..][..d]);
        let mut of_tile = [Found { best: f32::NEG_INFINITY, second: f32::NEG_INFINITY, place: 0 }; R];
        for panel in panels.clone() {
            let values = &packed.values[panel * d * WIDTH..][..d * WIDTH];
            let scores = scores::<FMA, R>(&tile, values, &packed.starts[panel * WIDTH..][..WIDTH]);
            for (scores, found) in scores.iter().zip(&mut of_tile) {
                best_two(scores, (panel * WIDTH) as u32, found);
            }
        }
        for (&slot, of_row) in slots.iter().zip(of_tile) {
            found[slot as usize * GROUPS + group] = of_row;
        }
    }
}

/// R rows times one panel.
#[inline(always)]
fn scores<const FMA: bool, const R: usize>(
    rows: &[&[f32]; R],
    panel: &[f32],
    starts: &[f32],
) -> [[f32; WIDTH]; R] {
    let mut first = [0.0; WIDTH];
    first.copy_from_slice(starts);
    let mut sums = [first; R];
    let d = panel.len() / WIDTH;
    let rows: [&[f32]; R] = std::array::from_fn(|r| &rows[r][..d]);
    for (at, values) in panel.chunks_exact(WIDTH).enumerate() {
        for r in 0..R {
            let x = rows[r][at];
            for lane in 0..WIDTH {
                let sum = &mut sums[r][lane];
                // Without the instruction `mul_add` is a call of a function: a product and a sum then.
                *sum = if FMA { x.mul_add(values[lane], *sum) } else { x * values[lane] + *sum };
            }
        }
    }
    sums
}

/// Merges one panel's scores of a row into what it has found so far.
#[inline(always)]
fn best_two(scores: &[f32; WIDTH], first: u32, found: &mut Found) {
    let best = highest(scores);
    let mut at = 0;
    // From the back, so that equal scores give the first place.
    for lane in (0..WIDTH).rev() {
        at = if scores[lane] == best { lane } else { at };
    }
    let mut others = *scores;
    for (lane, other) in others.iter_mut().enumerate() {
        *other = if lane == at { f32::NEG_INFINITY } else { *other };
    }
    let second = highest(&others);
    if best > found.best {
        *found = Found { second: second.max(found.best), best, place: first + at as u32 };
    } else {
        found.second = found.second.max(best);
    }
}

#[inline(always)]
fn highest(scores: &[f32; WIDTH]) -> f32 {
    let mut scores = *scores;
    let mut width = WIDTH;
    while width > 1 {
        width /= 2;
        for lane in 0..width {
            let other = scores[lane + width];
            scores[lane] = if other > scores[lane] { other } else { scores[lane] };
        }
    }
    scores[0]
}

/// Squared distance, in f32 by 16 lanes; its relative error is below (d + 8) ε.
#[inline(always)]
pub(super) fn distance<const FMA: bool>(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; WIDTH];
    let (a_parts, b_parts) = (a.chunks_exact(WIDTH), b.chunks_exact(WIDTH));
    let rest = a_parts.remainder().iter().zip(b_parts.remainder());
    let mut sum: f32 = rest.map(|(a, b)| (a - b) * (a - b)).sum();
    for (a, b) in a_parts.zip(b_parts) {
        for lane in 0..WIDTH {
            let apart = a[lane] - b[lane];
            lanes[lane] = if FMA { apart.mul_add(apart, lanes[lane]) } else { apart * apart + lanes[lane] };
        }
    }
    lanes.iter().for_each(|lane| sum += lane);
    sum
}

/// Squared distance in f64: what decides where f32 cannot.
pub(super) fn exact(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - f64::from(b)) * (f64::from(a) - f64::from(b))).sum()
}

/// An order of the centres (k × d) that lays near ones into the same panel: halved again and again along the
/// column that varies most, at multiples of a panel.
pub(super) fn order(centres: &[f32], d: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..(centres.len() / d) as u32).collect();
    halve(&mut order, centres, d);
    order.resize(order.len().next_multiple_of(WIDTH), u32::MAX);
    order
}

fn halve(part: &mut [u32], centres: &[f32], d: usize) {
    if part.len() <= WIDTH {
        return;
    }
    let value = |centre: u32, column: usize| f64::from(centres[centre as usize * d + column]);
    let mut widest = (0, f64::NEG_INFINITY);
    for column in 0..d {
        let mean = part.iter().map(|&centre| value(centre, column)).sum::<f64>() / part.len() as f64;
        let spread = part.iter().map(|&centre| (value(centre, column) - mean).powi(2)).sum();
        if spread > widest.1 {
            widest = (column, spread);
        }
    }
    part.sort_by(|&a, &b| value(a, widest.0).total_cmp(&value(b, widest.0)).then(a.cmp(&b)));
    let middle = (part.len() / 2).next_multiple_of(WIDTH);
    let (low, high) = part.split_at_mut(middle);
    halve(low, centres, d);
    halve(high, centres, d);
}
