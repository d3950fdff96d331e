//! What is played, in this order.

mod crash;
mod files;
mod flood;
mod leaving;
mod panic;
mod receiver;
mod third_party;
mod trouble;

pub(super) use files::as_number;

use super::stage::{Broken, Stage};

/// Plays all of them.
pub(super) async fn play(stage: &mut Stage) -> Result<(), Broken> {
    files::play(stage).await?;
    trouble::play(stage).await?;
    leaving::play(stage).await?;
    third_party::play(stage).await?;
    panic::play(stage).await?;
    crash::play(stage).await?;
    receiver::play(stage).await?;
    flood::play(stage).await
}
