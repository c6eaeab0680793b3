//! Groups of KIP-848 by themselves: a group, its log and its timers, and members that say what the tests have them say.

mod fencing;
mod random;
mod stories;
mod world;
