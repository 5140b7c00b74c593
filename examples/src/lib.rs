//! The programs are in `src/bin`; this file only has the README's synopsis compiled and run with the doctests.
#![forbid(unsafe_code)]
#![cfg_attr(doctest, doc = include_str!("../../README.md"))]
