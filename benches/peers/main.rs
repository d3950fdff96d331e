//! What recording, observing a call and scraping cost, next to the peers, in one run.
//!
//! ```text
//! cargo bench -p obs-benches                              the tables, on standard output
//! cargo bench -p obs-benches -- --out FILE                the same, into a file as well (a path from the root)
//! cargo bench -p obs-benches -- --quick                   fewer and shorter rounds
//! cargo bench -p obs-benches -- --check                   fails if a peer is ahead of obs
//! cargo bench -p obs-benches -- --only counter            one group (counter, histogram, scrape, request, call)
//! ```
//!
//! Absolute figures move from machine to machine and from hour to hour; the ratios, taken in one
//! run, are the point. Close everything else before believing them.

mod call;
mod counter;
mod harness;
mod histogram;
mod inputs;
mod options;
mod report;
mod request;
mod scrape;

use std::process::ExitCode;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use options::Options;
use report::Table;

fn main() -> ExitCode {
    let options = match Options::from_args(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let tables = measure(&options);
    let page = report::page(&options, &tables);
    print!("{page}");
    if let Some(out) = &options.out
        && let Err(error) = std::fs::write(out, &page)
    {
        eprintln!("{}: {error}", out.display());
        return ExitCode::FAILURE;
    }
    let ahead: Vec<String> = tables.iter().flat_map(Table::ahead).collect();
    for peer in &ahead {
        eprintln!("ahead of obs: {peer}");
    }
    if options.check && !ahead.is_empty() {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Runs the groups. Their order matters: the calls come last, because halfway through them a
/// subscriber is installed for the rest of the process.
fn measure(options: &Options) -> Vec<Table> {
    let facade = install_facade();
    let mut tables = Vec::new();
    if options.wants("counter") {
        tables.push(counter::table(options));
    }
    if options.wants("histogram") {
        tables.push(histogram::table(options, &facade));
    }
    if options.wants("scrape") {
        tables.push(scrape::table(options));
    }
    if options.wants("request") {
        tables.push(request::table(options));
    }
    if options.wants("call") {
        tables.extend(call::tables(options));
    }
    tables
}

/// Installs the exporter that the rows with `metrics::counter!` and the like record into.
fn install_facade() -> PrometheusHandle {
    let recorder = PrometheusBuilder::new()
        .set_buckets(&histogram::BUCKETS)
        .expect("the buckets are not empty")
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).expect("nothing else installs a recorder");
    handle
}
