"""Clients that speak the protocol of KIP-848, as one group: the tests of `group`, and how many epochs it takes. See ../README.md."""
from . import group, group_848_wire, group_judge
from .clients import PATTERNS
from .cluster import wait_for

# The lab's own consumers that are in a group with the clients.
LAB_GROUP, LAB_CONSUMERS = "wallboard", 3


class Group(group.Group):
    """A group whose coordinator assigns."""

    speaks = ("consumer",)

    def __init__(self, cluster, name, topic, partitions):
        super().__init__(cluster, name, topic, partitions)
        self.changes = 0  # How often somebody has come or gone.
        # Epochs besides: a pattern that stands for nothing at first may make one.
        self.besides = None

    def start(self, clients):
        super().start(clients)
        self.changes += len(clients)

    def take_out(self, name):
        self.changes += 1
        return super().take_out(name)

    def described(self):
        for member in self.members.values():
            member.check_alive()
        return group_848_wire.describe(self.cluster.addresses(), self.group, self.topic)

    def settle(self):
        shares = super().settle()
        epoch = self.seen[1]
        if self.besides is None and self.members:
            self.besides = min(max(epoch - self.changes, 0), PATTERNS)
        group_judge.epochs(epoch, self.changes + (self.besides or 0))
        return shares


class Run(group.Run):
    """The tests, one after the other, each on what the one before left."""

    name = "group-848"
    kind = Group
    lab_group = LAB_GROUP

    def built_in(self, its):
        """The lab has no such group of its own: some of its consumers form one."""
        for _ in range(LAB_CONSUMERS):
            self.cluster.add_consumer(its.group, its.topic, protocol="consumer")

        def look():
            state, _, members = seen = its.described()
            return (members if state == "Stable" and len(members) == LAB_CONSUMERS else None), seen

        its.built_in = set(wait_for(f"the group {its.group}", look, self.cluster.patience))
        its.changes = LAB_CONSUMERS
