//! What can be read from a return type as text. Only `impl Future` must be; the rest is found by
//! the compiler through method probing.

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{
    GenericArgument, Lifetime, PathArguments, ReturnType, Type, TypeImplTrait, TypeParamBound,
    TypePath,
};

/// What kind of return type it is.
pub(super) enum Returns {
    /// Nothing, or `()`.
    Unit,
    /// `!`.
    Never,
    /// `impl Future<..>`.
    Future { output: Box<Type> },
    /// `Pin<Box<impl Future<..>>>`.
    PinnedFuture { output: Box<Type> },
    /// Any other `impl Trait`: it cannot be named in an annotation.
    Opaque,
    /// A type; inside of it, every `impl Trait` has become `_`.
    Type {
        annotation: Box<Type>,
        /// It may turn out to be a boxed future.
        may_be_boxed: bool,
    },
}

impl Returns {
    pub(super) fn of(output: &ReturnType) -> Self {
        let ReturnType::Type(_, ty) = output else {
            return Self::Unit;
        };
        match strip(ty) {
            Type::Tuple(tuple) if tuple.elems.is_empty() => Self::Unit,
            Type::Never(_) => Self::Never,
            ty @ Type::ImplTrait(opaque) if is_future(opaque) => Self::Future {
                output: future_output(ty).map_or_else(inferred, |output| without_impl(output).0),
            },
            Type::ImplTrait(_) => Self::Opaque,
            ty if is_pinned_future(ty) => Self::PinnedFuture {
                output: future_output(ty).map_or_else(inferred, |output| without_impl(output).0),
            },
            ty => {
                let (annotation, found) = without_impl(ty);
                Self::Type {
                    annotation,
                    may_be_boxed: !found && may_be_boxed(ty),
                }
            }
        }
    }
}

/// Replaces every `impl Trait` by `_`, and says whether there was one.
fn without_impl(ty: &Type) -> (Box<Type>, bool) {
    let mut annotation = ty.clone();
    let mut hider = HideImpl { found: false };
    hider.visit_type_mut(&mut annotation);
    (Box::new(annotation), hider.found)
}

fn inferred() -> Box<Type> {
    Box::new(syn::parse_quote!(_))
}

/// Removes the groups that `macro_rules!` puts around a `$ty:ty`.
fn strip(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => strip(&group.elem),
        Type::Paren(paren) => strip(&paren.elem),
        _ => ty,
    }
}

fn is_future(opaque: &TypeImplTrait) -> bool {
    opaque.bounds.iter().any(|bound| {
        let TypeParamBound::Trait(bound) = bound else {
            return false;
        };
        bound
            .path
            .segments
            .last()
            .is_some_and(|it| it.ident == "Future")
    })
}

fn is_pinned_future(ty: &Type) -> bool {
    let inner = only_argument(ty, "Pin").and_then(|boxed| only_argument(boxed, "Box"));
    matches!(inner.map(strip), Some(Type::ImplTrait(opaque)) if is_future(opaque))
}

/// Returns `X` of `name<X>`.
fn only_argument<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(path) = strip(ty) else {
        return None;
    };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first() {
        Some(GenericArgument::Type(ty)) if last.ident == name && arguments.args.len() == 1 => {
            Some(ty)
        }
        _ => None,
    }
}

/// Types of which everybody knows that they are no futures; asking the compiler takes time.
fn may_be_boxed(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.last().is_none_or(|last| {
            !matches!(
                last.ident.to_string().as_str(),
                "Result" | "Option" | "Vec" | "String" | "Json" | "bool" | "u32" | "u64" | "usize"
            )
        }),
        Type::Reference(_) | Type::Tuple(_) | Type::Array(_) | Type::Slice(_) | Type::Ptr(_) => {
            false
        }
        _ => true,
    }
}

/// Replaces `impl Trait` by `_`, which is all that an annotation can say.
struct HideImpl {
    found: bool,
}

impl VisitMut for HideImpl {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let Type::ImplTrait(opaque) = ty {
            self.found = true;
            *ty = Type::Infer(syn::TypeInfer {
                attrs: Vec::new(),
                underscore_token: syn::Token![_](opaque.impl_token.span),
            });
            return;
        }
        visit_mut::visit_type_mut(self, ty);
    }
}

/// The part of a return type that tells the kinds of errors, if it can be named outside of the
/// function.
#[derive(Clone)]
pub(super) enum ErrorType {
    /// The error of a `Result` that is written out.
    Error(Type),
    /// An alias that may be a `Result`.
    Alias(Type),
}

impl ErrorType {
    /// Finds it; `generics` are the type parameters in scope, as far as they are known.
    pub(super) fn of(output: &ReturnType, generics: &[Ident]) -> Option<Self> {
        let ReturnType::Type(_, ty) = output else {
            return None;
        };
        let ty = future_output(strip(ty)).unwrap_or_else(|| strip(ty));
        let Type::Path(path) = ty else { return None };
        let last = path.path.segments.last()?;
        let arguments: Vec<&Type> = match &last.arguments {
            PathArguments::AngleBracketed(arguments) => arguments
                .args
                .iter()
                .filter_map(|argument| match argument {
                    GenericArgument::Type(ty) => Some(ty),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        let mut found = match arguments.as_slice() {
            [_, error] if last.ident == "Result" => Self::Error((*error).clone()),
            _ if last.ident.to_string().ends_with("Result") => Self::Alias(ty.clone()),
            _ => return None,
        };
        let (Self::Error(ty) | Self::Alias(ty)) = &mut found;
        let mut check = Nameable { generics, ok: true };
        check.visit_type(ty);
        if !check.ok {
            return None;
        }
        ElideLifetimes.visit_type_mut(ty);
        Some(found)
    }
}

/// Returns `X` of `Pin<Box<dyn Future<Output = X>>>` and of `impl Future<Output = X>`.
fn future_output(ty: &Type) -> Option<&Type> {
    let boxed = only_argument(ty, "Pin").and_then(|boxed| only_argument(boxed, "Box"));
    let bounds = match boxed.map_or(ty, strip) {
        Type::TraitObject(object) => &object.bounds,
        Type::ImplTrait(opaque) => &opaque.bounds,
        _ => return None,
    };
    bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else {
            return None;
        };
        let last = bound.path.segments.last()?;
        let PathArguments::AngleBracketed(arguments) = &last.arguments else {
            return None;
        };
        arguments.args.iter().find_map(|argument| match argument {
            GenericArgument::AssocType(output) if output.ident == "Output" => Some(&output.ty),
            _ => None,
        })
    })
}

/// Whether an item beside the function could name a type.
///
/// A function does not know the type parameters of the impl block around it, and naming one in an
/// item is an error. So what is spelled like a type parameter is left alone; its rows then appear
/// with the first error.
struct Nameable<'a> {
    generics: &'a [Ident],
    ok: bool,
}

impl Visit<'_> for Nameable<'_> {
    fn visit_type_path(&mut self, ty: &TypePath) {
        let first = ty.path.segments.first();
        if ty.qself.is_some() || first.is_some_and(|first| self.is_parameter(&first.ident)) {
            self.ok = false;
        }
        visit::visit_type_path(self, ty);
    }

    fn visit_type(&mut self, ty: &Type) {
        match ty {
            Type::Path(_)
            | Type::Tuple(_)
            | Type::Reference(_)
            | Type::Group(_)
            | Type::Paren(_)
            | Type::Slice(_) => visit::visit_type(self, ty),
            _ => self.ok = false,
        }
    }
}

impl Nameable<'_> {
    fn is_parameter(&self, ident: &Ident) -> bool {
        let text = ident.to_string();
        let is_short = text.chars().count() <= 3 && !is_primitive(&text);
        let is_capital = !text.chars().any(char::is_lowercase);
        text == "Self" || is_short || is_capital || self.generics.contains(ident)
    }
}

fn is_primitive(name: &str) -> bool {
    matches!(
        name,
        "u8" | "u16" | "u32" | "u64" | "i8" | "i16" | "i32" | "i64" | "f32" | "f64" | "str"
    )
}

/// The lifetimes of the function cannot be named outside of it, and need not be.
struct ElideLifetimes;

impl VisitMut for ElideLifetimes {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident != "static" {
            *lifetime = Lifetime::new("'_", Span::mixed_site().located_at(lifetime.span()));
        }
    }
}

impl ToTokens for ErrorType {
    fn to_tokens(&self, tokens: &mut proc_macro2::TokenStream) {
        let (Self::Error(ty) | Self::Alias(ty)) = self;
        ty.to_tokens(tokens);
    }
}
