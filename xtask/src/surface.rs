//! The adapters for the runtimes have the same public names, in the same order, with the same docs.

use crate::budget::{Budget, Error, Outcome};
use std::fs;
use syn::{Attribute, Expr, ExprLit, FnArg, Generics, Item, Lit, Meta, Pat, Signature, UseTree, Visibility};

/// Each by the name of its runtime.
const RUNTIMES: [&str; 2] = ["tokio", "smol"];

/// What one runtime alone needs: tokio's connections have traits of their own.
const OWN: [&str; 1] = ["Compat"];

pub(crate) fn run(_: Budget) -> Outcome {
    let [first, second] = RUNTIMES.map(surface);
    let (first, second) = (first?, second?);
    for (one, other) in first.iter().zip(&second) {
        if one != other {
            return Err(Error::Failed(format!("the public surfaces differ:\n{one}\n---\n{other}")));
        }
    }
    if first.len() != second.len() {
        return Err(Error::Failed(format!("{} public items, and {}", first.len(), second.len())));
    }
    println!("{} public items of {} are the same", first.len(), RUNTIMES.join(" and "));
    Ok(())
}

/// What a crate exports, in order: each item's kind and name, and its docs.
fn surface(runtime: &str) -> Result<Vec<String>, Error> {
    let folder = format!("eventsource-{runtime}/src");
    let root = parse(&format!("{folder}/lib.rs"))?;
    let mut items = vec![format!("crate\n{}", docs(&root.attrs, runtime))];
    for item in &root.items {
        match item {
            Item::Use(import) if is_public(&import.vis) => {
                for (module, name) in names(&import.tree)? {
                    if OWN.contains(&name.as_str()) {
                        continue;
                    }
                    if (module.as_str(), name.as_str()) == ("eventsource_core", "*") {
                        items.push("all of the core".to_owned());
                        continue;
                    }
                    let path = format!("{folder}/{module}.rs");
                    let module = parse(&path)?;
                    let exported = module.items.iter().find_map(|item| describe(item, &name, runtime));
                    items.push(exported.ok_or_else(|| unknown(&format!("{name} in {path}")))?);
                }
            }
            Item::Fn(_) | Item::Struct(_) | Item::Type(_) => items.extend(describe(item, "", runtime)),
            Item::Use(_) | Item::Mod(_) => {}
            _ => return Err(unknown(&format!("an item of {folder}/lib.rs"))),
        }
    }
    Ok(items)
}

/// What this can't compare, it doesn't pass over.
fn unknown(what: &str) -> Error {
    Error::Failed(format!("teach the comparison of public surfaces about {what}"))
}

fn parse(path: &str) -> Result<syn::File, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Failed(format!("{path}: {error}"));
    let text = fs::read_to_string(path).map_err(|error| failed(&error))?;
    syn::parse_file(&text).map_err(|error| failed(&error))
}

/// Of `module::{a, b}`.
fn names(tree: &UseTree) -> Result<Vec<(String, String)>, Error> {
    let UseTree::Path(path) = tree else { return Err(unknown("an import")) };
    let module = path.ident.to_string();
    let name = |tree: &UseTree| match tree {
        UseTree::Name(name) => Ok((module.clone(), name.ident.to_string())),
        UseTree::Glob(_) => Ok((module.clone(), "*".to_owned())),
        _ => Err(unknown(&format!("an import of {module}"))),
    };
    match &*path.tree {
        UseTree::Group(group) => group.items.iter().map(name).collect(),
        tree => name(tree).map(|name| vec![name]),
    }
}

/// A public item of that name, or of any where that's empty.
fn describe(item: &Item, wanted: &str, runtime: &str) -> Option<String> {
    let (kind, visibility, name, arguments, attributes) = match item {
        Item::Fn(item) => ("fn", &item.vis, &item.sig.ident, arguments(&item.sig), &item.attrs),
        Item::Struct(item) => ("struct", &item.vis, &item.ident, String::new(), &item.attrs),
        Item::Type(item) => ("type", &item.vis, &item.ident, parameters(&item.generics), &item.attrs),
        _ => return None,
    };
    let is_wanted = is_public(visibility) && (wanted.is_empty() || name == wanted);
    is_wanted.then(|| format!("{kind} {name}{arguments}\n{}", docs(attributes, runtime)))
}

/// The names of a function's parameters: their types are the runtime's.
fn arguments(signature: &Signature) -> String {
    let name = |argument: &FnArg| match argument {
        FnArg::Typed(argument) => match &*argument.pat {
            Pat::Ident(name) => name.ident.to_string(),
            _ => "_".to_owned(),
        },
        FnArg::Receiver(_) => "self".to_owned(),
    };
    let names: Vec<_> = signature.inputs.iter().map(name).collect();
    format!("{}({})", parameters(&signature.generics), names.join(", "))
}

fn parameters(generics: &Generics) -> String {
    let names: Vec<_> = generics.type_params().map(|parameter| parameter.ident.to_string()).collect();
    format!("<{}>", names.join(", "))
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// As a reader sees them, the runtime's own name left out, and what's said under a heading that names it.
fn docs(attributes: &[Attribute], runtime: &str) -> String {
    let mut docs = String::new();
    let mut is_own = false;
    for line in attributes.iter().filter_map(doc_line) {
        let line = line.strip_prefix(' ').unwrap_or(&line).to_owned();
        if line.starts_with("# ") || line.starts_with("```") {
            is_own = line == format!("# On {runtime}");
        }
        let is_hidden = line.starts_with("# #") || line.starts_with("# }") || line.starts_with("# async fn");
        let is_hidden = is_hidden || line.starts_with("# fn") || line.starts_with(&format!("# {runtime}::"));
        if !is_own && !is_hidden {
            docs.push_str(&line.replace(runtime, "RUNTIME"));
            docs.push('\n');
        }
    }
    docs
}

fn doc_line(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(meta) = &attribute.meta else { return None };
    match &meta.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if meta.path.is_ident("doc") => Some(text.value()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docs_are_the_same_but_for_the_runtime() {
        let of = |text: &str, runtime: &str| {
            let file = syn::parse_file(text).unwrap();
            describe(&file.items[0], "", runtime)
        };
        let tokio = "/// On tokio's clock.\n///\n/// # On tokio\n/// Own.\n///\n/// # Errors\n/// None.\npub fn a() {}";
        assert_eq!(of(tokio, "tokio").unwrap(), "fn a<>()\nOn RUNTIME's clock.\n\n# Errors\nNone.\n");
        assert_eq!(of("pub(crate) fn a() {}", "tokio"), None);
        assert_ne!(of("/// One.\npub fn a() {}", "tokio"), of("/// Other.\npub fn a() {}", "smol"));
        assert_ne!(of("/// One.\npub fn a() {}", "tokio"), of("/// One.\npub fn b() {}", "smol"));
        assert_ne!(of("pub fn a(b: u8) {}", "tokio"), of("pub fn a(c: u8) {}", "smol"));
    }
}
