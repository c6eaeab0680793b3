//! How values lie in a frame: the bounds-checked [`Reader`], the [`Writer`] and the trait between them and a message.
//!
//! Nothing here knows an API. Nothing here may panic, and nothing may reserve memory that the bytes left in the frame
//! do not account for. (<https://kafka.apache.org/protocol#protocol_types>; KIP-482 for the flexible layout.)

use bytes::Bytes;

use super::DecodeError;

/// The longest string that Kafka takes, in bytes, in the flexible layout too.
pub(crate) const MAX_STRING_BYTES: usize = 0x7fff;

/// From this size on, in bytes, record data goes into a frame as a chunk of its own instead of being copied: below it
/// a copy costs less than one more element in a vectored write.
const SPLICE_BYTES: usize = 512;

/// Which of a message's layouts is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The API version: decides which fields there are.
    pub(crate) version: i16,
    /// Whether lengths are varints and structures end in tagged fields.
    pub(crate) flexible: bool,
}

/// A value that has a place in a frame.
///
/// `encode_nullable` and `decode_nullable` say how a null of this type looks: as one byte ahead of a structure
/// (the default), as a length of -1 for strings, arrays and record data.
pub(crate) trait Wire: Sized {
    /// The fewest bytes that a value can take: array counts are checked against it.
    fn min_size(layout: Layout) -> usize;

    /// Appends the value.
    fn encode(&self, writer: &mut Writer);

    /// Takes a value.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// Appends a value or a null.
    fn encode_nullable(value: Option<&Self>, writer: &mut Writer) {
        writer.put(if value.is_some() { &[1] } else { &[0xff] });
        if let Some(value) = value {
            value.encode(writer);
        }
    }

    /// Takes a value or a null.
    fn decode_nullable(reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        let [marker] = reader.array()?;
        if marker.cast_signed() < 0 { Ok(None) } else { Self::decode(reader).map(Some) }
    }
}

/// A frame that is being decoded.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    frame: &'a Bytes,
    /// What is left of the frame, or of the tagged field that is being read.
    rest: &'a [u8],
    /// The layout of what is read.
    pub(crate) layout: Layout,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `frame`.
    pub(crate) fn new(frame: &'a Bytes, layout: Layout) -> Self {
        Self { frame, rest: frame, layout }
    }

    /// The number of bytes not yet read.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// The next `count` bytes.
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else { return Err(self.truncated(count)) };
        self.rest = rest;
        Ok(taken)
    }

    /// The next `count` bytes as a share of the frame.
    pub(crate) fn share(&mut self, count: usize) -> Result<Bytes, DecodeError> {
        Ok(self.frame.slice_ref(self.take(count)?))
    }

    /// The next `N` bytes.
    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let Some((taken, rest)) = self.rest.split_first_chunk() else { return Err(self.truncated(N)) };
        self.rest = rest;
        Ok(*taken)
    }

    /// The next `N` bytes without taking them, if there are so many.
    pub(crate) fn peek<const N: usize>(&self) -> Option<[u8; N]> {
        self.rest.first_chunk().copied()
    }

    /// An unsigned varint of at most five bytes and 32 bits; nearly all have one byte.
    #[inline]
    pub(crate) fn uvarint(&mut self) -> Result<u32, DecodeError> {
        match self.rest.split_first() {
            Some((&byte, rest)) if byte < 0x80 => {
                self.rest = rest;
                Ok(byte.into())
            }
            _ => self.long_uvarint(),
        }
    }

    fn long_uvarint(&mut self) -> Result<u32, DecodeError> {
        let mut value = 0_u32;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array()?;
            let bits = u32::from(byte & 0x7f);
            if shift == 28 && byte > 0x0f {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DecodeError::Varint)
    }

    /// A length or count ahead of a string (`short`: two bytes in the old layout) or of anything else (four bytes);
    /// `None` is a null, which Kafka takes any negative number for.
    pub(crate) fn length(&mut self, short: bool) -> Result<Option<usize>, DecodeError> {
        if self.layout.flexible {
            return Ok(usize::try_from(self.uvarint()?).unwrap_or(usize::MAX).checked_sub(1));
        }
        let length = if short { i16::from_be_bytes(self.array()?).into() } else { i32::from_be_bytes(self.array()?) };
        Ok(usize::try_from(length).ok())
    }

    /// Hands each tagged field at the end of a structure to `field`, with its tag, in a reader that ends where the
    /// field ends; what `field` leaves unread must be skipped by [`Reader::skip_rest`].
    pub(crate) fn tagged_fields(
        &mut self,
        mut field: impl FnMut(u32, &mut Self) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        if !self.layout.flexible {
            return Ok(());
        }
        for _ in 0..self.uvarint()? {
            let tag = self.uvarint()?;
            let size = usize::try_from(self.uvarint()?).unwrap_or(usize::MAX);
            let value = self.take(size)?;
            let behind = std::mem::replace(&mut self.rest, value);
            field(tag, self)?;
            if self.left() > 0 {
                return Err(DecodeError::TagSize { tag });
            }
            self.rest = behind;
        }
        Ok(())
    }

    /// Apart, so that the way without errors stays short.
    #[cold]
    fn truncated(&self, wanted: usize) -> DecodeError {
        DecodeError::Truncated { wanted, left: self.left() }
    }

    /// Passes over all that is left (a tagged field that this table does not know).
    pub(crate) fn skip_rest(&mut self) {
        self.rest = &[];
    }
}

/// A frame that is being encoded: plain bytes, and shares of record data that are to stand between them.
#[derive(Debug)]
pub(crate) struct Writer {
    plain: Vec<u8>,
    /// What stands between the plain bytes, each with the length of `plain` ahead of it; in ascending order.
    spliced: Vec<(usize, Bytes)>,
    /// The layout of what is written.
    pub(crate) layout: Layout,
}

impl Writer {
    /// A writer that has left room for the frame's size.
    pub(crate) fn new(layout: Layout) -> Self {
        let mut plain = Vec::with_capacity(256);
        plain.extend_from_slice(&[0; 4]);
        Self { plain, spliced: Vec::new(), layout }
    }

    /// Appends bytes.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.plain.extend_from_slice(bytes);
    }

    /// Appends record data, by reference where it is large.
    pub(crate) fn splice(&mut self, bytes: &Bytes) {
        if bytes.len() < SPLICE_BYTES {
            self.put(bytes);
        } else {
            self.spliced.push((self.plain.len(), bytes.clone()));
        }
    }

    /// Appends an unsigned varint.
    pub(crate) fn put_uvarint(&mut self, mut value: u32) {
        loop {
            let [low, ..] = value.to_le_bytes();
            value >>= 7;
            if value == 0 {
                self.plain.push(low & 0x7f);
                return;
            }
            self.plain.push(low | 0x80);
        }
    }

    /// Appends a length or count, as [`Reader::length`] reads it.
    pub(crate) fn put_length(&mut self, length: Option<usize>, short: bool) {
        if self.layout.flexible {
            self.put_uvarint(length.map_or(0, |length| u32::try_from(length).unwrap_or(u32::MAX).saturating_add(1)));
        } else if short {
            let length = length.map_or(-1, |length| i16::try_from(length).unwrap_or(i16::MAX));
            self.put(&length.to_be_bytes());
        } else {
            let length = length.map_or(-1, |length| i32::try_from(length).unwrap_or(i32::MAX));
            self.put(&length.to_be_bytes());
        }
    }

    /// Begins the tagged fields of a structure with the number of those that are there.
    pub(crate) fn put_tag_count(&mut self, there: &[bool]) {
        let count = there.iter().filter(|&&there| there).count();
        self.put_uvarint(u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// Appends a tagged field. Tagged fields hold no record data: what was spliced in would not move with the bytes
    /// that are turned round here.
    pub(crate) fn put_tagged(&mut self, tag: u32, value: &impl Wire) {
        self.put_uvarint(tag);
        let start = self.plain.len();
        value.encode(self);
        let end = self.plain.len();
        let size = end.saturating_sub(start);
        self.put_uvarint(u32::try_from(size).unwrap_or(u32::MAX));
        // The size belongs ahead of the value, whose size is known only now.
        let size_bytes = self.plain.len().saturating_sub(end);
        if let Some(field) = self.plain.get_mut(start..) {
            field.rotate_right(size_bytes);
        }
    }

    /// What was written without a frame around it, in one piece.
    pub(crate) fn finish_value(self) -> Bytes {
        let whole = match self.finish().as_slice() {
            [one] => one.clone(),
            chunks => chunks.concat().into(),
        };
        whole.slice(whole.len().min(4)..)
    }

    /// The chunks of the whole frame, its size in the first four bytes.
    pub(crate) fn finish(self) -> Vec<Bytes> {
        let Self { mut plain, spliced, .. } = self;
        let shared: usize = spliced.iter().map(|(_, bytes)| bytes.len()).sum();
        let size = plain.len().saturating_sub(4).saturating_add(shared);
        if let Some(head) = plain.first_chunk_mut::<4>() {
            *head = i32::try_from(size).unwrap_or(i32::MAX).to_be_bytes();
        }
        let plain = Bytes::from(plain);
        if spliced.is_empty() {
            return vec![plain];
        }
        let mut chunks = Vec::with_capacity(spliced.len().saturating_mul(2).saturating_add(1));
        let mut from = 0;
        for (at, bytes) in spliced {
            if at > from {
                chunks.push(plain.slice(from..at));
            }
            chunks.push(bytes);
            from = at;
        }
        if from < plain.len() {
            chunks.push(plain.slice(from..));
        }
        chunks
    }
}
