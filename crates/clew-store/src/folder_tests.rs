//! Tests of reading folders: what the files of a tenant become, in every format and with every fault.

use std::io::Write;

use clew_crm::Column;

use super::*;

struct Dir(tempfile::TempDir);

impl Dir {
    fn new(files: &[(&str, &str)]) -> Dir {
        let dir = Dir(tempfile::tempdir().unwrap());
        files.iter().for_each(|(name, text)| dir.write(name, text.as_bytes()));
        dir
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.path().join(name), bytes).unwrap();
    }

    fn read(&self) -> (Records, FolderReport) {
        read(self.0.path(), None).unwrap()
    }

    fn refusal(&self) -> String {
        read(self.0.path(), None).unwrap_err().to_string()
    }
}

const CUSTOMERS: &str = "customer_id,first_name,age,postcode,since,active,tags\n\
    c1,Ann,31,01000,2016-05-01,true,a|b\n\
    c2,Bob,,75001,,false,\n\
    c1,Anne,32,01000,2016-05-01,true,b\n";
const PRODUCTS: &str = "product_id,title,price\np1,Wine,9.5\np2,\"Bread, white\",1\n";
const EVENTS: &str = "kind,customer_id,product_id,occurred_at,quantity,revenue,event_id\n\
    purchase,c1,p1,2017-01-01T10:00:00Z,1,9.5,\n\
    purchase,c1,p1,2017-01-01T10:00:00Z,1,9.5,\n\
    Product Viewed,c2,p2,2017-01-02 08:00,,,\n\
    purchase,c9,p9,2017-01-03,89638,0,e1\n\
    purchase,c9,p9,2017-01-03,89638,0,e2\n\
    loyalty card,c1,,2017-01-04,,,\n";

#[test]
fn a_folder_of_csv_becomes_records() {
    let dir = Dir::new(&[("customers.csv", CUSTOMERS), ("products.csv", PRODUCTS), ("events.csv", EVENTS)]);
    let (records, report) = dir.read();
    assert_eq!((records.n_customers(), records.n_products(), records.n_events()), (3, 3, 5));
    let customers = records.customers();
    let ann = customers.ids.get("c1").unwrap() as usize;
    assert_eq!(customers.names, ["active", "age", "first_name", "postcode", "since", "tags"]);
    match customers.column("first_name").unwrap() {
        Column::Category { codes, values } => assert_eq!(values.name(codes[ann]), "Anne"),
        other => panic!("{other:?}"),
    }
    match (customers.column("age").unwrap(), customers.column("since").unwrap()) {
        (Column::Number(ages), Column::Date(days)) => assert_eq!((ages[ann], days[ann]), (32.0, 16_922)),
        other => panic!("{other:?}"),
    }
    let kinds: Vec<(&str, usize)> = records.n_events_by_kind().into_iter().filter(|(_, n)| *n > 0).collect();
    assert_eq!(kinds, [("purchase", 3), ("view", 1), ("loyalty card", 1)]);
    assert_eq!(records.orphans().n_products, 1);
    let [customers, _, events] = &report.files[..] else { panic!("{report:?}") };
    assert_eq!((customers.n_accepted, customers.n_duplicates), (3, 1));
    assert_eq!((events.n_accepted, events.n_duplicates, events.n_orphans), (6, 1, 2));
    let types: Vec<&str> = customers.columns.iter().map(|column| column.column_type.name()).collect();
    assert_eq!(types, ["text", "text", "number", "text", "date", "bool", "tags"]);
    let codes: Vec<&str> = events.notes.iter().map(|note| note.code.as_str()).collect();
    assert_eq!(codes, ["no_revenue", "duplicates", "orphans", "orphans"]);
}

#[test]
fn every_format_and_compression_gives_the_same_records() {
    let plain = Dir::new(&[("customers.csv", CUSTOMERS), ("products.csv", PRODUCTS), ("events.csv", EVENTS)]);
    let (expected, _) = plain.read();
    let gzip = |text: &str| {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(text.as_bytes()).unwrap();
        writer.finish().unwrap()
    };
    let other = Dir::new(&[(
        "customers.ndjson",
        "{\"customer_id\":\"c1\",\"first_name\":\"Ann\",\"age\":31,\"postcode\":\"01000\",\"since\":\"2016-05-01\",\"active\":true,\"tags\":[\"a\",\"b\"]}\n\
         {\"customer_id\":\"c2\",\"first_name\":\"Bob\",\"postcode\":\"75001\",\"active\":false,\"tags\":[]}\n\n\
         {\"customer_id\":\"c1\",\"first_name\":\"Anne\",\"age\":32,\"postcode\":\"01000\",\"since\":\"2016-05-01\",\"active\":true,\"tags\":[\"b\"]}\n",
    )]);
    other.write("products.csv.gz", &gzip(PRODUCTS));
    // Two members in one gzip file, as log rotation makes them.
    let (head, tail) = EVENTS.split_at(100);
    other.write("events.csv.zst", &zstd::encode_all((head.to_owned() + tail).as_bytes(), 3).unwrap());
    let (records, _) = other.read();
    // By their look, since the null of a number is unlike itself.
    assert_eq!(format!("{:?}", records.customers()), format!("{:?}", expected.customers()));
    assert_eq!(format!("{:?}", records.products()), format!("{:?}", expected.products()));
    assert_eq!(records.n_events_by_kind(), expected.n_events_by_kind());
    std::fs::remove_file(other.0.path().join("events.csv.zst")).unwrap();
    other.write("events.csv.gz", &[gzip(head), gzip(tail)].concat());
    assert_eq!(other.read().0.n_events_by_kind(), expected.n_events_by_kind());
}

#[test]
fn parquet_is_read_with_its_own_types() {
    use arrow_array::types::Int32Type;
    use arrow_array::{ArrayRef, BooleanArray, Date32Array, DictionaryArray, Float32Array, Int64Array};
    use arrow_array::{ListArray, RecordBatch, StringArray, TimestampMillisecondArray};
    use std::sync::Arc;

    let write = |dir: &Dir, name: &str, columns: Vec<(&str, ArrayRef)>| {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut bytes = Vec::new();
        let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let bytes = if name.ends_with(".zst") { zstd::encode_all(&bytes[..], 1).unwrap() } else { bytes };
        dir.write(name, &bytes);
    };
    let dir = Dir::new(&[]);
    let tags = [Some("a"), Some("b")];
    let mut lists = arrow_array::builder::ListBuilder::new(arrow_array::builder::StringBuilder::new());
    tags.iter().for_each(|tag| lists.values().append_option(*tag));
    lists.append(true);
    lists.append_null();
    let lists: ListArray = lists.finish();
    write(
        &dir,
        "customers.parquet",
        vec![
            ("customer_id", Arc::new(Int64Array::from(vec![1, 2]))),
            ("city", Arc::new(DictionaryArray::<Int32Type>::from_iter([Some("Lyon"), None]))),
            ("score", Arc::new(Float32Array::from(vec![0.1, f32::NAN]))),
            ("active", Arc::new(BooleanArray::from(vec![Some(true), None]))),
            ("born", Arc::new(Date32Array::from(vec![Some(-100), None]))),
            ("tags", Arc::new(lists)),
        ],
    );
    write(
        &dir,
        "events.parquet.zst",
        vec![
            ("kind", Arc::new(StringArray::from(vec!["purchase", "view"]))),
            ("customer_id", Arc::new(Int64Array::from(vec![1, 2]))),
            ("product_id", Arc::new(StringArray::from(vec![Some("p1"), None]))),
            (
                "occurred_at",
                Arc::new(TimestampMillisecondArray::from(vec![1_483_142_400_500, 1_483_142_401_000])),
            ),
            ("revenue", Arc::new(Float32Array::from(vec![Some(9.5), None]))),
        ],
    );
    let (records, _) = dir.read();
    assert_eq!(
        (records.n_customers(), records.n_events(), records.first_event()),
        (2, 2, Some(1_483_142_400))
    );
    let customers = records.customers();
    assert_eq!(customers.ids.iter().collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(customers.names, ["active", "born", "city", "score", "tags"]);
    match &customers.columns[..] {
        [
            Column::Bool(active),
            Column::Date(born),
            Column::Category { values, .. },
            Column::Number(score),
            Column::Tags { starts, .. },
        ] => {
            assert_eq!((&active[..], born[0], values.name(0)), (&[1, 2][..], -100, "Lyon"));
            assert_eq!((score[0], score[1].is_nan(), &starts[..]), (0.1, true, &[0, 2, 2][..]));
        }
        other => panic!("{other:?}"),
    }
    write(
        &dir,
        "products.parquet",
        vec![("product_id", Arc::new(arrow_array::BinaryArray::from(vec![&b"p"[..]])))],
    );
    assert!(
        dir.refusal().contains("column 'product_id' is of type Binary, which is not read"),
        "{}",
        dir.refusal()
    );
}

#[test]
fn events_at_or_after_the_date_are_left_out() {
    let dir = Dir::new(&[("events.csv", EVENTS)]);
    let until = 1_483_401_600; // 2017-01-03
    let (records, report) = read(dir.0.path(), Some(until)).unwrap();
    assert_eq!(records.n_events(), 2);
    assert!(records.last_event().unwrap() < until);
    assert_eq!((report.files[0].n_after_until, report.files[0].n_duplicates), (3, 1));
    assert_eq!(records.n_customers(), 2);
}

#[test]
fn a_mapping_renames_fixes_and_reads_other_dates() {
    let dir = Dir::new(&[
        ("sales 2017.csv", "household;article;day;euros;note\n7;p1;31/12/2016;9,50;x\n8;p2;01/01/2017;;y\n"),
        ("customers.csv", "household,âge\n7,31\n8,40\n"),
        (
            "mapping.toml",
            "customer_id = \"household\"\n\
             [events]\nproduct_id = \"article\"\noccurred_at = \"day\"\nrevenue = \"euros\"\nkind = \"'purchase'\"\nquantity = 2\n\
             [events.dates]\noccurred_at = \"%d/%m/%Y\"\n\
             [events.options]\nfile = \"sales 2017.csv\"\ndecimal = \",\"\n\
             [customers]\nage = \"âge\"\n",
        ),
    ]);
    let (records, report) = dir.read();
    assert_eq!((records.n_customers(), records.n_events(), records.orphans().n_customers), (2, 2, 0));
    assert_eq!(records.first_event(), Some(1_483_142_400));
    assert_eq!(records.customers().names, ["age"]);
    let columns: Vec<(&str, &str)> =
        report.files[1].columns.iter().map(|column| (column.name.as_str(), column.source.as_str())).collect();
    assert_eq!(
        columns,
        [
            ("kind", "'purchase'"),
            ("customer_id", "household"),
            ("occurred_at", "day"),
            ("product_id", "article"),
            ("quantity", "'2'"),
            ("revenue", "euros")
        ]
    );
    let notes = &report.files[1].notes;
    assert!(notes.iter().any(|note| note.code == "delimiter"), "{notes:?}");
    assert!(
        notes.iter().any(|note| note.code == "ignored_columns" && note.message.contains("note")),
        "{notes:?}"
    );
}

#[test]
fn bad_lines_are_rejected_with_column_and_reason_and_the_others_kept() {
    let dir = Dir::new(&[(
        "events.csv",
        "kind,customer_id,product_id,occurred_at,quantity\n\
         purchase,c1,p1,2017-01-01,1\n\
         purchase,,p1,2017-01-01,1\n\
         purchase,c1,p1,31/12/2016,1\n\
         purchase,c1,p1,2017-01-01,\"1,5\"\n\
         purchase,c1,p1,1970-01-17,1\n\
         purchase,c1\n\
         ,c1,p1,2017-01-01,1\n",
    )]);
    let (records, report) = dir.read();
    assert_eq!(records.n_events(), 1);
    let found: Vec<(u64, Option<&str>)> =
        report.files[0].rejected.iter().map(|rejected| (rejected.line, rejected.column.as_deref())).collect();
    assert_eq!(
        found,
        [
            (3, Some("customer_id")),
            (4, Some("occurred_at")),
            (5, Some("quantity")),
            (6, Some("occurred_at")),
            (7, None),
            (8, Some("kind"))
        ]
    );
    assert!(report.files[0].rejected[1].reason.contains("%d/%m/%Y"));
    assert!(report.files[0].rejected[2].reason.contains("decimal = \",\""));
    assert_eq!(report.files[0].n_rejected_by_column["occurred_at"], 2);
}

#[test]
fn what_makes_a_folder_unusable_is_said_with_the_remedy() {
    let header = "kind,customer_id,occurred_at\n";
    type Files<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Files<'_>, &[&str]); 8] = [
        (&[], &["has no file of events", "[events.options] file"]),
        (&[("events.csv", header), ("events.ndjson", "{}")], &["several files of events"]),
        (
            &[("events.csv", "kind,household_id,occurred_at\n")],
            &["events.csv, line 1: has no column 'customer_id'", "[events] customer_id ="],
        ),
        (
            &[("events.csv", "kind:customer_id:occurred_at\n")],
            &["one column 'kind:customer_id:occurred_at'", "delimiter"],
        ),
        (
            &[("events.csv", "kind,customer_id,occurred_at\npurchase,c1,31/12/2016\n")],
            &["events.csv, line 2, column 'occurred_at'", "%d/%m/%Y", "all of the file's 1 lines"],
        ),
        (
            &[("events.csv", header), ("mapping.toml", "[events]\nproduct_id = \"sku\"\n")],
            &["no column 'sku', which the mapping names for product_id"],
        ),
        (&[("events.parquet", "kind")], &["is not Parquet"]),
        (
            &[("events.ndjson", "{\"kind\": \"purchase\"}\n")],
            &["line 1, column 'customer_id': has no customer"],
        ),
    ];
    for (files, expected) in cases {
        let message = Dir::new(files).refusal();
        for part in expected {
            assert!(message.contains(part), "{message}");
        }
    }
    let dir = Dir::new(&[]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(EVENTS.as_bytes()).unwrap();
    let whole = gzip.finish().unwrap();
    dir.write("events.csv.gz", &whole[..whole.len() - 20]);
    assert!(dir.refusal().contains("cut short"), "{}", dir.refusal());
}

#[test]
fn a_header_alone_is_an_empty_table() {
    let dir =
        Dir::new(&[("events.csv", "kind,customer_id,occurred_at\n"), ("customers.csv", "customer_id\n")]);
    let (records, report) = dir.read();
    assert_eq!((records.n_events(), records.n_customers()), (0, 0));
    assert_eq!(report.files.iter().map(|file| file.n_accepted).sum::<u64>(), 0);
}

/// A grocer's year with its traps: where the shared data is there.
#[test]
fn a_mapping_reads_the_raw_files_of_a_grocer() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/complete_journey");
    if !shared.is_dir() {
        eprintln!("skipped: ../shared is not there");
        return;
    }
    let dir = Dir::new(&[(
        "mapping.toml",
        "customer_id = \"household_id\"\n\
         [events]\nkind = \"'purchase'\"\noccurred_at = \"transaction_timestamp\"\nrevenue = \"sales_value\"\n\
         [products]\ncategory = \"product_category\"\n",
    )]);
    for (name, of) in [("customers", "demographics"), ("products", "products"), ("events", "transactions")] {
        let from = shared.join(format!("{of}.csv.gz"));
        std::fs::copy(from, dir.0.path().join(format!("{name}.csv.gz"))).unwrap();
    }
    let (records, report) = dir.read();
    let [customers, _, events] = &report.files[..] else { panic!("{report:?}") };
    assert_eq!((customers.n_accepted, customers.n_rejected), (801, 0));
    assert_eq!(events.n_rejected, 0);
    assert_eq!(records.n_events() as u64, events.n_accepted - events.n_duplicates);
    assert!(records.orphans().n_products > 0 && records.n_customers() > 2000);
    let outliers = events.notes.iter().find(|note| note.code == "outliers").unwrap();
    assert!(outliers.message.contains("the largest is 89638"), "{}", outliers.message);
    assert!(events.notes.iter().any(|note| note.code == "no_revenue"));
}
