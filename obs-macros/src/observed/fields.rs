//! `fields(..)` and `allow(..)`: what goes to the span, and what must not.

use crate::diag::{Diagnostics, report};
use proc_macro2::{Group, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, LitStr, Token};

/// One field: `name`, `name = value`, `name = %value` or `name = ?value`.
pub(super) struct Field {
    pub(super) name: Punctuated<Ident, Token![.]>,
    sigil: Option<TokenStream>,
    value: Option<Expr>,
}

/// One name of `allow(name = "reason")`.
pub(super) struct Allowed {
    pub(super) name: Punctuated<Ident, Token![.]>,
    pub(super) reason: LitStr,
}

/// Words that promise a secret or somebody's personal data.
const SENSITIVE: [&str; 30] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "secrets",
    "token",
    "authorization",
    "auth",
    "cookie",
    "cookies",
    "apikey",
    "jwt",
    "bearer",
    "credential",
    "credentials",
    "session",
    "csrf",
    "otp",
    "pin",
    "cvv",
    "iban",
    "ssn",
    "email",
    "mail",
    "phone",
    "birthday",
    "birthdate",
    "ip",
    "dsn",
    "signature",
];

/// The same in two words.
const SENSITIVE_PAIRS: [&str; 8] = [
    "api_key",
    "private_key",
    "access_key",
    "credit_card",
    "card_number",
    "remote_addr",
    "client_addr",
    "peer_addr",
];

/// Last words of names that only measure something sensitive.
const MEASURES: [&str; 6] = ["count", "len", "size", "total", "kind", "present"];

impl Parse for Field {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = dotted(input)?;
        if input.parse::<Option<Token![=]>>()?.is_none() {
            return Ok(Self {
                name,
                sigil: None,
                value: None,
            });
        }
        let sigil = if input.peek(Token![%]) || input.peek(Token![?]) {
            Some(input.parse::<proc_macro2::Punct>()?.into_token_stream())
        } else {
            None
        };
        Ok(Self {
            name,
            sigil,
            value: Some(input.parse()?),
        })
    }
}

fn dotted(input: ParseStream<'_>) -> syn::Result<Punctuated<Ident, Token![.]>> {
    let mut name = Punctuated::new();
    name.push_value(input.call(Ident::parse_any)?);
    while input.peek(Token![.]) {
        name.push_punct(input.parse()?);
        name.push_value(input.call(Ident::parse_any)?);
    }
    Ok(name)
}

impl Parse for Allowed {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = dotted(input)?;
        input.parse::<Token![=]>()?;
        Ok(Self {
            name,
            reason: input.parse()?,
        })
    }
}

pub(super) fn parse(group: &Group, diagnostics: &mut Diagnostics) -> Vec<Field> {
    list(group, diagnostics)
}

pub(super) fn parse_allowed(group: &Group, diagnostics: &mut Diagnostics) -> Vec<Allowed> {
    list(group, diagnostics)
}

fn list<T: Parse>(group: &Group, diagnostics: &mut Diagnostics) -> Vec<T> {
    match Punctuated::<T, Token![,]>::parse_terminated.parse2(group.stream()) {
        Ok(list) => list.into_iter().collect(),
        Err(error) => {
            diagnostics.push_syn(&error);
            Vec::new()
        }
    }
}

pub(super) fn text(name: &Punctuated<Ident, Token![.]>) -> String {
    let words: Vec<String> = name.iter().map(|word| word.unraw().to_string()).collect();
    words.join(".")
}

impl Field {
    /// Whether the value is `redacted(..)`.
    fn is_redacted(&self) -> bool {
        let Some(Expr::Call(call)) = &self.value else {
            return false;
        };
        let Expr::Path(function) = &*call.func else {
            return false;
        };
        function
            .path
            .segments
            .last()
            .is_some_and(|segment| segment.ident == "redacted")
    }

    /// Writes the field as `tracing`'s macros read it.
    pub(super) fn tokens(&self) -> TokenStream {
        let name = &self.name;
        let Some(value) = &self.value else {
            return name.to_token_stream();
        };
        let sigil = match &self.sigil {
            None if self.is_redacted() => Some(quote!(%)),
            sigil => sigil.clone(),
        };
        quote!(#name = #sigil #value)
    }
}

impl Field {
    pub(super) fn value(&self) -> Option<&Expr> {
        self.value.as_ref()
    }
}

/// Refuses names that promise secrets or personal data: telemetry is kept for long, and read by
/// many who may not see them.
pub(super) fn check_privacy(fields: &[Field], allowed: &[Allowed], diagnostics: &mut Diagnostics) {
    for field in fields {
        let name = text(&field.name);
        let is_allowed = allowed.iter().any(|it| text(&it.name) == name);
        let Some(word) = sensitive_word(&name) else {
            continue;
        };
        if is_allowed || field.is_redacted() {
            continue;
        }
        report!(
            diagnostics,
            field.name.to_token_stream(),
            "field `{name}` would put a secret or personal data into logs and traces",
            note: "`{word}` in a name promises one; logs are kept for long and read by many",
            help: "show only that it is there: `{name} = obs::redacted(..)`",
            help: "if it is neither: `allow({name} = \"why\")`"
        );
    }
}

/// Refuses a permission that nothing needs, and one without a reason: they are found with grep.
pub(super) fn check_allowed(fields: &[Field], allowed: &[Allowed], diagnostics: &mut Diagnostics) {
    for permission in allowed {
        let name = text(&permission.name);
        let place = permission.name.to_token_stream();
        let needed = fields
            .iter()
            .any(|field| text(&field.name) == name && !field.is_redacted());
        if !needed || sensitive_word(&name).is_none() {
            report!(
                diagnostics,
                place,
                "`allow({name} = ..)` allows nothing",
                note: "no field of that name needs it",
                help: "remove it"
            );
        } else if permission.reason.value().trim().is_empty() {
            report!(
                diagnostics,
                permission.reason,
                "`allow({name} = ..)` gives no reason",
                help: "say why it may be logged: `allow({name} = \"a test address\")`"
            );
        }
    }
}

/// Refuses a field that is there twice: the second would replace the first.
pub(super) fn check_repeated(fields: &[Field], diagnostics: &mut Diagnostics) {
    for (at, field) in fields.iter().enumerate() {
        let name = text(&field.name);
        if fields[..at].iter().any(|it| text(&it.name) == name) {
            report!(
                diagnostics,
                field.name.to_token_stream(),
                "field `{name}` is given twice",
                help: "remove one, or give it another name"
            );
        }
    }
}

/// Returns the part of a name that promises a secret or personal data.
fn sensitive_word(name: &str) -> Option<String> {
    let name = name.to_lowercase().replace('.', "_");
    let words: Vec<&str> = name.split('_').collect();
    if words.last().is_some_and(|last| MEASURES.contains(last)) {
        return None;
    }
    let pair = words
        .windows(2)
        .map(|pair| pair.join("_"))
        .find(|pair| SENSITIVE_PAIRS.contains(&pair.as_str()));
    pair.or_else(|| {
        words
            .iter()
            .find(|word| SENSITIVE.contains(word))
            .map(|word| (*word).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::sensitive_word;

    #[test]
    fn names_that_promise_secrets_or_personal_data_are_recognised() {
        for name in [
            "password",
            "user.email",
            "access_token",
            "client_ip",
            "api_key",
            "session_id",
            "credit_card",
            "Authorization",
        ] {
            assert!(sensitive_word(name).is_some(), "{name}");
        }
        for name in [
            "project",
            "token_count",
            "tokens",
            "shipping",
            "plan",
            "key",
            "email_present",
        ] {
            assert_eq!(sensitive_word(name), None, "{name}");
        }
    }
}
