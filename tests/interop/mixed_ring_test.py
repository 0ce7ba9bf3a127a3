#!/usr/bin/env python3
"""Mixed rings: totemd and Debian's corosync 3.1.7 as members of one ring, seen by unmodified clients."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import harness  # noqa: E402

SHAPES = [(harness.OURS, harness.PEERS), (harness.PEERS, harness.OURS),
          (harness.OURS, harness.OURS, harness.PEERS), (harness.PEERS, harness.PEERS, harness.OURS)]
MESSAGES = 1000
if harness.FULL:
    SHAPES.append((harness.OURS, harness.PEERS) * 2 + (harness.OURS,))
    MESSAGES = 7000


class MixedRing(harness.LabTest):
    def each_shape(self):
        for transport in ("udpu", "udp"):
            for shape in SHAPES:
                with self.subTest(transport=transport, shape=shape):
                    cluster = self.cluster(list(shape), transport=transport)
                    cluster.start()
                    cluster.wait_members(cluster.nodes(), 10)
                    yield cluster
                    for node, daemon in cluster.daemons.items():
                        self.assertIsNotNone(cluster.pid(node), "%s of node %d died" % (daemon, node))
                    cluster.close()

    def test_messages(self):
        """Messages of all members at once arrive everywhere in one order."""
        for cluster in self.each_shape():
            count = len(cluster.nodes())
            started = harness.now()
            loads = [cluster.load(n, count, MESSAGES, MESSAGES * count, sizes=(1, 65536),
                                  deadline=160) for n in cluster.nodes()]
            self.assertEqual(len(harness.orders(harness.finish(loads, 170))), 1)
            harness.record("mixed ring", "%s, %s" % (cluster.transport, ", ".join(
                cluster.daemons.values())), "%d in %.1f s" % (MESSAGES * count,
                                                              harness.now() - started))

    def test_kill_each_side(self):
        for cluster in self.each_shape():
            for victim in cluster.nodes():
                rest = [n for n in cluster.nodes() if n != victim]
                cluster.kill(victim)
                cluster.wait_members(rest, 10, quorate=len(rest) > 1)
                cluster.start(victim)
                cluster.wait_members(cluster.nodes(), 10)

    def test_leave_each_side(self):
        for cluster in self.each_shape():
            for leaver in cluster.nodes():
                rest = [n for n in cluster.nodes() if n != leaver]
                cluster.stop(leaver)
                cluster.wait_members(rest, 5, quorate=len(rest) > 1)
                cluster.start(leaver)
                cluster.wait_members(cluster.nodes(), 10)


if __name__ == "__main__":
    unittest.main()
