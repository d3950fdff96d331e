//! Observed calls: sites, outcomes, and the guard that counts each call once.

mod errors;
mod event;
mod family;
mod future;
mod guard;
mod operation;
mod outcome;
mod plan;
mod probe;
mod record;
mod scope;
mod shape;
mod site;
mod sites;
mod span;
mod target;

pub use family::CallFamily;
pub use outcome::Outcome;
pub use record::Record;
pub use site::Site;
pub use sites::sites;

#[cfg(feature = "http")]
pub(crate) use event::drop_quietly;
#[cfg(any(feature = "http", feature = "rmcp"))]
pub(crate) use event::{contained, forget};
#[cfg(all(feature = "http", feature = "rmcp"))]
pub(crate) use scope::tell;
pub(crate) use sites::ObservedCalls;
#[cfg(feature = "http")]
pub(crate) use {errors::ErrorRows, outcome::ErrorKind};
#[cfg(feature = "rmcp")]
pub(crate) use {
    event::Said,
    guard::Call,
    outcome::{Seen as SeenResult, is_client_code},
    probe::{Bad, Good},
    scope::{OTHER, Scope, Told, with_current},
    sites::{learned_tool, tools},
};

/// What the output of `#[observed]` calls.
pub(crate) mod surface {
    pub use super::family::CallFamily;
    pub use super::future::Observed;
    pub use super::outcome::Seen;
    pub use super::plan::{Plan, plan};
    pub use super::probe::{
        AnyGood, Bad, Good, KindedBad, Kinds, KindsOf, Listed, NoError, Parts, PlainBad, Probe,
        Unlisted, Whole,
    };
    pub use super::record::handle;
    pub use super::shape::{PlainShape, Shape};
    pub use super::site::{Site, default_buckets, site_cells};
    pub use super::sites::SITES;
    pub use super::target::{Operation, ToolFn};
}
