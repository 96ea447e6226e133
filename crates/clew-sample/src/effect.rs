//! What attributes do to tastes: the planted truth that a model is meant to find again.

use serde_json::{Map, Value, json};

use crate::customer::Sex;
use crate::department::{DEPARTMENTS, Department, ZONES};
use crate::domain::DOMAINS;
use crate::name::FIRST_NAMES;
use crate::random::{Chance, Stream};
use crate::taste::{
    BEAUTY, CULTURE, FASHION, GARDEN, GOURMET, HOME, N_TRAITS, ORGANIC, PARENT, PETS, SPORT, TECH, THRIFT,
    TRAITS, Traits, add, sparse,
};

/// How far the customers' own tastes spread around what their attributes say.
pub(crate) const OWN_SPREAD: f32 = 0.8;
/// What the birth of a child adds to the trait `parent`.
pub(crate) const BIRTH: f32 = 1.6;

/// The effect of every attribute value on the traits.
pub(crate) struct Effects {
    names: Vec<Traits>,
    departments: Vec<Traits>,
    domains: Vec<Traits>,
}

impl Effects {
    /// The effects of one seed: what is written in the tables, plus a part by chance for each name and department.
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed, Stream::Effect, 0);
        let mut by_chance = |spread: f32| -> Traits { std::array::from_fn(|_| chance.normal() * spread) };
        let names = FIRST_NAMES.iter().map(|_| by_chance(0.22)).collect();
        let departments = DEPARTMENTS
            .iter()
            .map(|department| {
                let mut traits = by_chance(0.2);
                add(&mut traits, 1.0, &of_zones(department));
                traits
            })
            .collect();
        let domains = DOMAINS.iter().map(|domain| sparse(domain.effect)).collect();
        Self { names, departments, domains }
    }

    /// The expected traits of somebody with these attributes.
    pub(crate) fn expected(
        &self,
        name: usize,
        sex: Sex,
        age: f32,
        department: usize,
        domain: usize,
    ) -> Traits {
        let mut traits = of_age(age);
        add(&mut traits, 1.0, &of_sex(sex));
        for (table, place) in [(&self.names, name), (&self.departments, department), (&self.domains, domain)]
        {
            if let Some(effect) = table.get(place) {
                add(&mut traits, 1.0, effect);
            }
        }
        traits
    }

    /// The effects as they are told in `truth.json`.
    pub(crate) fn truth(&self) -> Value {
        let ages: Map<String, Value> =
            (20..=80).step_by(10).map(|age| (age.to_string(), json!(rounded(&of_age(age as f32))))).collect();
        let table = |names: Vec<&str>, effects: &[Traits]| -> Map<String, Value> {
            names.into_iter().zip(effects).map(|(name, e)| (name.to_owned(), json!(rounded(e)))).collect()
        };
        json!({
            "traits": TRAITS,
            "own_spread": OWN_SPREAD,
            "birth_of_a_child": {"trait": "parent", "effect": BIRTH},
            "sex": {"F": rounded(&of_sex(Sex::Female)), "M": rounded(&of_sex(Sex::Male))},
            "age": ages,
            "department": table(DEPARTMENTS.iter().map(|d| d.code).collect(), &self.departments),
            "email_domain": table(DOMAINS.iter().map(|d| d.name).collect(), &self.domains),
            "first_name": table(FIRST_NAMES.iter().map(|n| n.name).collect(), &self.names),
        })
    }
}

/// Traits with three decimals, as the truth tells them.
pub(crate) fn rounded(traits: &Traits) -> Vec<f64> {
    traits.iter().map(|&value| (f64::from(value) * 1000.0).round() / 1000.0).collect()
}

fn of_sex(sex: Sex) -> Traits {
    let women = sparse(&[
        (BEAUTY, 0.75),
        (FASHION, 0.4),
        (HOME, 0.3),
        (CULTURE, 0.2),
        (TECH, -0.5),
        (SPORT, -0.2),
        (ORGANIC, 0.2),
        (PARENT, 0.25),
        (PETS, 0.15),
    ]);
    match sex {
        Sex::Female => women,
        Sex::Male => women.map(|value| -value),
    }
}

/// A bump of height 1 around `centre`.
fn bump(age: f32, centre: f32, width: f32) -> f32 {
    let z = (age - centre) / width;
    (-0.5 * z * z).exp()
}

fn of_age(age: f32) -> Traits {
    let slope = (age - 48.0) / 20.0;
    let mut traits = [0.0; N_TRAITS];
    let entries = [
        (PARENT, 1.5 * bump(age, 33.0, 7.0) + 0.5 * bump(age, 64.0, 8.0) - 0.6),
        (GARDEN, 0.55 * slope),
        (GOURMET, 0.7 * bump(age, 55.0, 15.0) - 0.35),
        (SPORT, 0.8 * bump(age, 30.0, 13.0) - 0.35),
        (BEAUTY, -0.15 * slope),
        (TECH, -0.5 * slope),
        (CULTURE, 0.25 * slope),
        (HOME, 0.7 * bump(age, 38.0, 14.0) - 0.35),
        (PETS, 0.4 * bump(age, 50.0, 16.0) - 0.2),
        (FASHION, -0.45 * slope),
        (THRIFT, 0.5 * bump(age, 21.0, 6.0) + 0.3 * bump(age, 75.0, 9.0) - 0.15),
        (ORGANIC, 0.4 * bump(age, 36.0, 12.0) - 0.2),
    ];
    for (index, value) in entries {
        if let Some(slot) = traits.get_mut(index) {
            *slot = value;
        }
    }
    traits
}

fn of_zones(department: &Department) -> Traits {
    let mut traits = [0.0; N_TRAITS];
    for (zone, _, entries) in ZONES {
        if department.zones.contains(*zone) {
            add(&mut traits, 0.7, &sparse(entries));
        }
    }
    traits
}
