//! The binary `clew`: reads the command line, runs one command, and turns its end into an exit code.
//!
//! 0 done, 1 failed, 2 wrong use. A failure is printed once, on standard error, with its whole chain of causes.

use std::process::ExitCode;

use clap::Parser as _;

mod audit;
mod backtest;
mod campaign_report;
mod cli;
mod client;
mod config;
mod database;
mod demo;
mod failure;
mod figures;
mod gain_curve;
mod health;
mod import;
mod import_folder;
mod key;
mod learning;
mod member;
mod memory;
mod migrate;
mod offers_file;
mod openapi;
mod output;
mod output_file;
mod predict;
mod progress;
mod recommend;
mod runtime;
mod sample;
mod serve;
mod service;
mod telemetry;
mod tenant;
mod train;
mod work;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli::Cli { globals, command } = cli::Cli::parse();
    let json = globals.json;
    match command.run(&globals) {
        Ok(code) => code,
        Err(error) => failure::report(&error, json),
    }
}
