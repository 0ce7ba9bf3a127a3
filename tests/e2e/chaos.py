"""Writers on every mount of a cluster while daemons die and networks are cut, by one random seed."""

import json
import os
import random
import signal
import time

import files
import harness
import write_history
from harness import OURS, wait_for

KINDS = ("totemd", "cfsd")
WRITERS = 16
# Prints {path: digest} of what is below the argument, without what the mount makes up.
WALKER = """
import hashlib, json, os, sys
found = {}
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        path = os.path.join(folder, name)
        with open(path, 'rb') as file:
            found[os.path.relpath(path, sys.argv[1])] = hashlib.sha256(file.read()).hexdigest()
print(json.dumps(found))
"""


def seed():
    """QUORATE_SEED, or a new one; printed, so that a failure can be tried again."""
    value = int(os.environ.get("QUORATE_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
    print("QUORATE_SEED=%d" % value, flush=True)
    return value


def clock():
    """The writers' clock."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def sufficient(nodes, count):
    return 2 * len(nodes) > count or (2 * len(nodes) == count and 1 in nodes)


class ChaosTest(files.FilesTest):
    def storm(self, count, **options):
        """A cluster of `count` with writers on every node and nothing wrong yet."""
        self.seed = seed()
        self.random = random.Random(self.seed)
        self.ring([OURS] * count, token=options.pop("token", 500), **options)
        self.cuts, self.open_cuts, self.dead, self.story = [], [], set(), []
        self.logs, self.writers = {}, []
        self.addCleanup(self.keep_evidence)
        for name in ("", "/shared", "/claims", *("/w%d" % i for i in range(WRITERS))):
            self.lab.run(1, "mkdir", files.MOUNT + "/chaos" + name)
        self.start_writers()

    def tell(self, text):
        self.story.append("%.3f %s" % (clock() / 1e9, text))

    def keep_evidence(self):
        """Of a test that failed: what was done, and every log, in a directory that stays."""
        result = self._outcome.result
        if not any(self in (test, getattr(test, "test_case", None))
                   for test, _ in result.failures + result.errors):
            return
        kept = "%s-%s-%d" % (self.lab.state.replace("quorate-lab", "quorate-chaos"),
                             self._testMethodName, self.seed)
        os.makedirs(kept)
        harness.subprocess.run(["cp", "-r", os.path.join(self.lab.state, "log"), kept], check=True)
        for node in self.lab.nodes():
            self.lab.run(node, "cp", "-r", files.MOUNT + "/chaos",
                         os.path.join(kept, "files%d" % node), check=False)
        with open(os.path.join(kept, "story"), "w") as file:
            file.write("\n".join(self.story) + "\n")
        print("---- seed %d; logs are kept in %s\n%s" % (
            self.seed, kept, "\n".join(self.story[-40:])), flush=True)

    # ---- writers ---------------------------------------------------------------------------

    def start_writers(self):
        nodes = self.lab.nodes()
        pause_us = 5000
        first = 0
        for place, node in enumerate(nodes):
            share = WRITERS // len(nodes) + (place < WRITERS % len(nodes))
            self.logs[node] = os.path.join(self.lab.state, "log", "writers%d" % node)
            self.writers.append(self.lab.popen(
                node, harness.client("file_writer"), files.MOUNT, self.logs[node], str(first),
                str(share), str(self.seed), str(pause_us)))
            first += share
        wait_for("writers at work on every node", lambda: all(
            write_history.counts(self.attempts([n]))[write_history.ACKNOWLEDGED] > 5
            for n in nodes), 20)

    def stop_writers(self):
        for path in self.logs.values():
            with open(path + ".stop", "w"):
                pass
        wait_for("the writers' end", lambda: all(w.poll() is not None for w in self.writers), 40)
        for writer in self.writers:
            self.assertEqual(writer.returncode, 0, writer.stdout.read())

    def attempts(self, nodes=None):
        found = []
        for node in nodes or self.lab.nodes():
            if os.path.exists(self.logs[node]):
                with open(self.logs[node]) as file:
                    text = file.read()
                whole = text[:text.rfind("\n") + 1]
                found += write_history.read_log(node, whole.splitlines())
        return found

    # ---- faults ----------------------------------------------------------------------------

    def host_pids(self, wanted):
        """Pids on this host of `wanted`: pairs of a machine and the name of a program."""
        spaces = {}
        for node, name in wanted:
            with open(os.path.join(self.lab.state, "node%d.pid" % node)) as file:
                space = os.readlink("/proc/%s/ns/pid" % file.read().strip())
            spaces.setdefault(space, set()).add(name)
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/comm" % pid) as file:
                    name = file.read().strip()
                if name in KINDS and name in spaces.get(os.readlink("/proc/%s/ns/pid" % pid), ()):
                    found.append(int(pid))
            except OSError:
                pass  # ended meanwhile
        return found

    def kill_at_once(self, wanted):
        """kill -9, within a millisecond; what the kernel has of them is gone when this returns."""
        wanted = set(wanted) - self.dead
        pids = self.host_pids(wanted)
        self.tell("kill %s" % sorted(wanted))
        self.assertEqual(len(pids), len(wanted), "a daemon died by itself: of %s" % sorted(wanted))
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self.dead |= wanted
        wait_for("deaths", lambda: not self.host_pids(wanted), 5)

    def revive(self, wanted):
        wanted = sorted(set(wanted) & self.dead)
        self.random.shuffle(wanted)
        self.tell("start %s" % wanted)
        for node, name in wanted:
            if name == "cfsd":
                self.start(node, mounted=False)
            else:
                self.lab.start(node)
            wait_for("%s of node %d" % (name, node), lambda w=(node, name): self.host_pids([w]), 5)
            self.dead.discard((node, name))

    def cut(self, group):
        rest = [n for n in self.lab.nodes() if n not in group]
        self.tell("cut %s from %s" % (group, rest))
        self.lab.lab("partition", ",".join(map(str, group)), ",".join(map(str, rest)))
        minority = rest if sufficient(group, len(self.lab.nodes())) else group
        self.open_cuts.append((minority, clock()))

    def cut_one_way(self, a, b):
        self.tell("cut from %d to %d" % (a, b))
        self.lab.lab("cut", str(a), str(b))

    def heal(self):
        self.tell("heal")
        self.cuts += [write_history.Cut(nodes, start, clock()) for nodes, start in self.open_cuts]
        self.open_cuts = []
        self.lab.lab("heal")

    # ---- what must hold --------------------------------------------------------------------

    def must_live(self):
        """Nobody is dead who was not killed."""
        alive = {(n, k) for n in self.lab.nodes() for k in KINDS} - self.dead
        for node, name in sorted(alive):
            self.assertEqual(len(self.host_pids([(node, name)])), 1,
                             "%s of node %d died by itself" % (name, node))

    def all_well(self, seconds=40):
        """After everything was mended: every node is writable, in time."""
        start = time.monotonic()
        self.heal()
        self.revive(self.dead)
        self.wait_writable(self.lab.nodes(), seconds)
        self.must_live()
        self.tell("all well after %.1f s" % (time.monotonic() - start))

    def walk(self, node):
        return json.loads(self.lab.run(node, "python3", "-c", WALKER, files.MOUNT + "/chaos",
                                       timeout=300))

    def judge(self, name):
        """Everything is mended, the writers end; what they were told is true."""
        self.all_well()
        time_left = time.monotonic() + 20
        before = len(self.attempts())
        wait_for("writes after the last fault", lambda: len(self.attempts()) > before + 50,
                 time_left - time.monotonic())
        self.stop_writers()
        attempts = self.attempts()
        trees = {}
        # What writers do not wait for may come a moment later.
        wait_for("equal replicas", lambda: trees.update({n: self.walk(n) for n in self.lab.nodes()})
                 or all(trees[n] == trees[1] for n in trees), 10)
        violations = write_history.Judge(attempts, trees, self.cuts).violations()
        counts = write_history.counts(attempts)
        harness.record("cfsd chaos", name, "%d acknowledged, %d refused, %d uncertain, %d files, "
                       "%d violations" % (*(counts[o] for o in (
                           write_history.ACKNOWLEDGED, write_history.REFUSED,
                           write_history.UNCERTAIN)), len(trees[1]), len(violations)))
        self.assertEqual(violations, [], "\n".join(violations[:20]))
        return counts
