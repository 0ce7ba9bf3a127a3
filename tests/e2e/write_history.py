"""What writers were told, and whether the files at the end agree with it.

The writers are tests/clients/file_writer: their lines are `Attempt`s here. A file has one of the contents
that the attempts explain:

- of one writer: that of the last acknowledged attempt, or of a later uncertain one;
- of many writers: of an attempt that no acknowledged one followed in time;
- never that of a refused attempt, nor parts of two.

Cuts say when a set of nodes was certainly without the majority: what begins and ends in there on one of
these nodes cannot have been acknowledged.
"""

import collections
import hashlib

ACKNOWLEDGED, REFUSED, UNCERTAIN = "acknowledged", "refused", "uncertain"

Attempt = collections.namedtuple(
    "Attempt", "node writer number kind path length start end outcome error")
# Without a majority from `start` to `end`, in ns of the clock of the attempts.
Cut = collections.namedtuple("Cut", "nodes start end")


def read_log(node, lines):
    """Attempts in the log of the writers of `node`."""
    attempts = []
    for line in lines:
        writer, number, kind, path, length, start, end, outcome, error = line.split()
        attempts.append(Attempt(node, int(writer), int(number), kind, path, int(length), int(start),
                                int(end), outcome, int(error)))
    return attempts


def content(attempt):
    line = b"%d %d\n" % (attempt.writer, attempt.number)
    return (line * (attempt.length // len(line) + 1))[:attempt.length]


def digest(data):
    return hashlib.sha256(data).hexdigest()


EMPTY = digest(b"")


def counts(attempts):
    return collections.Counter(attempt.outcome for attempt in attempts)


class Judge:
    """Compares attempts with `trees`: for each node a map from path to digest."""

    def __init__(self, attempts, trees, cuts=()):
        self.by_path = collections.defaultdict(list)
        for attempt in attempts:
            self.by_path[attempt.path].append(attempt)
        self.attempts, self.trees, self.cuts = attempts, trees, cuts

    def violations(self):
        return self.unequal() + self.acknowledged_in_minorities() + self.wrong_files()

    def unequal(self):
        """Replicas that differ."""
        said = []
        first = min(self.trees)
        for node, tree in sorted(self.trees.items()):
            for path in sorted(set(tree) | set(self.trees[first])):
                if tree.get(path) != self.trees[first].get(path):
                    said.append("nodes %d and %d have different %s" % (first, node, path))
        return said

    def acknowledged_in_minorities(self):
        return ["node %d acknowledged in a minority: %s" % (a.node, describe(a))
                for cut in self.cuts for a in self.attempts
                if a.node in cut.nodes and a.outcome == ACKNOWLEDGED
                and a.start > cut.start and a.end < cut.end]

    def wrong_files(self):
        tree = self.trees[min(self.trees)]
        said = ["nobody wrote %s" % path for path in sorted(set(tree) - set(self.by_path))
                if not path.endswith(".tmp")]
        for path, attempts in sorted(self.by_path.items()):
            judge = {"claim": self.wrong_claim, "share": self.wrong_shared,
                     "put": self.wrong_own}.get(attempts[0].kind, self.wrong_unique)
            wrong = judge(attempts, tree.get(path))
            if wrong:
                said.append("%s %s; attempts: %s" % (
                    path, wrong, "; ".join(map(describe, attempts[-8:]))))
        return said

    def wrong_claim(self, attempts, found):
        winners = [a for a in attempts if a.outcome == ACKNOWLEDGED]
        if len(winners) > 1:
            return "was made twice"
        if winners and found is None:
            return "was made and is gone"
        if found is not None and all(a.outcome == REFUSED for a in attempts):
            return "is there, but was refused to everybody"
        return None

    def wrong_shared(self, attempts, found):
        """Of several writers: only time orders them."""
        last_start = max((a.start for a in attempts if a.outcome == ACKNOWLEDGED), default=0)
        return wrong_content(found, [a for a in attempts if a.outcome == UNCERTAIN
                                     or a.outcome == ACKNOWLEDGED and a.end >= last_start],
                             last_start != 0)

    def wrong_own(self, attempts, found):
        """Of one writer: its attempts follow each other."""
        attempts = sorted(attempts, key=lambda a: a.number)
        last = max((i for i, a in enumerate(attempts) if a.outcome == ACKNOWLEDGED), default=-1)
        return wrong_content(found, [a for a in attempts[max(last, 0):] if a.outcome != REFUSED],
                             last >= 0)

    def wrong_unique(self, attempts, found):
        """Made once, perhaps removed once."""
        made = [a for a in attempts if a.kind == "new"]
        removed = [a for a in attempts if a.kind == "del" and a.outcome != REFUSED]
        if any(a.outcome == ACKNOWLEDGED for a in removed):
            return "was removed and is there" if found is not None else None
        if removed and found is None:
            return None
        return wrong_content(found, [a for a in made if a.outcome != REFUSED],
                             any(a.outcome == ACKNOWLEDGED for a in made))


def wrong_content(found, possible, acknowledged):
    """What is wrong with `found` when only the contents of `possible` can be there."""
    if not acknowledged and found in (None, EMPTY):
        return None  # making a file and filling it are two operations
    if found is None:
        return "is gone"
    if found not in [digest(content(a)) for a in possible]:
        return "has content that it cannot have (%s)" % ("empty" if found == EMPTY else found[:12])
    return None


def describe(attempt):
    return "%s of writer %d.%d on node %d, %.3f to %.3f s: %s (errno %d)" % (
        attempt.kind, attempt.writer, attempt.number, attempt.node, attempt.start / 1e9,
        attempt.end / 1e9, attempt.outcome, attempt.error)
