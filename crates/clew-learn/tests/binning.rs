//! Bins: where the cuts lie, what shares a bin, what is refused.

use std::sync::Arc;

use clew_learn::binning::{Binning, Bins, FittedBinning};
use clew_learn::format::{File, Writer};
use ndarray::{Array2, array};

mod common;
use common::run;

#[test]
fn bins_hold_equal_weight_and_few_values_have_one_each() {
    let x = Array2::from_shape_fn((1_000, 2), |(row, column)| {
        if column == 0 { ((row * 7) % 1_000) as f32 } else { (row % 3) as f32 }
    });
    run(|run| {
        let fit = Binning { max_bins: 10, ..Default::default() }.fit(run, x.view(), &[1.0; 1_000]).unwrap();
        let binned = fit.transform(run, x.view()).unwrap();
        for bin in 1..=10 {
            let n = binned.column(0).iter().filter(|&&found| found == bin).count();
            assert!((99..=101).contains(&n), "bin {bin}: {n}");
        }
        assert_eq!(fit.features()[1], Bins::Numbers(vec![0.5, 1.5]));
        let odd = fit.transform(run, array![[f32::NAN, -5.0], [1e9, 1.5]].view()).unwrap();
        assert_eq!(odd, array![[0, 1], [10, 2]]);
    });
}

#[test]
fn the_rarest_categories_share_the_bin_of_what_is_missing() {
    let x =
        Array2::from_shape_fn((100, 1), |(row, _)| if row < 90 { (row % 2) as f32 * 5.0 - 1.0 } else { 7.0 });
    run(|run| {
        let binning = Binning { max_bins: 2, categories: vec![0] };
        let fit = binning.fit(run, x.view(), &[1.0; 100]).unwrap();
        assert_eq!(fit.features(), [Bins::Categories(vec![-1.0, 4.0])]);
        let found = fit.transform(run, array![[4.0], [7.0], [3.9], [-1.0], [f32::NAN]].view()).unwrap();
        assert_eq!(found.into_raw_vec_and_offset().0, [2, 0, 0, 1, 0]);
        let error = Binning { categories: vec![1], ..binning }.fit(run, x.view(), &[1.0; 100]).unwrap_err();
        assert!(error.to_string().contains("column 1"), "{error}");
    });
}

#[test]
fn what_was_written_is_read_and_what_does_not_rise_is_refused() {
    let x = array![[1.0, 3.0], [2.0, 4.0], [f32::NAN, 4.0]];
    let binning = Binning { categories: vec![1], ..Default::default() };
    let fit = run(|run| binning.fit(run, x.view(), &[1.0; 3])).unwrap();
    let mut writer = Writer::new();
    fit.write(&mut writer, "m").unwrap();
    let file = File::open(Arc::new(writer.finish())).unwrap();
    assert_eq!(FittedBinning::read(&file, "m").unwrap(), fit);
    for (bins, from, kinds) in [
        (vec![2.0, 1.0], vec![0, 2], vec![0]),
        (vec![1.0, f32::NAN], vec![0, 2], vec![0]),
        (vec![1.0, 2.0], vec![0, 3], vec![0]),
        (vec![1.0, 2.0], vec![0, 2], vec![2]),
        (vec![1.0, 2.0], vec![0, 9, 2], vec![0, 0]),
        ((0..255).map(|cut| cut as f32).collect(), vec![0, 255], vec![0]),
    ] {
        let mut writer = Writer::new();
        writer.section::<f32>("m.bins", &bins).unwrap();
        writer.section::<u64>("m.bins_from", &from).unwrap();
        writer.section::<u8>("m.bins_kind", &kinds).unwrap();
        let file = File::open(Arc::new(writer.finish())).unwrap();
        assert!(FittedBinning::read(&file, "m").is_err(), "{from:?} {kinds:?}");
    }
}
