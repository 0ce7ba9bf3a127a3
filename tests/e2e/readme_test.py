"""The README's commands, run as it says them on the machines of a lab, with what they print.

A line `nodeN# COMMAND` of a console block runs on machine N; what follows until the next prompt is its
input, if it is a here-document, and else its output. Only what a lab has not is done in another way:
services are started by hand, and files are copied without ssh.
"""

import os
import re
import subprocess
import unittest

import files
import harness
from harness import wait_for

PROMPT = re.compile(r"^(?:node(\d))# (.*)$")
# What differs from one run to the next, and where a script's shell says more than a user's.
VARYING = re.compile(r"^(Date:|Ring ID:|bash:)(?: line \d+:)?.*?(: Permission denied)?$", re.M)


def console_blocks(text):
    return re.findall(r"^```console\n(.*?)^```$", text, re.M | re.S)


def steps(block):
    """(node, command with its input, output) of each prompt."""
    found = []
    for line in block.splitlines():
        prompt = PROMPT.match(line)
        if prompt:
            found.append([int(prompt.group(1)), prompt.group(2), []])
        else:
            found[-1][2].append(line)
    for node, command, lines in found:
        here = re.search(r"<<(\w+)$", command)
        if here:
            end = lines.index(here.group(1)) + 1
            command = "\n".join([command, *lines[:end]])
            lines = lines[end:]
        yield node, command, lines


def without_varying(text):
    return [line.rstrip() for line in VARYING.sub(r"\1\2", text).splitlines()]


class Readme(files.FilesTest):
    def test_three_machines(self):
        self.lab = self.cluster([harness.OURS] * 3)
        self.addCleanup(self.show_cfsd_logs, self.lab)
        for node in self.lab.nodes():
            self.lab.run(node, "sh", "-c", "rm -f /etc/corosync/*")
        with open(os.path.join(harness.SOURCE, "README.md")) as file:
            blocks = console_blocks(file.read())
        self.assertGreaterEqual(len(blocks), 4)
        self.running = set()
        for block in blocks:
            for node, command, output in steps(block):
                self.step(node, command, output)

    def test_without_root(self):
        with open(os.path.join(harness.SOURCE, "README.md")) as file:
            command = re.search(r"^build/bin/(totem-sim .*)$", file.read(), re.M).group(1).split()
        done = subprocess.run([os.path.join(harness.BIN, command[0]), *command[1:]], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        self.assertEqual(0, done.returncode, done.stdout)

    def step(self, node, command, output):
        words = command.split()
        if words[0] == "systemctl":
            self.systemctl(node, *[word for word in words[1:] if word != "--now"])
        elif words[0] == "scp":
            self.copy(node, words[2:-1], words[-1])
        else:
            if "/etc/pve" in command and len(self.running) == 3:
                self.wait_writable(self.lab.nodes())
            path = "PATH=%s:$PATH\n" % harness.BIN
            said = self.lab.run(node, "bash", "-c", path + command, check=False)
            if command != "totemd -t":
                self.assertEqual(without_varying("\n".join(output)), without_varying(said),
                                 "what node%d# %s prints" % (node, command))

    def systemctl(self, node, what, *services):
        for service in services:
            if what == "stop" and service == "totemd":
                self.lab.stop(node)
                self.running.discard(node)
            elif what == "stop":
                self.stop(node)
            elif service == "totemd":
                self.lab.start(node)
                self.running.add(node)
            else:
                self.start(node)
        if len(self.running) == len(self.lab.nodes()):
            self.lab.wait_members(self.lab.nodes(), 15)
        elif what == "stop" and len(self.running) == 1:
            wait_for("the last node alone",
                     lambda: [self.lab.members(n)[0] for n in self.running] == [False], 20)

    def copy(self, node, sources, destination):
        name, folder = destination.split(":")
        for source in sources:
            mode = self.lab.run(node, "stat", "-c", "%a", source).strip()
            coded = self.lab.run(node, "base64", "-w0", source)
            target = folder + os.path.basename(source)
            self.lab.run(int(name[-1]), "sh", "-c",
                         "echo %s | base64 -d >%s && chmod %s %s" % (coded, target, mode, target))


if __name__ == "__main__":
    unittest.main()
