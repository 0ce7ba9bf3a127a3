#!/usr/bin/env python3
"""Requests and datagrams that nobody should send, at real daemons under load.

No daemon ends, no membership changes, and the load arrives in one order. QUORATE_FULL=1: for minutes
instead of seconds. The pure parts have fuzz tests of their own; this is for what lies between.
"""

import unittest

import harness

SECONDS = 120 if harness.FULL else 6
SERVICES = ("cmap", "cfg", "cpg", "quorum", "votequorum")
RATE = 200
TRANSPORTS = ("udpu", "udp") if harness.FULL else ("udp",)


class Hostile(harness.LabTest):
    def ring(self, **options):
        cluster = self.cluster([harness.OURS] * 3, **options)
        cluster.start()
        cluster.wait_members(cluster.nodes(), 15)
        return cluster

    def stands(self, name, cluster, attackers):
        """Loads the ring while `attackers` run; what they say at their end."""
        before, pids = cluster.members(1), [cluster.pid(n) for n in cluster.nodes()]
        count = RATE * SECONDS
        loads = [cluster.load(n, 3, count, 3 * count, sizes=(64, 4096), deadline=SECONDS + 60,
                              rate=RATE) for n in cluster.nodes()]
        said = harness.finish([start() for start in attackers], SECONDS + 60)
        self.assertEqual(len(harness.orders(harness.finish(loads, SECONDS + 90))), 1)
        self.assertEqual(cluster.members(1), before)
        self.assertEqual([cluster.pid(n) for n in cluster.nodes()], pids)
        harness.record("hostile", name, ", ".join(text.strip() for text in said))

    def test_requests(self):
        cluster = self.ring()
        self.stands("requests", cluster, [
            lambda s=service, i=i: cluster.popen(2, harness.client("hostile_client"), s, str(i),
                                                 str(SECONDS))
            for i, service in enumerate(SERVICES, 1)])

    def throw(self, cluster, machine, kind):
        return lambda: cluster.popen(machine, harness.client("hostile_sender"), "1", str(SECONDS),
                                     kind, *[cluster.address(n) for n in cluster.nodes()])

    def test_malformed_frames_from_a_member(self):
        for transport in TRANSPORTS:
            cluster = self.ring(transport=transport)
            self.stands("malformed, member, " + transport, cluster,
                        [self.throw(cluster, 2, "malformed")])
            cluster.close()

    def test_any_frames_from_a_stranger(self):
        """It hears all that is multicast, and changes it as it likes."""
        for transport in TRANSPORTS:
            cluster = self.ring(transport=transport, strangers=1)
            self.stands("any, stranger, " + transport, cluster, [self.throw(cluster, 4, "any")])
            cluster.close()

    def test_any_frames_on_a_sealed_ring(self):
        for transport in TRANSPORTS:
            cluster = self.ring(transport=transport, secauth=True)
            self.stands("any, member, %s sealed" % transport, cluster,
                        [self.throw(cluster, 2, "any")])
            cluster.close()


if __name__ == "__main__":
    unittest.main()
