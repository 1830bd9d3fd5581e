# SPDX-License-Identifier: GPL-2.0-or-later
"""One change of the policy after the other on three machines (machines.py), each with two containers: one may
send to the other, and not the other way round. Datagrams go both ways all the time, by one socket for all of
them and by a new one for each."""
import json
import subprocess
import sys
import threading
import time

from running import NETDCTL
from space import Space
from store import TIED

PORT = 7000
MACS = ("02:42:ac:12:00:02", "02:42:ac:13:00:02")
POLICY = """version: 1
tiers:
  web: {{match: [{{network: front}}]}}
  db: {{match: [{{network: back}}]}}
allow:
  - {{from: web, to: db, ports: [{port}/udp]}}
"""
BACK = "  - {{from: db, to: web, ports: [{port}/udp]}}\n"
WORLD = {
    "version": 1,
    "networks": [
        {"name": "front", "driver": "bridge", "bridge": "br-front", "subnets": ["172.18.0.0/16"]},
        {"name": "back", "driver": "bridge", "bridge": "br-back", "subnets": ["172.19.0.0/16"]},
    ],
    "containers": [
        {"name": "web-1", "endpoints": [{"network": "front", "ipv4": "172.18.0.2", "mac": MACS[0]}]},
        {"name": "db-1", "endpoints": [{"network": "back", "ipv4": "172.19.0.2", "mac": MACS[1]}]},
    ],
}
# Both ends of both directions in one process each. A line on its input is answered by what it has counted.
END = """
import json, socket, sys, threading, time
own, other, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
sent, got, going = {"one": 0, "new": 0}, {"one": set(), "new": set()}, threading.Event()
def receive():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE: who is slow to read loses nothing
    server.bind((own, port))
    while True:
        kind, number = server.recv(64).split()
        got[kind.decode()].add(int(number))
def send():
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind((own, 0))
    while True:
        going.wait()
        for kind in ("one", "new"):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as fresh:
                try:
                    (one if kind == "one" else fresh).sendto(b"%s %d" % (kind.encode(), sent[kind]), (other, port))
                    sent[kind] += 1
                except OSError:
                    pass
        time.sleep(0.005)
for work in (receive, send):
    threading.Thread(target=work, daemon=True).start()
for line in sys.stdin:
    {"go": going.set, "stop": going.clear}.get(line.strip(), int)()
    print(json.dumps({"sent": sent, "got": {kind: len(numbers) for kind, numbers in got.items()}}), flush=True)
"""


class End:
    """A container: a namespace behind a bridge of its machine, and what it sends and receives."""

    def __init__(self, machine, bridge, net, other_net, mac):
        self.space = Space()
        port = f"veth{bridge.removeprefix('br-')}"  # as Docker's are called
        machine.space.run(f"""
            ip link add {bridge} type bridge; ip addr add {net}.0.1/16 dev {bridge}; ip link set {bridge} up
            ip link add {port} type veth peer name eth0 address {mac} netns {self.space.holder.pid}
            ip link set {port} master {bridge}; ip link set {port} up""")
        self.space.run(f"""
            ip link set eth0 up
            ip addr add {net}.0.2/16 dev eth0; ip route add default via {net}.0.1""")
        self.process = subprocess.Popen([*TIED, *self.space.enter, sys.executable, "-c", END, f"{net}.0.2",
                                         f"{other_net}.0.2", str(PORT)], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def say(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.space.end()


class Watch:
    """When the kernel of a machine took rules."""

    def __init__(self, machine):
        self.times = []
        self.process = subprocess.Popen([*TIED, *machine.space.enter, "nft", "monitor"], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            if line.startswith("# new generation"):
                self.times.append(time.monotonic())

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Applies:
    """@fleet: machines with WORLD, whose store and hosts have begun. Its policy is of this."""

    def __init__(self, fleet):
        self.fleet, self.number = fleet, 0
        self.ends, self.watches = [], []
        for machine in fleet.all:
            machine.space.run("echo 1 > /proc/sys/net/ipv4/ip_forward")
            self.ends.append((End(machine, "br-front", "172.18", "172.19", MACS[0]),
                              End(machine, "br-back", "172.19", "172.18", MACS[1])))
            self.watches.append(Watch(machine))

    def end(self):
        for watch in self.watches:
            watch.end()
        for pair in self.ends:
            for end in pair:
                end.end()

    def counts(self, word="?"):
        """Of each machine what its two containers have counted."""
        return [tuple(end.say(word) for end in pair) for pair in self.ends]

    def write(self, more=""):
        """Every second policy has one rule less than that before, so that every connection is judged anew."""
        self.number += 1
        text = POLICY.format(port=PORT) + more
        if self.number % 2:
            text += f"  - {{from: web, to: internet, ports: [{self.number}/tcp]}}\n"
        folder = self.fleet.desk / "changes"
        folder.mkdir(exist_ok=True)
        (folder / "00-fleet.yaml").write_text(text + f"# {self.number}\n")

    def apply(self, machines=None, more=""):
        """From the start of netdctl until the last of @machines has its rules, in seconds."""
        self.write(more)
        machines = machines or self.fleet.all
        watches = [self.watches[self.fleet.all.index(machine)] for machine in machines]
        before = [len(watch.times) for watch in watches]
        begin = time.monotonic()
        subprocess.run([NETDCTL, "fleet", "--config", "admin.conf", "apply", "--sign-key", "admin.key", "changes"],
                       cwd=self.fleet.desk, check=True, stdout=subprocess.DEVNULL, timeout=60)
        self.fleet.until(lambda: all(len(watch.times) > n for watch, n in zip(watches, before)), "rules")
        self.until_same([machine.name for machine in machines])
        # Only what follows later than all of that could be another change's.
        return max(watch.times[n] for watch, n in zip(watches, before)) - begin

    def until_same(self, names):
        """Each says that its policy is in force, and that it is the same one, of this revision."""
        def are():
            rows = self.fleet.rows()
            mine = [rows.get(name, {}) for name in names]
            newest = max(row.get("revision", 0) for row in rows.values()) if rows else 0
            return all(row.get("state") == "in force" and row["revision"] == newest for row in mine) and \
                len({row["digest"] for row in mine}) == 1
        self.fleet.until(are, "equal digests")

    # ---- what went through ----

    def control(self):
        """Where a policy lets both pass, both arrive: what is not seen later was denied."""
        self.apply(more=BACK.format(port=PORT))
        self.counts("go")
        before = self.counts()
        self.fleet.until(lambda: all(end["got"][kind] > was["got"][kind] for pair, old in zip(self.counts(), before)
                                     for end, was in zip(pair, old) for kind in ("one", "new")), "both ways")
        self.apply()
        self.counts("stop")
        self.drain()
        self.first = self.counts()
        self.counts("go")

    def drain(self):
        """Until nobody has received anything more for a while."""
        last, since = None, time.monotonic()
        while time.monotonic() - since < 0.5:
            now = [[end["got"] for end in pair] for pair in self.counts()]
            if now != last:
                last, since = now, time.monotonic()

    def result(self):
        """(allowed and sent, of these lost, denied and sent, of these received) since control()."""
        self.counts("stop")
        self.drain()
        sent = lost = denied = through = 0
        for pair, old in zip(self.counts(), self.first):
            (web, db), (web0, db0) = pair, old
            for kind in ("one", "new"):
                allowed = web["sent"][kind] - web0["sent"][kind]
                sent += allowed
                lost += allowed - (db["got"][kind] - db0["got"][kind])
                denied += db["sent"][kind] - db0["sent"][kind]
                through += web["got"][kind] - web0["got"][kind]
        self.counts("go")
        return sent, lost, denied, through

    def story(self, times):
        """@times changes; the leader is killed in the middle of them, and a machine is cut off later. Seconds, by
        what went on."""
        took = {"all is well": [], "the leader was just killed": [], "one is away, for the others": [],
                "it is back, until it has the newest": []}
        kill, revive, cut, mend = (times * part // 8 for part in (3, 4, 5, 6))
        last = self.fleet.all[-1]
        for i in range(times):
            if i == kill:
                leader = self.fleet.leader()
                leader.end("etcd", 9)
            if i == revive:
                leader.start_etcd()
                self.fleet.until(self.fleet.is_healthy, "three members")
            if i == cut:
                last.plug(False)
            if i == mend:
                took["it is back, until it has the newest"].append(self.come_back(last))
            is_cut = cut <= i < mend
            name = "the leader was just killed" if i == kill else \
                "one is away, for the others" if is_cut else "all is well"
            took[name].append(self.apply([each for each in self.fleet.all if not (is_cut and each is last)]))
        return took

    def come_back(self, machine):
        watch = self.watches[self.fleet.all.index(machine)]
        before, begin = len(watch.times), time.monotonic()
        machine.plug(True)
        self.fleet.until(lambda: len(watch.times) > before, "it has the newest")
        self.until_same([each.name for each in self.fleet.all])
        self.fleet.until(self.fleet.is_healthy, "three members")
        return watch.times[-1] - begin
