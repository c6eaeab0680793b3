//! The explorer's loop: keys, snapshots, answers and time come in, the model changes, and a frame goes out when it looks
//! different. The only module that draws.

pub mod command;
pub mod editor;
pub mod effect;
pub mod keymap;
pub mod update;
