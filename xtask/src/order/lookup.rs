//! Where a path leads.

use super::tree::Tree;
use super::uses::Names;

/// What a path leads to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    /// That module.
    Module(Names),
    /// Something that's defined in that module.
    ItemOf(Names),
    /// Another crate.
    Outside,
}

/// So many imports of imports; more is a circle.
const HOPS: u8 = 16;

impl Tree {
    /// Follows a path that's written in the module `from`, through whatever is imported on the way.
    pub(super) fn find(&self, from: &[String], path: &[String]) -> Option<Place> {
        self.follow(from, path, HOPS)
    }

    fn follow(&self, from: &[String], path: &[String], hops: u8) -> Option<Place> {
        let hops = hops.checked_sub(1)?;
        let mut at = from.to_vec();
        for (index, name) in path.iter().enumerate() {
            match name.as_str() {
                "crate" => at.clear(),
                "self" => {}
                "super" => drop(at.pop()),
                _ => match self.look_up(&at, name, hops) {
                    Some(Place::Module(inner)) => at = inner,
                    // What's in an item is its own.
                    Some(place) => return Some(place),
                    None if index == 0 => return Some(Place::Outside),
                    None => return None,
                },
            }
        }
        Some(Place::Module(at))
    }

    /// Finds a name of the module `at`.
    fn look_up(&self, at: &[String], name: &String, hops: u8) -> Option<Place> {
        let module = self.modules.get(at)?;
        if module.children.contains(name) {
            return Some(Place::Module(at.iter().chain([name]).cloned().collect()));
        }
        if module.defined.contains(name) {
            return Some(Place::ItemOf(at.to_vec()));
        }
        let import = module.imports.iter().find(|(imported, _)| imported == name);
        if let Some((_, path)) = import {
            return self.follow(at, path, hops);
        }
        module.globs.iter().find_map(|path| match self.follow(at, path, hops)? {
            Place::Module(inner) => self.look_up(&inner, name, hops.checked_sub(1)?),
            _ => None,
        })
    }
}
