//! Predictive CRM: history, offers, propensity, gain curves, rules, recommendations. Pure functions over columns.
