//! Random messages: the definitions say which fields a version has, this says what may stand in them.

use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use crate::protocol::{ErrorCode, Records};

/// Where the choices come from: bytes that proptest draws and shrinks. Past their end everything is zero, which makes
/// numbers 0, strings and arrays empty and nullable values null, so every sample ends.
pub(crate) struct Source<'a> {
    bytes: &'a [u8],
    /// The version that the message is to be of.
    pub(crate) version: i16,
}

impl<'a> Source<'a> {
    /// Choices from `bytes` for a message of `version`.
    pub(crate) fn new(bytes: &'a [u8], version: i16) -> Self {
        Self { bytes, version }
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let taken = N.min(self.bytes.len());
        array[..taken].copy_from_slice(&self.bytes[..taken]);
        self.bytes = &self.bytes[taken..];
        array
    }

    fn below(&mut self, bound: u8) -> usize {
        let [byte] = self.array();
        usize::from(byte % bound)
    }
}

/// A type with random values.
pub(crate) trait Sample: Sized {
    /// A value with only the fields that the source's version has; the others have their defaults.
    fn sample(source: &mut Source<'_>) -> Self;
}

macro_rules! number {
    ($($type:ty)*) => {$(
        impl Sample for $type {
            fn sample(source: &mut Source<'_>) -> Self {
                match source.below(8) {
                    0 => 0,
                    1 => -1,
                    2 => Self::MIN,
                    3 => Self::MAX,
                    _ => Self::from_be_bytes(source.array()),
                }
            }
        }
    )*};
}

number!(i8 i16 i32 i64);

impl Sample for bool {
    fn sample(source: &mut Source<'_>) -> Self {
        source.below(2) == 1
    }
}

impl Sample for ErrorCode {
    fn sample(source: &mut Source<'_>) -> Self {
        Self(i16::sample(source))
    }
}

impl Sample for Uuid {
    fn sample(source: &mut Source<'_>) -> Self {
        Self::from_bytes(source.array())
    }
}

impl Sample for Arc<str> {
    /// Mostly short; now and then so long that its length takes two bytes of a varint.
    fn sample(source: &mut Source<'_>) -> Self {
        let letters = ['a', 'Z', '0', '.', '_', '-', ' ', '"', '\n', '\0', 'ß', '€', '🚚'];
        let count = match source.below(32) {
            31 => 200,
            count => count / 2,
        };
        (0..count).map(|_| letters[source.below(13)]).collect::<String>().into()
    }
}

impl Sample for Bytes {
    fn sample(source: &mut Source<'_>) -> Self {
        let count = source.below(40);
        (0..count).map(|_| source.array::<1>()[0]).collect()
    }
}

impl Sample for Records {
    /// One to three chunks, some of them so large that the encoder shares them.
    fn sample(source: &mut Source<'_>) -> Self {
        let chunk = |source: &mut Source<'_>| match source.below(4) {
            3 => Bytes::from(vec![source.array::<1>()[0]; 2000]),
            _ => Bytes::sample(source),
        };
        (0..=source.below(3)).map(|_| chunk(source)).collect()
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn sample(source: &mut Source<'_>) -> Self {
        let count = match source.below(64) {
            63 => 130,
            count => count % 4,
        };
        (0..count).map(|_| T::sample(source)).collect()
    }
}

impl<T: Sample> Sample for Option<T> {
    fn sample(source: &mut Source<'_>) -> Self {
        if source.below(4) == 0 { None } else { Some(T::sample(source)) }
    }
}
