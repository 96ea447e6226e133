//! Expressions that are refused: the place, what was found, and what was expected.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod shop;

use clew_crm::{Predicate, Schema, Scope};
use proptest::prelude::*;
use shop::{NEW_YEAR, records};

fn refusal(expression: &str, scope: Scope) -> String {
    let records = records(&[]);
    let schema = Schema::of(scope, &records.history(NEW_YEAR));
    match Predicate::parse(expression, &schema) {
        Ok(_) => panic!("{expression} was not refused"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn each_mistake_is_named_with_its_place() {
    let cases = [
        (
            "",
            "line 1, column 1: the expression is empty; write a comparison such as product.category == \"wine\"",
        ),
        (
            "product.categry == 'wine'",
            "line 1, column 9: product has no column 'categry'; did you mean 'category'?",
        ),
        (
            "product.price < 3 &&\n  product.titel == 'x'",
            "line 2, column 11: product has no column 'titel'; did you mean 'title'?",
        ),
        ("category == 'wine'", "line 1, column 1: unknown name 'category'; did you mean product.category?"),
        (
            "customer.age > 3",
            "line 1, column 1: found 'customer' in an expression over products; only product.<name> can be used here",
        ),
        ("prodct.price > 3", "line 1, column 1: unknown name 'prodct', expected 'product'"),
        (
            "product.category == 18",
            "line 1, column 18: cannot compare text with a number; put the number in quotes",
        ),
        (
            "product.price < '3'",
            "line 1, column 15: cannot compare a number with text; write the number without quotes",
        ),
        (
            "product.tags == 'x'",
            "line 1, column 14: tags cannot be compared; ask \"x\" in customer.tags, or their size()",
        ),
        (
            "product.price",
            "line 1, column 9: found a number, expected true or false; compare it with something",
        ),
        (
            "product.new && product.title",
            "line 1, column 24: found text, expected true or false; compare it with something",
        ),
        (
            "product.launched > '31/01/2026'",
            "line 1, column 18: found \"31/01/2026\", expected a day such as \"2026-01-31\"",
        ),
        ("product.category = 'wine'", "line 1, column 18: found '='; compare with '=='"),
        (
            "product.category == 'wine' AND product.price < 3",
            "line 1, column 28: found 'AND'; write '&&' for and",
        ),
        (
            "product.category == 'wine' & product.price < 3",
            "line 1, column 28: found '&'; write '&&' for and",
        ),
        (
            "product.category == 'wine",
            "line 1, column 21: found a text that is not closed, or that holds an unknown escape",
        ),
        ("product.category == “wine”", "line 1, column 21: found '“'; use straight quotes, \"…\""),
        ("product.price <", "line 1, column 16: found the end, expected a name or a value"),
        ("(product.price < 3", "line 1, column 19: found the end, expected ')'"),
        ("product.price < 3)", "line 1, column 18: found ')', expected the end of the expression"),
        (
            "product.price 3",
            "line 1, column 15: found '3', expected an operator such as '==' or '&&', or the end",
        ),
        ("product.category in 'wine'", "line 1, column 18: 'in' expects a list [ … ] or tags, found text"),
        (
            "product.category in ['a', 3]",
            "line 1, column 27: found a number in the list, expected a text in quotes",
        ),
        (
            "product.title.matches('^a')",
            "line 1, column 22: regular expressions are not understood; use startsWith, endsWith or contains",
        ),
        (
            "product.title.startWith('a')",
            "line 1, column 24: unknown function 'startWith'; did you mean 'startsWith'?",
        ),
        (
            "product.tags.contains('a')",
            "line 1, column 22: contains() expects text, found tags; write \"x\" in customer.tags",
        ),
        (
            "product.tags.exists(t, t == 'a')",
            "line 1, column 20: exists(), all(), map() and filter() are not understood; for tags write \"x\" in customer.tags",
        ),
        (
            "product.price > 99999999999999999999",
            "line 1, column 17: found '99999999999999999999', expected a number that fits 64 bits",
        ),
        (
            "product.new > false",
            "line 1, column 13: true and false have no order; compare them with == or !=",
        ),
        ("product.price < null", "line 1, column 15: null has no order; ask == null or != null"),
        (
            "product.price + product.title > 3",
            "line 1, column 15: arithmetic expects two numbers, found a number and text",
        ),
        (
            "product.new ? 1 : true",
            "line 1, column 13: the two sides of ':' must both be numbers or both true or false; found a number and true or false",
        ),
        ("{'a': 1} == null", "line 1, column 1: found a map, expected a name, a value or a list [ … ]"),
        ("b'x' == product.title", "line 1, column 1: found bytes; write a text \"…\""),
        ("product.title == 'a' \u{7}", "line 1, column 22: found a control character; write plain text"),
        (
            "product",
            "line 1, column 1: found 'product' alone; write product.<name>, with a name of: brand, category, launched, new, price, tags, title, product_id",
        ),
        (
            "product.zzzzzzzz == 1",
            "line 1, column 9: product has no column 'zzzzzzzz'; with a name of: brand, category, launched, new, price, tags, title, product_id",
        ),
    ];
    let said: Vec<(&str, String)> = cases.iter().map(|(e, _)| (*e, refusal(e, Scope::Product))).collect();
    let wrong: Vec<_> =
        said.iter().zip(cases).filter(|(said, case)| said.1 != case.1).map(|(said, _)| said).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(
        refusal("customer.n_purchase > 1", Scope::Customer),
        "line 1, column 10: customer has no column 'n_purchase'; did you mean 'n_purchases' or 'n_purchases_28d'?"
    );
}

#[test]
fn the_long_and_the_deep_are_refused_on_a_small_stack() {
    let hostile = || {
        for n in [65usize, 100, 1000, 2000] {
            let deep = [
                format!("{}true{}", "(".repeat(n), ")".repeat(n)),
                format!("{}true", "(".repeat(n)),
                format!("{}true", "!(".repeat(n)),
                format!("{}product.price{} == 1", "-(".repeat(n), ")".repeat(n)),
                format!("product.price in {}1{}", "[".repeat(n), "]".repeat(n)),
                format!("product{} == 1", ".a".repeat(n)),
                format!("product.price{} == 1", "+1".repeat(n)),
                format!("{}false", "true?true:".repeat(n)),
                format!("{}false", "true||true?true:".repeat(n)),
                format!("{}1", "size(".repeat(n)),
                format!("1{}", "==1".repeat(n)),
                format!("{}1", "{1:".repeat(n)),
                format!("{}1{}.a.a.a", "(".repeat(n / 2), ".a)".repeat(n / 2)),
                format!("bar'x\\' '{}'", "(".repeat(n)),
                format!("'\\q{}", "(".repeat(n)),
                format!("r'\\'{}", "[".repeat(n)),
                "true".to_owned() + &" ".repeat(4097),
            ];
            for expression in deep {
                refusal(&expression, Scope::Product);
            }
        }
    };
    // A test's own thread has 2 MiB of stack; a caller may have far less left.
    std::thread::Builder::new().stack_size(256 << 10).spawn(hostile).unwrap().join().unwrap();
}

#[test]
fn long_but_flat_is_fine() {
    let records = records(&[]);
    let history = records.history(NEW_YEAR);
    let schema = Schema::of(Scope::Product, &history);
    let list: Vec<String> = (0..500).map(|i| format!("'p{i}'")).collect();
    let either: Vec<String> = (0..150).map(|i| format!("product.price == {i}")).collect();
    for expression in
        [format!("product.product_id in [{}]", list.join(",")), either.join(" || "), either.join("&&")]
    {
        let predicate = Predicate::parse(&expression, &schema).unwrap();
        predicate.evaluate(&history).unwrap();
    }
}

/// Pieces that expressions are made of, and some that they are not.
fn piece() -> impl Strategy<Value = String> {
    let pieces = [
        "product",
        ".",
        "price",
        "category",
        "tags",
        "new",
        "launched",
        "title",
        "==",
        "!=",
        "<",
        ">=",
        "&&",
        "||",
        "!",
        "in",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        "?",
        ":",
        "+",
        "-",
        "*",
        "/",
        "%",
        "'wine'",
        "\"a\\n\"",
        "'2026-01-31'",
        "1",
        "2.5",
        "1u",
        "0x1F",
        "1e9",
        "true",
        "false",
        "null",
        "size",
        "has",
        "contains",
        "startsWith",
        "exists",
        " ",
        "\n",
        "'",
        "\"",
        "'''",
        "r'",
        "b\"",
        "`",
        "é",
        "\\",
        "//",
        "@",
        "\u{0}",
        "x",
        "product.price",
        "product.tags",
        "product.title",
        ".contains('a')",
        "9223372036854775808",
        "-9223372036854775808",
        "1e400",
        "'\\u12'",
        "\u{10ffff}",
    ];
    prop::sample::select(pieces.map(str::to_owned).to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn no_input_panics(pieces in prop::collection::vec(piece(), 0..40)) {
        try_all(&pieces.concat());
        try_all(&pieces.join(" "));
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        try_all(&text);
    }
}

fn try_all(expression: &str) {
    let records = records(&[]);
    let history = records.history(NEW_YEAR);
    for scope in [Scope::Product, Scope::Customer] {
        match Predicate::parse(expression, &Schema::of(scope, &history)) {
            Ok(predicate) => {
                predicate.evaluate(&history).unwrap();
            }
            Err(error) => assert!(error.line >= 1 && error.column >= 1 && !error.message.is_empty()),
        }
    }
}
