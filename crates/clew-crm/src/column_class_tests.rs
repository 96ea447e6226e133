//! Guesses of what a column may be used for.

use super::*;

#[test]
fn names_tell_what_a_column_is_in_both_languages() {
    use ColumnClass::{Identifier, Personal, Plain, Sensitive};
    use ColumnType::{Bool, Date, Number, Text};
    for (name, column_type, expected) in [
        ("age", Number, Plain),
        ("city", Text, Plain),
        ("region", Text, Plain),
        ("tags", ColumnType::Tags, Plain),
        ("loyalty_level", Text, Plain),
        ("brand_name", Text, Plain),
        ("nom_magasin", Text, Plain),
        ("name", Text, Personal),
        ("Nom", Text, Personal),
        ("customerName", Text, Personal),
        ("nom de famille", Text, Personal),
        ("first_name", Text, Personal),
        ("firstName", Text, Personal),
        ("Prénom", Text, Personal),
        ("e-mail", Text, Personal),
        ("adresse_mail", Text, Personal),
        ("email", Text, Personal),
        ("email_domain", Text, Plain),
        ("email_opt_in", Bool, Plain),
        ("has_email", Bool, Plain),
        ("emails_opened", Number, Plain),
        ("postcode", Number, Personal),
        ("Code postal", Text, Personal),
        ("date_of_birth", Date, Personal),
        ("DateNaissance", Text, Personal),
        ("birth_year", Number, Personal),
        ("phone", Number, Identifier),
        ("Téléphone", Text, Identifier),
        ("IBAN", Text, Identifier),
        ("home address", Text, Identifier),
        ("n° sécurité sociale", Text, Identifier),
        ("religion", Text, Sensitive),
        ("état de santé", Text, Sensitive),
        ("isPregnant", Bool, Sensitive),
        ("health_spend", Number, Plain),
        ("name_of_disease", Text, Sensitive),
        ("handicap", Bool, Sensitive),
    ] {
        assert_eq!(ColumnClass::guess_by_name(name, column_type), expected, "{name}");
    }
}

#[test]
fn values_tell_what_a_column_is_where_its_name_does_not() {
    for (values, expected) in [
        (vec!["Lyon", "Paris"], ColumnClass::Plain),
        (vec!["gold", "silver", "gold"], ColumnClass::Plain),
        (vec!["1234567890", "9876543210"], ColumnClass::Plain),
        (vec!["0.123456789", "0.987654321"], ColumnClass::Plain),
        (vec![], ColumnClass::Plain),
        (vec!["ann@example.org", "bob@example.org"], ColumnClass::Personal),
        (vec!["+33 6 12 34 56 78", "06.12.34.56.79"], ColumnClass::Identifier),
        (vec!["FR14 2004 1010 0505 0001 3M02 606", "GB29NWBK60161331926819"], ColumnClass::Identifier),
        (vec!["FR15 2004 1010 0505 0001 3M02 606"], ColumnClass::Plain),
        (vec!["1 84 02 75 123 456 78", "284022A12345678"], ColumnClass::Identifier),
        (vec!["69003", "75011", "01000", "97411", "33000"], ColumnClass::Personal),
        (vec!["10000"], ColumnClass::Plain),
        (vec!["SW1A 1AA", "M1 1AE", "B33 8TH", "CR2 6XH", "DN55 1PT"], ColumnClass::Personal),
        (vec!["Zoé", "Pierre", "Anne", "Xantippe", "Marc", "Lucie"], ColumnClass::Personal),
        (vec!["Florence", "Lyon", "Florence", "Florence"], ColumnClass::Plain),
        (vec!["Christian"], ColumnClass::Plain),
        (vec!["1984-02-29", "1951-07-01", "1960-01-01", "1975-12-24", "1949-06-30"], ColumnClass::Personal),
        (vec!["2016-05-01", "2019-01-31", "2019-01-31", "2016-05-01", "1985-01-01"], ColumnClass::Plain),
        (vec!["catholique", "Athée", "none"], ColumnClass::Sensitive),
    ] {
        assert_eq!(ColumnClass::guess("q7", ColumnType::Text, values.clone()), expected, "{values:?}");
    }
}

#[test]
fn a_guess_from_values_never_makes_a_column_more_open_than_its_name() {
    let guess = |name| ColumnClass::guess(name, ColumnType::Text, ["ann@example.org"]);
    assert_eq!(guess("age"), ColumnClass::Personal);
    assert_eq!(guess("religion"), ColumnClass::Sensitive);
}

#[test]
fn what_is_learned_and_shown_follows_from_the_class() {
    let of = |class, learn| {
        let one = ColumnUse { class, learn };
        (one.is_learned(), one.is_shown())
    };
    assert_eq!(of(ColumnClass::Plain, false), (true, true));
    assert_eq!(of(ColumnClass::Personal, false), (true, false));
    assert_eq!(of(ColumnClass::Identifier, true), (false, false));
    assert_eq!(of(ColumnClass::Sensitive, false), (false, false));
    assert_eq!(of(ColumnClass::Sensitive, true), (true, false));
    for class in ColumnClass::ALL {
        assert_eq!(ColumnClass::parse(class.name()), Some(class));
    }
}
