//! Predictive CRM: history, offers, propensity, gain curves, rules, recommendations. Pure functions over columns.
//!
//! Nothing here does I/O, knows the clock, or has a thread pool of its own; and nothing that learns reads
//! anything but a [`history::History`], which shows no event at or after its date.

// Records: what a tenant sent, and how it is selected.
pub mod bits;
pub mod column;
pub mod error;
pub mod event;
pub mod expression;
pub mod fact;
pub mod history;
pub mod ids;
pub mod offer;
pub mod product_set;
pub mod records;
pub mod rule;
pub mod segment;
pub mod table;
pub mod waterfall;

pub use bits::Bits;
pub use column::{Column, ColumnType, ColumnView};
pub use error::{Error, Result};
pub use event::{EventKind, EventRow, EventTable};
pub use expression::{ExpressionError, Predicate, Schema, SchemaEntry, Scope};
pub use fact::Fact;
pub use history::{Event, EventSlice, History, ProductEvents};
pub use ids::{Ids, NONE};
pub use offer::Offer;
pub use product_set::ProductSet;
pub use records::{Orphans, Records};
pub use rule::{AppliesTo, CompiledRule, Refusals, Rule};
pub use segment::Segment;
pub use table::{Table, TableBuilder, TableView, Value};
pub use waterfall::{Waterfall, WaterfallStep};

// Learning: what is predicted, from what, and how it is judged.
pub mod attribute_effect;
pub mod backtest;
pub mod effect;
pub mod effect_model;
pub mod effect_report;
pub mod effect_size;
pub mod estimate;
mod estimate_costs;
mod exact;
mod feature_affinity;
mod feature_attribute;
mod feature_company;
mod feature_company_cells;
mod feature_company_fit;
mod feature_customer;
mod feature_descriptor;
mod feature_ledger;
mod feature_level;
mod feature_look_alike;
mod feature_offer;
mod feature_state;
mod feature_surroundings;
mod feature_taste;
mod gain_band;
pub mod gain_curve;
pub mod gain_request;
mod judge;
pub mod leak;
mod leak_bins;
mod leak_strength;
pub mod learning_curve;
pub mod model;
mod propensity;
mod propensity_expansion;
mod propensity_heads;
pub mod recommend;
mod recommend_blend;
mod recommend_choice;
pub mod recommend_fit;
mod recommend_reason;
mod recommend_split;
pub mod report;
pub mod report_backtest;
pub mod report_html;
mod report_svg;
pub mod report_words;
pub mod scorer;
pub mod train;
mod train_head;
mod train_offers;
mod train_params;
mod train_report;
mod train_rows;
mod train_setting;
mod train_windows;

pub use attribute_effect::AttributeFigures;
pub use backtest::{BacktestParams, backtest};
pub use effect::{CampaignEffect, CampaignOutcome, Interval, QiniCurve, QiniPoint};
pub use effect_report::{CampaignReport, Decile};
pub use effect_size::{HoldoutSize, holdout_size};
pub use estimate::{Counts, Estimate, Limit, PhaseEstimate, Speed, estimate};
pub use gain_curve::{ComparableBacktest, GainCurve, GainPoint, NamedVolumes};
pub use gain_request::GainRequest;
pub use leak::{Leak, LeakPlace, LeftOut};
pub use model::Model;
pub use recommend::{RecommendRequest, Recommendation};
pub use report::Report;
pub use scorer::Scorer;
pub use train::{TrainParams, train};
