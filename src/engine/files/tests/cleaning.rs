//! Cleaned segments.
