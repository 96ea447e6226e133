//! The binary `clew`: reads the command line, runs one command, and turns its end into an exit code.
//!
//! 0 done, 1 failed, 2 wrong use. A failure is printed once, on standard error, with its whole chain of causes.

use std::process::ExitCode;

use clap::Parser as _;

mod backtest;
mod cli;
mod config;
mod demo;
mod failure;
mod gain_curve;
mod import;
mod key;
mod migrate;
mod openapi;
mod output;
mod predict;
mod progress;
mod recommend;
mod sample;
mod serve;
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
