#!/usr/bin/env python3
"""cfsd where half of the votes is all there is: two nodes, one tie-break node, an administrator's word.

votequorum calls both halves of a two_node cluster quorate. The files must never be written in both.
"""

import os
import re
import unittest

import chaos
import files
import harness
from files import MOUNT
from harness import wait_for

PVECM = os.path.join(harness.BIN, "pvecm")
ROUNDS = 10 if harness.FULL else 2


class TwoNodes(chaos.ChaosTest):
    def pair(self):
        """With wait_for_all, as two_node brings it: a tie-break node that returns alone would write
        before it has heard of what the other one was told to do, and both would be named."""
        self.storm(2, quorum="two_node: 1")

    def expected_1(self, node):
        said = self.lab.run(node, PVECM, "expected", "1", "-yes")
        self.tell("expected 1 on %d: %s" % (node, said))

    def acknowledged(self, node):
        return chaos.write_history.counts(self.attempts([node]))["acknowledged"]

    def goes_on_writing(self, node):
        before = self.acknowledged(node)
        wait_for("acknowledgements on node %d" % node,
                 lambda: self.acknowledged(node) > before + 20, 10)

    def test_a_cut(self):
        """The tie-break node stays writable, the other one not: judge() looks at every answer."""
        self.pair()
        for _ in range(ROUNDS):
            self.cut([2])
            self.wait_status([2], writable=False)
            self.wait_writable([1])
            self.goes_on_writing(1)
            self.assertFalse(self.status(2)["writable"])
            self.heal()
            self.wait_writable([1, 2])
            self.goes_on_writing(2)
        self.judge("two_node, %d cuts" % ROUNDS)

    def test_deaths(self):
        """The tie-break node is enough; the other one is not, says so, and can be told to be."""
        self.pair()
        both = [(2, k) for k in chaos.KINDS]
        self.kill_at_once(both)
        self.wait_status([1], writable=True, synced=[1])
        self.goes_on_writing(1)
        self.revive(both)
        self.wait_writable([1, 2])

        both = [(1, k) for k in chaos.KINDS]
        self.kill_at_once(both)
        self.wait_status([2], writable=False, obstacle="insufficient")
        self.assertIn("too few members take part", self.log(2))
        self.assertIn("Permission denied", self.cannot_write(2))
        self.expected_1(2)
        self.wait_status([2], writable=True)
        self.assertTrue(self.status(2)["override"])
        self.assertIn("(votes in force were lowered), with node2\n", self.log(2))
        self.goes_on_writing(2)
        # The tie-break node may write as soon as it is there, alone if it has not met the other
        # yet; after an administrator's word that would be two histories (test_both_wrote).
        self.revive([(1, "totemd")])
        self.lab.wait_members([1, 2], 15)
        self.revive([(1, "cfsd")])
        self.wait_writable([1, 2])
        self.goes_on_writing(1)
        self.judge("two_node, deaths")

    def test_both_wrote(self):
        """An administrator's word let both halves write: neither side's files vanish silently."""
        self.pair()
        self.cut([2])
        self.wait_status([2], writable=False)
        self.expected_1(2)
        self.wait_writable([1, 2])
        self.stop_writers()  # of what they know this test cannot judge more
        for node in (1, 2):
            self.write(node, "chaos/from%d" % node, "acknowledged on %d" % node)
        self.heal()
        wait_for("both said what became of it",
                 lambda: all(self.named(node) for node in (1, 2)) or self.put_aside(), 20)
        for node in (1, 2):
            there = self.read_if_there(node, "chaos/from%d" % node)
            self.assertTrue(there == "acknowledged on %d" % node or self.put_aside(), there)

    def read_if_there(self, node, name):
        return self.lab.run(node, "cat", files.MOUNT + "/" + name, check=False)

    def named(self, node):
        """Whether the log of `node` names both as the ones that contradict each other."""
        return re.search(r"histories that cannot come from one order: (node1 and node2|node2 and "
                         r"node1);", self.log(node))

    def put_aside(self):
        """Nodes that said how much of theirs is kept elsewhere."""
        return [n for n in (1, 2) if re.search(
            r"\d+ operations of this node are not part .* put aside", self.log(n))]


class GivingUp(files.FilesTest):
    """After `pvecm expected` on both halves of a cut: what docs/cfsd.md tells the administrator to do."""

    KEPT = "/var/lib/pve-cluster/given-up"
    APART = "/run/apart"

    def written_in_both_halves(self, halves, **options):
        """Two histories of one cluster, met again."""
        self.ring([harness.OURS] * sum(map(len, halves)), token=500, **options)
        self.write(1, "before", "of all")
        self.lab.lab("partition", *(",".join(map(str, half)) for half in halves))
        for half in halves:
            self.lab.wait_members(half, 15, quorate="two_node" in options.get("quorum", ""))
            self.lab.run(half[0], PVECM, "expected", str(len(half)), "-yes")
            self.wait_writable(half)
            self.write(half[0], "both", "of %d" % half[0])
            self.write(half[-1], "only%d" % half[0], "acknowledged")
        self.lab.lab("heal")
        self.lab.wait_members(self.lab.nodes(), 20)

    def stands_still(self, halves):
        """Nobody writes, everybody says why, and each half still shows what it has."""
        nodes = self.lab.nodes()
        self.wait_status(nodes, writable=False, obstacle="conflict")
        for half in halves:
            for node in half:
                self.assertIn("Permission denied", self.cannot_write(node))
                self.assertEqual(self.read(node, "both"), "of %d" % half[0])
                self.assertEqual(self.read(node, "only%d" % half[0]), "acknowledged")
                self.assertRegex(self.log(node), r"histories that cannot come from one order: "
                                 r"node\d and node\d; nobody writes until an administrator gives "
                                 r"one of them up, see cfsd\(8\)")
                self.assertRegex(self.log(node), r"read-only since \S+: members have conflicting "
                                 r"histories: node\d, node\d")
        self.assertGreater(len(self.status(1)["waiting_for"]), 1)

    def give_up(self, half):
        for node in half:
            self.stop(node)
            self.lab.run(node, "sh", "-c", "mkdir {0} && mv /var/lib/pve-cluster/cfs.db* {0}".format(
                self.KEPT))
        for node in half:
            self.start(node)
            self.wait_status([node], writable=True)

    def looks_into(self, node, database):
        """What was given up, as a tree of its own, out of which files can be copied."""
        self.start(node, "-l", "--root", self.APART, "--database", database)
        apart = self.APART + MOUNT
        self.assertEqual(self.lab.run(node, "cat", apart + "/both"), "of %d" % node)
        self.lab.run(node, "cp", "%s/only%d" % (apart, node), MOUNT)
        self.lab.run(node, "sh", "-c", "kill $(cat %s/run/cfsd.pid)" % self.APART)
        wait_for("the end of the tree apart", lambda: apart not in
                 self.lab.run(node, "cat", "/proc/mounts"), 5)

    def one_is_given_up(self, halves, kept, **options):
        self.written_in_both_halves(halves, **options)
        self.stands_still(halves)
        lost = halves[1 - kept]
        self.give_up(lost)
        self.wait_writable(self.lab.nodes())
        first = halves[kept][0]
        for node in self.lab.nodes():
            self.assertEqual(self.read(node, "before"), "of all")
            self.assertEqual(self.read(node, "both"), "of %d" % first)
            self.assertNotIn("only%d" % lost[0], self.listing(node))
            self.write(node, "after%d" % node, "yes")
        self.looks_into(lost[0], self.KEPT + "/cfs.db")
        self.assertEqual(self.read(first, "only%d" % lost[0]), "acknowledged")
        self.wait_writable(self.lab.nodes())

    def test_the_later_epoch_is_kept_by_itself(self):
        """An override that went on longer: what it replaces is kept, and the log says where."""
        self.ring([harness.OURS] * 2, token=500, quorum="two_node: 1")
        self.write(1, "before", "of all")
        self.lab.lab("partition", "1", "2")
        self.wait_status([2], writable=False)
        self.lab.run(2, PVECM, "expected", "1", "-yes")
        for number in range(3):  # each time another epoch
            self.wait_writable([1, 2])
            self.write(2, "both", "of 2, %d" % number)
            self.stop(2)
            self.start(2)
        self.wait_writable([1, 2])
        self.write(1, "both", "of 1")
        self.write(1, "only1", "acknowledged")
        self.assertGreater(self.status(2)["epoch"], self.status(1)["epoch"])
        self.lab.lab("heal")
        said = wait_for("node 1 says what became of its files", lambda: re.search(
            r"\d+ operations of this node are not part of the cluster's history and were put aside: "
            r"(\S+)", self.log(1)), 20)
        self.wait_writable([1, 2])
        self.assertEqual(self.read(1, "both"), "of 2, 2")
        self.assertNotIn("only1", self.listing(1))
        self.looks_into(1, said.group(1))
        self.assertEqual(self.read(2, "only1"), "acknowledged")

    def test_of_two_nodes_the_second(self):
        self.one_is_given_up(([1], [2]), 0, quorum="two_node: 1")

    def test_of_two_nodes_the_tie_break_node(self):
        self.one_is_given_up(([1], [2]), 1, quorum="two_node: 1")

    def test_a_half_of_four(self):
        self.one_is_given_up(([1, 2], [3, 4]), 1)


class OtherFilesystem(chaos.ChaosTest):
    """Members of pmxcfs's group on the ring: ours read, say on which nodes they are, and write later."""

    def foreign_on(self, nodes):
        others = []
        for node in nodes:
            others.append(self.lab.popen(node, harness.client("cpg_member"), "pve_dcdb_v1"))
            self.assertEqual(others[-1].stdout.readline().strip(), "joined")
        ours = [n for n in self.lab.nodes() if (n, "cfsd") not in self.dead]
        self.wait_status(ours, writable=False, obstacle="foreign")
        self.open_cuts.append((ours, chaos.clock()))  # nothing is acknowledged from here
        for node in ours:
            wait_for("node %d names them" % node, lambda n=node: all(
                "(pmxcfs) runs on node%d:" % who in self.log(n) for who in nodes), 5)
            self.assertIn("Permission denied", self.cannot_write(node))
        return ours

    def they_leave(self, nodes):
        self.heal()  # the end of what was noted
        for node in nodes:
            self.tell("foreign leaves node %d" % node)
            self.lab.end(node, "cpg_member")

    def test_one_beside_two(self):
        self.storm(3)
        self.kill_at_once([(3, "cfsd")])
        self.wait_writable([1, 2])
        self.foreign_on([3])
        self.they_leave([3])
        self.wait_writable([1, 2])
        self.judge("1 foreign, 2 ours")

    def test_two_beside_one(self):
        """As in a migration: also one of ours that starts while they are there."""
        self.storm(3)
        self.kill_at_once([(2, "cfsd"), (3, "cfsd")])
        self.foreign_on([2, 3])
        self.revive([(2, "cfsd")])
        self.wait_status([1, 2], writable=False, obstacle="foreign")
        self.they_leave([2])
        self.assertIn("Permission denied", self.cannot_write(1))
        self.wait_status([1, 2], writable=False, obstacle="foreign")
        self.they_leave([3])
        self.wait_writable([1, 2])
        self.judge("2 foreign, 1 ours")


if __name__ == "__main__":
    unittest.main()
