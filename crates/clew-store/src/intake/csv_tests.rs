//! Tests of the CSV reader: what a file of any fault is read as.

use super::*;
use crate::intake::File;
use crate::intake::report::Rejected;

fn open(bytes: &[u8], mapping: &EntityMapping) -> Result<(CsvReader, Option<String>)> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows.csv");
    std::fs::write(&path, bytes).unwrap();
    CsvReader::open(&File::open(&path, None)?, mapping, &["id"])
}

fn rows_with(bytes: &[u8], mapping: &EntityMapping) -> (Vec<(u64, Vec<String>)>, Vec<Rejected>) {
    let (mut reader, _) = open(bytes, mapping).unwrap();
    let (mut record, mut rejections) = (Record::default(), Rejections::default());
    let mut rows = Vec::new();
    while reader.read(&mut record, &mut rejections).unwrap() {
        let cells = (0..record.len())
            .map(|i| match record.cell(i) {
                Cell::Text(span) => record.text(span).to_owned(),
                _ => "∅".to_owned(),
            })
            .collect();
        rows.push((record.line, cells));
    }
    (rows, rejections.first)
}

fn rows(text: &str) -> (Vec<(u64, Vec<String>)>, Vec<Rejected>) {
    rows_with(text.as_bytes(), &EntityMapping::default())
}

fn cells(text: &str) -> Vec<Vec<String>> {
    let (rows, rejected) = rows(text);
    assert_eq!(rejected, []);
    rows.into_iter().map(|(_, cells)| cells).collect()
}

#[test]
fn cells_are_read_with_quotes_line_ends_and_blanks() {
    let text = "\u{feff}id,name,note\r\n\
                1, Ann ,\"a, b\"\r\n\
                2,\"say \"\"hi\"\"\",\"two\r\nlines\"\r\n\
                3,,\"\"\r\n\
                \r\n\
                4,O\"Neil,last";
    assert_eq!(
        cells(text),
        [
            ["1", "Ann", "a, b"],
            ["2", "say \"hi\"", "two\r\nlines"],
            ["3", "∅", "∅"],
            ["4", "O\"Neil", "last"],
        ]
    );
}

#[test]
fn line_numbers_count_the_lines_within_quotes() {
    let (rows, _) = rows("id,note\n1,\"a\nb\nc\"\n\n2,d\n");
    assert_eq!(rows.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 6]);
}

#[test]
fn other_delimiters_are_sniffed_and_told_of() {
    for (text, said) in [
        ("id;name\n1;a,b\n", "semicolons"),
        ("id\tname\n1\ta,b\n", "tabs"),
        ("id|name\n1|a,b\n", "vertical bars"),
    ] {
        let (reader, note) = open(text.as_bytes(), &EntityMapping::default()).unwrap();
        assert_eq!(reader.columns(), ["id", "name"]);
        assert!(note.unwrap().contains(said));
    }
    let mapping = EntityMapping { delimiter: Some(b':'), ..EntityMapping::default() };
    assert_eq!(open(b"id:name\n1:a\n", &mapping).unwrap().0.columns(), ["id", "name"]);
}

#[test]
fn ragged_rows_are_rejected_with_their_line() {
    let (rows, rejected) = rows("id,name\n1\n2,b\n3,c,d\n");
    assert_eq!(rows, [(3, vec!["2".to_owned(), "b".to_owned()])]);
    assert_eq!(rejected.iter().map(|r| r.line).collect::<Vec<_>>(), [2, 4]);
    assert!(rejected[1].reason.contains("3 cells where the header has 2"), "{}", rejected[1].reason);
}

#[test]
fn bytes_that_are_not_utf8_are_rejected_with_their_place_or_read_as_the_mapping_says() {
    let bytes = b"id,name\n1,caf\xe9\n2,b\n";
    let (rows, rejected) = rows_with(bytes, &EntityMapping::default());
    assert_eq!(rows.len(), 1);
    assert!(
        rejected[0].reason.contains("byte 6 of the line (byte 14 of the file) is 0xe9"),
        "{}",
        rejected[0].reason
    );
    assert!(rejected[0].reason.contains("windows-1252"));
    let mapping = EntityMapping { encoding: Encoding::Windows1252, ..EntityMapping::default() };
    let (rows, rejected) = rows_with(bytes, &mapping);
    assert_eq!((rows[0].1[1].as_str(), rejected.len()), ("café", 0));
}

#[test]
fn a_quote_that_is_never_closed_costs_its_line_and_not_the_rest() {
    let (rows, rejected) = rows("id,name\n1,\"a\n2,b\n3,c\n");
    assert_eq!(rows.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(rejected[0].line, 2);
    assert!(rejected[0].reason.contains("a quote is opened in it and not closed"));
}

#[test]
fn a_line_without_end_costs_no_memory() {
    let mut bytes = b"id,name\n1,a\n2,".to_vec();
    bytes.extend(vec![b'x'; 5 << 20]);
    bytes.extend(b"\n3,c\n4,\"");
    bytes.extend(vec![b'y'; 3 << 20]);
    bytes.extend(b"\n5,e");
    let (rows, rejected) = rows_with(&bytes, &EntityMapping::default());
    assert_eq!(rows.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 4, 6]);
    assert_eq!(rejected.iter().map(|r| r.line).collect::<Vec<_>>(), [3, 5]);
}

#[test]
fn records_are_read_across_the_edges_of_the_window() {
    let mut text = "id,note\n".to_owned();
    for i in 0..60_000 {
        text.push_str(&format!("{i},\"note \"\"{i}\"\"\nof two lines\"\n"));
    }
    let (rows, rejected) = rows(&text);
    assert_eq!((rows.len(), rejected.len()), (60_000, 0));
    assert_eq!(rows[59_999], (2 * 59_999 + 2, vec!["59999".into(), "note \"59999\"\nof two lines".into()]));
}

#[test]
fn what_makes_a_whole_file_unusable_is_said_with_the_remedy() {
    let cases: [(&[u8], &str); 5] = [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"id,name,id\n", "names column 'id' twice"),
        (b"\xff\xfei\0d\0", "UTF-16"),
        (b"id,caf\xe9\n1,2\n", "0xe9"),
    ];
    for (bytes, expected) in cases {
        let message = open(bytes, &EntityMapping::default()).err().unwrap().to_string();
        assert!(message.contains(expected), "{message}");
    }
}
