#!/usr/bin/env python3
"""What administrators do to nodes that run: reload, in the words that corosync's tools and logs use."""

import re
import signal
import sys
import time
import unittest

import harness
from harness import wait_for

PUT_BACK = "Modified entry '%s' in corosync.conf cannot be changed at run-time"


class Admin(harness.LabTest):
    def ring(self, count, **options):
        cluster = self.cluster([harness.OURS] * count, **options)
        cluster.start()
        cluster.wait_members(cluster.nodes(), 10)
        return cluster

    def edit(self, cluster, nodes, *changes):
        """Replaces texts in the configuration file of `nodes`; each must be there."""
        for node in nodes:
            text = cluster.run(node, "cat", "/etc/corosync/corosync.conf")
            for old, new in changes:
                self.assertIn(old, text)
                text = text.replace(old, new, 1)
            cluster.write(node, "/etc/corosync/corosync.conf", text)

    def reload(self, cluster, node):
        return cluster.tool(node, "corosync-cfgtool", "-R")

    def wait_log(self, cluster, node, text, seconds=5):
        wait_for("%r in the log of node %d" % (text, node), lambda: text in cluster.log(node), seconds)


class Reload(Admin):
    def test_what_takes_effect(self):
        """Timers on all nodes, from one command; the ring stays as it is."""
        cluster = self.ring(3)
        before = cluster.members(1)
        self.edit(cluster, cluster.nodes(), ("token: 1000", "token: 5000\n  config_version: 2"))
        self.assertIn("Done", self.reload(cluster, 2))
        for node in cluster.nodes():
            wait_for("the new token timeout on node %d" % node,
                     lambda n=node: "= 5650" in cluster.tool(
                         n, "corosync-cmapctl", "runtime.config.totem.token"), 5)
        wait_for("the versions of all", lambda: cluster.tool(
            1, "corosync-cmapctl", "runtime.members.").count("config_version (u64) = 2") == 3, 5)
        self.assertEqual(cluster.members(1), before)

    def test_what_is_put_back(self):
        """Each entry that cannot change is named, stays in the map, and the rest takes effect."""
        cluster = self.ring(1)
        self.edit(cluster, [1], ("transport: udpu", "transport: udp"),
                  ("cluster_name: lab", "cluster_name: other"), ("token: 1000", "token: 2000"),
                  ("totem {", "totem {\n  interface {\n    linknumber: 0\n    mcastport: 5500\n  }"),
                  ("  provider: corosync_votequorum\n", ""), ("sched_rr: no", "sched_rr: yes"))
        self.assertIn("Done", self.reload(cluster, 1))
        for key in ("totem.transport", "totem.cluster_name", "quorum.provider", "system.sched_rr",
                    "totem.interface.0.mcastport"):
            self.wait_log(cluster, 1, PUT_BACK % key)
        keys = cluster.tool(1, "corosync-cmapctl")
        for line in ("totem.transport (str) = udpu", "totem.cluster_name (str) = lab",
                     "quorum.provider (str) = corosync_votequorum", "totem.token (u32) = 2000"):
            self.assertIn(line, keys)
        self.assertNotIn("mcastport", keys)
        log = len(cluster.log(1))
        self.assertIn("Done", self.reload(cluster, 1))
        self.wait_log(cluster, 1, "Config reload requested by node 1")
        wait_for("the notices again", lambda: cluster.log(1)[log:].count("Modified entry") == 5, 5)

    def test_what_is_refused(self):
        """A file with a problem, or another address of a node that stays: nothing changes."""
        cluster = self.ring(2)
        for node, change, text in (
                (1, ("token: 1000", "token: 10"), "may not be less than"),
                (1, ("nodelist {", "nodelist"), "corosync.conf:"),
                (1, ("ring0_addr: 10.99.0.2", "ring0_addr: 10.99.0.9"),
                 "new config has different address for link 0 (addr changed from 10.99.0.2 to "
                 "10.99.0.9)")):
            cluster.write_files(node)
            self.edit(cluster, [node], change)
            self.assertIn("CS_ERR_INVALID_PARAM", self.reload(cluster, node))
            self.assertTrue(re.search(r"Unable to reload config file: .*" + re.escape(text),
                                      cluster.log(node)), text)
            self.assertIn("config.reload_status (i32) = 7",
                          cluster.tool(node, "corosync-cmapctl", "config."))
        cluster.wait_members((1, 2), 5)

    def test_what_is_no_file(self):
        """Whatever stands where the configuration should be: a ring that runs goes on."""
        cluster = self.ring(2)
        for node in cluster.nodes():
            cluster.run(node, "rm", "/etc/corosync/corosync.conf")
            cluster.run(node, "mkdir", "/etc/corosync/corosync.conf")
        self.assertIn("CS_ERR_INVALID_PARAM", self.reload(cluster, 1))
        for node in cluster.nodes():
            self.wait_log(cluster, node, "Can't read file /etc/corosync/corosync.conf: Is a directory")
        cluster.wait_members((1, 2), 5)


ACCEPTED = "Key change: the new key is accepted"
SWITCHED = "Key change: every member accepts the new key"
OVER = "Key change: only the key of the configuration is accepted now"


class KeyChange(Admin):
    def put_key(self, cluster, nodes, word):
        for node in nodes:
            cluster.run(node, "rm", "-f", "/etc/corosync/authkey")
            cluster.write(node, "/etc/corosync/authkey", (word + " ") * 64, "400")

    def test_without_a_membership_change(self):
        """Messages flow, the ring stays, and afterwards the old key is worth nothing."""
        cluster = self.ring(3, secauth=True)
        ring = cluster.members(1)
        for round_, word in enumerate(("second", "third"), 1):
            loads = [cluster.load(n, 3, 4000, 12000, sizes=(1, 4096), deadline=50) for n in (1, 2, 3)]
            self.put_key(cluster, (1, 2, 3), word)
            self.assertIn("Done", self.reload(cluster, 2))
            for node in cluster.nodes():
                wait_for("the end of the key change on node %d" % node,
                         lambda n=node: cluster.log(n).count(OVER) == round_, 10)
            self.assertEqual(len(harness.orders(harness.finish(loads, 60))), 1)
        for node in cluster.nodes():
            self.assertEqual(cluster.members(node), ring)
            self.assertEqual(cluster.log(node).count("A new membership"),
                             cluster.log(node).split(ACCEPTED)[0].count("A new membership"))
        cluster.kill(3)
        cluster.wait_members((1, 2), 10)
        self.put_key(cluster, [3], "second")
        cluster.start(3)
        cluster.wait_members((3,), 10, quorate=False)
        cluster.kill(3)
        self.put_key(cluster, [3], "third")
        cluster.start(3)
        cluster.wait_members((1, 2, 3), 10)

    def test_a_node_without_the_new_key_is_waited_for(self):
        """Nobody is cut off: the change goes on when the last node has the key."""
        cluster = self.ring(3, secauth=True)
        ring = cluster.members(1)
        self.put_key(cluster, (1, 2), "second")
        self.reload(cluster, 1)
        self.wait_log(cluster, 1, "The change of the key waits for nodes 3", 15)
        self.assertNotIn(SWITCHED, cluster.log(1))
        self.assertEqual(cluster.members(3), ring)
        self.put_key(cluster, [3], "second")
        self.reload(cluster, 3)
        for node in cluster.nodes():
            self.wait_log(cluster, node, OVER)
        self.assertEqual(cluster.members(2), ring)

    def test_a_member_that_restarts_while_the_change_is_held_up(self):
        """It has the new key alone: it says whose frames it cannot read, and disturbs nobody."""
        cluster = self.ring(3, secauth=True)
        self.put_key(cluster, (1, 2), "second")
        self.reload(cluster, 1)
        self.wait_log(cluster, 1, ACCEPTED)
        cluster.kill(2)
        cluster.wait_members((1, 3), 10)
        cluster.start(2)
        self.wait_log(cluster, 2, "from the address of node 1 are sealed with a key", 10)
        self.assertNotIn("A new membership", cluster.log(1).split("Members left: 2")[1])
        self.put_key(cluster, (3,), "second")
        self.reload(cluster, 3)
        cluster.wait_members((1, 2, 3), 15)  # the change goes on in the ring that was formed

    def test_a_key_that_cannot_be_read_is_refused(self):
        cluster = self.ring(1, secauth=True)
        cluster.run(1, "chmod", "644", "/etc/corosync/authkey")
        self.assertIn("CS_ERR_INVALID_PARAM", self.reload(cluster, 1))
        self.wait_log(cluster, 1, "Unable to reload config file: ")
        self.assertNotIn(ACCEPTED, cluster.log(1))


class Telling(Admin):
    """What the log and the tools say about a ring that does not run smoothly."""

    def test_a_late_token_and_lost_messages(self):
        cluster = self.ring(2, token=4000)
        cluster.signal(2, signal.SIGSTOP)
        self.wait_log(cluster, 1, "Token has not been received in 3", 6)  # 75 % of 4000 ms
        cluster.signal(2, signal.SIGCONT)
        cluster.wait_members((1, 2), 20)
        self.assertEqual(cluster.log(1).count("Token has not been received"), 1)
        self.assertNotIn("Retransmit List", cluster.log(1))
        cluster.lab("loss", "2", "20")
        loads = [cluster.load(n, 2, 300, 600, deadline=50) for n in (1, 2)]
        harness.finish(loads, 60)
        wait_for("what was asked for again", lambda: re.search(
            r"Retransmit List: [0-9a-f]+", cluster.log(1) + cluster.log(2)), 5)

    def test_a_daemon_that_stood_still(self):
        cluster = self.ring(2, token=2000)
        cluster.signal(2, signal.SIGSTOP)
        time.sleep(1.8)  # the fault itself
        cluster.signal(2, signal.SIGCONT)
        wait_for("the line about it", lambda: re.search(
            r"warning \[MAIN  \] totemd main process was not scheduled for 1\d{3} ms \(threshold is "
            r"1000 ms, the deadline was \d\d:\d\d:\d\d\.\d{3}\);", cluster.log(2)), 5)
        self.assertNotIn("was not scheduled", cluster.log(1))

    def test_the_mtu_that_tools_show(self):
        cluster = self.ring(2)
        self.assertIn("enabled connected mtu: 1410", cluster.tool(1, "corosync-cfgtool", "-n"))

    def test_the_blackbox_keys_show_the_state(self):
        cluster = self.ring(1)
        cluster.tool(1, "corosync-cmapctl", "-s", "runtime.blackbox.dump_state", "str", "now",
                     check=True)
        self.wait_log(cluster, 1, "state 0 ring 1.")


# Holds one thread of a process by ptrace as long as it lives.
FREEZE = """
import ctypes, os, sys
pid, name = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
for task in os.listdir('/proc/%s/task' % pid):
    if open('/proc/%s/task/%s/comm' % (pid, task)).read().strip() == name:
        seized = libc.ptrace(0x4206, int(task), None, None)
        interrupted = libc.ptrace(0x4207, int(task), None, None)
        os.waitpid(int(task), 0x40000000)
        print('frozen' if (seized, interrupted) == (0, 0) else 'failed', flush=True)
        os.waitpid(int(task), 0x40000000)
"""

# Opens a pipe for reading, makes it as small as it gets, and reads nothing.
STUCK_READER = """
import fcntl, os, sys, time
end = os.open(sys.argv[1], os.O_RDONLY)
fcntl.fcntl(end, 1031, 4096)
print('open', flush=True)
time.sleep(1000)
"""


class Ending(Admin):
    def term_and_expect(self, cluster, node, seconds):
        """Leaves the ring at once (far below the token timeout), and ends within `seconds`."""
        cluster.signal(node, signal.SIGTERM)
        rest = [n for n in cluster.nodes() if n != node]
        cluster.wait_members(rest, 5, quorate=len(rest) > 1)
        wait_for("end of the daemon of node %d" % node, lambda: cluster.pid(node) is None, seconds)

    def test_with_a_client(self):
        """A process in a group on the node that ends is seen to leave it, not to fall with its node."""
        cluster = self.ring(2, token=10000)
        load = cluster.load(2, 1, 0, 1, deadline=30)
        watch = cluster.load(1, 2, 0, 1, deadline=30)
        wait_for("both in the group", lambda: cluster.tool(
            1, "corosync-cpgtool", "-e").count("\n\t") >= 2, 10)
        self.term_and_expect(cluster, 2, 3)
        self.assertIn("exiting normally", cluster.log(2))
        self.assertNotIn("do not close", cluster.log(2))
        self.assertNotIn("Failed to receive the leave message", cluster.log(1))
        for child in (load, watch):
            child.kill()

    def test_when_the_clients_thread_hangs(self):
        cluster = self.ring(3, token=10000)
        freeze = cluster.popen(3, sys.executable, "-c", FREEZE, str(cluster.pid(3)), "totemd-clients")
        self.assertEqual(freeze.stdout.readline(), "frozen\n")
        self.term_and_expect(cluster, 3, 15)
        self.assertIn("do not close: leaving all the same", cluster.log(3))

    def test_when_the_log_hangs(self):
        """A log file on a disk that stopped answering: the ring, reloads and the end do not wait."""
        cluster = self.cluster([harness.OURS] * 3, token=10000)
        cluster.run(3, "mkfifo", "/run/pipe")
        reader = cluster.popen(3, sys.executable, "-c", STUCK_READER, "/run/pipe")
        self.edit(cluster, [3], ("to_stderr: yes",
                                 "to_logfile: yes\n  logfile: /run/pipe\n  debug: on"))
        cluster.start()
        self.assertEqual(reader.stdout.readline(), "open\n")
        cluster.wait_members(cluster.nodes(), 10)
        ring = cluster.members(1)
        loads = [cluster.load(n, 3, 500, 1500, deadline=30) for n in cluster.nodes()]
        self.assertIn("Done", self.reload(cluster, 3))
        cluster.signal(3, signal.SIGHUP)
        self.assertEqual(len(harness.orders(harness.finish(loads, 40))), 1)
        self.assertEqual(cluster.members(1), ring)
        self.term_and_expect(cluster, 3, 15)


class DuplicateId(Admin):
    def check(self, first, **options):
        """Node 3 starts with a file that calls it `first`, while that node lives."""
        cluster = self.cluster([harness.OURS] * 3, token=1000, **options)
        cluster.start(1, 2)
        cluster.wait_members((1, 2), 10)
        ring, formed = cluster.members(1), cluster.log(2).count("A new membership")
        text = cluster.run(3, "cat", "/etc/corosync/corosync.conf")
        swapped = text.replace("nodeid: 3", "nodeid: X").replace(
            "nodeid: %d" % first, "nodeid: 3").replace("nodeid: X", "nodeid: %d" % first)
        cluster.write(3, "/etc/corosync/corosync.conf", swapped)
        cluster.start(3)
        said = "Another node (10.99.0.3) uses the id of this node, %d" % first
        self.wait_log(cluster, first, said, 3)
        if first == 1:  # node 1 says who it is now and then, as the ring's representative
            self.wait_log(cluster, 3, "Another node (10.99.0.1) uses the id of this node, 1", 5)
        self.wait_log(cluster, 3 - first, "Frames from 10.99.0.3 name node %d, which has another "
                      "address in the nodelist: dropped" % first, 3)
        load = cluster.load(2, 1, 200, 200, deadline=30)
        harness.finish([load], 40)
        for node in (1, 2):
            self.assertEqual(cluster.members(node), ring)
            self.assertEqual(cluster.log(node).count("A new membership"), formed)
        self.assertEqual(cluster.log(first).count(said), 1)

    def test_of_the_representative(self):
        for transport in ("udpu", "udp"):
            with self.subTest(transport=transport):
                self.check(1, transport=transport)

    def test_of_another_member(self):
        self.check(2)

    def test_sealed(self):
        self.check(1, secauth=True)


if __name__ == "__main__":
    unittest.main()
