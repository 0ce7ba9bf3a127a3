#!/usr/bin/env python3
"""Stalls nobody expects: disks, clients and the daemon itself stand still; the ring does not.

A ring of three at the priority of a real installation carries a steady load while something stalls. From
outside one sees: the token is never away for 50 ms, nobody's membership changes, and the log of the node
concerned names the culprit.
"""

import os
import re
import signal
import unittest

import harness

GAP_MS = 50
RATE = 300  # messages a second of each member
DISK = "/var/lib/corosync"
LOGS = "/var/log/corosync"
SWITCH = "/run/slow_disk"


class Stall(harness.LabTest):
    def ring(self, slow="", count=3, **options):
        """A loaded ring. `slow`: the disk below this directory of node 1 can be made to hang."""
        cluster = self.cluster([harness.OURS] * count, realtime=True, **options)
        if slow:
            cluster.node_env[1] = ["LD_PRELOAD=" + harness.library("slow_disk"),
                                   "SLOW_DISK=" + slow, "SLOW_DISK_SWITCH=" + SWITCH]
        cluster.start()
        cluster.wait_members(cluster.nodes(), 15)
        for node in cluster.nodes():
            cluster.lab("start", str(node), "watch%d" % node, harness.client("token_watch"))
        return cluster

    def load(self, cluster, nodes, seconds):
        count = RATE * seconds
        return [cluster.load(n, len(nodes), count, count * len(nodes), sizes=(64, 1024),
                             deadline=seconds + 60, rate=RATE) for n in nodes]

    def wait_flow(self, cluster, node):
        """Waits until messages flow, that is the token turns without being held."""
        def tokens():
            found = re.findall(r"tokens (\d+)", cluster.log_of("watch%d" % node))
            return int(found[-1]) if found else 0
        first = tokens()
        harness.wait_for("the token turns fast", lambda: tokens() > first + 500, 20)

    def longest_gap(self, cluster, node, since):
        lines = cluster.log_of("watch%d" % node).splitlines()
        gaps = [float(word[2]) for word in map(str.split, lines)
                if word[1:2] == ["gap"] and int(word[0]) >= since * 1000]
        return max(gaps, default=0.0)

    def undisturbed(self, name, cluster, fault, nodes, seconds):
        """Runs `fault` under load; `nodes`, which are to be loaded, must not notice."""
        loads = self.load(cluster, nodes, seconds)
        self.wait_flow(cluster, nodes[0])
        ring = cluster.members(nodes[0])
        since = harness.now()
        fault()
        orders = harness.orders(harness.finish(loads, seconds + 60))
        gap = self.longest_gap(cluster, nodes[0], since)
        harness.record("stall", name, "token gap %.1f ms" % gap)
        self.assertEqual(len(orders), 1)
        self.assertEqual(cluster.members(nodes[0]), ring)
        self.assertLess(gap, GAP_MS)

    def wait_log(self, cluster, node, pattern, seconds=15):
        harness.wait_for("%r in the log of node %d" % (pattern, node),
                         lambda: re.search(pattern, cluster.log(node)), seconds)

    # ---- disks -----------------------------------------------------------------------------

    def hang(self, cluster, milliseconds):
        cluster.write(1, SWITCH, "%d\n" % milliseconds)

    def test_disk_hangs_while_logs_are_rotated(self):
        """Logs and their directory hang for 10 s while files are opened anew and lines are written."""
        cluster = self.ring(slow=LOGS, logging="to_logfile: yes\nlogfile: %s/corosync.log" % LOGS)

        def fault():
            self.hang(cluster, 10000)
            cluster.signal(1, signal.SIGHUP)
        self.undisturbed("log disk hangs", cluster, fault, (1, 2, 3), 12)
        self.wait_log(cluster, 1, "is the disk stuck\\? Still opening the log files")
        self.wait_log(cluster, 1, "Done after .* s: opening the log files")

    def test_disk_hangs_while_the_configuration_is_read_anew(self):
        cluster = self.ring(slow="/etc/corosync")

        def fault():
            self.hang(cluster, 10000)
            cluster.popen(1, *harness.PEER_ENV,
                          os.path.join(harness.PEER, "usr/sbin/corosync-cfgtool"), "-R")
        self.undisturbed("configuration hangs", cluster, fault, (1, 2, 3), 12)
        self.wait_log(cluster, 1, "Still reading /etc/corosync/corosync.conf")

    def test_disk_hangs_at_a_membership_change(self):
        """Node 3 dies and comes back while node 1 cannot write: nobody waits for the disk."""
        cluster = self.ring(slow=DISK)
        self.hang(cluster, 10000)
        cluster.kill(3)
        cluster.wait_members((1, 2), 5)
        cluster.start(3)
        cluster.wait_members((1, 2, 3), 5)

    def test_disk_hangs_at_the_start(self):
        """A node that cannot store its ring number for 10 s is late; the others notice nothing."""
        cluster = self.ring(slow=DISK)
        cluster.stop(1)
        cluster.wait_members((2, 3), 10)

        def fault():
            self.hang(cluster, 10000)
            cluster.start(1)
            self.wait_log(cluster, 1, "Still storing the ring id in %s/ringid_1" % DISK, 5)
        self.undisturbed("ring id takes 10 s", cluster, fault, (2, 3), 8)
        cluster.wait_members((1, 2, 3), 15)


if __name__ == "__main__":
    unittest.main()
