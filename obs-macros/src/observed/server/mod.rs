//! `#[observed]` on an impl block.

use super::args::Args;
use crate::diag::Diagnostics;
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ItemImpl;

pub(super) fn observe(
    block: ItemImpl,
    _args: &Args,
    _diagnostics: &mut Diagnostics,
) -> TokenStream {
    block.into_token_stream()
}
