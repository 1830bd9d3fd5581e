# SPDX-License-Identifier: GPL-2.0-or-later
"""Network namespaces for tests."""
import subprocess

from store import TIED


class Space:
    """A network namespace, as long as a process in it lives."""

    def __init__(self):
        self.holder = subprocess.Popen([*TIED, "unshare", "--net", "sh", "-c", "ip link set lo up; echo; exec cat"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        self.enter = ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net"]

    def run(self, command, **more):
        for line in command.strip().splitlines():
            subprocess.run([*self.enter, "sh", "-c", line], check=True, **more)

    def end(self):
        self.holder.stdin.close()
        self.holder.stdout.close()
        self.holder.wait()
