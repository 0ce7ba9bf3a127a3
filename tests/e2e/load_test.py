#!/usr/bin/env python3
"""Messages of all sizes from all members at once arrive everywhere in one order, whatever happens.

QUORATE_FULL=1: every case on every transport, sealed and not, with rings of 3 and of 5 and the full number
of messages. QUORATE_DAEMON=corosync: on Debian's, which has no secauth on these transports.
"""

import os
import time
import unittest

import harness

DAEMON = os.environ.get("QUORATE_DAEMON", harness.OURS)
CELLS = [cell for cell in harness.CELLS if DAEMON == harness.OURS or not cell[1]]
COUNTS = (3, 5) if harness.FULL else (3,)
# What takes long runs on each transport, and sealed, but not on each combination.
SOME_CELLS = CELLS if harness.FULL else [CELLS[0], CELLS[-1]]

MESSAGES = 20000 if harness.FULL else 1500
LARGE = 200 if harness.FULL else 12
LOSSY = 20000 if harness.FULL else 300
LOSSY_LARGE = 200 if harness.FULL else 3
DEADLINE_S = 900 if harness.FULL else 110

SIZES = (1, 65536)
LARGE_SIZES = (1040000, 1047000)  # about the longest that the library sends in one piece


class Load(harness.LabTest):
    def each_ring(self, body, cells=None, **options):
        """Calls body(name, cluster) with a ring of every cell and size."""
        for transport, secauth in cells or SOME_CELLS:
            for count in COUNTS:
                with self.subTest(transport=transport, secauth=secauth, count=count):
                    cluster = self.cluster([DAEMON] * count, transport=transport, secauth=secauth,
                                           **options)
                    cluster.start()
                    cluster.wait_members(cluster.nodes(), 15)
                    body("%d nodes %s" % (count, harness.cell_name(transport, secauth)), cluster)
                    cluster.close()

    def one_order(self, cluster, total, sizes):
        """`total` messages shared out among all; seconds that they took."""
        nodes = cluster.nodes()
        each = -(-total // len(nodes))
        started = time.monotonic()
        loads = [cluster.load(n, len(nodes), each, each * len(nodes), sizes, DEADLINE_S)
                 for n in nodes]
        outputs = harness.finish(loads, DEADLINE_S + 20)
        self.assertEqual(len(harness.orders(outputs)), 1, outputs)
        return time.monotonic() - started

    def both_sizes(self, cluster, total, large):
        ring = cluster.members(1)
        took = (self.one_order(cluster, total, SIZES), self.one_order(cluster, large, LARGE_SIZES))
        self.assertEqual(cluster.members(1)[2], ring[2])
        return "%d in %.1f s, %d of 1 MiB in %.1f s" % (total, took[0], large, took[1])

    def test_order(self):
        self.each_ring(lambda name, cluster: harness.record(
            "order", name, self.both_sizes(cluster, MESSAGES, LARGE)), CELLS)

    def lossy(self, percent):
        def body(name, cluster):
            cluster.lab("loss", "2", str(percent))
            harness.record("%d %% loss" % percent, name,
                           self.both_sizes(cluster, LOSSY, LOSSY_LARGE))
        # Most of the time goes by waiting for lost tokens; a network like this wants them repeated
        # soon and often.
        self.each_ring(body, token=3000, totem="token_retransmits_before_loss_const: 50")

    def test_loss_5(self):
        self.lossy(5)

    def test_loss_20(self):
        self.lossy(20)

    def kill_and_return(self, cluster, node, survivors):
        """`node`, which is sending, dies; comes back, and sends again."""
        before = cluster.members(survivors[0])[1]
        cluster.kill(node)
        cluster.wait_members(survivors, 20)
        cluster.start(node)
        cluster.wait_members(cluster.nodes(), 20)
        self.assertNotEqual(cluster.members(survivors[0])[1], before)
        return cluster.load(node, 1, MESSAGES, MESSAGES, SIZES, DEADLINE_S, senders=(node,),
                            rate=MESSAGES / 20)

    def test_kills(self):
        """Members die and return under load: the others see one order, without a gap."""
        def body(name, cluster):
            *survivors, victim = cluster.nodes()
            each = -(-MESSAGES // len(survivors))
            started = time.monotonic()
            loads = [cluster.load(n, len(cluster.nodes()), each, each * len(survivors), SIZES,
                                  DEADLINE_S, senders=survivors, rate=each / 8) for n in survivors]
            doomed = cluster.load(victim, len(cluster.nodes()), MESSAGES, MESSAGES, SIZES,
                                  DEADLINE_S, rate=MESSAGES / 20)
            for _ in range(2):
                started_again = self.kill_and_return(cluster, victim, survivors)
                doomed.communicate(timeout=DEADLINE_S)
                doomed = started_again
            outputs = harness.finish(loads, DEADLINE_S + 20)
            self.assertEqual(len(harness.orders(outputs)), 1, outputs)
            harness.record("kills", name, "%d in %.1f s, 2 deaths" %
                           (MESSAGES, time.monotonic() - started))
        self.each_ring(body)

    def test_partition(self):
        """A ring that was cut in two converges when the cut heals, and orders again."""
        def body(name, cluster):
            nodes = cluster.nodes()
            half = len(nodes) // 2 + 1
            large, small = nodes[:half], nodes[half:]
            cluster.lab("partition", ",".join(map(str, large)), ",".join(map(str, small)))
            cluster.wait_members(large, 20)
            cluster.wait_members(small, 20, quorate=False)
            started = time.monotonic()
            cluster.lab("heal")
            cluster.wait_members(nodes, 20)
            took = time.monotonic() - started
            self.one_order(cluster, LOSSY, SIZES)
            harness.record("partition", name, "one ring %.2f s after it healed" % took)
        self.each_ring(body)


if __name__ == "__main__":
    unittest.main()
