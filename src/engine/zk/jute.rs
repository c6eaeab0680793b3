//! Jute: how ZooKeeper writes its records, on disk as on the wire. Numbers are big-endian; a buffer, a string and a vector
//! begin with their length as an int, -1 for null. Reading is total: what the bytes do not hold is `None`.

use bytes::Bytes;

/// Puts a record together.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// What was written.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// A byte.
    pub fn byte(&mut self, value: u8) -> &mut Self {
        self.bytes.push(value);
        self
    }

    /// A truth.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.byte(u8::from(value))
    }

    /// 32 bits.
    pub fn int(&mut self, value: i32) -> &mut Self {
        self.bytes.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// 64 bits.
    pub fn long(&mut self, value: i64) -> &mut Self {
        self.bytes.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// A length. Nothing that is written here comes near to what an int holds.
    pub fn length(&mut self, value: usize) -> &mut Self {
        self.int(i32::try_from(value).unwrap_or(i32::MAX))
    }

    /// Bytes with their length.
    pub fn buffer(&mut self, value: &[u8]) -> &mut Self {
        self.length(value.len());
        self.bytes.extend_from_slice(value);
        self
    }

    /// A string.
    pub fn string(&mut self, value: &str) -> &mut Self {
        self.buffer(value.as_bytes())
    }
}

/// Takes a record apart.
#[derive(Clone, Debug)]
pub struct Reader {
    rest: Bytes,
}

impl Reader {
    /// Reads `bytes` from their beginning.
    pub fn new(bytes: Bytes) -> Self {
        Self { rest: bytes }
    }

    /// What is left.
    pub fn rest(&self) -> &Bytes {
        &self.rest
    }

    /// So many bytes.
    pub fn take(&mut self, count: usize) -> Option<Bytes> {
        (count <= self.rest.len()).then(|| self.rest.split_to(count))
    }

    /// A byte.
    pub fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// A truth.
    pub fn bool(&mut self) -> Option<bool> {
        self.byte().map(|byte| byte != 0)
    }

    /// 32 bits.
    pub fn int(&mut self) -> Option<i32> {
        self.take(4)?.as_ref().try_into().ok().map(i32::from_be_bytes)
    }

    /// 64 bits.
    pub fn long(&mut self) -> Option<i64> {
        self.take(8)?.as_ref().try_into().ok().map(i64::from_be_bytes)
    }

    /// How many elements or bytes follow, no more than there are bytes; 0 for null.
    pub fn length(&mut self) -> Option<usize> {
        let length = self.int()?;
        if length == -1 {
            return Some(0);
        }
        usize::try_from(length).ok().filter(|length| *length <= self.rest.len())
    }

    /// Bytes with their length; empty for null.
    pub fn buffer(&mut self) -> Option<Bytes> {
        let length = self.length()?;
        self.take(length)
    }

    /// A string.
    pub fn string(&mut self) -> Option<String> {
        String::from_utf8(self.buffer()?.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let mut writer = Writer::default();
        writer.int(-7).long(i64::MIN).bool(true).string("/a/ü").buffer(&[1, 2]).int(-1);
        let mut reader = Reader::new(writer.finish().into());
        assert_eq!((reader.int(), reader.long(), reader.bool()), (Some(-7), Some(i64::MIN), Some(true)));
        assert_eq!((reader.string().as_deref(), reader.buffer()), (Some("/a/ü"), Some(Bytes::from_static(&[1, 2]))));
        assert_eq!(reader.buffer(), Some(Bytes::new()), "null");
        assert_eq!((reader.byte(), reader.int(), reader.long()), (None, None, None));
    }

    #[test]
    fn a_length_that_the_bytes_do_not_cover_is_refused() {
        for bytes in [&[0, 0, 0, 2, 1][..], &[0x7f, 0xff, 0xff, 0xff], &[0x80, 0, 0, 0, 1], &[0, 0]] {
            assert_eq!(Reader::new(Bytes::copy_from_slice(bytes)).buffer(), None, "{bytes:?}");
        }
        assert_eq!(Reader::new(Bytes::from_static(&[0, 0, 0, 1, 0xff])).string(), None, "no text");
    }
}
