# SPDX-License-Identifier: GPL-2.0-or-later
"""One object that is odd costs itself at most: the others are followed, and it is closed (G1, G8)."""
from __future__ import annotations

import unittest
from pathlib import Path
from typing import List

from netd import Container, DockerCase, Netd, Probe, children_of, figure

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


class BigLabels(DockerCase):
    """Containers of somebody's image with megabytes of labels."""

    POLICY = """version: 1
tiers:
  web: {match: [{label: {role: web}}]}
  last: {match: [{label: {l19: "x*"}}]}
allow:
  - {from: internet, to: web, ports: [80/tcp]}
"""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.host
        host.network("front", "172.31.1.0/24")
        made = host.docker("create", "netd-probe")
        host.api("POST", f"/commit?container={made}&repo=biglabel",
                 {"Cmd": ["probe", "serve", "tcp/80"],
                  "Labels": {f"l{i}": "x" * 60000 for i in range(20)}})
        host.docker("rm", made)

    def memory(self, netd: Netd) -> int:
        """The most that it ever had in memory, in kB."""
        assert netd.child is not None
        pids = [netd.child.pid, *children_of(netd.child.pid)]
        found = [line.split()[1] for pid in pids
                 for line in Path(f"/proc/{pid}/status").read_text().splitlines()
                 if line.startswith("VmHWM") and "netd" in Path(f"/proc/{pid}/comm").read_text()]
        return max(int(kilobytes) for kilobytes in found)

    def test_events_and_lists_that_are_long(self) -> None:
        host = self.lab.host
        netd = self.start_netd(self.POLICY)
        before = self.memory(netd)
        host.docker("run", "-d", "--name=loop", "--restart=always", "--network=front", "biglabel",
                    "sleep", "0.1")
        self.addCleanup(host.docker, "rm", "-f", "loop")
        for i in range(40):
            host.docker("create", f"--name=idle{i}", "--network=front", "biglabel", "true")
            self.addCleanup(host.docker, "rm", f"idle{i}")
        for i in range(3):
            name = f"fresh{i}"
            host.network(name, f"172.29.{i}.0/24")
            self.addCleanup(host.docker, "network", "rm", name)
            web = self.container(f"web{i}", name, labels={"role": "web"}, publish=[f"909{i}:80"])
            shut = self.container(f"shut{i}", name, publish=[f"919{i}:80"])
            self.assert_open(self.lab.outside, Probe("tcp", "192.0.2.1", 9090 + i))
            self.assert_denied(self.lab.outside, Probe("tcp", "192.0.2.1", 9190 + i),
                               Probe("tcp", shut.address(name), 80))
            self.assertEqual(web.address(name)[:7], "172.29.")
            self.assertTrue(str(netd.status()["docker"]["link"]).startswith("up"))
        self.assertNotIn("trying again", netd.log())
        self.assertNotIn("Docker at", netd.log())
        after = self.memory(netd)
        figure("memory before and after 41 containers with 1.2 MB of labels", f"{before} {after} kB")
        self.assertLess(after - before, 16 * 1024)

    def test_a_label_that_nobody_asked_for_before(self) -> None:
        """What was left out is read when a policy asks for it; nobody is taken for another."""
        host = self.lab.host
        host.docker("run", "-d", "--name=big", "--label=zz=own", "--network=front", "-p", "9080:80",
                    "biglabel")
        self.addCleanup(host.docker, "rm", "-f", "big")
        published = Probe("tcp", "192.0.2.1", 9080)
        self.assert_open(self.lab.outside, published)  # the control: plain Docker
        netd = self.start_netd(CLOSED)
        self.assert_denied(self.lab.outside, published)
        netd.apply(self.POLICY.replace("role: web", "zz: own").replace("l19", "zy"))
        self.assert_open(self.lab.outside, published)


class ImageLabels(DockerCase):
    """Labels that an image brings along were chosen by whoever made it."""

    POLICY = """version: 1
tiers:
  ops:  {match: [{label: {role: ops}}]}
  both: {match: [{label: {role: both}}, {container: sure}]}
  weak: {match: [{network: weaker}]}
  web:  {match: [{compose: {project: shop, service: web}}]}
  bold: {match: [{label: {role: bold}}], image_labels: allow}
allow:
  - {from: internet, to: [ops, both, weak, web, bold], ports: [80/tcp]}
"""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.host
        host.network("front", "172.31.1.0/24")
        host.network("weaker", "172.31.2.0/24")
        made = host.docker("create", "netd-probe")
        compose = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
        for name, labels in (("ops", {"role": "ops"}), ("composed", compose),
                             ("bold", {"role": "bold"}), ("both", {"role": "both"})):
            host.api("POST", f"/commit?container={made}&repo={name}",
                     {"Cmd": ["probe", "serve", "tcp/80"], "Labels": labels})
        host.docker("rm", made)

    def start(self, name: str, image: str, port: int, *labels: str,
              network: str = "front") -> Probe:
        """A container of @image; its published port, from outside."""
        host = self.lab.host
        host.docker("run", "-d", f"--name={name}", f"--network={network}", f"--publish={port}:80",
                    *[f"--label={label}" for label in labels], image)
        self.addCleanup(host.docker, "rm", "-f", name)
        return Probe("tcp", "192.0.2.1", port)

    def test_who_is_in_a_tier(self) -> None:
        given = ["com.docker.compose.project=shop", "com.docker.compose.service=web",
                 "com.docker.compose.config-hash=0123"]
        before = self.start("before", "ops", 9000)
        self.assert_open(self.lab.outside, before)  # the control: plain Docker
        netd = self.start_netd(self.POLICY, unknown=1)
        denied = [before, self.start("evil", "ops", 9001), self.start("evil2", "composed", 9002),
                  self.start("evil3", "composed", 9003, "role=other"),
                  # Its maker copied the label that the operator gives: not into a weaker tier.
                  self.start("given", "ops", 9004, "role=ops"),
                  self.start("own2", "ops", 9012, *given),
                  self.start("moved", "ops", 9005, "role=ops", network="weaker"),
                  self.start("stayed", "ops", 9006, network="weaker")]
        allowed = [self.start("own", "netd-probe", 9011, "role=ops"),
                   self.start("built", "composed", 9013, *given),
                   self.start("daring", "bold", 9014),
                   # Whoever gave the label: the same tier.
                   self.start("sure", "both", 9015),
                   self.start("told", "ops", 9016, "role=", network="weaker")]
        self.assert_open(self.lab.outside, *allowed)
        self.assert_denied(self.lab.outside, *denied)
        endpoints = {e["container"]: e for e in netd.ask("endpoints")["endpoints"]}
        self.assertEqual(["role"], endpoints["evil"]["image_labels"])
        for name in ("evil", "evil2", "given", "own2", "moved", "stayed"):
            self.assertEqual("unknown", endpoints[name]["state"], name)
            self.assertIn("its image has a label", endpoints[name]["why"], name)
        self.assertEqual([], endpoints["own"]["image_labels"])
        for name, origin in (("own", "container"), ("given", "image"), ("daring", "image")):
            self.assertEqual({"role": origin}, endpoints[name]["labels"], name)
        self.assertIn("role", netd.log())
        # A restart of netd reads them before its first commit.
        netd.stop()
        netd.start().wait_synced(unknown=len(denied))
        self.assert_open(self.lab.outside, *allowed)
        self.assert_denied(self.lab.outside, *denied)


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
