//! A corpus of damaged logs.
