"""The driver's own view of groups: DescribeGroups, OffsetFetch and ListOffsets over a plain socket; see wire.py."""
import struct

from . import wire
from .wire import Reader, WireError, ask_any, metadata, string

LIST_OFFSETS, OFFSET_FETCH, FIND_COORDINATOR, DESCRIBE_GROUPS = 2, 9, 10, 15
LATEST = -1


def ask(address, key, version, body):
    """As `wire.ask`; a broker that cannot be reached is one that gives no answer."""
    try:
        return wire.ask(address, key, version, body)
    except OSError as error:
        raise WireError(f"{address}: {error}") from error


def coordinator(addresses, group):
    """The id and the address of the group's coordinator."""
    reader = ask_any(addresses, FIND_COORDINATOR, 1, string(group) + b"\0")
    reader.take("i")  # The throttle time.
    error = reader.take("h")
    reader.string()
    if error:
        raise WireError(f"the coordinator of {group}: error {error}")
    return reader.take("i"), f"{reader.string()}:{reader.take('i')}"


def blob(reader):
    length = reader.take("i")
    reader.at += length
    return reader.data[reader.at - length:reader.at]


def places(assignment, topic):
    """A consumer's assignment: its partitions of the topic."""
    if not assignment:
        return []
    reader = Reader(assignment)
    reader.take("h")
    topics = dict(reader.array(lambda: (reader.string(), reader.array(lambda: reader.take("i")))))
    return sorted(topics.get(topic, []))


def describe(addresses, group, topic):
    """(state, assignor, partitions of the topic by client id)"""
    reader = ask(coordinator(addresses, group)[1], DESCRIBE_GROUPS, 0, struct.pack(">i", 1) + string(group))
    reader.take("i")  # One group.
    error = reader.take("h")
    reader.string()
    state = reader.string()
    reader.string()
    assignor = reader.string()
    if error:
        raise WireError(f"describing {group}: error {error}")

    def member():
        reader.string()
        client = reader.string()
        reader.string()
        blob(reader)
        return client, places(blob(reader), topic)

    return state, assignor, dict(reader.array(member))


def by_partition(topic, partitions, body):
    """A request's list of one topic."""
    parts = b"".join(struct.pack(">i", partition) + body for partition in partitions)
    return struct.pack(">i", 1) + string(topic) + struct.pack(">i", len(partitions)) + parts


def committed(addresses, group, topic, partitions):
    """The committed offset of each partition, -1 where there is none."""
    body = string(group) + by_partition(topic, range(partitions), b"")
    reader = ask(coordinator(addresses, group)[1], OFFSET_FETCH, 1, body)
    reader.take("i")  # One topic.
    reader.string()

    def one():
        index, offset = reader.take("iq")
        reader.string()
        error = reader.take("h")
        if error:
            raise WireError(f"what {group} has committed of {topic}-{index}: error {error}")
        return index, offset

    return dict(reader.array(one))


def ends(addresses, topic):
    """The end of each partition's log, as its leader tells it."""
    brokers, _, leaders = metadata(addresses, topic)
    found = {}
    for leader in {one["leader"] for one in leaders.values()}:
        if leader not in brokers:
            raise WireError(f"a leader of {topic} is away")
        its = [partition for partition, one in leaders.items() if one["leader"] == leader]
        body = struct.pack(">i", -1) + by_partition(topic, its, struct.pack(">q", LATEST))
        reader = ask(brokers[leader], LIST_OFFSETS, 1, body)
        reader.take("i")  # One topic.
        reader.string()
        for index, error, _, offset in reader.array(lambda: reader.take("ihqq")):
            if error:
                raise WireError(f"the end of {topic}-{index}: error {error}")
            found[index] = offset
    return found
