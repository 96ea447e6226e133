//! The French departments with their population, what kind of place they are, and their postcodes.
//!
//! Populations in thousands, rounded, from general knowledge.

use crate::taste::{BEAUTY, CULTURE, FASHION, GARDEN, GOURMET, HOME, ORGANIC, PETS, SPORT, TECH, THRIFT};

/// A department.
#[derive(Debug)]
pub(crate) struct Department {
    /// `01` … `95`, `2A`, `2B`, `971` …
    pub(crate) code: &'static str,
    /// Thousands of people.
    pub(crate) population: f32,
    /// What kind of place it is: letters of [`ZONES`].
    pub(crate) zones: &'static str,
}

/// A letter, a kind of place, and the traits it shifts by how much.
type Zone = (char, &'static str, &'static [(usize, f32)]);

/// What living in such a place does to tastes.
pub(crate) static ZONES: &[Zone] = &[
    (
        'P',
        "Paris",
        &[(CULTURE, 0.7), (TECH, 0.4), (GARDEN, -1.0), (PETS, -0.4), (FASHION, 0.5), (THRIFT, -0.4)],
    ),
    ('U', "urban", &[(TECH, 0.25), (FASHION, 0.3), (BEAUTY, 0.2), (GARDEN, -0.5)]),
    ('R', "rural", &[(GARDEN, 0.6), (PETS, 0.45), (HOME, 0.3), (FASHION, -0.35), (THRIFT, 0.2)]),
    ('W', "wine", &[(GOURMET, 0.6)]),
    ('S', "south", &[(GARDEN, 0.3), (BEAUTY, 0.25), (SPORT, 0.1)]),
    ('M', "mountain", &[(SPORT, 0.7), (HOME, 0.1)]),
    ('C', "coast", &[(SPORT, 0.3), (GOURMET, 0.15)]),
    ('G', "green west", &[(ORGANIC, 0.55), (CULTURE, 0.15)]),
    ('N', "north", &[(HOME, 0.35), (THRIFT, 0.35), (GOURMET, -0.1)]),
    ('O', "overseas", &[(BEAUTY, 0.5), (GARDEN, -0.3), (HOME, -0.3)]),
];

const fn d(code: &'static str, population: u16, zones: &'static str) -> Department {
    Department { code, population: population as f32, zones }
}

/// The 96 departments of the mainland and Corsica, and the five overseas.
#[rustfmt::skip]
pub(crate) static DEPARTMENTS: &[Department] = &[
    d("01", 663, "M"), d("02", 527, "RN"), d("03", 335, "R"), d("04", 166, "MS"), d("05", 141, "MR"),
    d("06", 1095, "SCU"), d("07", 331, "RG"), d("08", 268, "RN"), d("09", 154, "RM"), d("10", 310, "RW"),
    d("11", 375, "SWR"), d("12", 279, "R"), d("13", 2049, "SCU"), d("14", 695, "C"), d("15", 144, "RM"),
    d("16", 352, "RW"), d("17", 655, "CW"), d("18", 301, "R"), d("19", 240, "R"), d("2A", 160, "SCM"),
    d("2B", 182, "SCM"), d("21", 534, "W"), d("22", 605, "CG"), d("23", 115, "R"), d("24", 412, "RW"),
    d("25", 546, "M"), d("26", 518, "GS"), d("27", 599, "R"), d("28", 432, "R"), d("29", 916, "CG"),
    d("30", 750, "SW"), d("31", 1415, "UG"), d("32", 191, "RW"), d("33", 1636, "UWC"), d("34", 1188, "SUW"),
    d("35", 1085, "UG"), d("36", 217, "R"), d("37", 611, "W"), d("38", 1273, "MU"), d("39", 259, "MW"),
    d("40", 416, "CR"), d("41", 328, "RW"), d("42", 767, "U"), d("43", 227, "RM"), d("44", 1437, "UGC"),
    d("45", 680, ""), d("46", 174, "RG"), d("47", 331, "R"), d("48", 77, "RM"), d("49", 819, "GW"),
    d("50", 495, "CR"), d("51", 565, "W"), d("52", 171, "R"), d("53", 307, "RG"), d("54", 732, "U"),
    d("55", 183, "R"), d("56", 761, "CG"), d("57", 1045, "UN"), d("58", 204, "R"), d("59", 2610, "UN"),
    d("60", 829, "N"), d("61", 279, "R"), d("62", 1465, "NC"), d("63", 662, "M"), d("64", 684, "CM"),
    d("65", 229, "MR"), d("66", 480, "SCW"), d("67", 1142, "UW"), d("68", 767, "WM"), d("69", 1876, "U"),
    d("70", 234, "R"), d("71", 551, "WR"), d("72", 566, ""), d("73", 437, "M"), d("74", 828, "M"),
    d("75", 2145, "PU"), d("76", 1255, "UC"), d("77", 1428, ""), d("78", 1449, "U"), d("79", 374, "RG"),
    d("80", 570, "N"), d("81", 390, "RG"), d("82", 260, "R"), d("83", 1085, "SC"), d("84", 562, "SW"),
    d("85", 685, "CG"), d("86", 438, ""), d("87", 372, "R"), d("88", 364, "MR"), d("89", 335, "RW"),
    d("90", 141, ""), d("91", 1302, "U"), d("92", 1625, "UP"), d("93", 1655, "U"), d("94", 1407, "U"),
    d("95", 1249, "U"), d("971", 384, "O"), d("972", 361, "O"), d("973", 285, "O"), d("974", 861, "O"),
    d("976", 280, "O"),
];

/// The postcode number `n` (0 = the seat of the department) of a department.
pub(crate) fn postcode(code: &str, n: usize) -> String {
    match code {
        "75" => format!("750{:02}", n % 20 + 1),
        "2A" => format!("20{:03}", (n * 10) % 200),
        "2B" => format!("20{:03}", 200 + (n * 10) % 200),
        // Overseas codes have three digits, so two are left.
        _ if code.len() == 3 => format!("{code}{:02}", n % 100),
        _ => format!("{code}{:03}", (n * 10) % 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_country_has_its_size_and_its_postcodes() {
        let people: f32 = DEPARTMENTS.iter().map(|d| d.population).sum();
        assert!((65_000.0..70_000.0).contains(&people), "{people}");
        assert_eq!(DEPARTMENTS.len(), 101);
        for department in DEPARTMENTS {
            assert!(department.zones.chars().all(|zone| ZONES.iter().any(|z| z.0 == zone)));
            assert!((0..60).all(|n| postcode(department.code, n).len() == 5), "{}", department.code);
        }
        assert_eq!(postcode("75", 19), "75020");
        assert_eq!(postcode("2B", 0), "20200");
    }
}
