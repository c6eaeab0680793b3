//! Which partition a record goes to, as the Java client decides it, and Java's string hash, by which a group finds its
//! partition of `__consumer_offsets`.

/// Kafka's murmur2 (`org.apache.kafka.common.utils.Utils.murmur2`).
pub fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    const SEED: u32 = 0x9747_b28c;
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut h = SEED ^ length;
    let mut words = data.chunks_exact(4);
    for word in &mut words {
        let mut k = word.iter().rev().fold(0_u32, |k, byte| (k << 8) | u32::from(*byte));
        k = k.wrapping_mul(M);
        k ^= k >> 24;
        k = k.wrapping_mul(M);
        h = h.wrapping_mul(M) ^ k;
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        h ^= rest.iter().rev().fold(0_u32, |k, byte| (k << 8) | u32::from(*byte));
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    h ^ (h >> 15)
}

/// The partition of a keyed record: murmur2 without its sign, modulo. 0 where there are no partitions.
pub fn partition_for_key(key: &[u8], partitions: i32) -> i32 {
    if partitions <= 0 {
        return 0;
    }
    (murmur2(key) & 0x7fff_ffff).cast_signed() % partitions
}

/// Java's `String.hashCode`: over UTF-16 units.
pub fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// Round robin over partitions, for records without a key (before Kafka 2.4, or by choice).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundRobin {
    next: u32,
}

impl RoundRobin {
    /// The next partition.
    pub fn partition(&mut self, partitions: i32) -> i32 {
        let partitions = u32::try_from(partitions).unwrap_or(0).max(1);
        let partition = self.next % partitions;
        self.next = self.next.wrapping_add(1);
        partition.cast_signed()
    }
}

/// Sticky: records without a key stay with one partition until its batch is sent (KIP-480).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sticky {
    current: Option<i32>,
}

impl Sticky {
    /// The partition of the next record. `draw` is a random number, used where a new partition is chosen.
    pub fn partition(&mut self, partitions: i32, draw: u64) -> i32 {
        let count = u64::try_from(partitions).unwrap_or(0).max(1);
        if let Some(current) = self.current.filter(|current| *current < partitions) {
            current
        } else {
            let chosen = i32::try_from(draw % count).unwrap_or(0);
            self.current = Some(chosen);
            chosen
        }
    }

    /// The batch was sent: the next record chooses anew, another one if it can.
    pub fn batch_sent(&mut self, partitions: i32, draw: u64) {
        let count = u64::try_from(partitions).unwrap_or(0);
        let before = self.current.and_then(|current| u64::try_from(current).ok());
        self.current = match before {
            Some(before) if count > 1 => i32::try_from((before + 1 + draw % (count - 1)) % count).ok(),
            _ => None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn murmur2_is_javas() {
        let known: [(&[u8], i32); 7] = [
            (b"21", -973_932_308),
            (b"foobar", -790_332_482),
            (b"a-little-bit-long-string", -985_981_536),
            (b"a-little-bit-longer-string", -1_486_304_829),
            (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            (b"abc", 479_470_107),
            (b"", 275_646_681),
        ];
        for (data, hash) in known {
            assert_eq!(murmur2(data).cast_signed(), hash, "{}", String::from_utf8_lossy(data));
        }
    }

    #[test]
    fn java_hash_is_javas() {
        assert_eq!(java_hash(""), 0);
        assert_eq!(java_hash("hello"), 99_162_322);
        assert_eq!(
            java_hash("console-consumer-12345"),
            "console-consumer-12345".bytes().fold(0_i32, |h, b| h.wrapping_mul(31).wrapping_add(b.into()))
        );
    }

    #[test]
    fn round_robin_goes_round_and_sticky_stays_until_its_batch_is_sent() {
        let mut round = RoundRobin::default();
        assert_eq!([0; 4].map(|_| round.partition(3)), [0, 1, 2, 0]);
        let mut sticky = Sticky::default();
        let first = sticky.partition(3, 7);
        assert_eq!(sticky.partition(3, 8), first);
        sticky.batch_sent(3, 1);
        assert_ne!(sticky.partition(3, 9), first);
    }
}
