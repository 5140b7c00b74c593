//! Nothing points up: a module uses only what stands before it in the list of modules that both are in.

mod uses;
mod tree;
mod lookup;

use crate::budget::{Budget, Error, Outcome};
use crate::published::Published;
use lookup::Place;
use std::{env, fs};
use tree::{Module, Tree};

pub(crate) fn run(budget: Budget) -> Outcome {
    let root = env::current_dir().map_err(Error::unavailable)?;
    let mut modules = 0;
    let mut faults = Vec::new();
    for path in Published::all(budget)?.iter().filter_map(|published| published.library.as_ref()) {
        let path = path.strip_prefix(&format!("{}/", root.display())).unwrap_or(path);
        let tree = Tree::read(path, |file| fs::read_to_string(file).ok()).map_err(Error::Failed)?;
        modules += tree.modules.len();
        faults.extend(check(&tree));
    }
    if faults.is_empty() {
        println!("{modules} modules use what stands before them");
        return Ok(());
    }
    Err(Error::Failed(format!(
        "modules stand in the order of dependency, and these uses point up; move a module in its list, or what's \
         used into a module that stands before its user:\n{}",
        faults.join("\n")
    )))
}

/// Returns a line for each use that's none of what stands before.
fn check(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, module) in &tree.modules {
        for used in &module.uses {
            let fault = match tree.find(at, used) {
                Some(Place::Module(place) | Place::ItemOf(place)) => {
                    tree.modules.get(&place).and_then(|other| points_up(tree, module, other))
                }
                Some(Place::Outside) => None,
                None => Some("can't be found: teach `cargo xtask order` about it".to_owned()),
            };
            faults.extend(fault.map(|fault| format!("{}: `{}` {fault}", module.file, used.join("::"))));
        }
    }
    faults.dedup();
    faults
}

/// Says why one module mustn't use another, if it mustn't.
fn points_up(tree: &Tree, module: &Module, used: &Module) -> Option<String> {
    let (mine, other) = (&module.owner, &used.owner);
    let shared = mine.iter().zip(other).take_while(|(mine, other)| mine == other).count();
    let parent = tree.modules.get(mine.get(..shared)?)?;
    match (mine.get(shared), other.get(shared)) {
        (None, _) => None,
        (Some(_), None) => Some(format!("is of {}, which is above", parent.file)),
        (Some(mine), Some(other)) => {
            let place = |name| parent.children.iter().position(|child| child == name);
            let list = &parent.file;
            (place(other) > place(mine))
                .then(|| format!("is of `{other}`, which {list} lists after `{mine}`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what's wrong in a crate of these files.
    fn faults(files: &[(&str, &str)]) -> Vec<String> {
        let read = |path: &str| {
            files.iter().find(|(file, _)| path == format!("src/{file}")).map(|(_, text)| (*text).to_owned())
        };
        check(&Tree::read("src/lib.rs", read).unwrap())
    }

    /// Returns what's wrong in `first`, which stands before `second`.
    fn first(text: &str) -> Vec<String> {
        let list = "mod first; mod second; pub use second::Later; pub use first::Own;";
        let second = "pub struct Later; pub fn later() {}";
        faults(&[("lib.rs", list), ("first.rs", &format!("pub struct Own; {text}")), ("second.rs", second)])
    }

    #[test]
    fn a_use_of_what_stands_later_points_up() {
        let fault =
            |used| [format!("src/first.rs: `{used}` is of `second`, which src/lib.rs lists after `first`")];
        for (text, used) in [
            ("use crate::second::later;", "crate::second::later"),
            ("use crate::second;", "crate::second"),
            ("use crate::second::*;", "crate::second"),
            ("use crate::Later as Sooner;", "crate::Later"),
            ("use super::{Own, second::{self, later}};", "super::second::self"),
            ("fn f() { use super::Later; }", "super::Later"),
            ("fn f(_: crate::Later) {}", "crate::Later"),
            ("pub struct S(pub (crate::Later, u8));", "crate::Later"),
            ("fn f() -> Vec<super::Later> { todo!() }", "super::Later"),
            ("fn f() { crate::second::later::<u8>() }", "crate::second::later"),
            ("pin_project! { struct S { #[pin] a: crate::Later } }", "crate::Later"),
            ("macro_rules! m { () => { $crate::Later } }", "crate::Later"),
            ("pub(crate) mod inner { use super::super::Later; }", "super::super::Later"),
        ] {
            assert_eq!(first(text).first(), fault(used).first(), "{text}");
        }
    }

    #[test]
    fn these_do_not_point_up() {
        for text in [
            "use crate::Own; fn f(_: self::Own) {}",
            "use core::fmt; use alloc::vec::Vec; fn f() { std::mem::drop(()) }",
            "/// [`Later`](crate::Later)\npub(in crate::first) fn f() {}",
            "#[cfg(test)] use super::Later;",
            "#[cfg(test)] mod tests { use crate::second::later; }",
            "#[cfg(all(test, unix))] mod tests { use super::super::*; }",
            "impl Own { #[cfg(test)] fn f(_: crate::Later) {} }",
            "mod inner { use super::Own; }",
        ] {
            assert_eq!(first(text), [""; 0], "{text}");
        }
        for text in
            ["#[cfg(not(test))] use super::Later;", "#[cfg(any(test, unix))] fn f(_: super::Later) {}"]
        {
            assert_eq!(first(text).len(), 1, "{text}");
        }
    }

    #[test]
    fn a_circle_points_up_once() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "use crate::a::A; pub struct B;"),
        ];
        assert_eq!(faults(&files), ["src/a.rs: `crate::b::B` is of `b`, which src/lib.rs lists after `a`"]);
    }

    #[test]
    fn what_the_parent_defines_is_above() {
        let files = |list| [("lib.rs", "mod a;"), ("a/mod.rs", list), ("a/b.rs", "use super::{C, Own};")];
        let above = ["src/a/b.rs: `super::Own` is of src/a/mod.rs, which is above"];
        let text = "mod b; mod c { pub struct C; } pub use c::C; pub struct Own; fn f() { b::f() }";
        // A module with a body is a part of its file.
        assert_eq!(faults(&files(text))[1..], above);
        let text = "mod c; mod b; pub use c::*; pin_project! { pub struct Own {} }";
        let mut files = files(text).to_vec();
        files.push(("a/c.rs", "pub struct C;"));
        assert_eq!(faults(&files), above);
    }

    #[test]
    fn a_name_is_followed_to_where_it_is_defined() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use a::*; pub use b::B; pub use core::fmt as words;"),
            ("a/mod.rs", "mod x; mod y; pub use y::Y as Z; pub use x::*; use std::io;"),
            (
                "a/x.rs",
                "#[macro_export] macro_rules! m { () => {} } pub enum X { One } use crate::words::Debug;",
            ),
            ("a/y.rs", "use crate::X::One; use crate::m; use super::io::Read; pub struct Y; use crate::B;"),
            ("b.rs", "pub struct B; use crate::{Z, X}; fn f() { crate::a::nothing() }"),
        ];
        let expected = [
            "src/a/y.rs: `crate::B` is of `b`, which src/lib.rs lists after `a`",
            "src/b.rs: `crate::a::nothing` can't be found: teach `cargo xtask order` about it",
        ];
        assert_eq!(faults(&files), expected);
    }

    #[test]
    fn a_missing_file_is_an_error() {
        let error = Tree::read("src/lib.rs", |path| (path == "src/lib.rs").then(|| "mod a;".to_owned()));
        assert_eq!(error.err().as_deref(), Some("there's no src/a.rs and no src/a/mod.rs"));
    }
}
