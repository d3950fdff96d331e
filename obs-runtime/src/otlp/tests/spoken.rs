//! What the log says about a collector.

use std::time::{Duration, Instant};

use crate::otlp::trouble::{Said, Troubles};

#[test]
fn h1_a_failing_collector_is_a_line_a_minute_and_one_when_it_is_over() {
    let mut troubles = Troubles::default();
    let start = Instant::now();
    let failing = Some(Said::Failing("refused".to_owned()));
    // A failure a second, for ten minutes.
    let said = (0..602)
        .filter(|second| {
            let now = start + Duration::from_secs(*second);
            troubles.failed("refused", false, now) == failing
        })
        .count();
    assert_eq!(said, 11);
    assert_eq!(troubles.worked(), Some(Said::Works));
    assert_eq!(troubles.worked(), None);
    // A collector that comes and goes says no more.
    for second in 602..640 {
        let now = start + Duration::from_secs(second);
        assert_eq!(troubles.failed("refused", true, now), None, "{second}");
        assert_eq!(troubles.worked(), None, "{second}");
    }
}

#[test]
fn one_failure_is_nothing_to_speak_of_unless_it_is_for_good() {
    let now = Instant::now();
    let mut troubles = Troubles::default();
    assert_eq!(troubles.failed("reset", false, now), None);
    assert_eq!(troubles.worked(), None);
    assert!(troubles.failed("HTTP status 401", true, now).is_some());
}
