//! The binary: arguments, terminal guard, logs, run; nothing else.

fn main() {}
