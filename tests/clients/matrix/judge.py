"""Judges what a client reports. The clients only tell what they saw; whether that is right is decided here, for all."""


class Wrong(Exception):
    """A client saw what must not be."""


def check(condition, message):
    if not condition:
        raise Wrong(message)


def basic(report, codecs):
    """One record per codec was written with key, value and header, and read back from offset 0 on."""
    expected = [[at, codec, value_of(codec), codec] for at, codec in enumerate(codecs)]
    check(report["read"] == expected, f"read back {brief(report['read'])}, not {brief(expected)}")


def value_of(codec):
    """Long and dull enough that compressing it pays."""
    return f"a value under {codec} " * 20


def failover(report, idempotent, killed, leader, partitions):
    """What was acknowledged is there, once and in order, and the client knows the new leader."""
    acked = report["acked"]
    read = {int(number): records for number, records in report["read"].items()}
    values = sorted(value for _, _, value in acked)
    check(values == list(range(len(values))), "not every record was acknowledged once, though the client ended well")
    check(len(values) >= 2000, f"only {len(values)} records were acknowledged")
    for number in range(partitions):
        records = read.get(number, [])
        check(report["starts"][number] == 0, f"partition {number} starts at {report['starts'][number]}")
        gap = next((at for at, (offset, _) in enumerate(records) if at != offset), None)
        check(gap is None, f"partition {number}: offsets not dense: {records[gap or 0:][:3]} where {gap} should be")
        in_order(number, [value for _, value in records], idempotent)
        check(report["ends"][number] == len(records), f"partition {number} ends at {report['ends'][number]}, "
              f"and {len(records)} records were read")
    at = {number: dict(map(tuple, records)) for number, records in read.items()}
    for partition, offset, value in acked:
        there = at.get(partition, {}).get(offset)
        check(offset < 0 or there == value, f"{value} was acknowledged at {partition}/{offset}, where {there} is")
    seen = {value for records in read.values() for _, value in records}
    strange = seen - set(values)
    check(not strange, f"{len(strange)} records are there that were not acknowledged, such as {sorted(strange)[:5]}")
    lost = set(values) - seen
    check(not lost, f"{len(lost)} acknowledged records are lost, such as {sorted(lost)[:5]}")
    if report["leader"] is not None:
        check(report["leader"] != killed, f"the client still takes the dead broker {killed} for the leader")
        check(report["leader"] == leader, f"the client takes {report['leader']} for the leader, and it is {leader}")


def in_order(number, values, idempotent):
    firsts = list(dict.fromkeys(values))
    check(firsts == sorted(firsts), f"partition {number}: not in the order in which it was written")
    if idempotent:
        check(len(firsts) == len(values), f"partition {number}: {len(values) - len(firsts)} records are there twice")


def repeats(report):
    read = [value for records in report["read"].values() for _, value in records]
    return len(read) - len(set(read))


def brief(value):
    text = str(value)
    return text if len(text) < 400 else text[:400] + " ..."
