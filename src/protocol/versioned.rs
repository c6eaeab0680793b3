//! Values that travel inside of other messages and in records, each with its version ahead in two bytes
//! (`MessageUtil.toVersionPrefixedBytes`). Nothing here knows which values there are.

use bytes::Bytes;

use super::DecodeError;
use super::wire::{Layout, Reader, Wire, Writer};

/// `value` in the layout, behind the layout's version.
pub(crate) fn encode(value: &impl Wire, layout: Layout) -> Bytes {
    let mut writer = Writer::new(Layout { flexible: false, ..layout });
    layout.version.encode(&mut writer);
    writer.layout = layout;
    value.encode(&mut writer);
    writer.finish_value()
}

/// `value` in the layout, with nothing ahead.
pub(crate) fn encode_bare(value: &impl Wire, layout: Layout) -> Bytes {
    let mut writer = Writer::new(layout);
    value.encode(&mut writer);
    writer.finish_value()
}

/// The version ahead of a value.
pub(crate) fn version_of(bytes: &Bytes) -> Result<i16, DecodeError> {
    i16::decode(&mut Reader::new(bytes, Layout { version: 0, flexible: false }))
}

/// Reads the value behind a version, in this layout, whatever the version says. Bytes behind it are passed over.
pub(crate) fn decode<T: Wire>(bytes: &Bytes, layout: Layout) -> Result<T, DecodeError> {
    let mut reader = Reader::new(bytes, layout);
    i16::decode(&mut reader)?;
    T::decode(&mut reader)
}

/// Reads a value with nothing ahead. Bytes behind it are passed over.
pub(crate) fn decode_bare<T: Wire>(bytes: &Bytes, layout: Layout) -> Result<T, DecodeError> {
    T::decode(&mut Reader::new(bytes, layout))
}
