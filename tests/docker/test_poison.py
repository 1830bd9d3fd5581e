# SPDX-License-Identifier: GPL-2.0-or-later
"""One object that is odd costs itself at most: the others are followed, and it is closed (G1, G8)."""
from __future__ import annotations

import unittest
from typing import List

from netd import Container, DockerCase, Netd, Probe

CLOSED = """version: 1
tiers:
  other: {match: [{container: "nobody"}]}
"""
OPEN = """version: 1
tiers:
  web: {match: [{network: "odd*"}]}
allow:
  - {from: internet, to: web, ports: [80/tcp]}
"""
# What the kernel takes and Docker does not mind, and the shell, nft and JSON do.
ODD_BRIDGES = ("a*b", "end*", 'q"t', "back\\s", "brä", "br{x}#'$")


class OddBridges(DockerCase):
    """Networks whose bridges have odd names."""

    servers: List[Container] = []

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.host
        for i, bridge in enumerate(ODD_BRIDGES):
            host.network(f"odd{i}", f"172.31.{i}.0/24",
                         options={"com.docker.network.bridge.name": bridge})
            cls.servers.append(host.run(f"server{i}", f"odd{i}", publish=[f"{8000 + i}:80"],
                                        cmd=["probe", "serve", "tcp/80", "tcp/81"]))

    def ways(self, port: int = 80) -> List[Probe]:
        """From outside to each server: its published port, and straight to it."""
        return [probe for i, server in enumerate(self.servers)
                for probe in (Probe("tcp", "192.0.2.1", 8000 + i),
                              Probe("tcp", server.address(f"odd{i}"), port))]

    def test_closed_and_opened_by_their_names(self) -> None:
        published = self.ways()[::2]
        self.assert_open(self.lab.outside, *published)  # the control: plain Docker
        netd = self.start_netd(CLOSED)
        self.assertTrue(str(netd.status()["docker"]["link"]).startswith("up"))
        self.assert_denied(self.lab.outside, *self.ways(), *self.ways(81))
        netd.apply(OPEN)
        self.assert_open(self.lab.outside, *published)
        self.assert_denied(self.lab.outside, *self.ways(81)[1::2])
        self.assertEqual(0, netd.status()["n_flaws"])
        listing = self.lab.host.netns_exec(["nft", "list", "table", "inet", "netd"])
        self.assertIn('"a*b"', listing)

    def test_a_network_beside_them(self) -> None:
        """The list that they are in counts for the others."""
        netd = self.start_netd(CLOSED)
        host = self.lab.host
        host.network("later", "172.31.99.0/24")
        self.addCleanup(host.docker, "network", "rm", "later")
        later = self.container("later", "later", publish=["9099:80"])
        probes = [Probe("tcp", "192.0.2.1", 9099), Probe("tcp", later.address("later"), 80)]
        netd.wait_synced()
        self.assert_denied(self.lab.outside, *probes)
        netd.off()
        self.assert_open(self.lab.outside, probes[0])  # the control


class Names(DockerCase):
    """Names that a terminal obeys."""

    def test_marks_that_turn_the_writing(self) -> None:
        host = self.lab.host
        name = "front\u202edne\u202c\u200b"
        host.network(name, "172.31.1.0/24")
        self.addCleanup(host.docker, "network", "rm", name)
        self.container("web", name)
        netd: Netd = self.start_netd(CLOSED)
        shown = str(netd.ask("endpoints")) + netd.log()
        self.assertIn("front???dne??????", shown)
        for mark in "\u202e\u202c\u200b":
            self.assertNotIn(mark, shown)


if __name__ == "__main__":
    unittest.main()
