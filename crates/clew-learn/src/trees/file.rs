//! Fitted trees in a model file.

use super::fitted::{FittedTrees, LEAF, Node};
use crate::binning::{Bins, FittedBinning};
use crate::error::{Error, Result};
use crate::format::{File, Writer};

impl FittedTrees {
    /// Adds the trees to a model file: `<name>.nodes` (28 bytes each: feature u32, cut f32 or number of a group,
    /// left u32, right u32, flags u32 (1 missing goes left, 2 group), value f32, cover f32), `<name>.starts`,
    /// `<name>.groups` (256 bits each), `<name>.base`, `<name>.loss`, and the categories of each feature (empty
    /// cuts for a number) as [`FittedBinning::write`].
    pub fn write(&self, writer: &mut Writer, name: &str) -> Result<()> {
        writer.section(&format!("{name}.nodes"), bytemuck::cast_slice::<Node, u32>(&self.nodes))?;
        writer.section(&format!("{name}.starts"), &self.starts)?;
        writer.section(&format!("{name}.groups"), self.groups.as_flattened())?;
        writer.section(&format!("{name}.base"), &[self.base])?;
        writer.json(&format!("{name}.loss"), &self.loss)?;
        let of = |bins: &Option<Bins>| bins.clone().unwrap_or(Bins::Numbers(Vec::new()));
        FittedBinning::of(self.categories.iter().map(of).collect()).write(writer, name)
    }

    /// Reads back what [`FittedTrees::write`] wrote. Errors where a node leads outside its tree or back, or a
    /// number is not finite.
    pub fn read(file: &File, name: &str) -> Result<FittedTrees> {
        let wrong = || Error::format(format!("the trees '{name}' do not fit together"), "train again");
        let nodes = bytemuck::try_cast_slice::<u32, Node>(file.view(&format!("{name}.nodes"))?);
        let nodes = nodes.map_err(|_| wrong())?.to_vec();
        let starts = file.view::<u64>(&format!("{name}.starts"))?.to_vec();
        let (groups, rest) = file.view::<u64>(&format!("{name}.groups"))?.as_chunks::<4>();
        let &[base] = file.view::<f64>(&format!("{name}.base"))? else { return Err(wrong()) };
        let binning = FittedBinning::read(file, name)?;
        let mut trees = FittedTrees::new(file.json(&format!("{name}.loss"))?, base, &binning);
        let sound = rest.is_empty()
            && trees.n_features() > 0
            && base.is_finite()
            && starts.first() == Some(&0)
            && starts.last() == Some(&(nodes.len() as u64));
        if !sound {
            return Err(wrong());
        }
        for tree in starts.windows(2) {
            let tree = nodes.get(tree[0] as usize..tree[1] as usize).filter(|tree| !tree.is_empty());
            let tree = tree.ok_or_else(wrong)?;
            // Children behind their parent, each of one parent only: a way down ends, and ways do not meet.
            let mut is_child = vec![false; tree.len()];
            for (place, node) in tree.iter().enumerate() {
                let numbers = node.value.is_finite() && node.cover.is_finite() && node.cover >= 0.0;
                if !numbers || (node.feature == LEAF && node.flags != 0) {
                    return Err(wrong());
                }
                let Some((left, right)) = node.children() else { continue };
                for child in [left, right] {
                    match is_child.get_mut(child).filter(|is_child| child > place && !**is_child) {
                        Some(is_child) => *is_child = true,
                        None => return Err(wrong()),
                    }
                }
                let category = trees.categories.get(node.feature()).ok_or_else(wrong)?;
                let fits = match node.group_number() {
                    Some(group) => category.is_some() && (group as usize) < groups.len(),
                    None => category.is_none() && node.flags <= 1,
                };
                if !fits {
                    return Err(wrong());
                }
            }
        }
        (trees.starts, trees.nodes, trees.groups) = (starts, nodes, groups.to_vec());
        Ok(trees)
    }
}
