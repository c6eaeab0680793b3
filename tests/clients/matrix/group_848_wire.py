"""The driver's own view of groups of KIP-848: ConsumerGroupDescribe over a plain socket; see wire.py and group_wire.py."""
from . import wire
from .group_wire import coordinator
from .wire import WireError

CONSUMER_GROUP_DESCRIBE = 69
UUID_BYTES = 16


def varint(number):
    """An unsigned varint of one byte: all that is asked here is short."""
    assert number < 0x80
    return bytes([number])


def compact(text):
    data = text.encode()
    return varint(len(data) + 1) + data


class Reader(wire.Reader):
    """Takes apart what is flexible: compact strings and arrays, and tags behind each structure."""

    def varint(self):
        number = shift = 0
        while True:
            byte = self.take("B")
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    def string(self):
        length = self.varint() - 1
        if length < 0:
            return None
        self.at += length
        return self.data[self.at - length:self.at].decode()

    def array(self, element):
        return [element() for _ in range(max(self.varint() - 1, 0))]

    def tags(self):
        for _ in range(self.varint()):
            self.varint()
            self.at += self.varint()

    def assignment(self):
        """Partitions by topic."""

        def topic():
            self.at += UUID_BYTES
            name, partitions = self.string(), self.array(lambda: self.take("i"))
            self.tags()
            return name, partitions

        topics = dict(self.array(topic))
        self.tags()
        return topics

    def member(self, topic):
        """(client id, its partitions of the topic)"""
        for _ in range(3):
            self.string()  # Its id, its instance, its rack.
        self.take("i")  # Its epoch.
        client = self.string()
        self.string()  # Its host.
        self.array(self.string)
        self.string()  # The topics that it wants, and the pattern.
        owned, _target = self.assignment(), self.assignment()
        self.tags()
        return client, sorted(owned.get(topic, []))


def describe(addresses, group, topic):
    """(state, epoch, partitions of the topic by client id)"""
    # The header's tags, one group, no authorized operations, the body's tags.
    body = b"\0" + varint(2) + compact(group) + b"\0" + b"\0"
    try:
        plain = wire.ask(coordinator(addresses, group)[1], CONSUMER_GROUP_DESCRIBE, 0, body)
    except OSError as error:
        raise WireError(f"describing {group}: {error}") from error
    reader = Reader(plain.data)
    reader.at = plain.at
    reader.tags()
    reader.take("i")  # The throttle time.
    reader.varint()  # One group.
    error, message = reader.take("h"), reader.string()
    if error:
        raise WireError(f"describing {group}: error {error} {message or ''}")
    reader.string()
    state, epoch = reader.string(), reader.take("i")
    reader.take("i")  # The epoch of the assignment.
    reader.string()  # The assignor.
    return state, epoch, dict(reader.array(lambda: reader.member(topic)))
