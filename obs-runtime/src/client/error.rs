//! Why a client was refused: every problem in one error, written for people.

use std::fmt;

/// What is wrong with the declaration of a client: all of it.
///
/// # Example
/// ```standalone_crate
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use obs_runtime as obs;
///
/// #[derive(obs::Label, Clone, Copy)]
/// enum Upstream {
///     Engine,
/// }
///
/// # let obs = obs::Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])?.detached()?;
/// let engine = obs::Peer::new(Upstream::Engine, "engine:8080").routes(["jobs"]);
/// let error = obs.client_layer().peer(engine).build().unwrap_err();
/// assert_eq!(error.problems().len(), 2);
/// assert!(error.to_string().contains("begins neither with http:// nor with https://"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ClientError {
    problems: Vec<ClientProblem>,
}

/// One thing that is wrong with the declaration of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientProblem {
    /// The declaration of a peer.
    Peer {
        /// Its name.
        peer: &'static str,
        /// What is wrong with it.
        problem: PeerProblem,
    },
    /// Two peers have the same base URL: a request would be of both.
    SameBase {
        /// The names of both.
        peers: [&'static str; 2],
    },
    /// The client was built before it was handed over, and follows redirects: the ids of a request
    /// would go along to whatever host an answer names.
    FollowsRedirects,
    /// The builder that was handed over has a redirect policy, which would be replaced.
    HasRedirectPolicy,
    /// `reqwest` could not build the client.
    Build {
        /// What it said.
        reason: String,
    },
}

/// What is wrong with a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerProblem {
    /// The base URL cannot be used.
    BaseUrl {
        /// What may be seen of it.
        shown: String,
        /// The reason.
        why: &'static str,
    },
    /// A template cannot be used.
    Route {
        /// The template.
        template: &'static str,
        /// The reason.
        why: String,
    },
}

impl ClientError {
    pub(super) fn new(problems: Vec<ClientProblem>) -> Self {
        Self { problems }
    }

    /// Returns the problems.
    #[must_use]
    pub fn problems(&self) -> &[ClientProblem] {
        &self.problems
    }
}

impl fmt::Display for ClientProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer { peer, problem } => match problem {
                PeerProblem::BaseUrl { shown, why } => write!(
                    f,
                    "the base URL of peer `{peer}` is {shown:?}: {why}; expected \
                     http://host:port or https://host/path"
                ),
                PeerProblem::Route { template, why } => write!(
                    f,
                    "the route {template:?} of peer `{peer}` cannot be used: {why}; expected a \
                     template such as /jobs/{{id}}"
                ),
            },
            Self::SameBase { peers: [a, b] } => write!(
                f,
                "peers `{a}` and `{b}` have the same base URL: a request would be of both; declare \
                 one of them, or a path that tells them apart"
            ),
            Self::FollowsRedirects => f.write_str(
                "the client is built already and follows redirects, so the ids of a request would \
                 go to whatever host an answer names; hand over the builder instead \
                 (`obs.client(reqwest::Client::builder())`), or say `.trust_redirects()`",
            ),
            Self::HasRedirectPolicy => f.write_str(
                "the builder has a redirect policy, which obs would replace by its own; say \
                 `.redirects(n)` here instead, or build the client, hand it over and say \
                 `.trust_redirects()`",
            ),
            Self::Build { reason } => write!(f, "the client could not be built: {reason}"),
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.problems.len() == 1 { "" } else { "s" };
        let count = self.problems.len();
        write!(f, "obs cannot make the client: {count} problem{plural}")?;
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

// What `main` prints of an error that it returns.
impl fmt::Debug for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ClientError {}
