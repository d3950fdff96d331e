//! Where lines go may be broken or blocked: the service goes on, counts what it drops, and ends when
//! it is told to.

#![cfg(unix)]

use std::fs::OpenOptions;
use std::io::pipe;
use std::path::Path;
use std::process::Stdio;
use std::thread;

use obs_tests::real::http;
use obs_tests::real::page::{Page, series};
use obs_tests::real::service::Service;

/// Ten lines from the handler; the two of the request itself are for obs' own tests to count.
const CHATTY: &str = env!("CARGO_BIN_EXE_chatty");
const REQUESTS: u16 = 1_000;
const THREADS: u16 = 4;

#[test]
fn f1_a_pipe_that_nobody_reads_fails_no_request_and_keeps_nobody_from_stopping() {
    let (reader, writer) = pipe().expect("a pipe");
    let mut service = start(writer.into());
    all_are_answered(&service);
    let page = Page::now(service.address);
    assert!(dropped(&page, "full") > 0.0);
    // Of each line it is known what became of it, or it still waits.
    assert!(lines(&page) >= f64::from(REQUESTS) * 10.0);
    let status = service.terminate();
    // The service has ended well. What was lost is said on standard error.
    assert_eq!(status.code(), Some(0));
    let said = service.process.log();
    assert!(said.contains("log lines were dropped"), "{said}");
    drop(reader);
}

#[test]
fn f1_with_standard_error_blocked_as_well_the_service_still_stops() {
    let (reader, writer) = pipe().expect("a pipe");
    let both = writer.try_clone().expect("a second end");
    let mut service = Service::writing_to_both(writer.into(), both.into(), chatty(), &VARIABLES);
    all_are_answered(&service);
    assert_eq!(service.terminate().code(), Some(0));
    drop(reader);
}

#[test]
fn f2_a_reader_that_has_left_fails_no_request_and_is_counted() {
    let (reader, writer) = pipe().expect("a pipe");
    let mut service = start(writer.into());
    drop(reader);
    all_are_answered(&service);
    let page = Page::now(service.address);
    assert!(errors(&page, "broken_pipe") > 0.0);
    assert_eq!(service.terminate().code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn f2_a_full_disk_fails_no_request_and_is_counted() {
    let full = OpenOptions::new().write(true).open("/dev/full");
    let mut service = start(full.expect("a full disk").into());
    all_are_answered(&service);
    let page = Page::now(service.address);
    assert!(errors(&page, "no_space") > 0.0);
    assert_eq!(service.terminate().code(), Some(0));
}

/// A reader that comes late finds whole lines only.
#[test]
fn f1_what_was_written_before_nobody_read_are_whole_lines() {
    let (mut reader, writer) = pipe().expect("a pipe");
    let mut service = start(writer.into());
    all_are_answered(&service);
    let reading = thread::spawn(move || {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut reader, &mut text).map(|_| text)
    });
    assert_eq!(service.terminate().code(), Some(0));
    let text = reading.join().expect("a reader").expect("text");
    let mut talked = 0.0;
    let mut said_dropped = 0.0;
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("a whole line");
        talked += f64::from(u8::from(line["message"] == "talking"));
        said_dropped += line["dropped"].as_f64().unwrap_or_default();
    }
    assert!(talked > 0.0);
    assert!(talked < f64::from(REQUESTS) * 10.0);
    assert!(said_dropped > 0.0, "no line says how many were dropped");
}

const VARIABLES: [(&str, &str); 2] = [("OBS_ENV", "dev"), ("LOG_FORMAT", "json")];

fn chatty() -> &'static Path {
    Path::new(CHATTY)
}

fn start(output: Stdio) -> Service {
    Service::writing_to(output, chatty(), &VARIABLES)
}

fn all_are_answered(service: &Service) {
    let address = service.address;
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            thread::spawn(move || {
                for _ in 0..REQUESTS / THREADS {
                    let response = http::get(address, "/", "*/*").expect("an answer");
                    assert_eq!((response.status, &*response.body), (200, "done"));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("every request is answered");
    }
}

fn dropped(page: &Page, reason: &str) -> f64 {
    let dropped = series("obs_log_lines_dropped_total", &[("reason", reason)]);
    page.get(&dropped).expect("a count of dropped lines")
}

fn errors(page: &Page, kind: &str) -> f64 {
    let errors = series("obs_log_errors_total", &[("kind", kind)]);
    page.get(&errors).expect("a count of errors")
}

fn lines(page: &Page) -> f64 {
    let info = series("obs_log_lines_total", &[("level", "info")]);
    page.get(&info).expect("a count of lines")
}
