"""cfsd on the machines of a cluster: started, stopped, watched; files written and read."""

import json
import os
import signal
import time

import harness
from harness import wait_for

CFSD = os.path.join(harness.BIN, "cfsd")
MOUNT = "/etc/pve"
DATABASE = "/var/lib/pve-cluster/cfs.db"
# With this environment its disk can be made to hang: see hang_disk().
SLOW_DISK = ["LD_PRELOAD=" + harness.library("slow_disk"), "SLOW_DISK=/var/lib/pve-cluster",
             "SLOW_DISK_SWITCH=/run/slow_disk"]

# Writes COUNT files named PREFIX0.. one after the other, each synced; prints the longest in ms.
WRITER = """
import os, sys, time
longest = 0
for i in range(int(sys.argv[2])):
    start = time.monotonic()
    fd = os.open(sys.argv[1] + str(i), os.O_CREAT | os.O_WRONLY)
    os.write(fd, b'x' * 1000)
    os.fsync(fd)
    os.close(fd)
    longest = max(longest, time.monotonic() - start)
print(round(longest * 1000))
"""


class FilesTest(harness.LabTest):
    """Tests of cfsd: `self.lab` is the cluster that ring() or machine() made."""

    def ring(self, daemons, **options):
        """A cluster of `daemons` with a writable filesystem on every node."""
        self.lab = self.cluster(daemons, **options)
        self.addCleanup(self.show_cfsd_logs, self.lab)
        self.lab.start()
        self.lab.wait_members(self.lab.nodes(), 15)
        for node in self.lab.nodes():
            self.start(node)
        self.wait_writable(self.lab.nodes())

    def show_cfsd_logs(self, cluster):
        result = self._outcome.result
        if not cluster.closed and any(self in (test, getattr(test, "test_case", None))
                                      for test, _ in result.failures + result.errors):
            for node in cluster.nodes():
                print("---- cfsd of node %d\n%s" % (node, self.log(node)[-5000:]))

    # ---- the daemon ------------------------------------------------------------------------

    def start(self, node, *words, env=(), mounted=True):
        before = self.log(node).count(" is mounted")
        self.lab.lab("start", str(node), "cfsd%d" % node, "env", *env, CFSD, "-f", *words)
        if mounted:
            wait_for("cfsd of node %d has mounted" % node,
                     lambda: self.log(node).count(" is mounted") > before, 10)

    def hang_disk(self, node, ms):
        self.lab.run(node, "sh", "-c", "echo %d >/run/slow_disk" % ms)

    def log(self, node):
        try:
            return self.lab.log_of("cfsd%d" % node)
        except FileNotFoundError:
            return ""

    def pid(self, node):
        text = self.lab.run(node, "pgrep", "-x", "cfsd", check=False).split()
        return text[0] if text else None

    def signal(self, node, number):
        self.lab.run(node, "kill", "-%d" % number, self.pid(node))

    def kill(self, node):
        self.signal(node, signal.SIGKILL)
        wait_for("death of cfsd of node %d" % node, lambda: self.pid(node) is None, 5)

    def stop(self, node):
        """Seconds from SIGTERM until the process is gone."""
        start = time.monotonic()
        self.signal(node, signal.SIGTERM)
        wait_for("end of cfsd of node %d" % node, lambda: self.pid(node) is None, 10)
        return time.monotonic() - start

    def refused(self, node, *words):
        """Status and output of a cfsd that should end by itself."""
        done = self.lab.lab("run", str(node), CFSD, "-f", *words, check=False, timeout=20,
                            text=True, stdout=harness.subprocess.PIPE,
                            stderr=harness.subprocess.STDOUT)
        return done.returncode, done.stdout

    # ---- what it shows ---------------------------------------------------------------------

    def status(self, node):
        try:
            return json.loads(self.lab.run(node, "cat", MOUNT + "/.status"))
        except (AssertionError, ValueError):
            return {}

    def wait_status(self, nodes, seconds=15, **wanted):
        def reached():
            return all(self.status(n).get(k) == v for n in nodes for k, v in wanted.items())
        try:
            wait_for("nodes %s: %s" % (nodes, wanted), reached, seconds)
        except AssertionError as error:
            raise AssertionError("%s\n%s" % (error, {n: self.status(n) for n in nodes})) from None

    def wait_writable(self, nodes, seconds=20):
        self.wait_status(nodes, seconds, writable=True)

    # ---- files -----------------------------------------------------------------------------

    def write(self, node, name, text):
        """Returns when write and close have; what the shell said is in the failure."""
        self.lab.run(node, "sh", "-c", 'printf %s "$2" >"$1"', "sh", MOUNT + "/" + name, text)

    def cannot_write(self, node, name="refused"):
        said = self.lab.run(node, "sh", "-c", "echo x >%s/%s && echo written" % (MOUNT, name),
                            check=False)
        self.assertNotIn("written", said)
        return said

    def read(self, node, name):
        return self.lab.run(node, "cat", MOUNT + "/" + name)

    def listing(self, node, name=""):
        return self.lab.run(node, "ls", MOUNT + "/" + name).split()

    def longest_write(self, node, prefix, count):
        """ms of the slowest of `count` new files, each synced."""
        return int(self.lab.run(node, "python3", "-c", WRITER, MOUNT + "/" + prefix, str(count)))
