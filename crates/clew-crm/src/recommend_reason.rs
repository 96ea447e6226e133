//! Reasons of a recommendation, in plain words and from the customer's own history.
use crate::column::ColumnView;
use crate::feature_taste::dot;
use crate::ids::NONE;
use crate::scorer::Scorer;

/// Cosine over which two products are called often bought together.
const TOGETHER: f32 = 0.5;
/// Most reasons.
const MAX_REASONS: usize = 3;
/// Columns that name a product, the first that is there.
const NAMES: [&str; 3] = ["title", "name", "product_name"];

impl Scorer {
    /// Why a product is recommended to a customer, the strongest first; never empty.
    pub(crate) fn reasons(&self, customer: u32, product: u32) -> Vec<String> {
        let mut reasons = Vec::new();
        let taste = &self.state.taste;
        let vector = |p: u32| taste.products.row(p as usize).to_slice().unwrap_or(&[]);
        if let Some(place) = self.place(customer) {
            let mut n = 0;
            let mut last = None;
            let mut nearest: Option<(f32, u32)> = None;
            let own = vector(product);
            for line in self.state.purchases.lines_of(place) {
                if line.product == product {
                    n += 1;
                    last = Some(line.age);
                    continue;
                }
                let length =
                    taste.product_length[product as usize] * taste.product_length[line.product as usize];
                let cosine = dot(own, vector(line.product)) / length;
                if cosine > TOGETHER && nearest.is_none_or(|(best, _)| cosine > best) {
                    nearest = Some((cosine, line.product));
                }
            }
            if let Some(age) = last {
                let times = match n {
                    1 => "once".to_owned(),
                    2 => "twice".to_owned(),
                    n => format!("{n} times"),
                };
                reasons.push(format!("bought {times}, last {}", days_ago(age)));
            }
            let seen = self.state.interest.lines_of(place).rfind(|line| line.product == product);
            if let Some(line) = seen {
                reasons.push(format!("looked at {}", days_ago(line.age)));
            }
            if let Some((_, with)) = nearest {
                reasons.push(format!("often bought with {}", self.label(with)));
            }
            reasons.extend(self.leaning(place, product));
        }
        if reasons.is_empty() {
            reasons.push("popular with customers like this one".to_owned());
        }
        reasons.truncate(MAX_REASONS);
        reasons
    }

    /// The group of the product that the customer bought from most.
    fn leaning(&self, place: usize, product: u32) -> Option<String> {
        let mut best: Option<(usize, String)> = None;
        for attribute in &self.product_attributes {
            for &group in attribute.of(product as usize) {
                let n = self
                    .state
                    .purchases
                    .lines_of(place)
                    .filter(|line| {
                        line.product != product && attribute.of(line.product as usize).contains(&group)
                    })
                    .count();
                let label = attribute.grouping.labels.get(group as usize)?;
                // The first attribute wins a tie: tables put the telling columns first.
                if n >= 2 && best.as_ref().is_none_or(|(most, _)| n > *most) {
                    best = Some((n, label.clone()));
                }
            }
        }
        best.map(|(_, label)| format!("like your purchases in {label}"))
    }

    /// What a product is called: its title, or its id.
    pub(crate) fn label(&self, product: u32) -> String {
        let products = self.records.products().view();
        NAMES
            .iter()
            .find_map(|name| match products.column(name)? {
                ColumnView::Category { codes, values } => codes
                    .get(product as usize)
                    .filter(|&&code| code != NONE)
                    .map(|&code| values.name(code).to_owned()),
                _ => None,
            })
            .unwrap_or_else(|| products.id(product).to_owned())
    }
}

fn days_ago(age: u16) -> String {
    match age {
        0 => "today".to_owned(),
        1 => "yesterday".to_owned(),
        age => format!("{age} days ago"),
    }
}
