//! The layer around services that do what no service should.

mod after_the_end;
mod connection_cap;
mod hostile_subscriber;

use crate::start::{Obs, Service};

fn detached() -> Obs {
    Obs::from_vars(Service::new("layer", "0"), [("OBS_ENV", "dev")])
        .unwrap()
        .detached()
        .unwrap()
}
