# SPDX-License-Identifier: GPL-2.0-or-later
"""A running netd, in namespaces of its own (root), for the tests that ask it through netdctl.

NETD and NETDCTL name the programs (default build/)."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/lab")]

NETD = os.environ.get("NETD", str(ROOT / "build/netd"))
NETDCTL = os.environ.get("NETDCTL", str(ROOT / "build/netdctl"))
POLICY = """version: 1
tiers:
  web: {match: [{network: front}]}
  db: {match: [{network: back}]}
allow:
  - {from: web, to: db, ports: [5432/tcp]}
"""
WORLD = {
    "version": 1,
    "networks": [
        {"name": "front", "driver": "bridge", "bridge": "br-front", "subnets": ["172.18.0.0/16"]},
        {"name": "back", "driver": "bridge", "bridge": "br-back", "subnets": ["172.19.0.0/16"]},
    ],
    "containers": [
        {"name": "web-1", "endpoints": [{"network": "front", "ipv4": "172.18.0.2"}]},
        {"name": "db-1", "endpoints": [{"network": "back", "ipv4": "172.19.0.2"}]},
    ],
}


class Running(unittest.TestCase):
    """netd with POLICY in its policy folder and WORLD as its inventory."""

    policy_text, world = POLICY, WORLD
    environment = {}

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="netd-ctl-"))
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "state").mkdir()
        (self.folder / "policy.d").mkdir()
        self.policy = self.folder / "policy.d/10-shop.yaml"
        self.policy.write_text(self.policy_text)
        (self.folder / "world.json").write_text(json.dumps(self.world))
        self.start()
        self.addCleanup(self.stop)

    def start(self):
        with open(self.folder / "log", "a", encoding="utf-8") as log:
            self.netd = subprocess.Popen(
                [NETD, "--policy", self.folder / "policy.d", "--socket", self.folder / "netd.sock",
                 "--state", self.folder / "state", "--inventory", self.folder / "world.json"],
                stderr=log, env={**os.environ, **self.environment})
        self.until(lambda: self.ask("status")[0] in (0, 1))

    def stop(self):
        if self.netd.poll() is None:
            self.netd.send_signal(signal.SIGTERM)
        self.assertEqual(self.netd.wait(10), 0, self.log())

    def log(self):
        return (self.folder / "log").read_text()

    def until(self, condition):
        end = time.monotonic() + 10
        while not condition():
            self.assertLess(time.monotonic(), end, "not in time; netd's log:\n" + self.log())
            time.sleep(0.02)

    def ask(self, *args):
        done = subprocess.run([NETDCTL, "--socket", self.folder / "netd.sock", *args],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
                              check=False)
        return done.returncode, done.stdout + done.stderr

    def report(self, *args):
        status, text = self.ask("--format", "json", *args)
        self.assertIn(status, (0, 1), text)
        return json.loads(text)

    def apply(self, rules, *args):
        """The policy with more rules."""
        path = self.folder / "new.yaml"
        path.write_text(self.policy_text + rules)
        return self.ask("apply", str(path), *args)

    def children(self):
        """The processes of netd that make answers or write its state, without those that have ended, and
        without the one that asks rtnetlink, which stays."""
        pid = self.netd.pid
        alive = []
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            for child in file.read().split():
                try:
                    with open(f"/proc/{child}/stat", encoding="utf-8") as stat:
                        name, _, rest = stat.read().rpartition(")")
                except (FileNotFoundError, ProcessLookupError):
                    continue
                if rest.split()[0] not in "ZX" and not name.endswith("(netd-rtnl"):
                    alive.append(int(child))
        return alive

    def wait_written(self):
        """All of the state is on disk: processes write it."""
        kept = [self.folder / "state" / name for name in ("policy.json", "history-00.json")]
        self.until(lambda: all(file.exists() for file in kept) and not self.children())

    def reseal(self, name, change):
        """A file of the state folder, as netd would have written it with another text."""
        path = self.folder / "state" / name
        text = change(path.read_text().rsplit("\n#crc32 ", 1)[0])
        path.write_text(f"{text}\n#crc32 {zlib.crc32(text.encode()):08x}\n")

    def tables(self):
        done = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True)
        return sorted(line for line in done.stdout.splitlines() if line.endswith(" netd"))


@contextlib.contextmanager
def killed(process):
    """Leaving Popen's own block waits for the process, and where a test has failed there that may be for ever."""
    try:
        yield
    finally:
        process.kill()


def run_all():
    """Runs the tests; the closing line is that of all test programs."""
    result = unittest.main(exit=False).result
    bad, left = len(result.failures) + len(result.errors), len(result.skipped)
    print(f"{result.testsRun - bad - left} passed, {bad} failed, {left} skipped")
    return 1 if bad else 0


def main(program):
    """Runs the tests of @program in namespaces of their own."""
    if os.geteuid() != 0 or not shutil.which("nft") or not shutil.which("unshare"):
        print("SKIP: needs root, nft and unshare\n0 passed, 0 failed, 1 skipped")
        return 77
    if not os.environ.get("NETD_CTL_NAMESPACE"):
        os.environ["NETD_CTL_NAMESPACE"] = "1"
        # In a container /proc/sys may be read-only; a /proc of one's own is not.
        os.execvp("unshare", ["unshare", "--net", "--mount-proc", sys.executable, program,
                              *sys.argv[1:]])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    return run_all()

