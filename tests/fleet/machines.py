# SPDX-License-Identifier: GPL-2.0-or-later
"""Machines on one wire, set up as policies/fleet/README.md says: each has a member of etcd, netd with an
inventory, and netd-fleet. The desk is this namespace.

/etc and /var/lib of a machine are below a folder of its own, and `systemctl` starts and ends its programs."""
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

from running import NETD, NETDCTL
from runbook import EXAMPLE, block
from space import Space
from store import TIED

FLEET = os.environ.get("FLEET", str(pathlib.Path(NETDCTL).parent / "netd-fleet"))
DESK = "192.0.2.5"
# What a README's command asks of systemd is asked of the machine, at a socket.
SYSTEMCTL = """#!/usr/bin/env python3
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as ask:
    ask.connect(os.environ["MACHINE_SOCKET"])
    ask.sendall(json.dumps(sys.argv[1:]).encode() + b"\\n")
    said = ask.makefile().read()
sys.exit(said or 0)
"""
WORLD = {"version": 1, "networks": [], "containers": []}


def script(path, text):
    path.write_text(text)
    path.chmod(0o755)


class Machine:
    def __init__(self, folder, number, world=WORLD, group="etcd"):
        self.folder, self.address = folder, f"192.0.2.{10 + number}"
        self.member, self.name = f"etcd{number}", f"host{number}"
        self.group, self.processes, self.space = group, {}, Space()
        for part in ("etc/etcd", "etc/netd/fleet", "etc/netd/keys", "var/lib/etcd", "var/lib/netd-fleet",
                     "var/lib/netd", "etc/netd/policy.d", "bin"):
            (folder / part).mkdir(parents=True)
        (folder / "world.json").write_text(json.dumps(world))
        self.port = f"m{number}"
        subprocess.run(["ip", "link", "add", self.port, "type", "veth", "peer", "name", "eth0", "netns",
                        str(self.space.holder.pid)], check=True)
        subprocess.run(["ip", "link", "set", self.port, "master", "wire", "up"], check=True)
        self.space.run(f"""
            ip addr add {self.address}/24 dev eth0; ip link set eth0 up""")
        self.make_programs()

    # ---- its files ----

    def below(self, text):
        """Where its own files are in a text."""
        return re.sub(r"(?<![\w./-])(/etc/(?:etcd|netd)\b|/var/lib/(?:etcd|netd-fleet|netd)\b)",
                      rf"{self.folder}\1", text)

    def copy(self, source, place):
        """A file of the desk, or of the example, to the place that README.md says."""
        (self.folder / place).write_text(self.below(source.read_text()))

    def make_programs(self):
        """What its commands find: who owns a file is nothing that a machine without users can have."""
        script(self.folder / "bin/systemctl", SYSTEMCTL)
        for name in ("chown", "chgrp"):
            script(self.folder / "bin" / name, "#!/bin/sh\n")
        script(self.folder / "bin/netd-fleet",
               f"#!/bin/sh\nexec {FLEET} --config {self.folder}/etc/netd/fleet.conf \"$@\"\n")

    # ---- its programs ----

    def systemctl(self, verb, *units):
        if verb not in ("stop", "restart", "daemon-reload"):
            raise ValueError(verb)
        for unit in units:
            self.end(unit)
            if verb == "restart":
                {"etcd": self.start_etcd, "netd": self.start_netd, "netd-fleet": self.start_fleet}[unit]()

    def start(self, program, *args, env=None):
        with open(self.folder / f"{program}.log", "a", encoding="utf-8") as log:
            self.processes[program] = subprocess.Popen([*TIED, *self.space.enter, *args], stderr=log, stdout=log,
                                                       env={**os.environ, **(env or {})})

    def start_etcd(self):
        """As its unit with the drop-in would."""
        settings = {}
        for name in ("etcd.env", "this-member.env"):
            lines = (self.folder / "etc/etcd" / name).read_text().splitlines()
            settings.update(line.split("=", 1) for line in lines if re.match(r"ETCD_\w+=", line))
        self.start("etcd", "etcd", env=settings)

    def start_netd(self):
        self.start("netd", NETD, "--policy", self.folder / "etc/netd/policy.d", "--socket", self.folder / "netd.sock",
                   "--state", self.folder / "var/lib/netd", "--inventory", self.folder / "world.json")

    def start_fleet(self):
        self.start("netd-fleet", FLEET, "--config", self.folder / "etc/netd/fleet.conf", "--netd",
                   self.folder / "netd.sock", "--state", self.folder / "var/lib/netd-fleet")

    def end(self, program, how=signal.SIGTERM):
        process = self.processes.pop(program, None)
        if process and process.poll() is None:
            process.send_signal(how)
            process.wait(30)

    def stop(self):
        for program in list(self.processes):
            self.end(program, signal.SIGKILL)
        # With its namespace it would go some time later.
        subprocess.run(["ip", "link", "del", self.port], check=True)
        self.space.end()

    def log(self, program):
        path = self.folder / f"{program}.log"
        return path.read_text() if path.exists() else ""

    def forget_log(self, program):
        (self.folder / f"{program}.log").write_text("")

    def ask(self, *args):
        done = subprocess.run([NETDCTL, "--socket", self.folder / "netd.sock", "--format", "json", *args],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        return json.loads(done.stdout) if done.returncode in (0, 1) and done.stdout else {}

    # ---- its wire ----

    def plug(self, is_in):
        subprocess.run(["ip", "link", "set", self.port, "up" if is_in else "down"], check=True)


class Machines:
    """Three of them, and the desk with its folder."""

    def __init__(self, folder, world=WORLD):
        self.folder, self.desk = folder, folder / "desk"
        self.desk.mkdir()
        for line in ("link add wire type bridge", f"addr add {DESK}/24 dev wire", "link set wire up"):
            subprocess.run(["ip", *line.split()], check=True)
        (self.desk / "bin").mkdir()
        (self.desk / "bin/netdctl").symlink_to(pathlib.Path(NETDCTL).resolve())
        for name in ("policy.d", "groups"):
            shutil.copytree(EXAMPLE / name, self.desk / name)
        self.all = [Machine(folder / f"machine{i}", i, world) for i in (1, 2, 3)]
        self.closers = []

    def stop(self):
        for close in self.closers:
            close()
        for machine in self.all:
            machine.stop()
        subprocess.run(["ip", "link", "del", "wire"], check=True)

    # ---- the blocks of README.md ----

    def at_desk(self, name, **values):
        """What it has said."""
        text = block(name, **values)
        who = block("who asks") if (self.desk / "root/password").exists() else ""
        return self.run(who + text, self.desk, self.desk / "bin", name)

    def on(self, machine, name, **values):
        """What is asked of systemd is done here: a program that is tied ends with the thread that began it."""
        path = machine.folder / "systemctl.sock"
        path.unlink(missing_ok=True)
        text = machine.below(block(name, **values))
        with socket.socket(socket.AF_UNIX) as server, concurrent.futures.ThreadPoolExecutor() as beside:
            server.bind(str(path))
            server.listen()
            said = beside.submit(self.run, text, machine.folder, machine.folder / "bin", name, MACHINE_SOCKET=str(path))
            said.add_done_callback(lambda _: server.shutdown(socket.SHUT_RDWR))
            self.serve(machine, server)
            return said.result()

    @staticmethod
    def serve(machine, server):
        while True:
            try:
                client = server.accept()[0]
            except OSError:
                return
            with client, client.makefile("rw") as stream:
                try:
                    machine.systemctl(*json.loads(stream.readline()))
                except (ValueError, OSError, subprocess.SubprocessError) as error:
                    stream.write(repr(error))

    @staticmethod
    def run(text, folder, programs, name, **more):
        done = subprocess.run(["sh", "-e", "-c", text], cwd=folder, capture_output=True, text=True, check=False,
                              timeout=120, env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", **more})
        if done.returncode != 0:
            raise RuntimeError(f"{name}: {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    # ---- setting up ----

    def issue_host(self, name):
        self.at_desk("a certificate and a password of a host", HOST=name)

    def give_member(self, machine):
        """Its files, as they were copied from the desk."""
        for name in ("ca.pem", "member.pem", "member.key", "this-member.env"):
            machine.copy(self.desk / machine.member / name, f"etc/etcd/{name}")

    def give_host(self, machine):
        for name in ("ca.pem", "host.pem", "host.key", "password"):
            machine.copy(self.desk / machine.name / name, f"etc/netd/fleet/{name}")

    def begin_store(self):
        self.at_desk("the authority")
        for machine in self.all:
            self.at_desk("a certificate of a member", MEMBER=machine.member, ADDRESS=machine.address)
            self.give_member(machine)
            machine.copy(EXAMPLE / "etcd.env", "etc/etcd/etcd.env")
        for machine in self.all:
            self.on(machine, "start a member")
        self.issue_host("root")
        self.until(lambda: self.is_healthy(guarded=False), "the store")
        self.at_desk("users and roles, once")
        self.issue_host("alice")
        self.at_desk("the user of an admin", ADMIN="alice")
        self.conf(self.desk / "admin.conf", "alice", self.desk / "alice")

    def begin_hosts(self):
        for machine in self.all:
            self.issue_host(machine.name)
            self.at_desk("the user of a host", HOST=machine.name)
            self.give_host(machine)
            shutil.copy(self.desk / "admin.pem", machine.folder / "etc/netd/keys")
            self.conf(machine.folder / "etc/netd/fleet.conf", machine.name, machine.folder / "etc/netd/fleet",
                      machine.group)
            machine.copy(EXAMPLE / "netd.conf", "etc/netd/netd.conf")
            machine.start_netd()
            self.on(machine, "join")

    @staticmethod
    def conf(path, name, files, groups=None):
        """The example's, for another host."""
        text = (EXAMPLE / "fleet.conf").read_text().replace("host1", name).replace("/etc/netd/fleet/", f"{files}/")
        folder = path.parent / "keys"
        text = text.replace("/etc/netd/keys", str(folder)) if groups else re.sub(r"(?m)^keys = .*\n", "", text)
        path.write_text(re.sub(r"(?m)^groups = .*$", f"groups = {groups}", text))

    def leader(self):
        """The machine whose member leads."""
        for machine in self.all:
            if "etcd" not in machine.processes:
                continue
            ask = block("who asks") + f"export ETCDCTL_ENDPOINTS=https://{machine.address}:2379\n" \
                "etcdctl endpoint status --write-out fields"
            said = subprocess.run(["sh", "-e", "-c", ask], cwd=self.desk, capture_output=True, text=True,
                                  check=True).stdout
            fields = dict(line.split(" : ", 1) for line in said.splitlines() if " : " in line)
            if fields['"MemberID"'] == fields['"Leader"']:
                return machine
        raise RuntimeError("no leader")

    # ---- waiting ----

    def is_healthy(self, guarded=True):
        """All members are; before there are users nobody is anybody."""
        ask = block("who asks") + ("" if guarded else "unset ETCDCTL_USER\n") + "etcdctl endpoint health"
        return subprocess.run(["sh", "-e", "-c", ask], cwd=self.desk, capture_output=True, check=False).returncode == 0

    def until(self, condition, what="", seconds=90):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                logs = "".join(f"\n{machine.name} {program}: {machine.log(program)[-2500:]}" for machine in self.all
                               for program in ("netd-fleet", "etcd"))
                raise TimeoutError(f"not in time: {what}{logs}")
            time.sleep(0.05)

    def rows(self):
        """What `netdctl fleet status` says, by hosts."""
        done = subprocess.run([NETDCTL, "fleet", "--config", self.desk / "admin.conf", "status", "--format", "json"],
                              capture_output=True, text=True, timeout=60, check=False)
        return {row["host"]: row for row in json.loads(done.stdout)["hosts"]} if done.stdout else {}

    def are(self, state, hosts=None):
        rows = self.rows()
        return all(rows.get(name, {}).get("state") == state for name in hosts or [each.name for each in self.all])

    def until_all(self, state, hosts=None):
        self.until(lambda: self.are(state, hosts), f"{state}: {self.rows()}")
