"""The judge of groups can find fault: what two read, what nobody read, and what was read again. Run by tests/run."""
import unittest

from . import group_judge
from .judge import Wrong

SHARES = {"ann": [0], "bob": [1]}


def reports():
    """Ann had both partitions, and committed them; then Bob came for partition 1."""
    return {
        "ann": [("assigned", [0, 1]), ("read", [[0, 0, 0], [1, 0, 1]]), ("committed", [[0, 1], [1, 1]]),
                ("assigned", []), ("assigned", [0]), ("read", [[0, 1, 2]]), ("committed", [[0, 2]])],
        "bob": [("assigned", [1]), ("read", [[1, 1, 3]])],
    }


ACKED = [[0, 0, 0], [1, 0, 1], [0, 1, 2], [1, 1, 3]]


class GroupJudge(unittest.TestCase):
    def repeats(self, change, words=None):
        seen = reports()
        change(seen)
        if words is None:
            return group_judge.repeats(SHARES, seen)
        with self.assertRaisesRegex(Wrong, words):
            group_judge.repeats(SHARES, seen)

    def test_nothing_wrong(self):
        self.repeats(lambda seen: None)
        self.assertEqual(group_judge.stream(ACKED, reports()), 0)

    def test_an_epoch_for_no_reason(self):
        group_judge.epochs(7, 7)
        with self.assertRaisesRegex(Wrong, "at epoch 8 after 7 changes"):
            group_judge.epochs(8, 7)

    def test_a_partition_of_nobody(self):
        with self.assertRaisesRegex(Wrong, "not shared completely"):
            group_judge.shares(SHARES, 3)

    def test_a_partition_of_two(self):
        with self.assertRaisesRegex(Wrong, "not shared completely"):
            group_judge.shares({"ann": [0, 1], "bob": [1]}, 2)

    def test_a_member_that_is_passed_over(self):
        with self.assertRaisesRegex(Wrong, "not shared evenly"):
            group_judge.shares({"ann": [0, 1], "bob": []}, 2)

    def test_what_another_one_had_committed(self):
        self.repeats(lambda seen: seen["bob"].append(("read", [[1, 0, 1]])), r"bob read \[0\] of partition 1 again")

    def test_what_it_had_committed_itself(self):
        self.repeats(lambda seen: seen["ann"].append(("read", [[0, 0, 0]])), "ann read .* after it had committed")

    def test_what_was_read_and_not_committed_may_be_read_again(self):
        def uncommitted(seen):
            del seen["ann"][2]
            seen["bob"].insert(1, ("read", [[1, 0, 1]]))

        self.repeats(uncommitted)

    def test_what_was_read_before_the_last_rebalance_does_not_count(self):
        self.repeats(lambda seen: seen["bob"].insert(0, ("read", [[1, 0, 1]])))

    def test_an_owner_that_knows_nothing_of_it(self):
        self.repeats(lambda seen: seen["bob"].clear(), "bob was never told")

    def stream(self, change, words):
        seen = reports()
        change(seen)
        with self.assertRaisesRegex(Wrong, words):
            group_judge.stream(ACKED, seen)

    def test_a_record_that_nobody_read(self):
        self.stream(lambda seen: seen["bob"].pop(), "1 of 4 records were read by nobody")

    def test_a_record_that_nobody_wrote(self):
        self.stream(lambda seen: seen["bob"].append(("read", [[1, 2, 9]])), "9 was read at 1/2, where None was written")

    def test_another_record_than_was_written(self):
        self.stream(lambda seen: seen["bob"].append(("read", [[1, 1, 4]])), "4 was read at 1/1, where 3 was written")

    def test_records_that_were_read_twice_are_counted(self):
        seen = reports()
        seen["bob"].append(("read", [[0, 0, 0]]))
        self.assertEqual(group_judge.stream(ACKED, seen), 1)


if __name__ == "__main__":
    unittest.main()
