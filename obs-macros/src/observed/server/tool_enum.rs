//! The enum of a server's tools: a bounded label, and the sites of the tools.

use super::methods::Tool;
use super::place;
use crate::crate_path::CratePath;
use crate::observed::site::{Family, Site, statics};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, Ident, Type};

/// The label value of tools that the server does not have.
pub(super) const OTHER: &str = "_other";

pub(super) struct ToolEnum<'a> {
    pub(super) krate: &'a CratePath,
    pub(super) ident: &'a Ident,
    pub(super) self_ty: &'a Type,
    pub(super) tools: &'a [Tool],
    pub(super) cfgs: &'a [&'a Attribute],
}

impl ToolEnum<'_> {
    pub(super) fn tokens(&self) -> TokenStream {
        let Self {
            krate, ident, cfgs, ..
        } = self;
        let (variants, other) = variants(self.tools);
        let names: Vec<_> = self.tools.iter().map(|tool| tool.name.value()).collect();
        let indices = 0..names.len();
        let last = names.len();
        let ty = super::type_ident(self.self_ty)
            .map(ToString::to_string)
            .unwrap_or_default();
        let doc = format!("The tools of `{ty}`: a label whose values are their names.");
        let variant_docs = names.iter().map(|name| format!("The tool `{name}`."));
        let from_doc = format!("Returns the tool of that name, or [`{other}`](Self::{other}).");
        let as_str_doc = "Returns the name of the tool, `_other` if the server does not have it.";
        let sites = self.sites();
        quote! {
            #(#cfgs)*
            #[doc = #doc]
            #[derive(
                ::core::clone::Clone,
                ::core::marker::Copy,
                ::core::fmt::Debug,
                ::core::cmp::PartialEq,
                ::core::cmp::Eq,
                ::core::hash::Hash,
            )]
            pub enum #ident {
                #(#[doc = #variant_docs] #variants,)*
                #[doc = "Any tool that the server does not have."]
                #other,
            }

            #(#cfgs)*
            #[automatically_derived]
            impl #ident {
                #[doc = #from_doc]
                #[must_use]
                pub fn from_str_or_other(name: &::core::primitive::str) -> Self {
                    match name {
                        #(#names => Self::#variants,)*
                        _ => Self::#other,
                    }
                }

                #[doc = #as_str_doc]
                #[must_use]
                pub fn as_str(self) -> &'static ::core::primitive::str {
                    match self {
                        #(Self::#variants => #names,)*
                        Self::#other => #OTHER,
                    }
                }
            }

            #(#cfgs)*
            #[automatically_derived]
            impl #krate::__private::DerivedLabel for #ident {
                const VALUES: &'static [&'static ::core::primitive::str] = &[#(#names,)* #OTHER];

                fn index(self) -> ::core::primitive::usize {
                    match self {
                        #(Self::#variants => #indices,)*
                        Self::#other => #last,
                    }
                }
            }

            #(#cfgs)*
            #[automatically_derived]
            impl #krate::__private::mcp::ToolSet for #ident {
                fn sites() -> &'static [#krate::__private::Site] {
                    #sites
                    &__OBS_TOOLS
                }
            }
        }
    }

    fn sites(&self) -> TokenStream {
        let mut sites: Vec<Site<'_>> = self
            .tools
            .iter()
            .map(|tool| Site {
                krate: self.krate,
                family: Family::Tool,
                name: tool.name.value(),
                place: tool.ident.span(),
                buckets: tool.buckets.as_ref(),
                slo: tool.slo.as_ref(),
                errors: tool.errors.clone(),
                once_called: false,
                level: None,
            })
            .collect();
        sites.push(Site {
            krate: self.krate,
            family: Family::Tool,
            name: OTHER.to_owned(),
            place: place(self.self_ty),
            buckets: None,
            slo: None,
            errors: None,
            once_called: false,
            level: None,
        });
        statics(self.krate, &format_ident!("__OBS_TOOLS"), &sites)
    }
}

/// Names the variants after the tools, and the fallback so that no tool has its name.
fn variants(tools: &[Tool]) -> (Vec<Ident>, Ident) {
    let mut taken: Vec<String> = Vec::new();
    let variants = tools
        .iter()
        .map(|tool| {
            let mut text = pascal(&tool.name.value());
            if text == "Other" || text == "Self" {
                text.push_str("Tool");
            }
            let base = text.clone();
            let mut number = 2;
            while taken.contains(&text) {
                text = format!("{base}{number}");
                number += 1;
            }
            taken.push(text.clone());
            Ident::new(&text, tool.ident.span())
        })
        .collect();
    (variants, format_ident!("Other"))
}

/// Turns `ingest-csv` and `ingest_csv` into `IngestCsv`.
fn pascal(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    let joined: String = words
        .filter_map(|word| {
            let mut chars = word.chars();
            let first = chars.next()?.to_ascii_uppercase();
            Some(format!("{first}{}", chars.as_str()))
        })
        .collect();
    if joined
        .chars()
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
    {
        joined
    } else {
        format!("Tool{joined}")
    }
}

#[cfg(test)]
mod tests {
    use super::pascal;

    #[test]
    fn tool_names_become_names_of_variants() {
        for (name, variant) in [
            ("ingest_csv", "IngestCsv"),
            ("ingest-csv", "IngestCsv"),
            ("admin.user/list", "AdminUserList"),
            ("getJob", "GetJob"),
            ("3d", "Tool3d"),
            ("--", "Tool"),
        ] {
            assert_eq!(pascal(name), variant);
        }
    }
}
