//! Customers: attributes drawn in their true proportions, and tastes of which the attributes explain a part.

use crate::department::{self, DEPARTMENTS};
use crate::domain::{self, DOMAINS};
use crate::effect::{Effects, OWN_SPREAD};
use crate::name::{self, FIRST_NAMES};
use crate::random::{Chance, cumulate};
use crate::row::CustomerRow;
use crate::taste::Traits;
use crate::time::DAY;

/// Female or male.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sex {
    /// Female.
    Female,
    /// Male.
    Male,
}

/// The years of birth of adult customers at the end of the history.
const AGES: std::ops::RangeInclusive<i32> = 18..=88;

/// Somebody: what the shop knows, and what only the truth knows.
pub(crate) struct Customer {
    /// As the shop's file has it.
    pub(crate) row: CustomerRow,
    pub(crate) sex: Sex,
    pub(crate) age: i32,
    pub(crate) traits: Traits,
    /// How much this person shops, around 1.
    pub(crate) activity: f32,
    /// Unix seconds: known to the shop from … to … (the latter possibly long after the end).
    pub(crate) joined: i64,
    pub(crate) left: i64,
    /// Unix seconds of the birth of a child within the history.
    pub(crate) birth: Option<i64>,
    /// How readily messages are opened, 0..1.
    pub(crate) attention: f32,
}

/// The tables that customers are drawn from.
pub(crate) struct Crowd {
    end_year: i32,
    start: i64,
    end: i64,
    ages: Vec<f32>,
    departments: Vec<f32>,
    /// By age of [`AGES`], then by sex.
    names: Vec<[Vec<f32>; 2]>,
    domains: Vec<Vec<f32>>,
}

impl Crowd {
    pub(crate) fn new(start: i64, end: i64) -> Self {
        let end_year = 1970 + (end / DAY) as i32 / 365;
        // Online shoppers: a hump at 40 with a long shoulder of older ones.
        let weight = |age: i32| {
            let (a, b) = ((age as f32 - 38.0) / 11.0, (age as f32 - 60.0) / 13.0);
            (-0.5 * a * a).exp() + 0.6 * (-0.5 * b * b).exp()
        };
        let of_sex = |year: i32, sex: Sex| {
            cumulate(FIRST_NAMES.iter().map(|n| if n.sex == sex { name::popularity(n, year) } else { 0.0 }))
        };
        Self {
            end_year,
            start,
            end,
            ages: cumulate(AGES.map(weight)),
            departments: cumulate(DEPARTMENTS.iter().map(|d| d.population)),
            names: AGES.map(|age| [Sex::Female, Sex::Male].map(|sex| of_sex(end_year - age, sex))).collect(),
            domains: AGES
                .map(|age| cumulate(DOMAINS.iter().map(|d| domain::popularity(d, end_year - age))))
                .collect(),
        }
    }

    /// Draws customer number `n`.
    pub(crate) fn draw(&self, n: u32, effects: &Effects, chance: &mut Chance) -> Customer {
        let band = chance.pick(&self.ages);
        let age = AGES.start() + band as i32;
        let sex = if chance.happens(0.59) { Sex::Female } else { Sex::Male };
        let names = self.names.get(band).map_or(&[][..], |by_sex| &by_sex[usize::from(sex == Sex::Male)]);
        let name = chance.pick(names);
        let department = chance.pick(&self.departments);
        let domain = chance.pick(self.domains.get(band).map_or(&[][..], Vec::as_slice));
        let mut traits = effects.expected(name, sex, age as f32, department, domain);
        for value in &mut traits {
            *value += chance.normal() * OWN_SPREAD;
        }

        let span = (self.end - self.start) as f32;
        let joined = if chance.happens(0.55) {
            self.start - (chance.exponential(500.0) * DAY as f32) as i64 - DAY
        } else {
            // The shop grows: later days bring more new customers.
            self.start + (chance.unit().powf(0.8) * span * 0.995) as i64
        };
        let left = joined.max(self.start) + (chance.exponential(1_100.0) * DAY as f32) as i64 + 3 * DAY;
        let of_age = (24..=41).contains(&age) && sex == Sex::Female || (26..=45).contains(&age);
        let birth = (of_age && chance.happens(0.09)).then(|| self.start + (chance.unit() * span) as i64);
        let seat = chance.happens(0.3);
        let place = if seat { 0 } else { (chance.unit().powi(2) * 40.0) as usize };
        let (name, code) = (FIRST_NAMES.get(name), DEPARTMENTS.get(department));
        let (first_name, code) = (name.map_or("", |n| n.name), code.map_or("", |d| d.code));
        let year = self.end_year - age;
        let nickname =
            if chance.happens(0.42) { nickname(first_name, sex, year, code, chance) } else { String::new() };
        let row = CustomerRow {
            number: n,
            first_name,
            nickname,
            // Not everybody says so.
            sex: chance.happens(0.55).then_some(if sex == Sex::Female { "F" } else { "M" }),
            age: chance.happens(0.4).then_some(age as u8),
            postcode: department::postcode(code, place),
            department: code,
            email_domain: DOMAINS.get(domain).map_or("", |d| d.name),
            joined,
            newsletter: chance.happens(0.86),
            source: ["search", "friend", "store", "advert", "social"]
                .get(chance.pick(&[0.34, 0.5, 0.72, 0.86, 1.0]))
                .copied()
                .unwrap_or(""),
        };
        let activity = (chance.normal() * 0.95 - 0.45).exp();
        let attention = (0.16 + 0.004 * (age - 20) as f32 + 0.14 * chance.normal()).clamp(0.02, 0.75);
        Customer { row, sex, age, traits, activity, joined, left, birth, attention }
    }
}

/// A nickname as people choose them: a piece of the first name, often with the year of birth or the department.
fn nickname(first_name: &str, sex: Sex, year: i32, department: &str, chance: &mut Chance) -> String {
    let plain: String = first_name.chars().filter_map(unaccented).collect();
    let n = plain.len();
    let piece = plain.get(..n.min(3 + chance.below(3))).unwrap_or(&plain);
    match chance.below(7) {
        0 => format!("{piece}{:02}", year.rem_euclid(100)),
        1 => format!("{plain}{year}"),
        2 => format!("{piece}du{}", department.to_lowercase()),
        3 => format!("{piece}{piece}"),
        4 => format!("{piece}ou{}", chance.below(99)),
        5 => format!("{}_{piece}", if sex == Sex::Female { "miss" } else { "mr" }),
        _ => format!("{plain}_{}", chance.below(999)),
    }
}

fn unaccented(letter: char) -> Option<char> {
    Some(match letter.to_lowercase().next()? {
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'à' | 'â' => 'a',
        'ï' | 'î' => 'i',
        'ô' => 'o',
        'ü' | 'û' => 'u',
        'ç' => 'c',
        plain @ 'a'..='z' => plain,
        _ => return None,
    })
}
