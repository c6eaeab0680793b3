"""The judge can find fault: each kind of loss, repetition and disorder is seen. Run by tests/run."""
import copy
import unittest

from . import judge

KILLED, LEADER = 1, 2


def report():
    """A client that saw nothing wrong: 2,001 records over 3 partitions."""
    read = {str(number): [[offset, 3 * offset + number] for offset in range(667)] for number in range(3)}
    acked = [[number, offset, 3 * offset + number] for number in range(3) for offset in range(667)]
    return {"acked": acked, "read": read, "starts": [0] * 3, "ends": [667] * 3, "leader": LEADER}


class Judge(unittest.TestCase):
    def judged(self, change, idempotent=True):
        seen = copy.deepcopy(report())
        change(seen)
        judge.failover(seen, idempotent, KILLED, LEADER, 3)

    def wrong(self, change, words, idempotent=True):
        with self.assertRaisesRegex(judge.Wrong, words):
            self.judged(change, idempotent)

    def test_nothing_wrong(self):
        self.judged(lambda seen: None)

    def test_a_lost_record(self):
        def lose(seen):
            seen["read"]["1"].pop()
            seen["ends"][1] -= 1

        self.wrong(lose, "acknowledged at 1/666, where None is")

    def test_a_lost_record_whose_place_nobody_knows(self):
        def lose(seen):
            seen["read"]["1"].pop()
            seen["ends"][1] -= 1
            seen["acked"] = [[number, -1, value] for number, _, value in seen["acked"]]

        self.wrong(lose, "1 acknowledged records are lost")

    def repeat(self, seen):
        seen["read"]["2"].append([667, 2000])
        seen["ends"][2] += 1

    def test_a_repeated_record(self):
        self.wrong(self.repeat, "there twice")

    def test_a_repeated_record_of_a_client_that_may(self):
        self.judged(self.repeat, idempotent=False)

    def test_disorder(self):
        def swap(seen):
            records = seen["read"]["0"]
            records[5][1], records[6][1] = records[6][1], records[5][1]

        self.wrong(swap, "not in the order", idempotent=False)

    def test_a_gap(self):
        self.wrong(lambda seen: seen["read"]["0"].pop(3), "offsets not dense")

    def test_an_end_that_is_elsewhere(self):
        self.wrong(lambda seen: seen["ends"].__setitem__(0, 668), "ends at 668")

    def test_a_start_that_is_elsewhere(self):
        self.wrong(lambda seen: seen["starts"].__setitem__(0, 1), "starts at 1")

    def test_a_record_that_was_never_acknowledged(self):
        self.wrong(lambda seen: seen["acked"].pop(5), "not every record was acknowledged")

    def test_a_record_that_nobody_wrote(self):
        self.wrong(lambda seen: seen["acked"].pop(), "1 records are there that were not acknowledged")

    def test_the_dead_leader(self):
        self.wrong(lambda seen: seen.update(leader=KILLED), "dead broker")

    def test_another_leader(self):
        self.wrong(lambda seen: seen.update(leader=3), "takes 3 for the leader")

    def test_what_was_written_is_read(self):
        good = [[0, "none", judge.value_of("none"), "none"]]
        judge.basic({"read": good}, ["none"])
        with self.assertRaises(judge.Wrong):
            judge.basic({"read": [[0, "none", "else", "none"]]}, ["none"])


if __name__ == "__main__":
    unittest.main()
