//! The built-in clients against a broker of three lines, and in a whole lab.

mod fake;
mod groups;
mod lab;
mod producer;
mod reading;
