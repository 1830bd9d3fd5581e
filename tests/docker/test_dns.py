# SPDX-License-Identifier: GPL-2.0-or-later
"""`dns` follows what containers really ask: the resolvers that Docker was given, those of the host,
this host itself; and what it cannot stand for is said."""
from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path
from typing import Any, Dict

from netd import (Container, DockerCase, HostOptions, Netd, Probe, engine_version, figure,
                  netd_program)

TIERS = """version: 1
tiers:
  app:   {match: [{network: front}]}
  names: {match: [{network: names}]}
allow:
"""
TO_DNS = TIERS + "  - {from: app, to: dns}\n"
SERVER, OF_HOST = "203.0.113.10", "10.231.9.2"


class Given(DockerCase):
    """Docker was given a resolver: containers ask that, not the host's."""

    options = HostOptions(resolvers=(OF_HOST,), dockerd_args=(f"--dns={SERVER}",))

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.host
        host.network("front", "172.31.1.0/24")
        cls.lab.outside.serve("udp/53")
        cls.lab.office.serve("udp/53")
        cls.app = host.run("app", "front")
        cls.own = host.run("own", "front", extra=["--dns=192.0.2.9"])

    def test_to_dns_opens_it(self) -> None:
        """daemon.json says so, or the command line of the dockerd that /run/docker.pid names."""
        given, of_host = Probe("udp", SERVER, 53), Probe("udp", OF_HOST, 53)
        host = self.lab.host
        self.assert_open(self.app, given, of_host)  # the control: plain Docker
        netd = self.start_netd(TO_DNS)
        self.assert_denied(self.app, given)
        self.assert_open(self.app, of_host)
        netd.stop()
        host.netns_exec(["sh", "-euc", "mount -t tmpfs tmpfs /etc/docker; "
                         f"echo '{{\"dns\": [\"{SERVER}\"]}}' > /etc/docker/daemon.json"])
        self.is_known(given, of_host).stop()
        host.netns_exec(["sh", "-euc", "umount /etc/docker; "
                         f"cp {host.folder}/docker.pid /run/docker.pid"])
        self.is_known(given, of_host).stop()
        host.netns_exec(["rm", "/run/docker.pid"])

    def is_known(self, *open_: Probe) -> Any:
        netd = self.start_netd(TO_DNS)
        self.assert_open(self.app, *open_)
        self.assertEqual("allow", netd.explain("app", "dns", "53/udp")["verdict"])
        self.assertNotIn("in this host's name", str(netd.explain("app", "dns", "53/udp")["notes"]))
        return netd

    def test_a_container_with_its_own(self) -> None:
        netd = self.start_netd(TO_DNS)
        self.assert_denied(self.own, Probe("udp", "192.0.2.9", 53))
        self.assertIn("`own` was given resolvers of its own, 192.0.2.9 first",
                      str(netd.explain("own", "dns", "53/udp")["notes"]))


class OfTheHost(DockerCase):
    """The resolver is this host; a service of it answers, or a container that publishes port 53."""

    options = HostOptions(resolvers=("192.0.2.1",))

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.host
        host.network("front", "172.31.1.0/24")
        host.network("names", "172.31.2.0/24")
        cls.app = host.run("app", "front")

    def agrees(self, netd: Any, allowed: bool) -> Dict[str, Any]:
        """Packets and explain, by name and by address."""
        probe = Probe("udp", "192.0.2.1", 53)
        (self.assert_open if allowed else self.assert_denied)(self.app, probe)
        answers = [netd.explain("container:app", to, "53/udp") for to in ("dns", "192.0.2.1")]
        self.assertEqual({"allow" if allowed else "deny"}, {one["verdict"] for one in answers})
        return answers[0]

    def test_a_service_of_the_host(self) -> None:
        service = self.lab.host.serve("udp/53")
        self.addCleanup(service.stop)
        self.assert_open(self.app, Probe("udp", "192.0.2.1", 53))
        netd = self.start_netd(TIERS.replace("allow:\n", ""))
        self.agrees(netd, False)
        netd.apply(TO_DNS)
        said = self.agrees(netd, True)
        self.assertIn("the resolver 192.0.2.1 is this host", str(said["notes"]))

    def test_a_container_that_publishes_port_53(self) -> None:
        """At that address, so that docker-proxy answers from it on every version."""
        self.container("pihole", "names", publish=["192.0.2.1:53:53/udp"],
                       cmd=["probe", "serve", "udp/53"])
        self.assert_open(self.app, Probe("udp", "192.0.2.1", 53))
        netd = self.start_netd(TO_DNS)
        said = self.agrees(netd, False)
        self.assertIn("where `pihole` publishes port 53", str(said["notes"]))
        netd.apply(TO_DNS + "  - {from: app, to: names, ports: [53/udp]}\n")
        self.agrees(netd, True)

    def test_names_get_out_past_the_policy(self) -> None:
        """Said where it is so: the version decides."""
        self.lab.host.serve("udp/53")
        netd = self.start_netd(TO_DNS)
        notes = str(netd.explain("container:app", "dns", "53/udp")["notes"])
        self.assertEqual("in this host's name" in notes, engine_version() >= (28,))


LISTEN = """
import socket
server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
server.bind(("::", 53))
print("ready", flush=True)
while True:
    question, client = server.recvfrom(2000)
    print("asked", question[13:13 + question[12]].decode(errors="replace"), flush=True)
    server.sendto(question[:2] + bytes.fromhex("8183") + question[4:], client)  # there is no such name
"""


class InTheHostsName:
    """A container of a tier without rules asks Docker's resolver for a name. Whether that gets out is
    what explain, doctor and validate say of it."""

    resolver: str
    POLICY = """version: 1
tiers:
  shut: {match: [{container: "shut*"}]}
  asks: {match: [{container: "asks*"}]}
allow:
  - {from: asks, to: dns}
"""
    WAYS = {"v4": ["v4"], "dual": ["dual"], "inner": ["inner"], "both": ["inner", "v4"]}

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()  # type: ignore[misc]
        host = cls.lab.host  # type: ignore[attr-defined]
        host.network("v4", "172.31.1.0/24")
        host.network("dual", "172.31.2.0/24", "fd00:31:2::/64")
        host.network("inner", "172.31.3.0/24", internal=True)
        place = host if cls.resolver.startswith("127.") else cls.lab.outside  # type: ignore[attr-defined]
        cls.server = place.spawn([sys.executable, "-c", LISTEN])
        cls.addClassCleanup(cls.server.stop)  # type: ignore[attr-defined]
        cls.server.wait_for_line("^ready$")

    def asked(self, container: Container, seconds: int = 5) -> bool:
        """Its name was heard at the resolver, which answers at once."""
        self.server.lines.clear()
        container.exec(["busybox", "timeout", str(seconds), "busybox", "nslookup",
                        f"{container.name}.example"], check=False)
        return f"asked {container.name}" in self.server.lines

    def netdctl(self, netd: Netd, *args: str) -> str:
        """Its standard output, on the host."""
        program = str(Path(netd_program()).with_name("netdctl"))
        return self.lab.host.netns_exec([program, "--socket", str(netd.socket), *args],  # type: ignore
                                        check=False)

    def told(self, netd: Netd, name: str) -> bool:
        """explain says so of that container."""
        return "in this host's name" in str(netd.explain(f"container:{name}", "dns", "53/udp")["notes"])

    def test_what_is_said_is_so(self) -> None:
        case: Any = self
        netd = case.start_netd(self.POLICY)
        leaks = {}
        for name, networks in self.WAYS.items():
            container = case.container(f"shut-{name}", networks[0])
            for network in networks[1:]:
                case.lab.host.docker("network", "connect", network, container.name)
            netd.wait_synced()
            leaks[name] = self.asked(container)
            with case.subTest(name):
                case.assertEqual(leaks[name], self.told(netd, container.name))
                case.assertEqual(leaks[name], self.leaks(name))
        figure(f"names that get out of a tier without rules, resolver {self.resolver}",
               ", ".join(name for name in leaks if leaks[name]) or "none")
        found = json.loads(self.netdctl(netd, "doctor", "--format", "json"))["findings"]
        if self.resolver.startswith("127."):
            case.assertIn("dns-loopback", {one["id"] for one in found})
        else:
            case.assertEqual({network for name in leaks if leaks[name] for network in self.WAYS[name]
                              if network != "inner" or engine_version() >= (26,)},
                             {one["subject"] for one in found if one["id"] == "dns-host"})
        self.validated(netd, any(leaks.values()))
        self.remedied(netd)

    def validated(self, netd: Netd, leaks: bool) -> None:
        """A rule to `dns` says less than it seems to, on these facts."""
        facts = netd.folder / "facts.json"
        facts.write_text(self.netdctl(netd, "inventory"))
        said = self.netdctl(netd, "validate", "--inventory", str(facts), str(netd.policy_path))
        assert ("warning[dns-leak]" in said) == leaks, said

    def remedied(self, netd: Netd) -> None:
        """Given a resolver of its own, the container asks, and is judged."""
        case: Any = self
        network = "dual" if ":" in self.resolver else "v4"
        own = case.container("shut-own", network, extra=[f"--dns={self.resolver}"])
        netd.wait_synced()
        case.assertFalse(self.asked(own))
        case.assertFalse(self.told(netd, "shut-own"))
        if not self.resolver.startswith("127."):  # the control: that resolver can be asked so
            netd.off()
            # Of IPv6, Docker 20.10 makes it the second one in resolv.conf.
            case.assertTrue(self.asked(own, 25))

    def leaks(self, name: str) -> bool:
        """What was measured."""
        version = engine_version()
        if name == "inner":
            return version < (26,) and self.resolver.startswith("127.")
        if self.resolver.startswith("127.") or version >= (28,):
            return True
        return version >= (26,) and ":" in self.resolver and name != "dual"


class OverIPv4(InTheHostsName, DockerCase):
    """A resolver outside."""

    resolver = "192.0.2.9"
    options = HostOptions(ip_forward=True, resolvers=(resolver,))


class OverIPv6(InTheHostsName, DockerCase):
    """The same."""

    resolver = "2001:db8:1::9"
    options = HostOptions(ip_forward=True, resolvers=(resolver,))


class OnLoopback(InTheHostsName, DockerCase):
    """A resolver of the host's, as systemd-resolved and dnsmasq are."""

    resolver = "127.0.0.1"
    options = HostOptions(ip_forward=True, resolvers=(resolver,))


if __name__ == "__main__":
    unittest.main()
