//! Observing the routes of a router.

use std::sync::Arc;

use super::call::{Place, ToolSet, observe};
use crate::call::{Site, learned_tool};
use rmcp::handler::server::router::tool::{ToolRoute, ToolRouter};
use rmcp::handler::server::tool::ToolCallContext;
use rmcp::service::MaybeSend;

/// Observes every route of a router, for servers that are written without macros.
///
/// A router does not pass on calls of tools it does not have, so those are not seen here; put
/// `#[observed]` on the `impl ServerHandler`, or use [`call_tool`](super::call_tool), to count
/// them too. Observing a router again, or building it anew for each call, counts nothing twice
/// and costs no memory.
///
/// # Cardinality
/// The names of the router's tools, at most 256 in the process; the rest is `_other`.
///
/// # Example
/// ```
/// # use rmcp::handler::server::router::tool::ToolRouter;
/// # struct Engine;
/// fn router() -> ToolRouter<Engine> {
///     obs_runtime::mcp::observe_router(ToolRouter::new())
/// }
/// # router();
/// ```
#[must_use]
pub fn observe_router<S: MaybeSend + 'static>(router: ToolRouter<S>) -> ToolRouter<S> {
    observe_routes(router, learned_tool)
}

/// Observes the router of an impl block whose tools are known.
#[must_use]
pub fn observe_router_with<L: ToolSet, S: MaybeSend + 'static>(
    router: ToolRouter<S>,
) -> ToolRouter<S> {
    observe_routes(router, |name| {
        L::sites()
            .iter()
            .find(|site| site.name() == name)
            .map_or_else(|| learned_tool(name), std::slice::from_ref)
    })
}

fn observe_routes<S: MaybeSend + 'static>(
    mut router: ToolRouter<S>,
    site: impl Fn(&str) -> &'static [Site],
) -> ToolRouter<S> {
    for route in router.map.values_mut() {
        let site = site(&route.attr.name);
        let call = Arc::clone(&route.call);
        *route = ToolRoute::new_dyn(
            route.attr.clone(),
            move |context: ToolCallContext<'_, S>| {
                let observation = observe(site, 0, Place::Router, context.request_context());
                let call = Arc::clone(&call);
                // Called in the first poll: a sync tool runs, and may panic, before it has a future.
                Box::pin(observation.of(async move { call(context).await }))
            },
        );
    }
    router
}
