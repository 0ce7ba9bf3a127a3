#!/usr/bin/env python3
"""Daemons that start together are one quorate ring within 2 s, every time.

Once for each cell; QUORATE_FULL=1: twenty times. Time counts from before the first daemon is started until
the last member's client heard of the ring of all of them.
"""

import re
import statistics
import unittest

import harness

LIMIT_S = 2.0
ROUNDS = 20 if harness.FULL else 1


def quorate_with(text, members):
    """(ring, time) of the last line of quorum_watch, when it tells of a ring of just `members`."""
    lines = [line for line in text.splitlines() if " quorate " in line]
    found = re.match(r"(\d+) quorate yes ring (\S+) members (\S+)$", lines[-1]) if lines else None
    if not found or found.group(3) != ",".join(map(str, members)):
        return None
    return found.group(2), int(found.group(1)) / 1000


class ColdStart(harness.LabTest):
    def one_start(self, cluster, round_number):
        """Seconds until all know of one ring."""
        names = {node: "watch%d-%d" % (node, round_number) for node in cluster.nodes()}
        for node, name in names.items():
            cluster.lab("start", str(node), name, harness.client("quorum_watch"))
        started = harness.now()
        cluster.start()

        def all_know():
            seen = [quorate_with(cluster.log_of(name), cluster.nodes()) for name in names.values()]
            if None in seen or len({ring for ring, _ in seen}) != 1:
                return None
            return max(when for _, when in seen)
        took = harness.wait_for("one ring", all_know, 15) - started
        for node in cluster.nodes():
            cluster.end(node, "quorum_watch")
            cluster.kill(node)
            cluster.run(node, "sh", "-c", "rm -f /var/lib/corosync/*")
        return took

    def cell(self, count, transport, secauth):
        cluster = self.cluster([harness.OURS] * count, transport=transport, secauth=secauth)
        times = sorted(self.one_start(cluster, i) for i in range(ROUNDS))
        cluster.close()
        harness.record("cold start", "%d nodes %s" % (count, harness.cell_name(transport, secauth)),
                       "%d starts: %.2f / %.2f / %.2f s (least, median, most)" %
                       (ROUNDS, times[0], statistics.median(times), times[-1]))
        self.assertLess(times[-1], LIMIT_S)

    def test_cold_start(self):
        for transport, secauth in harness.CELLS:
            for count in (3, 5):
                with self.subTest(transport=transport, secauth=secauth, count=count):
                    self.cell(count, transport, secauth)


if __name__ == "__main__":
    unittest.main()
