//! The paths in a piece of code.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::{Meta, Token};

/// A path's names, as they're written.
pub(super) type Names = Vec<String>;

/// Finds every path that begins with `crate`, `self` or `super`, in the arguments of macros too, but not in tests.
pub(super) fn find(code: TokenStream, found: &mut Vec<Names>) {
    let tokens: Vec<_> = code.into_iter().collect();
    let mut rest = &tokens[..];
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (TokenTree::Ident(name), [one, two, ..])
                if is(one, ':')
                    && is(two, ':')
                    && ["crate", "self", "super"].iter().any(|word| name == word) =>
            {
                finish(Vec::new(), rest, found)
            }
            // `pub(in …)` says who may use it.
            (TokenTree::Ident(name), [TokenTree::Group(scope), after @ ..])
                if name == "pub" && is_scope(scope) =>
            {
                after
            }
            (hash, [TokenTree::Group(attribute), after @ ..])
                if is(hash, '#') && syn::parse2(attribute.stream()).is_ok_and(|meta| is_of_tests(&meta)) =>
            {
                let end = after.iter().position(|token| is(token, ';') || is_braces(token));
                end.and_then(|end| after.get(end + 1..)).unwrap_or_default()
            }
            (TokenTree::Group(group), _) => {
                find(group.stream(), found);
                after
            }
            _ => after,
        };
    }
}

/// Takes a path from its beginning, or `path` from where it goes on; returns what comes after it. `a::{b, c}` is two.
fn finish<'t>(mut path: Names, mut rest: &'t [TokenTree], found: &mut Vec<Names>) -> &'t [TokenTree] {
    while let [TokenTree::Ident(name), after @ ..] = rest {
        path.push(name.to_string());
        match after {
            [one, two, after @ ..] if is(one, ':') && is(two, ':') => rest = after,
            _ => {
                found.push(path);
                return after;
            }
        }
    }
    match rest {
        [TokenTree::Group(group), after @ ..] if group.delimiter() == Delimiter::Brace => {
            let inner: Vec<_> = group.stream().into_iter().collect();
            for part in inner.split(|token| is(token, ',')).filter(|part| !part.is_empty()) {
                finish(path.clone(), part, found);
            }
            after
        }
        // All of it, or its arguments.
        _ => {
            found.push(path);
            rest
        }
    }
}

fn is(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

fn is_scope(group: &Group) -> bool {
    matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(word)) if word == "in")
}

fn is_braces(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

/// Tells whether what has this attribute is there in tests alone.
pub(super) fn is_of_tests(meta: &Meta) -> bool {
    let Meta::List(list) = meta else { return meta.path().is_ident("test") };
    let Ok(parts) = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated) else {
        return false;
    };
    let mut parts = parts.iter();
    if list.path.is_ident("any") {
        parts.all(is_of_tests)
    } else {
        (list.path.is_ident("cfg") || list.path.is_ident("all")) && parts.any(is_of_tests)
    }
}
