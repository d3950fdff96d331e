//! A file of 200 MB, which takes a minute or so in a debug build.

use std::fs::File;
use std::io::{BufWriter, Write};

use serde_json::json;

use super::services::Services;

const SIZE: usize = 200_000_000;

#[test]
fn two_hundred_megabytes_are_imported_in_little_memory() {
    if std::env::var_os("OBS_REAL").is_none() {
        // Not `eprintln`, which nobody would see: tests that pass keep it to themselves.
        let skipped = "SKIPPED the import of 200 MB; set OBS_REAL=1 to run it";
        writeln!(std::io::stderr(), "{skipped}").ok();
        return;
    }
    let services = Services::start();
    let path = services.data.path().join("large.csv");
    let (good, bad) = write_rows(File::create(&path).unwrap());

    let processes = [&services.mcp, &services.engine];
    let before = processes.map(|service| peak_memory(service.pid()));
    let id = services.import("", &json!({"path": path}));
    let report = services.ended(&id);
    assert_eq!(report["status"], "completed", "{report}");
    assert_eq!(report["rows_ok"], good);
    assert_eq!(report["rows_rejected"], bad);
    assert_eq!(report["bytes_read"], report["bytes_total"]);
    for (service, before) in processes.into_iter().zip(before) {
        if let (Some(before), Some(after)) = (before, peak_memory(service.pid())) {
            let (grown, name) = (after - before, service.metrics_prefix());
            println!("200 MB cost {name} {grown} KiB of memory");
            assert!(grown < 40 * 1024, "{name}: {grown} KiB");
        }
    }
}

/// Writes rows of which every thousandth is too short; returns how many are good and bad.
fn write_rows(file: File) -> (u64, u64) {
    let mut file = BufWriter::new(file);
    let (mut written, mut good, mut bad) = (0, 0, 0);
    let text = "some text, quoted, that makes the row as long as rows tend to be".repeat(2);
    writeln!(file, "n,value,text").unwrap();
    for n in 0_u64.. {
        let row = if n % 1000 == 999 {
            bad += 1;
            format!("{n}\n")
        } else {
            good += 1;
            format!("{n},{}.5,\"{text}\"\n", n % 777)
        };
        file.write_all(row.as_bytes()).unwrap();
        written += row.len();
        if written > SIZE {
            break;
        }
    }
    file.flush().unwrap();
    (good, bad)
}

/// The most memory the process ever had, in KiB; nothing where the system does not tell.
fn peak_memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
