//! Views: what each screen shows, as plain data, one projection per screen. Every decision about a screen is made here, from
//! a snapshot and from where the user stands; nothing here knows a terminal, a colour or a clock of its own.

pub mod line;
pub mod role;
