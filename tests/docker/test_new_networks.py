# SPDX-License-Identifier: GPL-2.0-or-later
"""A network is closed from the moment it exists (G1), whatever netd knows of Docker just then.

Networks are made and used under flood, in and out: while the link to Docker is up, while it is down,
while a reading is under way, while its events are lost, while netd stands still, while the disk or the
journal does, and after a boot whose state folder is lost or damaged. NETWORKS: how many in each of these (50 in full)."""
from __future__ import annotations

import os
import sys
import unittest
from typing import Callable, Dict, List, Mapping, Sequence

from deluge import Counters, agree, ends_of_docker
from netd import Child, Container, DockerCase, Netd, Probe, figure, run, wait_until
from wire import LISTS, FailingWire

NETWORKS = int(os.environ.get("NETWORKS", "2"))
POLICY = """version: 1
tiers:
  known: {match: [{network: app}]}
  other: {match: [{label: {role: other}}]}
"""
PORT = 18009  # published by whoever is there
OUT = {"internet4": "203.0.113.10", "internet6": "2001:db8:ff::10", "host4": "192.0.2.1",
       "host6": "2001:db8:1::1"}
FLOOD = "".join(f"probe flood --seconds 600 --pause-us 300 udp {addr} 9 & " for addr in OUT.values())
ENOUGH = 200  # datagrams of each flood
SLOW_DISK = "#include <unistd.h>\nint fsync(int fd) { (void)fd; sleep(4); return 0; }\n"
# Binds the journal's socket and reads nothing.
MUTE_JOURNAL = """import os, socket, time
os.makedirs("/run/systemd/journal", exist_ok=True)
mute = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
mute.bind("/run/systemd/journal/socket")
print("ready", flush=True)
time.sleep(3000)
"""
# As systemd does for what logs to the journal.
TO_JOURNAL = ["sh", "-c", 'export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2); exec "$@"',
              "sh"]
# What becomes of a file: its former content to the new one.
DAMAGES: Sequence[Callable[[bytes], bytes]] = (
    lambda whole: b"", lambda whole: whole[:len(whole) // 2], lambda whole: b"\0" * len(whole),
    lambda whole: b"[]\n")


class NewNetworks(DockerCase):
    """One network that netd knows, and many that it cannot know yet."""

    wire: FailingWire
    floods: List[Child]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host, outside = cls.lab.host, cls.lab.outside
        host.network("app", "172.31.1.0/24", "fd00:31:1::/64")
        host.run("known", "app", ip="172.31.1.10")
        cls.wire = FailingWire(cls.lab.folder / "wire.sock", host.socket)
        cls.addClassCleanup(cls.wire.close)
        cls.floods = [outside.probe("flood", "--seconds", "3000", "--pause-us", "300", "--fresh",
                                    "1", "udp", addr, str(PORT))
                      for addr in ("192.0.2.1", "2001:db8:1::1")]
        cls.made = 0

    def one(self) -> Dict[str, int]:
        """Make a network, use it, remove it; what came in and out."""
        number = type(self).made = type(self).made + 1
        host = self.lab.host
        sinks = {place.name: place.probe("sink", "udp", "9") for place in (self.lab.outside, host)}
        for sink in sinks.values():
            sink.wait_for_line("^ready$")
        name = f"new{number}"
        host.network(name, f"172.29.{number % 250}.0/24", f"fd00:29:{number:x}::/64")
        used = host.run(name, name, labels={"role": "other"}, publish=[f"{PORT}:9/udp"], wait=None,
                        cmd=["sh", "-c", FLOOD + "exec probe sink udp 9"])
        counters = Counters(used)
        wait_until("the floods to run", lambda: counters.sent() > ENOUGH * len(OUT) / 2)
        self.assertTrue(all(flood.running for flood in self.floods), "a flood ended early")
        got = {name: int(sink.stop()[-1].split()[1]) for name, sink in sinks.items()}
        got["in"] = counters.received()
        used.remove()
        host.docker("network", "rm", name)
        return got

    def many(self, count: int, before: Callable[[], None] = lambda: None) -> Dict[str, int]:
        """So many; the sums."""
        total = {"outside": 0, "host": 0, "in": 0}
        for _ in range(count):
            before()
            for name, packets in self.one().items():
                total[name] += packets
        return total

    def netd(self, prefix: Sequence[str] = (), env: Mapping[str, str] = {}) -> Netd:
        """It speaks to Docker by the wire; it is there until the end of the test."""
        self.mend()
        netd = Netd(self.lab.host, POLICY, args=["--docker", self.wire.url], prefix=prefix, env=env)
        netd.forget_state()
        self.addCleanup(netd.off)
        self.addCleanup(self.mend)
        return netd.start(40)

    def mend(self) -> None:
        """Docker is there again, and answers; of what was lost it says no more."""
        self.wire.lose_events = False
        self.wire.mend()
        self.wire.let_go()

    def check(self, state: str, netd: Netd, before: Callable[[], None] = lambda: None) -> None:
        """Nothing passes; afterwards, with the link up, netd knows what Docker has within 2 s."""
        got = self.many(NETWORKS, before)
        figure(f"networks made under flood, {state}",
               f"{NETWORKS} networks, {sum(got.values())} packets")
        self.assertEqual(got, {"outside": 0, "host": 0, "in": 0})
        netd.resume()
        self.mend()
        agree(netd, 10, lambda: ends_of_docker(self.lab.host))

    def test_control(self) -> None:
        """Without netd all of it gets through."""
        got = self.many(2)
        figure("networks made under flood, without netd", f"2 networks: {got}")
        self.assertTrue(all(got.values()), got)

    def test_link_up(self) -> None:
        netd = self.netd()
        netd.wait_synced()
        self.check("link up", netd)

    def test_link_down(self) -> None:
        netd = self.netd()
        netd.wait_synced()
        self.wire.cut()
        wait_until("netd to see it", lambda: not str(netd.status()["docker"]["link"]).startswith("up"))
        self.check("link down", netd)

    def test_reading(self) -> None:
        """Docker was away and is asked for its lists, which it does not give."""
        netd = self.netd()
        netd.wait_synced()
        self.wire.cut()
        self.wire.hold_back(LISTS)
        self.wire.mend()
        wait_until("netd to read", lambda: "reading" in str(netd.status()["docker"]["link"]))
        self.check("reading under way", netd)

    def test_events_are_lost(self) -> None:
        """For a network made meanwhile, too, the word of Docker and the kernel's rules are one within
        2 s of its last port: it is what its policy says, and not for ever closed."""
        netd = self.netd()
        netd.wait_synced()
        slowest = 0.0
        self.wire.lose_events = True
        for number in range(NETWORKS):
            got = self.one()
            self.assertEqual(got, {"outside": 0, "host": 0, "in": 0})
            self.lab.host.network("unheard", "172.31.7.0/24", "fd00:31:7::/64")
            first, second, nobody = self.unheard(number)
            slowest = max(slowest, agree(netd, 2, lambda: ends_of_docker(self.lab.host)))
            to_second = [Probe("tcp", second.address("unheard"), 80),
                         Probe("tcp", second.address("unheard", 6), 80)]
            self.assert_open(first, *to_second)
            self.assert_denied(nobody, *to_second)
            for container in (first, second, nobody):
                container.remove()
            self.lab.host.docker("network", "rm", "unheard")
            kept = netd.state / "networks.json"
            wait_until("netd to forget it", lambda: "unheard" not in kept.read_text(), 2.5)
        self.assertGreater(self.wire.n_lost, 0)
        figure("networks made while events are lost", f"{NETWORKS} networks, 0 packets under flood; "
               f"all agree within {slowest:.2f} s, {self.wire.n_lost} events lost")

    def unheard(self, turn: int) -> List[Container]:
        """Two of one tier, and one of none; who has which address changes with each turn."""
        roles = ["other", "other", "nobody"]
        found: Dict[str, List[Container]] = {"other": [], "nobody": []}
        for n in range(len(roles)):
            role = roles[(n + turn) % len(roles)]
            found[role].append(self.container(f"unheard{n}", "unheard", labels={"role": role}))
        return found["other"] + found["nobody"]

    def test_netd_stands_still(self) -> None:
        netd = self.netd()
        netd.wait_synced()
        self.addCleanup(netd.resume)
        netd.pause()
        self.check("netd stopped", netd)

    def test_boot_with_lost_state(self) -> None:
        """No tables, no state, no Docker: as after a boot of a machine with a broken disk."""
        netd = self.netd()

        def boot() -> None:
            netd.off()
            netd.forget_state()
            self.wire.cut()
            netd.start()

        self.check("boot with lost state", netd, boot)

    def test_boot_with_damaged_state(self) -> None:
        """The same, with files that were cut off or overwritten, in turn."""
        netd = self.netd()
        netd.wait_synced()
        damages = iter(DAMAGES * NETWORKS)

        def boot() -> None:
            netd.off()
            damage = next(damages)
            for file in netd.state.iterdir():
                if file.is_file():
                    file.write_bytes(damage(file.read_bytes()))
            self.wire.cut()
            netd.start()

        self.check("boot with damaged state", netd, boot)

    def test_slow_disk(self) -> None:
        """Each fsync takes 4 s."""
        library = self.lab.folder / "slowdisk.so"
        run(["gcc", "-shared", "-fPIC", "-x", "c", "-o", str(library), "-"], stdin=SLOW_DISK)
        netd = self.netd(env={"LD_PRELOAD": str(library)})
        netd.wait_synced(40)
        self.check("fsync takes 4 s", netd)
        netd.kill9()  # its last files are still being written

    def test_journal_is_not_read(self) -> None:
        """What is denied fills the journal's socket."""
        mute = self.lab.host.spawn([sys.executable, "-c", MUTE_JOURNAL])
        mute.wait_for_line("ready")
        self.addCleanup(self.lab.host.netns_exec, ["rm", "/run/systemd/journal/socket"])
        self.addCleanup(mute.stop)
        netd = self.netd(TO_JOURNAL)
        netd.wait_synced()
        self.check("the journal is not read", netd)


if __name__ == "__main__":
    unittest.main()
