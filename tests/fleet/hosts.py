# SPDX-License-Identifier: GPL-2.0-or-later
"""Hosts that follow a cluster of etcd: three members with TLS and roles, three hosts with netd and netd-fleet.

NETD, NETDCTL and FLEET name the programs (default build/)."""
import datetime
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/ctl")]

# pylint: disable=wrong-import-position
from running import NETD, NETDCTL, POLICY, WORLD
from store import TIED, Store

FLEET = os.environ.get("FLEET", str(pathlib.Path(NETDCTL).parent / "netd-fleet"))
OTHER = POLICY + "  - {from: db, to: web, ports: [80/tcp]}\n"
INVALID = POLICY + "  - {from: nobody-knows, to: web}\n"
FAILS = POLICY + "tests:\n  - {from: web, to: db, port: 5432/tcp, expect: deny}\n"
NAMED = POLICY.replace("from: web, to: db", "from: [web, hosts], to: db")
GROUP = "version: 1\nallow:\n  - {from: web, to: dns}\n"


class Host:
    """netd with an inventory, and netd-fleet beside it."""

    def __init__(self, folder, store, name, **settings):
        self.folder, self.store, self.name, self.settings = folder, store, name, settings
        self.processes = {}
        for part in ("netd-state", "fleet-state", "policy.d"):
            (folder / part).mkdir(parents=True)
        (folder / "world.json").write_text(json.dumps(WORLD))
        (folder / "password").write_text(name + "\n")
        store.add_host(name)
        self.configure()
        self.start_netd()
        self.start_fleet()

    def configure(self, **more):
        settings = {"endpoints": ", ".join(self.store.urls()),
                    "ca": self.store.authority.folder / "ca.pem", "certificate": self.store.host[0],
                    "key": self.store.host[1], "user": self.name,
                    "password-file": self.folder / "password", "host": self.name,
                    **self.settings, **more}
        (self.folder / "fleet.conf").write_text(
            "".join(f"{key} = {value}\n" for key, value in settings.items() if value))

    def start(self, program, *args, prefix=()):
        with open(self.folder / f"{program}.log", "a", encoding="utf-8") as log:
            self.processes[program] = subprocess.Popen([*TIED, *prefix, *args], stderr=log)

    def start_netd(self):
        """Its namespace has no network: nothing but netd's rules is in it."""
        self.start("netd", NETD, "--policy", self.folder / "policy.d", "--socket",
                   self.folder / "netd.sock", "--state", self.folder / "netd-state", "--inventory",
                   self.folder / "world.json", prefix=["unshare", "--net"])

    def start_fleet(self):
        self.start("netd-fleet", FLEET, "--config", self.folder / "fleet.conf", "--netd",
                   self.folder / "netd.sock", "--state", self.folder / "fleet-state")

    def end(self, program, how=signal.SIGTERM):
        process, last = self.processes[program], time.monotonic() + 60
        while how == signal.SIGTERM and process.poll() is None and not self.hears(process, how):
            if time.monotonic() > last:
                raise TimeoutError(f"{program} does not take SIGTERM by its loop: {self.log(program)}")
            time.sleep(0.02)
        if process.poll() is None:
            process.send_signal(how)
        return process.wait(20)

    @staticmethod
    def hears(process, number):
        """It takes the signal by its loop: one that has only just begun would end of it."""
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        blocked = next(line for line in status.splitlines() if line.startswith("SigBlk"))
        return int(blocked.split()[1], 16) >> (number - 1) & 1

    def log(self, program):
        return (self.folder / f"{program}.log").read_text()

    def ask(self, *args):
        done = subprocess.run([NETDCTL, "--socket", self.folder / "netd.sock", "--format", "json", *args],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
                              check=False)
        return done.returncode, done.stdout

    def rules(self):
        """How many rules are in force, or None."""
        status, text = self.ask("status")
        return json.loads(text).get("rules") if status in (0, 1) else None

    def fleet(self):
        """What status says of the fleet."""
        return json.loads(self.ask("status")[1]).get("fleet", {})

    def hosts(self):
        """The names of those that netd knows."""
        return [line.split()[0] for line in json.loads(self.ask("hosts")[1])["text"].splitlines()]

    def forks(self):
        """Of netd: a number that is another one once a child of it has ended."""
        stat = pathlib.Path(f"/proc/{self.processes['netd'].pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[8]

    def work(self, program):
        """In seconds of the processor."""
        stat = pathlib.Path(f"/proc/{self.processes[program].pid}/stat").read_text()
        return sum(int(ticks) for ticks in stat.rpartition(")")[2].split()[11:13]) / os.sysconf("SC_CLK_TCK")

    def history(self):
        return len(json.loads(self.ask("history")[1])["policies"])


class Fleet(unittest.TestCase):
    names, tokens = ("alpha", "beta", "gamma"), ""
    groups = {"beta": "edge"}
    addresses = {}  # by names; none: each asks from loopback, where nobody else can know it

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="netd-fleet-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.store = Store.of_class(type(self), tokens=self.tokens)
        (self.folder / "root-password").write_text("root\n")
        self.admin_conf = self.folder / "admin.conf"
        self.admin_conf.write_text("".join(f"{key} = {value}\n" for key, value in (
            ("endpoints", ", ".join(self.store.urls())), ("ca", self.store.authority.folder / "ca.pem"),
            ("certificate", self.store.root[0]), ("key", self.store.root[1]), ("user", "root"),
            ("password-file", self.folder / "root-password"), ("host", "desk"))))
        self.hosts = []
        settings = self.prepare()
        self.addCleanup(self.end_hosts)
        for name in self.names:
            self.hosts.append(Host(self.folder / name, self.store, name,
                                   groups=self.groups.get(name, ""),
                                   addresses=self.addresses.get(name, ""), **settings))

    def prepare(self):
        """More settings of each host."""
        return {}

    def end_hosts(self):
        # All of them first: one that is left would go on writing to the store of the next test.
        ends = [(host.end(program), host.log(program)) for host in self.hosts for program in ("netd-fleet", "netd")]
        for status, log in ends:
            self.assertEqual(status, 0, log)

    def until(self, condition, what=""):
        end = time.monotonic() + 90
        while not condition():
            logs = "".join(f"{host.name}: {host.log('netd-fleet')}" for host in self.hosts)
            self.assertLess(time.monotonic(), end, f"not in time; {what}; the logs:\n{logs}")
            time.sleep(0.05)

    @staticmethod
    def stays(seconds, what, seen=None):
        """Whether it is the same all that time. What it was instead is added to @seen."""
        before, end = what(), time.monotonic() + seconds
        while time.monotonic() < end:
            now = what()
            if now != before:
                if seen is not None:
                    seen.append((before, now))
                return False
            time.sleep(0.1)
        return True

    def until_told(self, host):
        """netd-fleet has told netd how the store is, after this."""
        now = time.time()
        self.until(lambda: datetime.datetime.fromisoformat(host.fleet()["told"]).timestamp() > now)

    def record(self, host):
        return self.store.records().get(host.name)

    def states(self):
        """What each host says of the policy: "" where it says nothing."""
        records = self.store.records()
        return [records[host.name]["policy"]["state"] if host.name in records else ""
                for host in self.hosts]

    def is_all(self, rules, state):
        return self.states() == [state] * len(self.hosts) and \
            [host.rules() for host in self.hosts] == [rules] * len(self.hosts)

    def until_all(self, rules, state="in force"):
        self.until(lambda: self.is_all(rules, state))

    def look_again(self, host):
        """Until netd-fleet has asked a netd that has started since: its record says so."""
        host.end("netd")
        self.until(lambda: "status" not in self.record(host))
        host.start_netd()
        self.until(lambda: "status" in self.record(host))

    def put_first(self):
        self.store.put("policy/10-shop.yaml", POLICY)
        self.until_all(1)

    # ---- a netd that says what it is to say ----

    def serve(self, host, answer):
        """In netd's place: each question is answered by @answer, in a thread of its own."""
        def reply(client):
            with client, client.makefile("rw") as stream:
                stream.write(json.dumps({"v": 1, **answer(json.loads(stream.readline()))}) + "\n")
                stream.flush()

        def serve(server):
            while True:
                try:
                    client = server.accept()[0]
                except OSError:
                    return
                threading.Thread(target=reply, args=(client,), daemon=True).start()
        for name in ("netd.sock", "netd-admin.sock"):
            path = host.folder / name
            path.unlink(missing_ok=True)
            server = socket.socket(socket.AF_UNIX)
            server.bind(str(path))
            server.listen()
            self.addCleanup(lambda server=server: (server.shutdown(socket.SHUT_RDWR), server.close()))
            threading.Thread(target=serve, args=(server,), daemon=True).start()

    # ---- an admin ----

    def admin(self, *args):
        """netdctl fleet, as root of the store."""
        return subprocess.run([NETDCTL, "fleet", "--config", self.admin_conf, *args],
                              capture_output=True, text=True, timeout=60, check=False)

    def file(self, name, text):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def rows(self):
        return json.loads(self.admin("status", "--format", "json").stdout)["hosts"]
