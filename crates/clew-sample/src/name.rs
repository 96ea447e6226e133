//! First names of people who live in France: how popular each was, and when. A first name carries age and sex.
//!
//! The table is our own, written from general knowledge: for each name the year in which it was given most, for how
//! many years around it, and how much at its height. It is a caricature of the civil register, not a copy.

use crate::customer::Sex::{self, Female as F, Male as M};

/// A first name and the people who bear it.
#[derive(Debug)]
pub(crate) struct FirstName {
    pub(crate) name: &'static str,
    pub(crate) sex: Sex,
    /// The year of birth at which the name was most given.
    pub(crate) peak: i32,
    /// The standard deviation of its years of birth.
    pub(crate) spread: f32,
    /// How much it was given at its height.
    pub(crate) height: f32,
}

const fn n(name: &'static str, sex: Sex, peak: i32, spread: u8, height: u8) -> FirstName {
    FirstName { name, sex, peak, spread: spread as f32, height: height as f32 }
}

/// How much the name was given in a year of birth.
pub(crate) fn popularity(name: &FirstName, year: i32) -> f32 {
    let z = (year - name.peak) as f32 / name.spread;
    // A small constant: every name has its late and its early bearers.
    name.height * ((-0.5 * z * z).exp() + 0.004)
}

/// The names, women's first.
#[rustfmt::skip]
pub(crate) static FIRST_NAMES: &[FirstName] = &[
    n("Marie", F, 1936, 26, 90), n("Jeanne", F, 1928, 18, 40), n("Denise", F, 1932, 10, 30),
    n("Jacqueline", F, 1938, 10, 45), n("Monique", F, 1942, 10, 48), n("Françoise", F, 1948, 8, 50),
    n("Nicole", F, 1947, 8, 38), n("Michèle", F, 1947, 7, 30), n("Annie", F, 1949, 8, 26),
    n("Danielle", F, 1947, 7, 26), n("Christiane", F, 1947, 8, 22), n("Jeannine", F, 1936, 8, 22),
    n("Yvette", F, 1934, 9, 20), n("Simone", F, 1930, 9, 22), n("Colette", F, 1938, 9, 20),
    n("Ginette", F, 1934, 8, 18), n("Odette", F, 1930, 9, 16), n("Bernadette", F, 1948, 9, 18),
    n("Chantal", F, 1953, 6, 32), n("Martine", F, 1955, 6, 46), n("Brigitte", F, 1957, 5, 38),
    n("Catherine", F, 1960, 7, 44), n("Sylvie", F, 1962, 5, 42), n("Patricia", F, 1962, 6, 30),
    n("Véronique", F, 1963, 5, 32), n("Christine", F, 1962, 7, 42), n("Nathalie", F, 1967, 5, 52),
    n("Isabelle", F, 1966, 6, 44), n("Corinne", F, 1964, 5, 26), n("Valérie", F, 1968, 5, 36),
    n("Laurence", F, 1967, 6, 26), n("Sandrine", F, 1972, 4, 34), n("Florence", F, 1967, 7, 22),
    n("Pascale", F, 1962, 5, 18), n("Dominique", F, 1956, 8, 18), n("Évelyne", F, 1953, 7, 18),
    n("Muriel", F, 1966, 6, 14), n("Agnès", F, 1964, 8, 14), n("Anne", F, 1965, 12, 26),
    n("Hélène", F, 1966, 16, 18), n("Sophie", F, 1969, 8, 30), n("Stéphanie", F, 1974, 4, 40),
    n("Céline", F, 1979, 4, 42), n("Karine", F, 1972, 4, 22), n("Delphine", F, 1976, 4, 24),
    n("Virginie", F, 1974, 4, 24), n("Séverine", F, 1975, 4, 20), n("Christelle", F, 1973, 4, 24),
    n("Aurélie", F, 1981, 4, 44), n("Émilie", F, 1981, 4, 40), n("Élodie", F, 1987, 4, 40),
    n("Julie", F, 1985, 6, 38), n("Audrey", F, 1984, 4, 28), n("Vanessa", F, 1985, 5, 20),
    n("Laetitia", F, 1980, 4, 24), n("Jennifer", F, 1984, 4, 20), n("Caroline", F, 1979, 7, 24),
    n("Laura", F, 1989, 5, 36), n("Marine", F, 1991, 4, 34), n("Marion", F, 1990, 5, 28),
    n("Pauline", F, 1991, 6, 30), n("Mathilde", F, 1995, 6, 24), n("Camille", F, 1996, 7, 36),
    n("Manon", F, 1997, 4, 40), n("Léa", F, 1999, 5, 46), n("Chloé", F, 2000, 5, 38),
    n("Emma", F, 2004, 6, 40), n("Sarah", F, 1995, 8, 26), n("Inès", F, 2003, 6, 22),
    n("Jade", F, 2009, 7, 30), n("Lola", F, 2006, 5, 20), n("Clara", F, 2001, 6, 26),
    n("Océane", F, 1999, 4, 28), n("Lisa", F, 2000, 6, 20), n("Anaïs", F, 1993, 5, 28),
    n("Mélanie", F, 1986, 5, 28), n("Amandine", F, 1987, 4, 28), n("Morgane", F, 1993, 4, 20),
    n("Justine", F, 1993, 4, 26), n("Charlotte", F, 1991, 9, 24), n("Alice", F, 2005, 12, 18),
    n("Louise", F, 2008, 9, 20), n("Juliette", F, 2004, 8, 20), n("Zoé", F, 2006, 6, 18),
    n("Fatima", F, 1975, 12, 12), n("Samia", F, 1978, 8, 7), n("Nadia", F, 1974, 8, 12),
    n("Yasmine", F, 1998, 8, 12), n("Maryam", F, 2005, 8, 6), n("Aya", F, 2007, 6, 10),
    n("Eugénie", F, 1928, 12, 5), n("Solange", F, 1935, 10, 12), n("Paulette", F, 1932, 8, 16),
    n("Mireille", F, 1946, 8, 16), n("Josiane", F, 1949, 7, 20), n("Ghislaine", F, 1950, 8, 12),
    n("Maëlys", F, 2005, 5, 16), n("Noémie", F, 1995, 7, 18), n("Lucie", F, 1990, 9, 24),
    n("Claire", F, 1980, 12, 22), n("Estelle", F, 1978, 7, 14), n("Magali", F, 1974, 6, 12),
    n("Jean", M, 1938, 16, 80), n("Pierre", M, 1940, 20, 52), n("Michel", M, 1946, 8, 66),
    n("André", M, 1932, 12, 44), n("René", M, 1932, 10, 34), n("Roger", M, 1929, 10, 32),
    n("Marcel", M, 1926, 10, 26), n("Robert", M, 1932, 10, 30), n("Raymond", M, 1930, 9, 22),
    n("Claude", M, 1940, 9, 40), n("Jacques", M, 1941, 10, 40), n("Bernard", M, 1947, 8, 44),
    n("Gérard", M, 1948, 7, 36), n("Daniel", M, 1949, 9, 38), n("Alain", M, 1951, 8, 48),
    n("Guy", M, 1940, 9, 20), n("Henri", M, 1930, 13, 18), n("Serge", M, 1951, 8, 18),
    n("Christian", M, 1952, 7, 36), n("Patrick", M, 1956, 7, 46), n("Philippe", M, 1961, 6, 58),
    n("Jean-Pierre", M, 1947, 8, 32), n("Jean-Claude", M, 1947, 7, 28), n("Jean-Luc", M, 1957, 6, 16),
    n("Jean-Marc", M, 1960, 6, 14), n("Dominique", M, 1956, 7, 20), n("Francis", M, 1950, 8, 16),
    n("Yves", M, 1949, 9, 18), n("Didier", M, 1959, 6, 28), n("Pascal", M, 1962, 5, 40),
    n("Éric", M, 1965, 6, 44), n("Thierry", M, 1963, 5, 40), n("Bruno", M, 1962, 6, 24),
    n("Laurent", M, 1967, 6, 40), n("Olivier", M, 1968, 7, 32), n("Frédéric", M, 1970, 5, 38),
    n("Stéphane", M, 1970, 5, 38), n("Christophe", M, 1970, 5, 44), n("David", M, 1974, 6, 38),
    n("Sébastien", M, 1977, 4, 44), n("Nicolas", M, 1981, 6, 48), n("Julien", M, 1984, 5, 44),
    n("Jérôme", M, 1977, 5, 26), n("Cédric", M, 1979, 5, 26), n("Guillaume", M, 1983, 6, 30),
    n("Mickaël", M, 1984, 5, 22), n("Vincent", M, 1978, 9, 24), n("Ludovic", M, 1977, 5, 18),
    n("Arnaud", M, 1978, 6, 18), n("Fabrice", M, 1970, 5, 20), n("Franck", M, 1968, 6, 18),
    n("Alexandre", M, 1989, 8, 40), n("Thomas", M, 1990, 7, 46), n("Romain", M, 1989, 5, 36),
    n("Kévin", M, 1991, 3, 44), n("Maxime", M, 1992, 6, 38), n("Anthony", M, 1988, 5, 28),
    n("Jérémy", M, 1988, 5, 28), n("Florian", M, 1992, 5, 24), n("Valentin", M, 1995, 5, 22),
    n("Clément", M, 1993, 7, 28), n("Quentin", M, 1993, 5, 28), n("Dylan", M, 1996, 4, 18),
    n("Antoine", M, 1993, 9, 28), n("Benjamin", M, 1987, 7, 24), n("Adrien", M, 1990, 7, 22),
    n("Hugo", M, 2000, 5, 36), n("Théo", M, 1999, 5, 34), n("Lucas", M, 2003, 6, 42),
    n("Enzo", M, 2003, 5, 34), n("Nathan", M, 2004, 6, 32), n("Léo", M, 2007, 8, 30),
    n("Louis", M, 2004, 12, 26), n("Mathis", M, 2003, 5, 26), n("Jules", M, 2008, 8, 22),
    n("Gabriel", M, 2009, 8, 26), n("Raphaël", M, 2008, 8, 24), n("Arthur", M, 2007, 9, 22),
    n("Alexis", M, 1997, 6, 24), n("Corentin", M, 1996, 5, 14), n("Paul", M, 1996, 14, 24),
    n("Mohamed", M, 1990, 16, 26), n("Karim", M, 1978, 8, 12), n("Rachid", M, 1972, 8, 9),
    n("Mehdi", M, 1993, 7, 14), n("Yanis", M, 2004, 6, 16), n("Adam", M, 2009, 7, 20),
    n("Ibrahim", M, 2004, 8, 8), n("Bastien", M, 1992, 5, 16), n("Fabien", M, 1981, 5, 18),
    n("Damien", M, 1983, 6, 18), n("Grégory", M, 1980, 5, 18), n("Gilles", M, 1961, 7, 16),
    n("Marc", M, 1962, 10, 24), n("Hervé", M, 1963, 6, 16), n("Lionel", M, 1970, 7, 10),
    n("Maurice", M, 1932, 10, 24), n("Lucien", M, 1929, 9, 14), n("Georges", M, 1932, 11, 22),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_about_two_hundred_names_each_once_per_sex() {
        assert!((190..=230).contains(&FIRST_NAMES.len()), "{}", FIRST_NAMES.len());
        let mut seen: Vec<_> = FIRST_NAMES.iter().map(|n| (n.name, n.sex == Sex::Male)).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), FIRST_NAMES.len());
    }
}
