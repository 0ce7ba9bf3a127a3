#!/usr/bin/env python3
"""cfsd on real rings: what was written is everywhere, who is cut off only reads, who dies comes back."""

import signal
import sys
import time
import unittest

import files
import harness
from files import DATABASE, MOUNT
from harness import OURS, PEERS, wait_for
from process_test import NOTIFIED


class Cluster(files.FilesTest):
    """The same on our ring daemon and on the one that it replaces."""

    def written_is_everywhere(self):
        for i in range(20):
            self.write(1, "f%d" % i, "content %d" % i)
            self.assertEqual(self.read(3, "f%d" % i), "content %d" % i)
        self.lab.run(2, "mkdir", MOUNT + "/dir")
        self.lab.run(2, "mv", MOUNT + "/f0", MOUNT + "/dir/moved")
        self.assertEqual(self.read(3, "dir/moved"), "content 0")
        self.assertNotIn("f0", self.listing(1))

    def cut_off_only_reads(self):
        self.lab.lab("partition", "1,2", "3")
        self.wait_status([3], writable=False, obstacle="no-quorum")
        self.assertIn("Permission denied", self.cannot_write(3))
        self.assertEqual(self.read(3, "f1"), "content 1")
        self.wait_writable([1, 2])
        self.write(1, "without3", "yes")
        self.assertIn("read-only", self.log(3))
        self.assertIn("no quorum", self.log(3))
        self.lab.lab("heal")
        self.wait_writable([1, 2, 3])
        self.assertEqual(self.read(3, "without3"), "yes")

    def ring_daemon_restarts(self):
        self.lab.kill(2)
        self.wait_status([2], writable=False)
        self.assertEqual(self.read(2, "f1"), "content 1")
        self.assertIn("Permission denied", self.cannot_write(2))
        self.lab.start(2)
        self.wait_writable([1, 2, 3])
        self.write(2, "again", "from 2")
        self.assertEqual(self.read(1, "again"), "from 2")

    def killed_one_comes_back(self):
        self.kill(3)
        self.wait_writable([1, 2])
        self.write(1, "while3dead", "yes")
        self.start(3)
        self.wait_writable([3])
        self.assertEqual(self.read(3, "while3dead"), "yes")
        self.assertEqual(self.listing(3), self.listing(1))

    def all_killed_come_back(self):
        before = self.listing(1)
        for node in (1, 2, 3):
            self.kill(node)
        for node in (3, 1, 2):
            self.start(node)
        self.wait_writable([1, 2, 3])
        for node in (1, 2, 3):
            self.assertEqual(self.listing(node), before)
            self.assertEqual(self.read(node, "f7"), "content 7")

    def stops_in_time(self):
        """Also when somebody works below the mount point, and when the ring daemon stands still."""
        holder = self.lab.popen(2, "sh", "-c", "cd %s && echo in && exec sleep 100" % MOUNT)
        self.assertEqual(holder.stdout.readline().strip(), "in")
        self.assertLess(self.stop(2), 2.2)
        self.assertNotIn("fuse", self.lab.run(2, "cat", "/proc/mounts").replace("fusectl", ""))
        self.start(2)
        self.wait_writable([1, 2, 3])
        self.lab.signal(2, signal.SIGSTOP)
        self.assertLess(self.stop(2), 2.5)
        self.assertIn("not done in time: leaving the group", self.log(2))
        self.lab.signal(2, signal.SIGCONT)
        self.lab.wait_members((1, 2, 3), 15)
        self.start(2)
        self.wait_writable([1, 2, 3])

    def test_on_totemd(self):
        self.ring([OURS] * 3)
        self.written_is_everywhere()
        self.cut_off_only_reads()
        self.ring_daemon_restarts()
        self.killed_one_comes_back()
        self.all_killed_come_back()
        self.stops_in_time()

    def test_on_corosync(self):
        self.ring([PEERS] * 3)
        self.written_is_everywhere()
        self.cut_off_only_reads()
        self.ring_daemon_restarts()
        self.killed_one_comes_back()
        self.stops_in_time()


class Stalls(files.FilesTest):
    def test_a_stopped_replica_holds_up_nobody(self):
        self.ring([OURS] * 3)
        self.longest_write(1, "warm", 20)
        self.signal(3, signal.SIGSTOP)
        longest = self.longest_write(1, "stopped", 50)
        harness.record("cfsd", "writes, a replica stopped", "longest %d ms" % longest)
        self.assertLess(longest, 200)  # waited for 100 ms, once
        wait_for("node 3 is named", lambda: "node3 is slow to store" in self.log(1), 5)
        self.signal(3, signal.SIGCONT)
        wait_for("node 3 is back", lambda: "node3 has caught up" in self.log(1), 10)
        self.assertEqual(self.listing(3), self.listing(1))

    def test_a_disk_that_hangs(self):
        """Of one node: the others write, it reads, and everything is there afterwards."""
        self.ring([OURS] * 3)
        self.kill(3)
        self.start(3, env=files.SLOW_DISK)
        self.wait_writable([1, 2, 3])
        hang = 10000 if harness.FULL else 4000
        self.hang_disk(3, hang)
        longest = self.longest_write(1, "hang", 50)
        harness.record("cfsd", "writes, a disk hangs", "longest %d ms" % longest)
        self.assertLess(longest, 200)
        start = time.monotonic()
        self.read(3, "hang0")
        self.assertLess(time.monotonic() - start, 0.5)
        wait_for("the disk is named", lambda: "is the disk stuck" in self.log(3), 5)
        wait_for("the disk's end", lambda: "the disk took" in self.log(3), hang / 1000 + 5)
        self.assertEqual(self.listing(3), self.listing(1))
        # Told to stop while it hangs: in time, and the reason is said.
        self.hang_disk(3, 8000)
        self.longest_write(1, "again", 5)
        self.assertLess(self.stop(3), 2.5)
        self.assertIn("not done in time: storing the last changes", self.log(3))

    def test_a_full_disk(self):
        self.lab = self.cluster([OURS] * 3)
        self.lab.run(3, "sh", "-c", "mkdir -p /var/lib/pve-cluster && "
                     "mount -t tmpfs -o size=3m tmpfs /var/lib/pve-cluster")
        self.lab.start()
        self.lab.wait_members((1, 2, 3), 15)
        for node in (1, 2, 3):
            self.start(node)
        self.wait_writable([1, 2, 3])
        self.lab.run(3, "sh", "-c", "head -c 100M /dev/zero >/var/lib/pve-cluster/other",
                     check=False)
        for i in range(200):
            self.lab.run(1, "sh", "-c", "head -c 20000 /dev/urandom >%s/big%d" % (MOUNT, i))
            if self.status(3).get("obstacle") == "disk-full":
                break
        self.wait_status([3], obstacle="disk-full")
        self.assertIn("No space left on device", self.cannot_write(3))
        self.wait_writable([1, 2])
        self.write(1, "without3", "yes")
        self.lab.run(3, "rm", "/var/lib/pve-cluster/other")
        self.lab.run(3, "mount", "-o", "remount,size=200m", "/var/lib/pve-cluster")
        self.wait_writable([1, 2, 3])
        self.assertEqual(self.read(3, "without3"), "yes")
        self.assertEqual(self.listing(3), self.listing(1))


class Others(files.FilesTest):
    def test_another_filesystem_on_the_ring(self):
        self.ring([OURS] * 3)
        self.write(1, "before", "yes")
        other = self.lab.popen(2, harness.client("cpg_member"), "pve_dcdb_v1")
        self.assertEqual(other.stdout.readline().strip(), "joined")
        self.wait_status([1, 2, 3], writable=False, obstacle="foreign")
        self.assertIn("Permission denied", self.cannot_write(1))
        self.assertEqual(self.read(3, "before"), "yes")
        self.assertIn("(pmxcfs) runs on node2", self.log(1))
        self.lab.end(2, "cpg_member")
        self.wait_writable([1, 2, 3])

    def test_corosync_conf(self):
        """Begins in the tree; changed there it reaches every host and every ring daemon."""
        self.ring([OURS, PEERS, OURS], totem="config_version: 1")
        conf = "/etc/corosync/corosync.conf"
        wait_for("the first corosync.conf",
                 lambda: "corosync.conf" in self.listing(3) and self.read(3, "corosync.conf"), 5)
        self.assertEqual(self.read(3, "corosync.conf"), self.lab.conf())
        fresh = self.lab.conf().replace("config_version: 1", "config_version: 2")
        self.write(3, "corosync.conf.new", fresh)
        self.lab.run(3, "mv", MOUNT + "/corosync.conf.new", MOUNT + "/corosync.conf")
        for node in (1, 2, 3):
            wait_for("corosync.conf of node %d" % node,
                     lambda n=node: self.lab.run(n, "cat", conf) == fresh, 5)
            wait_for("the ring daemon of node %d reads it" % node, lambda n=node: "= 2" in
                     self.lab.tool(n, "corosync-cmapctl", "-g", "totem.config_version"), 10)
        old = fresh.replace("config_version: 2", "config_version: 1")
        self.write(1, "corosync.conf", old)
        self.write(1, "later", "yes")
        self.assertEqual(self.lab.run(1, "cat", conf), fresh)
        self.wait_writable([1, 2, 3])

    def test_alone(self):
        """Without corosync.conf; a second one; what is not ours."""
        self.lab = self.cluster([OURS])
        self.lab.run(1, "rm", "/etc/corosync/corosync.conf")
        self.start(1)
        self.wait_status([1], writable=True, local=True)
        self.assertIn("local mode: there is no corosync.conf", self.log(1))
        self.write(1, "mine", "yes")
        code, output = self.refused(1)
        self.assertEqual(code, 255)
        self.assertIn("another cfsd serves /etc/pve already", output)
        code, output = self.refused(1, "--mount", "/run/other")
        self.assertEqual(code, 255)
        self.assertIn(DATABASE, output)
        self.assertLess(self.stop(1), 1.5)
        self.start(1)
        self.wait_status([1], writable=True, local=True)
        self.assertEqual(self.read(1, "mine"), "yes")
        self.kill(1)
        self.start(1)  # over the dead one's mount
        self.assertEqual(self.read(1, "mine"), "yes")
        self.stop(1)
        self.lab.run(1, "python3", "-c", "import sqlite3; c = sqlite3.connect('/run/config.db'); "
                     "c.execute('create table tree (inode integer primary key)'); c.commit()")
        before = self.lab.run(1, "sha256sum", "/run/config.db")
        code, output = self.refused(1, "--database", "/run/config.db")
        self.assertEqual(code, 255)
        self.assertIn("/run/config.db", output)
        self.assertEqual(self.lab.run(1, "sha256sum", "/run/config.db"), before)


class WithoutRing(files.FilesTest):
    def test_who_is_waited_for_is_said(self):
        """The log and .status of a cfsd that no ring daemon has told which node it is."""
        self.lab = self.cluster([OURS])
        self.start(1)
        wait_for("who is waited for", lambda: "read-only: the ring daemon cannot be reached, does "
                 "totemd or corosync run?" in self.log(1), 8)
        self.assertIn("Permission denied", self.cannot_write(1))
        self.stop(1)
        conf = self.lab.conf()
        self.lab.write(1, "/etc/corosync/corosync.conf",
                       conf.replace("  provider: corosync_votequorum\n", ""))
        self.lab.start()
        wait_for("the ring daemon", lambda: "ready to provide service" in self.lab.log(1), 10)
        self.start(1)
        wait_for("what it lacks", lambda: "read-only: the ring daemon has no votequorum, see "
                 "quorum.provider" in self.log(1), 8)
        self.assertEqual(self.log(1).count("read-only: "), 2)

    def test_a_host_file_that_cannot_be_read(self):
        self.lab = self.cluster([OURS])
        self.lab.start()
        self.lab.wait_members((1,), 10)
        self.lab.run(1, "rm", "/etc/corosync/corosync.conf")
        self.lab.run(1, "mkdir", "/etc/corosync/corosync.conf")
        self.start(1)
        self.wait_writable([1])
        self.write(1, "corosync.conf", self.lab.conf().replace("token:", "config_version: 2\n  token:"))
        wait_for("the line about it", lambda: "cannot read /etc/corosync/corosync.conf: Is a "
                 "directory" in self.log(1), 5)
        self.write(1, "goes", "on")


class Process(files.FilesTest):
    def test_in_the_background(self):
        """The command returns when the files are there, or says why they are not."""
        self.lab = self.cluster([OURS])
        self.lab.run(1, "rm", "/etc/corosync/corosync.conf")
        self.lab.run(1, files.CFSD)
        self.write(1, "mine", "yes")
        self.assertEqual(self.lab.run(1, "cat", "/run/cfsd.pid").strip(), self.pid(1))
        said = self.lab.run(1, "sh", "-c", files.CFSD + "; echo status $?")
        self.assertIn("another cfsd serves /etc/pve already", said)
        self.assertIn("status 255", said)
        self.assertLess(self.stop(1), 1.5)
        self.assertNotIn("cfsd.pid", self.lab.run(1, "ls", "/run"))

    def test_as_a_service(self):
        """What systemd hears: ready when mounted, the status line, the watchdog, the end."""
        self.lab = self.cluster([OURS])
        heard = self.lab.popen(1, sys.executable, "-c", NOTIFIED)
        self.assertEqual(heard.stdout.readline().strip(), "listening")
        self.lab.start()
        self.start(1, env=["NOTIFY_SOCKET=/run/notify", "WATCHDOG_USEC=600000"])
        self.wait_writable([1])
        self.signal(1, signal.SIGHUP)
        wait_for("the log opened anew", lambda: "log opened anew" in self.log(1), 5)
        self.stop(1)
        lines = []
        while not lines or lines[-1] != "STOPPING=1":
            lines.append(heard.stdout.readline().strip())
        self.assertIn("READY=1", lines)
        self.assertIn("WATCHDOG=1", lines)
        self.assertTrue([line for line in lines if line.startswith("STATUS=writable, epoch 1, "
                                                                   "with node1")], lines)

    def told_to_stop_while_it_opens(self, hangs_ms):
        """Exit status and seconds of a cfsd whose disk hangs from its start on."""
        before, status = self.log(1).count(" starts"), "/run/cfsd.status"
        self.hang_disk(1, hangs_ms)
        self.lab.lab("start", "1", "cfsd1", "env", *files.SLOW_DISK, "sh", "-c",
                     "rm -f %s; %s -f; echo $? >%s" % (status, files.CFSD, status))
        wait_for("its beginning", lambda: self.log(1).count(" starts") > before, 5)
        took = self.stop(1)
        return int(wait_for("its status", lambda: self.lab.run(
            1, "cat", status, check=False).strip().isdigit() and
            self.lab.run(1, "cat", status), 5)), took

    def test_told_to_stop_while_it_opens(self):
        self.lab = self.cluster([OURS])
        self.lab.run(1, "rm", "/etc/corosync/corosync.conf")
        status, took = self.told_to_stop_while_it_opens(8000)
        self.assertEqual(status, 3)
        self.assertLess(took, 2.2)
        self.assertIn("not done in time: opening the database (the disk does not answer)",
                      self.log(1))
        status, took = self.told_to_stop_while_it_opens(600)
        self.assertEqual(status, 0)
        self.assertLess(took, 2.2)
        self.assertIn("] ends\n", self.log(1))
        self.assertNotIn(MOUNT, self.lab.run(1, "cat", "/proc/mounts"))
        self.start(1)
        self.wait_writable([1])
        self.write(1, "mine", "yes")

    def test_another_root(self):
        """With totemd --root, beside whatever else the host runs."""
        self.lab = self.cluster([OURS])
        self.lab.start()
        self.lab.run(1, "sh", "-c", "mkdir -p /run/r/etc/corosync /run/r/var/lib/corosync "
                     "/run/r/run && sed 's/10.99.0.1/127.0.0.1/' /etc/corosync/corosync.conf "
                     ">/run/r/etc/corosync/corosync.conf")
        self.lab.lab("start", "1", "rooted", harness.os.path.join(harness.BIN, "totemd"), "-f",
                     "--root", "/run/r")
        self.start(1, "--root", "/run/r")
        status = "/run/r/etc/pve/.status"
        wait_for("writable", lambda: '"writable": true' in self.lab.run(1, "cat", status), 15)
        self.lab.run(1, "sh", "-c", "echo x >/run/r/etc/pve/file")
        self.assertIn("cfs.db", self.lab.run(1, "ls", "/run/r/var/lib/pve-cluster"))
        self.assertLess(self.stop(1), 1.5)


if __name__ == "__main__":
    unittest.main()
