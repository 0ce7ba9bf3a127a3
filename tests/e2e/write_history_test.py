#!/usr/bin/env python3
"""The judge of the chaos tests sees every wrong that is planted, and none where there is none."""

import unittest

import write_history
from write_history import Cut, EMPTY, content, digest

# WRITER NUMBER KIND PATH LENGTH START END OUTCOME ERRNO
OWN = ["1 1 put w1/f0 100 10 20 acknowledged 0",
       "1 2 put w1/f0 100 30 40 uncertain 110",
       "1 3 put w1/f0 100 50 60 acknowledged 0",
       "1 4 put w1/f0 100 70 80 refused 13",
       "1 5 put w1/f0 100 90 99 uncertain 110"]
SHARED = ["1 1 share shared/s 50 10 20 acknowledged 0",
          "2 1 share shared/s 50 15 40 acknowledged 0",
          "3 1 share shared/s 50 30 35 acknowledged 0",
          "1 2 share shared/s 50 50 60 refused 13",
          "2 2 share shared/s 50 50 60 uncertain 110"]
CLAIMS = ["1 1 claim claims/c 0 10 20 acknowledged 0", "2 1 claim claims/c 0 10 20 refused 17"]


def judged(lines, found, cuts=(), other=None):
    """Violations when replica 1 has `found` (path to digest) and replica 2 `other`, or the same."""
    attempts = write_history.read_log(1, lines)
    trees = {1: found, 2: found if other is None else other}
    return write_history.Judge(attempts, trees, cuts).violations()


def of(lines, index):
    return digest(content(write_history.read_log(1, lines)[index]))


class Judge(unittest.TestCase):
    def fine(self, *arguments, **more):
        self.assertEqual(judged(*arguments, **more), [])

    def wrong(self, word, *arguments, **more):
        said = judged(*arguments, **more)
        self.assertEqual(len(said), 1, said)
        self.assertIn(word, said[0])

    def test_a_file_of_one_writer(self):
        self.fine(OWN, {"w1/f0": of(OWN, 2)})
        self.fine(OWN, {"w1/f0": of(OWN, 4)})
        self.wrong("is gone", OWN, {})
        self.wrong("empty", OWN, {"w1/f0": EMPTY})
        for lost_or_refused in (0, 1, 3):
            self.wrong("cannot have", OWN, {"w1/f0": of(OWN, lost_or_refused)})
        half = content(write_history.read_log(1, OWN)[2])[:50]
        self.wrong("cannot have", OWN, {"w1/f0": digest(half)})

    def test_nothing_acknowledged(self):
        self.fine(OWN[1:2], {})
        self.fine(OWN[1:2], {"w1/f0": EMPTY})
        self.fine(OWN[1:2], {"w1/f0": of(OWN, 1)})
        self.wrong("cannot have", OWN[3:4], {"w1/f0": of(OWN, 3)})

    def test_a_file_of_many_writers(self):
        for possible in (1, 2, 4):
            self.fine(SHARED, {"shared/s": of(SHARED, possible)})
        for followed_or_refused in (0, 3):
            self.wrong("cannot have", SHARED, {"shared/s": of(SHARED, followed_or_refused)})
        self.wrong("is gone", SHARED, {})

    def test_made_and_removed(self):
        new = "1 1 new w1/n1 60 10 20 acknowledged 0"
        removed = "1 2 del w1/n1 0 30 40 %s 0"
        there = {"w1/n1": of([new], 0)}
        self.fine([new], there)
        self.wrong("is gone", [new], {})
        self.fine([new, removed % "acknowledged"], {})
        self.wrong("was removed", [new, removed % "acknowledged"], there)
        self.fine([new, removed % "uncertain"], there)
        self.fine([new, removed % "uncertain"], {})
        self.wrong("is gone", [new, removed % "refused"], {})

    def test_claims(self):
        self.fine(CLAIMS, {"claims/c": EMPTY})
        self.wrong("is gone", CLAIMS, {})
        self.wrong("refused to everybody", CLAIMS[1:], {"claims/c": EMPTY})
        forked = [CLAIMS[0], CLAIMS[1].replace("refused 17", "acknowledged 0")]
        self.wrong("made twice", forked, {"claims/c": EMPTY})

    def test_replicas(self):
        self.wrong("different w1/f0", OWN, {"w1/f0": of(OWN, 2)}, other={"w1/f0": of(OWN, 4)})
        self.wrong("different w1/f0", OWN, {"w1/f0": of(OWN, 2)}, other={})
        self.wrong("nobody wrote w1/x", OWN, {"w1/f0": of(OWN, 2), "w1/x": EMPTY})

    def test_minorities(self):
        there = {"w1/f0": of(OWN, 2)}
        self.wrong("in a minority", OWN, there, cuts=[Cut([1], 45, 65)])
        self.fine(OWN, there, cuts=[Cut([2], 45, 65)])
        self.fine(OWN, there, cuts=[Cut([1], 55, 65), Cut([1], 45, 55)])


if __name__ == "__main__":
    unittest.main()
