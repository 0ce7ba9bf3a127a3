#!/usr/bin/env python3
"""pvecm against real daemons: a cluster made from nothing, and what it shows and changes of one, to the
byte as corosync-quorumtool does, on totemd and on Debian's corosync."""

import os
import re
import signal
import subprocess
import unittest

import harness
from harness import wait_for

PVECM = os.path.join(harness.BIN, "pvecm")
TOTEMD = os.path.join(harness.BIN, "totemd")
CONF = "/etc/corosync/corosync.conf"
KEY = "/etc/corosync/authkey"
# A second may pass between two programs.
DATE = re.compile(r"^Date: .*$", re.M)
# The tool prints a scope behind IPv6 addresses that nobody gave it: it reads what its library leaves unset.
SCOPE = re.compile(r"(?<=[0-9a-f])%\w+")


class Pvecm(harness.LabTest):
    def pvecm(self, cluster, node, *words, typed=""):
        """(exit status, stdout, stderr)"""
        done = cluster.lab("run", str(node), PVECM, *words, check=False, timeout=60, text=True,
                           input=typed, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return done.returncode, done.stdout, done.stderr

    def succeed(self, cluster, node, *words, typed=""):
        status, out, err = self.pvecm(cluster, node, *words, typed=typed)
        self.assertEqual(status, 0, out + err)
        return out

    def assert_as_the_tool(self, cluster, node, quorate=True, more=""):
        """status and nodes are what the tool prints; `more` is what status prints behind it."""
        status, out, err = self.pvecm(cluster, node, "status")
        self.assertEqual((status, err), (0 if quorate else 2, ""))
        self.assertEqual(len(DATE.findall(out)), 1)
        tool = SCOPE.sub("", cluster.tool(node, "corosync-quorumtool", "-siH"))
        self.assertEqual(DATE.sub("", out), DATE.sub("", tool) + more)
        self.assertEqual(self.succeed(cluster, node, "nodes"),
                         cluster.tool(node, "corosync-quorumtool", "-l"))


class Create(Pvecm):
    def machine(self):
        """One without a configuration."""
        cluster = self.cluster([harness.OURS])
        cluster.run(1, "rm", CONF)
        cluster.run(1, "mkdir", "-p", "/run/lock")  # as systemd does
        return cluster

    def test_a_cluster_from_nothing(self):
        cluster = self.machine()
        self.assertIn("then pvecm status", self.succeed(cluster, 1, "create", "fresh"))
        self.assertEqual(cluster.run(1, "stat", "-c", "%a %U %s", KEY), "400 root 256\n")
        self.assertEqual(cluster.run(1, "stat", "-c", "%a %U", CONF), "644 root\n")
        self.assertEqual(cluster.run(1, "ls", "-A", "/etc/corosync"), "authkey\ncorosync.conf\n")
        self.assertNotIn("warning", cluster.run(1, TOTEMD, "-t"))
        cluster.start()
        cluster.wait_members([1], 10)
        self.assert_as_the_tool(cluster, 1)
        self.assertIn("1          1 node1 (local)", self.succeed(cluster, 1, "nodes"))
        # Again: refused, and nothing is touched.
        before = cluster.run(1, "sha256sum", CONF, KEY)
        status, out, err = self.pvecm(cluster, 1, "create", "other")
        self.assertEqual((status, out, err),
                         (255, "", "cluster config '%s' already exists\n" % CONF))
        self.assertEqual(cluster.run(1, "sha256sum", CONF, KEY), before)

    def test_its_options(self):
        cluster = self.machine()
        self.succeed(cluster, 1, "keygen", KEY)
        self.succeed(cluster, 1, "create", "-nodeid", "9", "--votes=2", "fresh", "-link0",
                     "fd99::1", "-bindnet0", "fd99::")
        self.assertIn("ip_version: ipv6\n", cluster.run(1, "cat", CONF))
        cluster.start()
        wait_for("quorum", lambda: self.pvecm(cluster, 1, "status")[0] == 0, 10)
        self.assert_as_the_tool(cluster, 1)
        self.assertIn("\n0x00000009          2 fd99::1 (local)\n", self.succeed(cluster, 1, "status"))

    def test_an_address_of_another_machine(self):
        cluster = self.machine()
        status, _, err = self.pvecm(cluster, 1, "create", "fresh", "-ring0_addr", "10.99.0.2")
        self.assertEqual((status, err), (255, "ring0: cannot use IP '10.99.0.2', it must be "
                                              "configured exactly once on local node!\n"))
        self.assertEqual(cluster.run(1, "ls", "-A", "/etc/corosync"), "")

    def test_a_disk_without_room(self):
        """Neither a key nor a configuration, nor any part of them."""
        cluster = self.machine()
        cluster.run(1, "mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", "/etc/corosync")
        status, _, err = self.pvecm(cluster, 1, "create", "fresh")
        self.assertEqual(status, 255)
        self.assertIn("cannot create '%s" % CONF, err)
        self.assertEqual(cluster.run(1, "ls", "-A", "/etc/corosync"), "")

    def test_not_root(self):
        cluster = self.machine()
        done = cluster.run(1, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", PVECM,
                           "status", check=False)
        self.assertEqual(done, "please run as root\n")


class Quorum(Pvecm):
    def ring(self, daemon):
        cluster = self.cluster([daemon] * 3)
        cluster.start()
        cluster.wait_members([1, 2, 3], 20)
        return cluster

    def mark(self, in_force, *missing):
        return ("\nExpected votes are lowered\n--------------------------\nConfigured votes: 3\n"
                "In force:         %d\nUntil return of:  %s\n" %
                (in_force, ", ".join("node%d (node %d, 1 vote)" % (n, n) for n in missing)))

    def check_expected(self, daemon):
        cluster = self.ring(daemon)
        for node in (1, 3):
            self.assert_as_the_tool(cluster, node)
        # More than two thirds cannot be asked of those present, and less than all of them neither.
        status, _, err = self.pvecm(cluster, 1, "expected", "1")
        self.assertEqual((status, err), (1, "Unable to set expected votes: CS_ERR_INVALID_PARAM\n"))
        cluster.kill(2)
        cluster.kill(3)
        cluster.wait_members([1], 20, quorate=False)
        self.assert_as_the_tool(cluster, 1, quorate=False)

        for typed in ("", "no\n"):
            status, out, err = self.pvecm(cluster, 1, "expected", "1", typed=typed)
            self.assertEqual(status, 255)
            self.assertIn("(yes/no)", out)
            self.assertIn("node2 (node 2, 1 vote), node3 (node 3, 1 vote)", err)
        self.assert_as_the_tool(cluster, 1, quorate=False)
        self.assertEqual(self.pvecm(cluster, 1, "expected", "2", "-yes")[0], 1)

        self.succeed(cluster, 1, "expected", "1", typed="yes\n")
        cluster.wait_members([1], 5)
        self.assert_as_the_tool(cluster, 1, more=self.mark(1, 2, 3))
        # Those who return end it, one by one, and every node knows.
        cluster.start(2)
        cluster.wait_members([1, 2], 20)
        for node in (1, 2):
            self.assert_as_the_tool(cluster, node, more=self.mark(2, 3))
        cluster.start(3)
        cluster.wait_members([1, 2, 3], 20)
        for node in (1, 2, 3):
            self.assert_as_the_tool(cluster, node)

        self.assertEqual(self.succeed(cluster, 1, "expected", "5"), "")
        wait_for("five expected votes on node 3", lambda: "Expected votes:   5" in
                 self.pvecm(cluster, 3, "status")[1], 5)
        self.assert_as_the_tool(cluster, 3)

    def test_on_totemd(self):
        self.check_expected(harness.OURS)

    def test_on_corosync(self):
        self.check_expected(harness.PEERS)

    def test_expected_of_scripts(self):
        cluster = self.ring(harness.OURS)
        cluster.kill(2)
        cluster.kill(3)
        cluster.wait_members([1], 20, quorate=False)
        self.assertEqual(self.succeed(cluster, 1, "expected", "1", "--yes"), "")
        cluster.wait_members([1], 5)
        self.assert_as_the_tool(cluster, 1, more=self.mark(1, 2, 3))


class NoEngine(Pvecm):
    def test_down(self):
        cluster = self.cluster([harness.OURS])
        for words in (("status",), ("nodes",), ("expected", "1")):
            status, out, err = self.pvecm(cluster, 1, *words)
            self.assertEqual((status, out), (1, ""))
            self.assertTrue(err.startswith("Cannot initialize CMAP service\n"), err)
            self.assertIn("systemctl status totemd", err)

    def test_stopped(self):
        """It does not wait without end for a daemon that hangs."""
        cluster = self.cluster([harness.OURS])
        cluster.start()
        cluster.wait_members([1], 10)
        cluster.signal(1, signal.SIGSTOP)
        begin = harness.now()
        status, _, err = self.pvecm(cluster, 1, "status")
        self.assertEqual(status, 1)
        self.assertIn("the cluster engine does not answer", err)
        self.assertLess(harness.now() - begin, 30)
        cluster.signal(1, signal.SIGCONT)
        wait_for("an answer", lambda: self.pvecm(cluster, 1, "status")[0] == 0, 10)

    def test_no_quorum_provider(self):
        cluster = self.cluster([harness.OURS])
        text = cluster.conf().replace("  provider: corosync_votequorum\n", "")
        cluster.write(1, CONF, text)
        cluster.start()
        wait_for("the daemon", lambda: self.pvecm(cluster, 1, "nodes")[0] == 0, 10)
        self.assertEqual(self.succeed(cluster, 1, "nodes"),
                         cluster.tool(1, "corosync-quorumtool", "-l"))
        status, _, err = self.pvecm(cluster, 1, "status")
        self.assertEqual((status, err), (1, "Unable to start votequorum status tracking: "
                                            "CS_ERR_BAD_HANDLE\n"))


if __name__ == "__main__":
    unittest.main()
