# SPDX-License-Identifier: GPL-2.0-or-later
"""`dns` follows what containers really ask: the resolvers that Docker was given, those of the host,
this host itself; and what it cannot stand for is said."""
from __future__ import annotations

import unittest
from typing import Any, Dict

from netd import DockerCase, HostOptions, Probe, engine_version

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


if __name__ == "__main__":
    unittest.main()
