//! The modules of a crate.

use super::uses::{self, Names, is_of_tests};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use std::collections::{BTreeMap, BTreeSet};
use syn::{Item, ItemMacro, UseTree};

/// A crate, as its source files have it.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// By their paths from the root, which has an empty one.
    pub(super) modules: BTreeMap<Names, Module>,
}

/// A module, its tests left out.
#[derive(Debug, Default)]
pub(super) struct Module {
    pub(super) file: String,
    /// The module whose file that is: another one, where this has its body there.
    pub(super) owner: Names,
    /// The modules in it, in order.
    pub(super) children: Vec<String>,
    pub(super) defined: BTreeSet<String>,
    /// The names that are brought in, and of what.
    pub(super) imports: Vec<(String, Names)>,
    /// Of what all names are brought in.
    pub(super) globs: Vec<Names>,
    /// The paths in its code.
    pub(super) uses: Vec<Names>,
}

impl Tree {
    /// Reads the crate that begins with the file `root`; `read` returns the text of a file, where there is one.
    pub(super) fn read(root: &str, read: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let mut tree = Self::default();
        let mut exported = Vec::new();
        let folder = root.rsplit_once('/').map_or(".", |(folder, _)| folder);
        let text = read(root).ok_or_else(|| format!("there's no {root}"))?;
        let mut left = vec![(Vec::new(), Module::of(root, &[]), folder.to_owned(), parse(root, &text)?)];
        while let Some((at, mut module, folder, items)) = left.pop() {
            for item in items {
                let Item::Mod(child) = item else {
                    exported.extend(exported_macro(&item).map(|name| (name, at.clone())));
                    module.add(&item);
                    continue;
                };
                if child.attrs.iter().any(|attribute| is_of_tests(&attribute.meta)) {
                    continue;
                }
                let name = child.ident.to_string();
                let inside: Names = at.iter().chain([&name]).cloned().collect();
                let folder = format!("{folder}/{name}");
                let (inner, items) = if let Some((_, items)) = child.content {
                    (Module::of(&module.file, &module.owner), items)
                } else {
                    let files = [format!("{folder}.rs"), format!("{folder}/mod.rs")];
                    let found = files.iter().find_map(|file| Some((file, read(file)?)));
                    let (file, text) =
                        found.ok_or_else(|| format!("there's no {}", files.join(" and no ")))?;
                    (Module::of(file, &inside), parse(file, &text)?)
                };
                left.push((inside, inner, folder, items));
                module.children.push(name);
            }
            tree.modules.insert(at, module);
        }
        // Wherever it's defined, it's of the root.
        let root = tree.modules.entry(Vec::new()).or_default();
        for (name, at) in exported {
            root.imports.push((name.clone(), [vec!["crate".to_owned()], at, vec![name]].concat()));
        }
        Ok(tree)
    }
}

impl Module {
    fn of(file: &str, owner: &[String]) -> Self {
        Self { file: file.to_owned(), owner: owner.to_vec(), ..Self::default() }
    }

    /// Adds an item that isn't a module.
    fn add(&mut self, item: &Item) {
        let code = item.to_token_stream();
        match item {
            Item::Use(item) => self.import(&mut Vec::new(), &item.tree),
            Item::Macro(ItemMacro { ident: Some(name), .. }) => {
                self.defined.insert(name.to_string());
            }
            // What's declared in it, as with `pin_project!`.
            Item::Macro(item) => self.defined.extend(declared(item.mac.tokens.clone())),
            _ => self.defined.extend(declared(code.clone())),
        }
        uses::find(code, &mut self.uses);
    }

    fn import(&mut self, path: &mut Names, tree: &UseTree) {
        let mut add = |name: &dyn ToString, of: &dyn ToString| {
            self.imports.push((name.to_string(), [&path[..], &[of.to_string()]].concat()));
        };
        match tree {
            UseTree::Name(tree) => add(&tree.ident, &tree.ident),
            UseTree::Rename(tree) => add(&tree.rename, &tree.ident),
            UseTree::Glob(_) => self.globs.push(path.clone()),
            UseTree::Path(tree) => {
                path.push(tree.ident.to_string());
                self.import(path, &tree.tree);
                path.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(path, tree);
                }
            }
        }
    }
}

fn parse(file: &str, text: &str) -> Result<Vec<Item>, String> {
    syn::parse_file(text).map(|file| file.items).map_err(|error| format!("{file}: {error}"))
}

fn exported_macro(item: &Item) -> Option<String> {
    let Item::Macro(item) = item else { return None };
    let is_exported = item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export"));
    item.ident.as_ref().filter(|_| is_exported).map(ToString::to_string)
}

/// Returns the names after the words for what can be declared.
fn declared(code: TokenStream) -> Vec<String> {
    let kinds = ["const", "enum", "fn", "static", "struct", "trait", "type", "union"];
    let tokens: Vec<_> = code.into_iter().collect();
    let name = |pair: &[TokenTree]| match pair {
        [TokenTree::Ident(kind), TokenTree::Ident(name)] if kinds.iter().any(|word| kind == word) => {
            Some(name.to_string())
        }
        _ => None,
    };
    tokens.windows(2).filter_map(name).collect()
}
