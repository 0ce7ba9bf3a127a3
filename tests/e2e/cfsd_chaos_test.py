#!/usr/bin/env python3
"""cfsd under writers while everything dies and is cut: nothing that was acknowledged is lost or forked.

QUORATE_FULL=1: all rounds. QUORATE_ROUNDS=N: as many. QUORATE_SEED=N: the faults of an earlier
run; its times differ, so the outcome may.
"""

import os
import time
import unittest

import chaos
import files
import harness

ROUNDS = int(os.environ.get("QUORATE_ROUNDS", "200" if harness.FULL else "8"))
POWER_CUTS = 20 if harness.FULL else 3


class Storm(chaos.ChaosTest):
    """Rounds of one random fault each, some mended before the next, some not."""

    def some(self, low, high):
        nodes = self.lab.nodes()
        return sorted(self.random.sample(nodes, self.random.randint(low, high)))

    def deaths(self):
        kinds = self.random.choice((["totemd"], ["cfsd"], ["totemd", "cfsd"]))
        nodes = self.some(1, 1) if self.random.random() < 0.6 else self.lab.nodes()
        self.kill_at_once((n, k) for n in nodes for k in kinds)

    def cut_one(self):
        self.cut(self.some(1, 1))

    def cut_minority(self):
        self.cut(self.some(1, (len(self.lab.nodes()) - 1) // 2))

    def cut_a_way(self):
        self.cut_one_way(*self.random.sample(self.lab.nodes(), 2))

    def deaths_in_a_cut(self):
        self.cut_minority()
        self.pause(0.1, 2)
        self.deaths()

    def flap(self):
        """Cuts shorter and longer than the time that it takes to see them."""
        for _ in range(3):
            self.cut_minority()
            self.pause(0.05, 1)
            self.heal()
            self.pause(0.05, 0.5)

    def pause(self, low, high):
        time.sleep(self.random.uniform(low, high))

    def mend(self):
        """Some of it, in any order, with the next fault soon behind it."""
        if self.random.random() < 0.7:
            self.heal()
        if self.random.random() < 0.7:
            self.revive(self.dead)
            return
        self.revive(self.random.sample(sorted(self.dead), len(self.dead) // 2))

    def one_round(self):
        fault = self.random.choice((self.deaths, self.deaths, self.cut_one, self.cut_minority,
                                    self.cut_a_way, self.deaths_in_a_cut, self.flap))
        self.tell(fault.__name__)
        fault()
        self.pause(0.1, 2)
        self.must_live()
        self.mend()
        self.pause(0, 1.5)

    def rounds(self, count):
        self.storm(count)
        for number in range(ROUNDS):
            self.one_round()
            if number % 5 == 4:
                self.all_well()
                self.pause(0.5, 1)
        counts = self.judge("%d nodes, %d rounds" % (count, ROUNDS))
        self.assertGreater(counts["acknowledged"], 20 * ROUNDS)

    def test_three_nodes(self):
        self.rounds(3)

    def test_five_nodes(self):
        self.rounds(5)


class PowerCuts(chaos.ChaosTest):
    def start(self, node, *words, env=(), **more):
        super().start(node, *words, **more, env=[*env, *files.SLOW_DISK])

    def disks_stand_still(self):
        """What is acknowledged from now until the end of the daemons cannot have been stored."""
        self.tell("disks stand still")
        for node in self.lab.nodes():
            self.hang_disk(node, 1000)
        time.sleep(self.random.uniform(0.05, 0.3))

    def test_power_cuts(self):
        """Every daemon of every node ends at one moment, under load, and all return."""
        self.storm(3)
        everything = [(n, k) for n in self.lab.nodes() for k in chaos.KINDS]
        for number in range(POWER_CUTS):
            time.sleep(self.random.uniform(0.3, 2))
            if number % 2 == 0:
                self.disks_stand_still()
            self.kill_at_once(everything)
            time.sleep(self.random.uniform(0, 0.3))
            self.all_well()
        self.judge("3 nodes, %d power cuts" % POWER_CUTS)


if __name__ == "__main__":
    unittest.main()
