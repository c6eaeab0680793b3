//! The protocol's own types in a frame: numbers, booleans, strings, bytes, UUIDs, arrays, nullable values.
//!
//! Every length is checked before anything is reserved for it. (<https://kafka.apache.org/protocol#protocol_types>)

use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use super::wire::{Layout, MAX_STRING_BYTES, Reader, Wire, Writer};
use super::{DecodeError, ErrorCode};

/// Numbers are big-endian and of fixed size.
macro_rules! number {
    ($($type:ty)*) => {$(
        impl Wire for $type {
            fn min_size(_: Layout) -> usize {
                size_of::<Self>()
            }

            #[inline]
            fn encode(&self, writer: &mut Writer) {
                writer.put(&self.to_be_bytes());
            }

            #[inline]
            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                reader.array().map(Self::from_be_bytes)
            }
        }
    )*};
}

number!(i8 i16 i32 i64);

impl Wire for bool {
    fn min_size(_: Layout) -> usize {
        1
    }

    fn encode(&self, writer: &mut Writer) {
        writer.put(&[u8::from(*self)]);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array().map(|[byte]| byte != 0)
    }
}

impl Wire for ErrorCode {
    fn min_size(_: Layout) -> usize {
        2
    }

    fn encode(&self, writer: &mut Writer) {
        self.0.encode(writer);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        i16::decode(reader).map(Self)
    }
}

impl Wire for Uuid {
    fn min_size(_: Layout) -> usize {
        16
    }

    fn encode(&self, writer: &mut Writer) {
        writer.put(self.as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array().map(Self::from_bytes)
    }
}

impl Wire for Arc<str> {
    fn min_size(layout: Layout) -> usize {
        if layout.flexible { 1 } else { 2 }
    }

    fn encode(&self, writer: &mut Writer) {
        Self::encode_nullable(Some(self), writer);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::decode_nullable(reader)?.ok_or(DecodeError::Null)
    }

    /// Cuts a string that is too long for Kafka (only a message for people could be) between two characters.
    fn encode_nullable(value: Option<&Self>, writer: &mut Writer) {
        let Some(value) = value else { return writer.put_length(None, true) };
        let end = (0..=value.len().min(MAX_STRING_BYTES)).rev().find(|&end| value.is_char_boundary(end));
        let cut = value.get(..end.unwrap_or_default()).unwrap_or_default();
        writer.put_length(Some(cut.len()), true);
        writer.put(cut.as_bytes());
    }

    fn decode_nullable(reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        let Some(length) = reader.length(true)? else { return Ok(None) };
        if length > MAX_STRING_BYTES {
            return Err(DecodeError::StringTooLong { length });
        }
        let text = str::from_utf8(reader.take(length)?).map_err(|_| DecodeError::Utf8)?;
        // The default shares one empty string; `from` would allocate another.
        Ok(Some(if text.is_empty() { Self::default() } else { text.into() }))
    }
}

impl Wire for Bytes {
    fn min_size(layout: Layout) -> usize {
        if layout.flexible { 1 } else { 4 }
    }

    fn encode(&self, writer: &mut Writer) {
        Self::encode_nullable(Some(self), writer);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::decode_nullable(reader)?.ok_or(DecodeError::Null)
    }

    fn encode_nullable(value: Option<&Self>, writer: &mut Writer) {
        writer.put_length(value.map(Self::len), false);
        if let Some(value) = value {
            writer.put(value);
        }
    }

    fn decode_nullable(reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        reader.length(false)?.map(|length| reader.share(length)).transpose()
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn min_size(layout: Layout) -> usize {
        if layout.flexible { 1 } else { 4 }
    }

    fn encode(&self, writer: &mut Writer) {
        Self::encode_nullable(Some(self), writer);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::decode_nullable(reader)?.ok_or(DecodeError::Null)
    }

    fn encode_nullable(value: Option<&Self>, writer: &mut Writer) {
        writer.put_length(value.map(Self::len), false);
        for element in value.into_iter().flatten() {
            element.encode(writer);
        }
    }

    /// Refuses a count that the bytes left cannot hold. Reserves no more memory than there are bytes left, and grows
    /// (to twice the size, never past the count) only as elements are there.
    fn decode_nullable(reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        let Some(count) = reader.length(false)? else { return Ok(None) };
        let left = reader.left();
        if count.saturating_mul(T::min_size(reader.layout).max(1)) > left {
            return Err(DecodeError::ArrayTooLong { count, left });
        }
        let mut elements = Self::with_capacity(count.min((left / size_of::<T>().max(1)).max(1)));
        for index in 0..count {
            if index == elements.capacity() {
                elements.reserve_exact(index.min(count.saturating_sub(index)));
            }
            elements.push(T::decode(reader)?);
        }
        Ok(Some(elements))
    }
}

impl<T: Wire> Wire for Option<T> {
    fn min_size(_: Layout) -> usize {
        1
    }

    fn encode(&self, writer: &mut Writer) {
        T::encode_nullable(self.as_ref(), writer);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        T::decode_nullable(reader)
    }
}
