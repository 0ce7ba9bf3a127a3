"""A cluster of real daemons in the lab, and conditions to wait for.

Every wait has a deadline and says what it waited for; nothing sleeps and hopes. The daemon of each node
is ours or Debian's corosync, so the same test can run on either and on a mixture.

The programs are those of build/, or of $QUORATE_BUILD: with build-asan what a sanitizer says of any of them
fails the test.
"""

import glob
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("QUORATE_BUILD", os.path.join(SOURCE, "build")))
LAB = os.path.join(SOURCE, "tests", "support", "lab")
PEER = os.path.join(BUILD, "peer")
BIN = os.path.join(BUILD, "bin")
# Of a build with sanitizers: a library may be preloaded before theirs.
os.environ.setdefault("ASAN_OPTIONS", "verify_asan_link_order=0")
PEER_ENV = ["env", "LD_LIBRARY_PATH=" + os.path.join(PEER, "libs")]

OURS = "totemd"
PEERS = "corosync"

# The full sizes of every test, as ./check --long wants them.
FULL = os.environ.get("QUORATE_FULL") == "1"
# (transport, secauth) of all rings that there are.
CELLS = [("udpu", False), ("udp", False), ("udpu", True), ("udp", True)]


def cell_name(transport, secauth):
    return transport + (" sealed" if secauth else "")


def client(name):
    """Path of one of the programs of tests/clients."""
    return os.path.join(BIN, name)


def library(name):
    """Path of one of the libraries to preload of tests/clients."""
    return os.path.join(BUILD, "tests", "clients", "lib%s.so" % name)


def now():
    """Seconds of the clock whose milliseconds the programs print."""
    return time.monotonic()


def record(test, case, figures):
    """One row of the table that is printed at the end of a full run."""
    row = "%-14s %-28s %s" % (test, case, figures)
    print(row, flush=True)
    if "QUORATE_TABLE" in os.environ:
        with open(os.environ["QUORATE_TABLE"], "a") as table:
            table.write(row + "\n")


def wait_for(what, condition, seconds):
    """Polls `condition` until it gives something true; fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("not within %s s: %s" % (seconds, what))
        time.sleep(0.02)


def unpack_peer():
    subprocess.run([os.path.join(SOURCE, "packaging", "unpack-peer"), PEER], check=True)


class Cluster:
    """`daemons` names the daemon of each node in order; node ids and addresses count from 1."""

    def __init__(self, daemons, transport="udpu", secauth=False, token=1000, totem="", quorum="",
                 ipv6=False, realtime=False, logging="", strangers=0):
        self.daemons = dict(enumerate(daemons, 1))
        self.transport, self.secauth, self.token = transport, secauth, token
        self.totem, self.quorum, self.ipv6 = totem, quorum, ipv6
        self.realtime, self.logging = realtime, logging
        self.node_env = {}  # NAME=value words for the daemon of a node
        self.state = tempfile.mkdtemp(prefix="quorate-lab-")
        self.closed = False
        self.children = []
        unpack_peer()
        self.lab("up", str(len(daemons) + strangers))
        for node in self.nodes():
            self.write_files(node)

    # ---- the lab ---------------------------------------------------------------------------

    def nodes(self):
        return sorted(self.daemons)

    def lab(self, *words, **options):
        env = dict(os.environ, QUORATE_LAB=self.state)
        return subprocess.run([LAB, *words], env=env, check=options.pop("check", True), **options)

    def run(self, node, *command, check=True, timeout=30):
        """Output of `command` on machine `node`."""
        done = self.lab("run", str(node), *command, check=False, timeout=timeout, text=True,
                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if check and done.returncode != 0:
            raise AssertionError("%s on node %s: exit %s\n%s" %
                                 (command, node, done.returncode, done.stdout))
        return done.stdout

    def popen(self, node, *command):
        child = subprocess.Popen([LAB, "run", str(node), *command], text=True,
                                 env=dict(os.environ, QUORATE_LAB=self.state),
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.children.append(child)
        return child

    def close(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()
            child.stdout.close()
        self.lab("down", check=False)
        self.closed = True
        said = self.sanitizers_said()
        shutil.rmtree(self.state, ignore_errors=True)
        if said:
            raise AssertionError(said)

    def sanitizers_said(self):
        """Of any program that ran here: what was found in it."""
        for path in glob.glob(os.path.join(self.state, "log", "*.log")):
            with open(path, errors="replace") as file:
                text = file.read()
            found = re.search(r"^.*(ERROR: \w+Sanitizer|: runtime error: )", text, re.M)
            if found:
                return "%s:\n%s" % (os.path.basename(path), text[found.start():][:6000])
        return None

    # ---- configuration -----------------------------------------------------------------------

    def address(self, node):
        return ("fd99::%d" if self.ipv6 else "10.99.0.%d") % node

    def conf(self):
        lines = ["totem {", "  version: 2", "  cluster_name: lab",
                 "  transport: " + self.transport, "  token: %d" % self.token]
        if self.secauth:
            lines.append("  secauth: on")
        if self.ipv6:
            lines.append("  ip_version: ipv6")
        lines += ["  " + line for line in self.totem.splitlines()]
        lines += ["}", "nodelist {"]
        for node in self.nodes():
            lines += ["  node {", "    ring0_addr: " + self.address(node),
                      "    name: node%d" % node, "    nodeid: %d" % node, "  }"]
        lines += ["}", "quorum {", "  provider: corosync_votequorum"]
        lines += ["  " + line for line in self.quorum.splitlines()]
        lines += ["}", "system {", "  sched_rr: " + ("yes" if self.realtime else "no"), "}",
                  "logging {", "  to_stderr: yes", "  to_syslog: no", "  timestamp: hires"]
        lines += ["  " + line for line in self.logging.splitlines()]
        lines += ["}", ""]
        return "\n".join(lines)

    def write(self, node, path, text, mode="644"):
        self.lab("run", str(node), "sh", "-c", "cat >%s && chmod %s %s" % (path, mode, path),
                 input=text.encode())

    def write_files(self, node):
        self.write(node, "/etc/corosync/corosync.conf", self.conf())
        if self.secauth:
            self.write(node, "/etc/corosync/authkey", "quorate test key " * 16, "400")

    # ---- daemons ------------------------------------------------------------------------------

    def start(self, *nodes):
        for node in nodes or self.nodes():
            if self.daemons[node] == OURS:
                command = ["env", *self.node_env.get(node, []), os.path.join(BIN, "totemd"), "-f"]
            else:
                command = PEER_ENV + [os.path.join(PEER, "usr/sbin/corosync"), "-f"]
            self.lab("start", str(node), "daemon%d" % node, *command)

    def pid(self, node):
        """The daemon's pid as machine `node` sees it, or None."""
        text = self.run(node, "pgrep", "-x", self.daemons[node], check=False).split()
        return int(text[0]) if text else None

    def signal(self, node, number):
        self.run(node, "kill", "-%d" % number, str(self.pid(node)))

    def kill(self, node):
        self.signal(node, signal.SIGKILL)
        wait_for("death of the daemon of node %d" % node, lambda: self.pid(node) is None, 5)

    def stop(self, node):
        self.signal(node, signal.SIGTERM)
        wait_for("end of the daemon of node %d" % node, lambda: self.pid(node) is None, 10)

    def memory(self, node):
        """Megabytes that the daemon holds, and held at most."""
        text = self.run(node, "cat", "/proc/%d/status" % self.pid(node))
        return tuple(int(re.search(r"^%s:\s+(\d+) kB" % name, text, re.M).group(1)) // 1024
                     for name in ("VmRSS", "VmHWM"))

    def end(self, node, program):
        """Kills every process of that name on machine `node`."""
        self.run(node, "pkill", "-KILL", "-x", program[:15], check=False)

    def log_of(self, name):
        """What a program that was started under `name` has written."""
        with open(os.path.join(self.state, "log", name + ".log"), errors="replace") as file:
            return file.read()

    def log(self, node):
        return self.log_of("daemon%d" % node)

    # ---- what clients see ------------------------------------------------------------------------

    def tool(self, node, name, *words, check=False):
        """Output of one of Debian's unmodified tools on machine `node`."""
        return self.run(node, *PEER_ENV, os.path.join(PEER, "usr/sbin", name), *words, check=check)

    def dump_state(self, node):
        """Makes one of our daemons, if it lives, write what it has counted into its log."""
        if self.daemons[node] == OURS and self.pid(node):
            seen = self.log(node).count("frames in use")
            self.signal(node, signal.SIGUSR2)
            wait_for("the state of node %d" % node,
                     lambda: self.log(node).count("frames in use") > seen, 2)

    def members(self, node):
        """(quorate, ring id, member ids) as corosync-quorumtool prints them; None when it cannot."""
        text = self.tool(node, "corosync-quorumtool", "-s")
        quorate = re.search(r"^Quorate:\s+(\w+)", text, re.M)
        ring = re.search(r"^Ring ID:\s+(\S+)", text, re.M)
        if not quorate or not ring:
            return None
        table = text.split("Membership information")[-1]
        ids = tuple(int(line.split()[0]) for line in table.splitlines()
                    if re.match(r"^\s+\d+\s+\d+\s", line))
        return quorate.group(1) == "Yes", ring.group(1), ids

    def wait_members(self, nodes, seconds, quorate=True):
        """Waits until all of `nodes` see exactly each other on one ring."""
        nodes = tuple(sorted(nodes))

        def agreed():
            seen = [self.members(node) for node in nodes]
            if any(view is None for view in seen) or len({view[1] for view in seen}) != 1:
                return None
            return all(view[0] == quorate and view[2] == nodes for view in seen)
        try:
            wait_for("nodes %s on one ring" % (nodes,), agreed, seconds)
        except AssertionError as error:
            views = {node: self.members(node) for node in nodes}
            raise AssertionError("%s\n%s" % (error, views)) from None

    def load(self, node, members, send, expect, sizes=(64, 64), deadline=60, trace=None,
             rate=0, senders=()):
        command = [os.path.join(BIN, "cpg_load"), "--members", str(members), "--send", str(send),
                   "--expect", str(expect), "--size", str(sizes[0]), str(sizes[1]),
                   "--deadline", str(deadline), "--seed", str(node), "--rate", str(rate)]
        command += ["--from", ",".join(map(str, senders))] if senders else []
        return self.popen(node, *command, *(["--trace", trace] if trace else []))


def finish(children, seconds):
    """Waits for load programs; gives their outputs, fails as soon as one of them does."""
    def over():
        codes = [child.poll() for child in children]
        return all(code is not None for code in codes) or any(codes)
    wait_for("end of the load programs", over, seconds)
    # Those that still run when one failed end with their machine.
    outputs = [child.communicate()[0] for child in children if child.poll() is not None]
    failed = [child.returncode for child in children if child.returncode]
    if failed:
        raise AssertionError("load program: exit %s\n%s" % (failed[0], "\n".join(outputs)))
    return outputs


def orders(outputs):
    return {line for text in outputs for line in text.splitlines() if line.startswith("delivered")}


class LabTest(unittest.TestCase):
    def cluster(self, *words, **options):
        cluster = Cluster(*words, **options)
        self.addCleanup(cluster.close)
        self.addCleanup(self.show_logs, cluster)
        return cluster

    def show_logs(self, cluster):
        result = self._outcome.result
        mine = [test for test, _ in result.failures + result.errors
                if self in (test, getattr(test, "test_case", None))]
        if mine and not cluster.closed:
            for node in cluster.nodes():
                try:
                    cluster.dump_state(node)
                    print("---- log of node %d\n%s" % (node, cluster.log(node)[-6000:]))
                except (OSError, AssertionError) as error:
                    print("---- node %d: %s" % (node, error))
