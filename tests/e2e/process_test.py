#!/usr/bin/env python3
"""totemd as a process: exit statuses, background, systemd, signals, several on one host, IPv6."""

import os
import re
import signal
import sys
import unittest

import harness
from harness import wait_for

TOTEMD = os.path.join(harness.BIN, "totemd")
CONF = "/etc/corosync/corosync.conf"

# Holds a UDP port, or an abstract socket, until it is killed.
HOLD = """
import os, socket, sys, time
if sys.argv[1] == 'udp':
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((sys.argv[2], 5405))
else:
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.bind((chr(0) + sys.argv[2]).ljust(108, chr(0)))  # as libqb names it
    s.listen()
print(os.getpid(), flush=True)
time.sleep(1000)
"""

# Listens as systemd does; prints each notification.
NOTIFIED = """
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind('/run/notify')
print('listening', flush=True)
while True:
    print(s.recv(4096).decode().strip(), flush=True)
"""


class Process(harness.LabTest):
    def machine(self, **options):
        return self.cluster([harness.OURS], **options)

    def status(self, cluster, *words):
        """Exit status and output of a totemd that should end by itself."""
        done = cluster.lab("run", "1", TOTEMD, *words, check=False, timeout=20, text=True,
                           stdout=harness.subprocess.PIPE, stderr=harness.subprocess.STDOUT)
        return done.returncode, done.stdout

    def change(self, cluster, old, new):
        text = cluster.conf()
        self.assertIn(old, text)
        cluster.write(1, CONF, text.replace(old, new, 1))

    def refused(self, cluster, status, text, *words):
        got, output = self.status(cluster, *(words or ["-f"]))
        self.assertEqual(got, status, output)
        self.assertIn(text, output)
        if status not in (0, 1):
            self.assertRegex(output, r"exiting with status %d at " % status)

    def hold(self, cluster, *words):
        child = cluster.popen(1, sys.executable, "-c", HOLD, *words)
        return child.stdout.readline().strip()  # the holder's pid


class ExitStatus(Process):
    def test_of_the_command_line(self):
        cluster = self.machine()
        self.refused(cluster, 1, "usage:", "--nonsense")
        self.refused(cluster, 0, "usage:", "-h")
        self.refused(cluster, 0, "Corosync Cluster Engine, version", "-v")
        self.refused(cluster, 0, "", "-t")

    def test_of_the_configuration(self):
        cluster = self.machine(secauth=True)
        for old, new, status, text in (
                ("token: 1000", "token: abc", 8, "expected to be integer"),
                ("token: 1000", "token: 10", 8, "may not be less than"),
                ("transport: udpu", "transport: knet", 8, "knet"),
                ("timestamp: hires", "timestamp: never", 7, "unknown value for timestamp"),
                ("provider: corosync_votequorum", "provider: corosync_votequorum\n  two_node: 1\n"
                 "  device {\n    model: net\n  }", 20, "quorum"),
                ("timestamp: hires", "to_logfile: yes\n  logfile: /none/log", 7,
                 "Can't open logfile '/none/log'"),
                ("sched_rr: no", "sched_rr: no\n  state_dir: /none", 16,
                 "Cannot chdir to state directory /none")):
            self.change(cluster, old, new)
            self.refused(cluster, status, text)
        cluster.run(1, "rm", CONF)
        self.refused(cluster, 8, "Can't read file " + CONF)

    def test_of_the_host(self):
        cluster = self.machine(secauth=True)
        cluster.run(1, "chmod", "644", "/etc/corosync/authkey")
        self.refused(cluster, 8, "/etc/corosync/authkey")
        cluster.run(1, "rm", "/etc/corosync/authkey")
        self.refused(cluster, 8, "/etc/corosync/authkey")
        cluster.write_files(1)
        cluster.run(1, "mkdir", "/var/lib/corosync/ringid_1")
        self.refused(cluster, 21, "ringid_1")
        cluster.run(1, "rmdir", "/var/lib/corosync/ringid_1")
        for status, text, what in ((15, "port 5405", ("udp", "10.99.0.1")),
                                   (13, "Can't listen on the IPC socket cmap", ("unix", "cmap"))):
            holder = self.hold(cluster, *what)
            self.refused(cluster, status, text)
            cluster.run(1, "kill", "-9", holder)
            wait_for("the end of the holder", lambda h=holder: not cluster.run(
                1, "ls", "/proc/" + h, check=False).startswith("attr"), 5)
        cluster.run(1, "mkdir", "/run/corosync.pid")
        self.refused(cluster, 17, "couldn't open lock file")
        cluster.run(1, "rmdir", "/run/corosync.pid")
        cluster.start()
        cluster.wait_members((1,), 10)
        self.refused(cluster, 18, "Another Corosync instance is already running")


# Listens where syslog(3) sends to; prints each line.
SYSLOG = """
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind('/dev/log')
print('listening', flush=True)
while True:
    print(s.recv(8192).decode(errors='replace').strip(), flush=True)
"""


class FailedStart(Process):
    def test_is_told_to_syslog(self):
        """Also before the configuration has said where to: a service's stderr leads nowhere."""
        cluster = self.machine(secauth=True)
        cluster.run(1, "sh", "-c", "mkdir /run/dev && cp -a /dev/null /dev/zero /dev/random "
                    "/dev/urandom /run/dev && mount --bind /run/dev /dev")
        heard = cluster.popen(1, sys.executable, "-c", SYSLOG)
        self.assertEqual(heard.stdout.readline().strip(), "listening")
        self.change(cluster, "token: 1000", "token: abc")
        self.refused(cluster, 8, "expected to be integer", "-t")  # asked by hand: not for the log
        self.refused(cluster, 8, "expected to be integer", "-f")
        self.assertRegex(heard.stdout.readline(), r"corosync.*\[MAIN  \] .*expected to be integer")
        self.assertIn("exiting with status 8", heard.stdout.readline())
        self.change(cluster, "timestamp: hires", "to_logfile: yes\n  logfile: /none/log")
        self.refused(cluster, 7, "Can't open logfile '/none/log'", "-f")
        self.assertIn("Can't open logfile '/none/log'", heard.stdout.readline())


class Background(Process):
    def test_start_and_end(self):
        """The command returns when the daemon serves; its status is that of the start."""
        cluster = self.machine()
        cluster.run(1, TOTEMD)
        pid = int(cluster.run(1, "cat", "/run/corosync.pid"))
        self.assertEqual(cluster.pid(1), pid)
        fields = cluster.run(1, "ps", "-o", "sid=,tty=,ppid=", "-p", str(pid)).split()
        self.assertEqual(fields, [str(pid), "?", "1"])
        for stream in "012":
            self.assertEqual(cluster.run(1, "readlink", "/proc/%d/fd/%s" % (pid, stream)).strip(),
                             "/dev/null")
        cluster.wait_members((1,), 10)
        self.assertEqual(self.status(cluster)[0], 18)
        cluster.stop(1)
        self.assertEqual(cluster.run(1, "ls", "/run").count("corosync.pid"), 0)

    def test_a_start_that_fails_is_seen(self):
        cluster = self.machine()
        self.hold(cluster, "udp", "10.99.0.1")
        status, output = self.status(cluster)
        self.assertEqual(status, 15)
        self.assertIn("port 5405", output)

    def test_systemd_is_told(self):
        """READY when clients are served, STOPPING at the end."""
        cluster = self.machine()
        listener = cluster.popen(1, sys.executable, "-c", NOTIFIED)
        self.assertEqual(listener.stdout.readline(), "listening\n")
        daemon = cluster.popen(1, "env", "NOTIFY_SOCKET=/run/notify", TOTEMD, "-f")
        self.assertEqual(listener.stdout.readline(), "READY=1\n")
        self.assertIsNotNone(cluster.members(1))
        cluster.signal(1, signal.SIGTERM)
        self.assertEqual(listener.stdout.readline(), "STOPPING=1\n")
        daemon.communicate(timeout=10)
        self.assertEqual(daemon.returncode, 0)


class Signals(Process):
    def test_hangup_follows_a_rotated_log(self):
        cluster = self.machine()
        self.change(cluster, "to_stderr: yes", "to_stderr: no\n  to_logfile: yes\n  logfile: /run/log")
        cluster.start()
        cluster.wait_members((1,), 10)
        cluster.run(1, "mv", "/run/log", "/run/log.1")
        cluster.signal(1, signal.SIGHUP)
        wait_for("a new log", lambda: "Log files opened anew" in
                 cluster.run(1, "cat", "/run/log", check=False), 5)
        self.assertIn("ready to provide service",
                      cluster.run(1, "cat", "/run/log.1"))

    def test_usr2_shows_the_state(self):
        cluster = self.machine()
        cluster.start()
        cluster.wait_members((1,), 10)
        cluster.signal(1, signal.SIGUSR2)
        wait_for("the state", lambda: re.search(r"state 0 ring 1\.\w+ ", cluster.log(1)), 5)
        self.assertIsNotNone(cluster.pid(1))

    def test_each_signal_that_ends_it(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            cluster = self.machine()
            daemon = cluster.popen(1, TOTEMD, "-f")
            cluster.wait_members((1,), 10)
            cluster.signal(1, number)
            output, _ = daemon.communicate(timeout=10)
            self.assertEqual(daemon.returncode, 0)
            self.assertIn("Node was shut down by a signal", output)
            self.assertIn("exiting normally", output)
            cluster.close()


class OneHost(Process):
    def test_three_daemons_without_namespaces(self):
        """--root keeps files and doors apart, --node says who is who."""
        cluster = self.machine()
        for node in (1, 2, 3):
            root = "/run/n%d" % node
            cluster.run(1, "mkdir", "-p", root + "/etc/corosync", root + "/var/lib/corosync",
                        root + "/run")
            text = re.sub(r"nodelist \{.*?\n\}\n", "nodelist {\n%s}\n" % "".join(
                "  node {\n    ring0_addr: 127.0.0.%d\n    nodeid: %d\n  }\n" % (n, n)
                for n in (1, 2, 3)), cluster.conf(), flags=re.S)
            cluster.write(1, root + CONF, text)
            cluster.lab("start", "1", "root%d" % node, TOTEMD, "-f", "--root", root, "--node",
                        str(node))

        def log(node):
            with open(os.path.join(cluster.state, "log", "root%d.log" % node)) as file:
                return file.read()
        for node in (1, 2, 3):
            wait_for("node %d on the ring of three" % node,
                     lambda n=node: "Members[3]: 1 2 3" in log(n), 10)
            self.assertIn("server name: cmap@:run:n%d" % node, log(node))
            cluster.run(1, "test", "-s", "/run/n%d/var/lib/corosync/ringid_%d" % (node, node))
        pid = cluster.run(1, "cat", "/run/n2/run/corosync.pid").strip()
        cluster.run(1, "kill", pid)
        wait_for("the leave of node 2", lambda: "Members[2]: 1 3" in log(1), 5)
        cluster.run(1, "test", "!", "-e", "/run/n2/run/corosync.pid")


class IpVersion6(Process):
    def test_udpu_without_ip_version(self):
        cluster = self.cluster([harness.OURS] * 3, ipv6=True)
        for node in cluster.nodes():
            cluster.write(node, CONF, cluster.conf().replace("  ip_version: ipv6\n", ""))
        cluster.start()
        cluster.wait_members(cluster.nodes(), 10)
        self.assertIn("ip(fd99::2)", cluster.tool(1, "corosync-cmapctl", "runtime.members."))

    def test_udp_sealed(self):
        cluster = self.cluster([harness.OURS] * 3, ipv6=True, transport="udp", secauth=True)
        cluster.start()
        cluster.wait_members(cluster.nodes(), 10)


if __name__ == "__main__":
    unittest.main()
