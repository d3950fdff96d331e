//! One client floods the engine; the rate limiter turns it away, and nobody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::super::ledger::Deed;
use super::super::stage::{Broken, RATE_LIMIT, Stage, Who};
use super::files::as_number;

/// Connections of the client that floods.
const AT_ONCE: usize = 16;

/// How much longer than planned it floods, until somebody is turned away.
const LONGEST: Duration = Duration::from_secs(30);

pub(super) async fn play(stage: &mut Stage) -> Result<(), Broken> {
    stage.scene(
        "8. One client floods the engine",
        &format!("More than {RATE_LIMIT} requests per second of one address are answered 429."),
        &["sum by (decision) (rate(traceo_engine_rate_limit_decisions_total[1m]))".to_owned()],
    );
    let flooding = stage.client.elsewhere()?;
    let end = Instant::now() + stage.timing.percent(6);
    // A busy machine may need longer to send so many.
    let latest = end + LONGEST;
    let anybody_limited = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for _ in 0..AT_ONCE {
        let client = flooding.clone();
        let anybody_limited = Arc::clone(&anybody_limited);
        clients.spawn(async move {
            let goes_on = || {
                let now = Instant::now();
                now < end || now < latest && !anybody_limited.load(Ordering::Relaxed)
            };
            let (mut answered, mut limited) = (0_usize, None);
            while goes_on() {
                match client.get("/limits").await {
                    Ok(answer) if answer.status == 429 => {
                        client.ledger.note(Deed::Limited);
                        anybody_limited.store(true, Ordering::Relaxed);
                        limited.get_or_insert(answer.correlation);
                    }
                    Ok(_) => answered += 1,
                    Err(_) => {}
                }
            }
            (answered, limited)
        });
    }
    let (mut answered, mut followed) = (0, None);
    while let Some(client) = clients.join_next().await {
        if let Ok((its, limited)) = client {
            answered += its;
            followed = followed.or(limited);
        }
    }
    let turned_away = as_number(usize::try_from(stage.ledger.number(Deed::Limited)).unwrap_or(0));
    stage.say(&format!(
        "   {answered} answered, {turned_away} turned away"
    ));
    stage.check(
        "requests turned away",
        "more than 0",
        &turned_away.to_string(),
        turned_away > 0.0,
    );
    let name = "traceo_engine_rate_limit_decisions_total";
    let labels = [("decision", "limited")];
    let found = stage.counted(Who::Engine, name, &labels, turned_away).await;
    stage.must_equal(
        "answers 429, and decisions of the limiter",
        turned_away,
        found,
    );
    if let Some(id) = followed {
        stage.trail("a request that was turned away", &id);
    }
    Ok(())
}
