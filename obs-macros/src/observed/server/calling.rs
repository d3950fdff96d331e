//! Writes `call_tool`.

use crate::crate_path::CratePath;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Expr, ImplItemFn, parse_quote};

/// Writes the expression that begins to observe a call. Only then may the request be moved.
pub(super) fn observation(krate: &CratePath, tools: &TokenStream, has_sites: bool) -> TokenStream {
    let place = if has_sites {
        quote!(at_handler)
    } else {
        quote!(at_labelled_handler)
    };
    quote! {
        #krate::__private::mcp::#place(
            <#tools>::from_str_or_other(&__obs_request.name),
            &__obs_context,
        )
    }
}

/// Writes the `call_tool` that `#[tool_handler]` would have written, observed.
pub(super) fn through_router(
    krate: &CratePath,
    tools: &TokenStream,
    router: &Expr,
    has_sites: bool,
) -> ImplItemFn {
    let observation = observation(krate, tools, has_sites);
    // `a + b` would call only `b`.
    let router = match router {
        Expr::Binary(_) => quote!((#router)),
        _ => router.to_token_stream(),
    };
    parse_quote! {
        async fn call_tool(
            &self,
            __obs_request: ::rmcp::model::CallToolRequestParams,
            __obs_context: ::rmcp::service::RequestContext<::rmcp::RoleServer>,
        ) -> ::core::result::Result<::rmcp::model::CallToolResponse, ::rmcp::ErrorData> {
            #observation
                .of(async move {
                    let __obs_context = ::rmcp::handler::server::tool::ToolCallContext::new(
                        self,
                        __obs_request,
                        __obs_context,
                    );
                    ::rmcp::handler::server::router::tool::ToolRouter::call(&#router, __obs_context)
                        .await
                })
                .await
        }
    }
}
