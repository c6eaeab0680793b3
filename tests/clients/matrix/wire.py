"""The driver's own view of a cluster: Metadata and CreateTopics over a plain socket.

It takes no client's word, so it needs none. Only the two requests, in one old version each, that the driver asks.
"""
import socket
import struct

CLIENT_ID = b"kscope-matrix"
METADATA, METADATA_VERSION = 3, 5
CREATE_TOPICS, CREATE_TOPICS_VERSION = 19, 2


class WireError(Exception):
    """No broker gave a usable answer."""


class Reader:
    """Takes an answer apart, front to back."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, layout):
        values = struct.unpack_from(">" + layout, self.data, self.at)
        self.at += struct.calcsize(">" + layout)
        return values if len(values) > 1 else values[0]

    def string(self):
        length = self.take("h")
        if length < 0:
            return None
        self.at += length
        return self.data[self.at - length:self.at].decode()

    def array(self, element):
        return [element() for _ in range(max(self.take("i"), 0))]


def string(text):
    data = text.encode()
    return struct.pack(">h", len(data)) + data


def receive(connection, length):
    data = b""
    while len(data) < length:
        more = connection.recv(length - len(data))
        if not more:
            raise WireError("the broker closed the connection")
        data += more
    return data


def ask(address, key, version, body, seconds=10):
    """One request to one broker; a Reader behind the answer's header."""
    host, port = address.rsplit(":", 1)
    request = struct.pack(">hhih", key, version, 1, len(CLIENT_ID)) + CLIENT_ID + body
    with socket.create_connection((host, int(port)), seconds) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        length = struct.unpack(">i", receive(connection, 4))[0]
        reader = Reader(receive(connection, length))
    reader.take("i")
    return reader


def ask_any(addresses, key, version, body):
    """As `ask`, of the first broker that answers."""
    reasons = []
    for address in addresses:
        try:
            return ask(address, key, version, body)
        except (OSError, WireError) as error:
            reasons.append(f"{address}: {error}")
    raise WireError("no broker answers: " + "; ".join(reasons))


def metadata(addresses, topic):
    """(brokers by id, controller's id, partitions by number: leader, isr), as one living broker tells it."""
    reader = ask_any(addresses, METADATA, METADATA_VERSION, struct.pack(">i", 1) + string(topic) + b"\0")
    reader.take("i")  # The throttle time.

    def broker():
        node, host, port = reader.take("i"), reader.string(), reader.take("i")
        reader.string()  # The rack.
        return node, f"{host}:{port}"

    def partition():
        error, index, leader = reader.take("hii")
        replicas, isr, offline = (reader.array(lambda: reader.take("i")) for _ in range(3))
        return index, {"error": error, "leader": leader, "replicas": replicas, "isr": isr, "offline": offline}

    brokers = dict(reader.array(broker))
    reader.string()  # The cluster's id.
    controller = reader.take("i")
    partitions = {}

    def one_topic():
        reader.take("h")
        reader.string()
        reader.take("?")
        partitions.update(reader.array(partition))

    reader.array(one_topic)
    return brokers, controller, partitions


def create_topic(addresses, topic, partitions, replicas, settings):
    """Asks the controller for a topic."""
    brokers, controller, _ = metadata(addresses, topic)
    body = struct.pack(">i", 1) + string(topic) + struct.pack(">ihi", partitions, replicas, 0)
    body += struct.pack(">i", len(settings))
    body += b"".join(string(key) + string(value) for key, value in settings.items())
    body += struct.pack(">i?", 30_000, False)
    reader = ask(brokers[controller], CREATE_TOPICS, CREATE_TOPICS_VERSION, body, seconds=40)
    reader.take("ii")  # The throttle time, and one topic.
    reader.string()
    error, message = reader.take("h"), reader.string()
    if error:
        raise WireError(f"creating {topic}: error {error} {message or ''}")
