//! Lloyd's assignment without most of its distances: Yinyang bounds (Ding, Zhao, Shen, Musuvathi, Mytkowicz
//! 2015, "Yinyang K-Means"). A row keeps an upper bound of the distance to its own centre and, for each group of
//! centres, a lower bound of the distance to the nearest other one there. When centres move, the bounds move by
//! as much; only groups whose bound falls to the upper one are looked at again. The triangle inequality makes
//! the labels those of the full search: bounds are rounded outwards, and where two centres are nearer to each
//! other than f32 can tell, f64 decides over all of them, ties to the lower centre.

use multiversion::multiversion;
use multiversion::target::target_cfg_f;

use super::tile::{self, Found, GROUPS, Packed};

/// Rows gathered before their groups are searched.
const BLOCK: usize = 240;
/// Outward rounding of a bound, above all that a few operations in f32 can lose.
const OUT: f32 = 1.0 + 4.0 * f32::EPSILON;
const IN: f32 = 1.0 - 4.0 * f32::EPSILON;
/// The label of a row that has not been assigned yet.
pub(super) const NONE: u32 = u32::MAX;

/// What is known of the rows of one chunk.
pub(super) struct Known {
    pub(super) labels: Vec<u32>,
    upper: Vec<f32>,
    lower: Vec<[f32; GROUPS]>,
    /// Rows whose label the last assignment changed: (row within the chunk, the label before).
    pub(super) changed: Vec<(u32, u32)>,
}

impl Known {
    /// Nothing is known of `n` rows.
    pub(super) fn new(n: usize) -> Known {
        Known {
            labels: vec![NONE; n],
            upper: vec![f32::INFINITY; n],
            lower: vec![[0.0; GROUPS]; n],
            changed: Vec::new(),
        }
    }
}

/// How far the centres have moved since the last assignment.
pub(super) struct Moved {
    /// By centre, rounded up.
    of: Vec<f32>,
    /// The furthest of each group.
    groups: [f32; GROUPS],
}

impl Moved {
    /// From squared distances, one a centre; `packed` is only asked for the groups.
    pub(super) fn new(squares: &[f64], packed: &Packed) -> Moved {
        let mut moved = Moved { of: Vec::with_capacity(squares.len()), groups: [0.0; GROUPS] };
        for (square, &group) in squares.iter().zip(&packed.group_of) {
            // Held finite, so that bounds never become NaN.
            let by = (square.sqrt() as f32 * OUT).min(f32::MAX);
            let most = &mut moved.groups[usize::from(group)];
            *most = most.max(by);
            moved.of.push(by);
        }
        moved
    }
}

/// One row under search.
struct Active {
    row: usize,
    /// |x − m|².
    square: f32,
    /// Squared distance to the centre that it had.
    own: f32,
    groups: u32,
}

/// Gives each row of a chunk (`x`, d numbers a row) its nearest centre; `moved` since the last time.
#[multiversion(targets("x86_64+avx+avx2+fma+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx+avx2+fma"))]
pub(super) fn assign(x: &[f32], packed: &Packed, moved: &Moved, known: &mut Known) {
    let wide = target_cfg_f!(target_feature = "avx512f");
    let fused = target_cfg_f!(any(target_feature = "fma", target_arch = "aarch64"));
    // As many rows as registers hold sums of.
    match (wide, fused) {
        (true, true) => assign_by::<true, 12>(x, packed, moved, known),
        (false, true) => assign_by::<true, 6>(x, packed, moved, known),
        _ => assign_by::<false, 4>(x, packed, moved, known),
    }
}

#[inline(always)]
fn assign_by<const FMA: bool, const R: usize>(x: &[f32], packed: &Packed, moved: &Moved, known: &mut Known) {
    let d = packed.d;
    let n_groups = packed.n_groups();
    let mut rows = vec![0.0_f32; BLOCK * d];
    let nothing = Found { best: f32::NEG_INFINITY, second: f32::NEG_INFINITY, place: 0 };
    let mut found = vec![nothing; BLOCK * GROUPS];
    let mut lists: [Vec<u32>; GROUPS] = std::array::from_fn(|_| Vec::with_capacity(BLOCK));
    let mut active: Vec<Active> = Vec::with_capacity(BLOCK);
    known.changed.clear();
    let n = known.labels.len();
    for row in 0..n {
        if let Some((groups, own)) = suspect::<FMA>(x, row, packed, moved, known, n_groups) {
            let slot = active.len();
            let from = &x[row * d..][..d];
            for ((to, &value), &middle) in rows[slot * d..][..d].iter_mut().zip(from).zip(&packed.middle) {
                *to = value - middle;
            }
            let square = dot::<FMA>(&rows[slot * d..][..d]);
            (0..n_groups).filter(|group| groups >> group & 1 == 1).for_each(|g| lists[g].push(slot as u32));
            active.push(Active { row, square, own, groups });
        }
        if active.len() == BLOCK || (row + 1 == n && !active.is_empty()) {
            for (group, list) in lists.iter_mut().enumerate().take(n_groups) {
                tile::search::<FMA, R>(packed, group, &rows, list, &mut found);
                list.clear();
            }
            for (slot, active) in active.drain(..).enumerate() {
                let found = &found[slot * GROUPS..][..n_groups];
                decide(&x[active.row * d..][..d], packed, &active, found, known);
            }
        }
    }
}

#[inline(always)]
fn dot<const FMA: bool>(row: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 16];
    let parts = row.chunks_exact(16);
    let mut sum: f32 = parts.remainder().iter().map(|value| value * value).sum();
    for part in parts {
        for lane in 0..16 {
            let value = part[lane];
            lanes[lane] = if FMA { value.mul_add(value, lanes[lane]) } else { value * value + lanes[lane] };
        }
    }
    lanes.iter().for_each(|lane| sum += lane);
    sum
}

/// Moves a row's bounds; the groups that may hold a nearer centre than its own, and the squared distance to
/// its own, unless the bounds rule all out.
#[inline(always)]
fn suspect<const FMA: bool>(
    x: &[f32],
    row: usize,
    packed: &Packed,
    moved: &Moved,
    known: &mut Known,
    n_groups: usize,
) -> Option<(u32, f32)> {
    let every = u32::MAX >> (32 - n_groups);
    let label = known.labels[row];
    if label == NONE {
        return Some((every, f32::INFINITY));
    }
    let lower = &mut known.lower[row];
    let mut upper = (known.upper[row] + moved.of[label as usize]) * OUT;
    let mut below = 0_u32;
    for (group, (lower, moved)) in lower.iter_mut().zip(&moved.groups).enumerate() {
        *lower = (*lower - moved) * IN;
        below |= u32::from(*lower <= upper) << group;
    }
    known.upper[row] = upper;
    if below & every == 0 {
        return None;
    }
    let d = packed.d;
    let own = tile::distance::<FMA>(&x[row * d..][..d], packed.centre(label));
    upper = (own * (1.0 + (d + 8) as f32 * f32::EPSILON)).sqrt() * OUT;
    known.upper[row] = upper;
    below = 0;
    for (group, lower) in known.lower[row].iter().enumerate() {
        below |= u32::from(*lower <= upper) << group;
    }
    (below & every != 0).then_some((below & every, own))
}

/// The nearest of what was found and the row's own centre; new bounds.
#[inline(always)]
fn decide(x: &[f32], packed: &Packed, active: &Active, found: &[Found], known: &mut Known) {
    let old = known.labels[active.row];
    let error = packed.error(active.square);
    let searched = |group: usize| active.groups >> group & 1 == 1;
    let far = |score: f32| active.square - 2.0 * score;
    // The own centre counts by itself where its group was not searched.
    let own_group = packed.group_of.get(old as usize).map(|&group| usize::from(group));
    let apart = own_group.filter(|&group| !searched(group));
    let (mut best, mut second, mut label) =
        if apart.is_some() { (active.own, f32::INFINITY, old) } else { (f32::INFINITY, f32::INFINITY, NONE) };
    for (_, found) in found.iter().enumerate().filter(|(group, _)| searched(*group)) {
        let (near, next) = (far(found.best), far(found.second));
        if near < best {
            second = best.min(next);
            best = near;
            label = packed.order[found.place as usize];
        } else {
            second = second.min(near);
        }
    }
    // Also where a sum has overflowed.
    let clear = second - best > 2.0 * error && best < f32::INFINITY;
    if !clear || label == NONE {
        let mut nearest = (f64::INFINITY, 0);
        for centre in 0..packed.k() as u32 {
            let distance = tile::exact(x, packed.centre(centre));
            if distance < nearest.0 {
                nearest = (distance, centre);
            }
        }
        best = nearest.0 as f32;
        label = nearest.1;
    }
    let lower = &mut known.lower[active.row];
    let root = |square: f32| {
        let root = (square - error).max(0.0).sqrt() * IN;
        if root.is_nan() { 0.0 } else { root }
    };
    for (group, found) in found.iter().enumerate().filter(|(group, _)| searched(*group)) {
        let is_own = packed.order[found.place as usize] == label;
        lower[group] = root(far(if is_own { found.second } else { found.best }));
    }
    if let Some(group) = apart.filter(|_| label != old) {
        lower[group] = lower[group].min(root(active.own));
    }
    known.upper[active.row] = (best + error).max(0.0).sqrt() * OUT;
    if label != old {
        known.labels[active.row] = label;
        known.changed.push((active.row as u32, old));
    }
}
