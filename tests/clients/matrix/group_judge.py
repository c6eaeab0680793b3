"""Judges what the members of a group report, and what the coordinator says of them.

A member's report is a list of what it said, in order: `("assigned", [partition, ...])`, all that it has from then on;
`("read", [[partition, offset, value], ...])`; `("committed", [[partition, next offset], ...])`.
"""
from .judge import brief, check


def shares(members, partitions):
    """Each partition has one owner, and nobody has two more than another: so the assignor range does it with one topic.

    `members` are partitions by member, as the coordinator describes them.
    """
    given = sorted(partition for its in members.values() for partition in its)
    check(given == list(range(partitions)), f"not shared completely and once each: {members}")
    sizes = [len(its) for its in members.values()]
    check(max(sizes) - min(sizes) <= 1, f"not shared evenly: {members}")


def epochs(epoch, changes):
    """A group of KIP-848 has one epoch for each member that came or went, and no more."""
    check(epoch == changes, f"the group is at epoch {epoch} after {changes} changes")


def repeats(members, reports):
    """Nothing whose commit was acknowledged is read again after the last rebalance, nor by who committed it at all.

    `members` is how the partitions are shared since then; the reports end before the next rebalance begins.
    """
    for name, report in reports.items():
        own_repeats(name, report)
        for partition in members.get(name, []):
            begin = last_session(report, partition)
            check(begin is not None, f"{name} was never told that it has partition {partition}")
            others = [part for other, part in reports.items() if other != name]
            done = max(map(lambda part: committed(part, partition), [*others, report[:begin]]))
            again = [offset for offset in read(report[begin:], partition) if offset < done]
            check(not again, f"{name} read {brief(again)} of partition {partition} again: {done} was committed")


def own_repeats(name, report):
    """A member goes on behind what it has committed, whatever it was assigned in between."""
    done = {}
    for word, said in report:
        if word == "committed":
            done.update((partition, max(offset, done.get(partition, 0))) for partition, offset in said)
        elif word == "read":
            again = [[partition, offset] for partition, offset, _ in said if offset < done.get(partition, 0)]
            check(not again, f"{name} read {brief(again)} again after it had committed {done}")


def last_session(report, partition):
    """Where the last assignment with this partition stands in the report."""
    begins = [at for at, (word, said) in enumerate(report) if word == "assigned" and partition in said]
    return begins[-1] if begins else None


def committed(report, partition):
    """The farthest offset whose commit the member saw acknowledged; 0 for none."""
    places = [place for word, said in report if word == "committed" for place in said]
    return max((offset for index, offset in places if index == partition), default=0)


def read(report, partition):
    """The offsets of the partition in the order in which they were read."""
    return [offset for word, said in report if word == "read" for index, offset, _ in said if index == partition]


def stream(acked, reports):
    """Every record was read, and nothing else. Returns how many were read more than once."""
    written = {(partition, offset): value for partition, offset, value in acked}
    check(len(set(written.values())) == len(acked), "not every record was acknowledged once")
    seen = [record for report in reports.values() for word, said in report if word == "read" for record in said]
    for partition, offset, value in seen:
        there = written.get((partition, offset))
        check(value == there, f"{value} was read at {partition}/{offset}, where {there} was written")
    places = {(partition, offset) for partition, offset, _ in seen}
    lost = sorted(set(written) - places)
    check(not lost, f"{len(lost)} of {len(written)} records were read by nobody, such as {lost[:5]}")
    return len(seen) - len(places)
