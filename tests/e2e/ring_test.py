#!/usr/bin/env python3
"""Rings of real daemons: they form, lose members and take them back.

QUORATE_DAEMON=corosync runs the same tests on Debian's corosync: the oracle for the tests themselves.
"""

import os
import signal
import time
import unittest

import harness

DAEMON = os.environ.get("QUORATE_DAEMON", harness.OURS)
OURS = DAEMON == harness.OURS


class Ring(harness.LabTest):
    def ring(self, count, **options):
        cluster = self.cluster([DAEMON] * count, **options)
        cluster.start()
        cluster.wait_members(cluster.nodes(), 10)
        return cluster

    def test_kill_and_return(self):
        """A killed node is gone for the others, which go on; it comes back."""
        cluster = self.ring(3)
        cluster.kill(2)
        cluster.wait_members((1, 3), 10)
        loads = [cluster.load(n, 2, 200, 400, deadline=30) for n in (1, 3)]
        self.assertEqual(len(harness.orders(harness.finish(loads, 40))), 1)
        cluster.start(2)
        cluster.wait_members((1, 2, 3), 10)

    def test_leave(self):
        """An orderly stop is seen at once, long before the token timeout."""
        cluster = self.ring(3, token=10000)
        cluster.stop(3)
        cluster.wait_members((1, 2), 3)

    def test_partition_and_heal(self):
        """The smaller side loses quorum; healing gives one ring again."""
        cluster = self.ring(3)
        cluster.lab("partition", "1,2", "3")
        cluster.wait_members((1, 2), 10)
        cluster.wait_members((3,), 10, quorate=False)
        cluster.lab("heal")
        cluster.wait_members((1, 2, 3), 10)

    def test_pause(self):
        """A stopped daemon is excluded; when it goes on it joins again."""
        cluster = self.ring(3)
        cluster.signal(2, signal.SIGSTOP)
        cluster.wait_members((1, 3), 10)
        cluster.signal(2, signal.SIGCONT)
        cluster.wait_members((1, 2, 3), 15)

    def test_interface_down_and_back(self):
        cluster = self.ring(3)
        cluster.lab("link", "3", "down")
        cluster.wait_members((1, 2), 10)
        cluster.lab("link", "3", "up")
        if OURS:
            cluster.wait_members((1, 2, 3), 15)

    @unittest.skipUnless(OURS, "corosync has no secauth on udp and udpu")
    def test_wrong_key(self):
        """A node with another key is never heard: two rings, never one."""
        cluster = self.cluster([DAEMON] * 3, secauth=True)
        cluster.write(3, "/etc/corosync/authkey", "another key, just as long " * 16, "400")
        cluster.start()
        cluster.wait_members((1, 2), 10)
        cluster.wait_members((3,), 10, quorate=False)
        harness.wait_for("node 3 in the log of node 1", lambda:
                         "from the address of node 3 are sealed with a key" in cluster.log(1), 5)

    def test_ipv6(self):
        cluster = self.ring(3, ipv6=True)
        loads = [cluster.load(n, 3, 100, 300, deadline=30) for n in cluster.nodes()]
        self.assertEqual(len(harness.orders(harness.finish(loads, 40))), 1)

    def test_unmodified_tools(self):
        """The tools that administrators know print what they print with corosync."""
        cluster = self.ring(3)
        load = cluster.load(1, 3, 0, 1, deadline=30)
        harness.wait_for("group in cpgtool", lambda: "quorate-load" in
                         cluster.tool(2, "corosync-cpgtool"), 10)
        load.kill()
        self.assertIn("nodelist.node.0.ring0_addr (str) = 10.99.0.1",
                      cluster.tool(1, "corosync-cmapctl", "nodelist"))
        self.assertIn("runtime.members.3.status (str) = joined",
                      cluster.tool(1, "corosync-cmapctl", "runtime.members"))
        self.assertIn("Local node ID 2", cluster.tool(2, "corosync-cfgtool", "-s"))


if __name__ == "__main__":
    unittest.main()
