# SPDX-License-Identifier: GPL-2.0-or-later
"""What netd knows of podman's networks, containers and pods, and which tier they are in for it."""
from __future__ import annotations

import json
import os
import unittest
from itertools import permutations
from typing import Sequence

from podman_case import Container, Netd, PodmanCase, Probe, figure, run, wait_until

NETDCTL = os.environ.get("NETDCTL", os.path.join(os.path.dirname(os.environ.get(
    "NETD", os.path.abspath("../../build/netd"))), "netdctl"))
# Asks for the IPv4 address of "web", three times within three seconds, and prints what comes back.
ASK = """
import socket, sys
ask = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
ask.settimeout(1)
for _ in range(3):
    ask.sendto(bytes.fromhex("1234010000010000000000000377656200" "00010001"), (sys.argv[1], 53))
    try:
        print(ask.recv(512).hex())
        break
    except OSError:
        pass
"""
POLICY = """version: 1
tiers:
  labelled: {match: [{label: {tier: web}}]}
  named:    {match: [{container: "db-*"}]}
  imaged:   {match: [{image: "localhost/other:*"}]}
  back:     {match: [{network: back}]}
allow:
  - {from: labelled, to: named, ports: [80/tcp]}
  - {from: labelled, to: back, ports: [80/tcp]}
"""




def all_open(networks: Sequence[str]) -> str:
    """A policy that lets all of them reach each other."""
    tiers = [f"  {name}: {{match: [{{network: {name}}}]}}" for name in networks]
    rules = [f"  - {{from: {a}, to: {b}, ports: [80/tcp]}}" for a, b in permutations(networks, 2)]
    return "\n".join(["version: 1", "tiers:", *tiers, "allow:", *rules, ""])


class Facts(PodmanCase):
    """Two networks."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.bridge = cls.lab.host.network("front", "172.31.1.0/24", "fd00:31:1::/64")
        cls.lab.host.network("back", "172.31.2.0/24", internal=True)

    def test_tiers_by_what_podman_says(self) -> None:
        """By label, name, image and network: each lets through what its rule says, and no more."""
        self.host.podman("tag", "netd-probe", "localhost/other:1")
        web = self.run_podman("web", "--network=front", labels={"tier": "web"})
        db = self.run_podman("db-1", "--network=front")
        loose = self.run_podman("loose", "--network=front")
        back = self.run_podman("store", "--network=back")
        other = self.host.podman("run", "-d", "--name=other", "--network=front", "localhost/other:1",
                                 "probe", "serve", "tcp/80")
        self.addCleanup(self.host.podman, "rm", "-f", "-t0", other)
        self.host.serve("tcp/80")
        to_db = [Probe("tcp", db.address("front"), 80), Probe("tcp", db.address("front", 6), 80)]
        to_web, to_host = Probe("tcp", web.address("front"), 80), Probe("tcp", "172.31.2.1", 80)
        self.assert_open(loose, *to_db)  # the controls: podman alone
        self.assert_open(db, to_web)
        self.assert_open(back, to_host)
        netd = self.start_netd(POLICY)
        tiers = {name: self.endpoint(netd, name)["tier"]
                 for name in ("web", "db-1", "loose", "store", "other")}
        self.assertEqual({"web": "labelled", "db-1": "named", "loose": None, "store": "back",
                          "other": "imaged"}, tiers)
        self.assert_open(web, *to_db)
        self.assertTrue(netd.allowed("web", "db-1", "80/tcp", 4))
        self.assert_denied(loose, *to_db)
        self.assert_denied(db, to_web)
        self.assert_denied(back, to_host)

    def test_routed_between_networks(self) -> None:
        """podman routes where Docker does not: a rule opens it, explain says so, and nothing else is."""
        self.host.network("plain", "172.31.4.0/24", options={"isolate": "false"})
        self.host.network("side", "172.31.5.0/24", options={"isolate": "false"})
        self.addCleanup(self.host.podman, "network", "rm", "--force", "plain", "side")
        web = self.run_podman("web", "--network=plain", labels={"tier": "web"})
        loose = self.run_podman("loose", "--network=plain")
        db = self.run_podman("db-1", "--network=side")
        to_db = Probe("tcp", db.address("side"), 80)
        self.assert_open(loose, to_db)  # the control: podman alone
        netd = self.start_netd(POLICY)
        self.assert_open(web, to_db)
        self.assertTrue(netd.allowed("web", "db-1", "80/tcp", 4))
        self.assert_denied(loose, to_db)
        self.assertFalse(netd.allowed("loose", "db-1", "80/tcp", 4))

    def test_isolated_networks(self) -> None:
        """podman keeps its networks apart by their option, from 6 on also where nothing was said, and
        explain knows it of each pair."""
        words = ["", "false", "true", "true"]
        if not self.host.podman("--version").startswith("podman version 4."):  # knows no other word
            words.append("strict")
        networks = [f"net{number}" for number in range(len(words))]
        for number, word in enumerate(words):
            self.host.network(networks[number], f"172.31.{10 + number}.0/24",
                              options={"isolate": word} if word else {})
        self.addCleanup(self.host.podman, "network", "rm", "--force", *networks)
        places = {name: self.run_podman(f"on-{name}", f"--network={name}") for name in networks}
        netd = self.start_netd(all_open(networks))
        wrong, verdicts = [], set()
        for source, place in places.items():
            probes = {name: Probe("tcp", there.address(name), 80)
                      for name, there in places.items() if name != source}
            results = place.probe_many(probes.values(), 3000)
            for name, probe in probes.items():
                said = netd.allowed(f"on-{source}", f"on-{name}", "80/tcp", 4)
                verdicts.add(said)
                if said != (results[probe].state == "open"):
                    wrong.append((source, name, said, results[probe]))
        self.assertEqual([], wrong)
        self.assertEqual({True, False}, verdicts)
        figure("podman, isolated networks",
               f"{len(words) * (len(words) - 1)} pairs, explain and packets disagree in 0")

    def test_inventory(self) -> None:
        """netdctl reads podman itself; what it prints is read again."""
        self.run_podman("web", "--network=front", "-p=8080:80", labels={"tier": "web"})
        self.host.network("apart", "172.31.4.0/24", options={"isolate": "true"})
        self.addCleanup(self.host.podman, "network", "rm", "--force", "apart")
        where = ["--docker", f"unix://{self.host.socket}"]
        text = run([NETDCTL, "inventory", "--engine", "podman", *where])
        facts = json.loads(text)
        front = [n for n in facts["networks"] if n["name"] == "front"][0]
        self.assertTrue(str(facts["engine"]).startswith("podman "), facts["engine"])
        self.assertEqual((self.bridge, True, False), (front["bridge"], front["dns"], front["internal"]))
        self.assertEqual(["172.31.1.0/24", "fd00:31:1::/64"], sorted(front["subnets"]))
        self.assertEqual({"apart": "true", "front": None},
                         {n["name"]: n.get("isolate") for n in facts["networks"]
                          if n["name"] in ("apart", "front")})
        web = [c for c in facts["containers"] if c["name"] == "web"][0]
        self.assertEqual("front", web["endpoints"][0]["network"])
        self.assertIn({"host_ip": "0.0.0.0", "host_port": 8080, "port": "80/tcp"}, web["published"])
        saved = self.host.folder / "inventory.json"
        saved.write_text(text)
        policy = self.host.folder / "policy.yaml"
        policy.write_text(POLICY)
        said = run([NETDCTL, "matrix", "--inventory", str(saved), "--policy", str(policy)])
        self.assertIn("labelled", said)
        # Docker's facts are not taken from it by accident.
        refused = run([NETDCTL, "inventory", *where], check=False)
        self.assertEqual("", refused)

    def test_a_pod_is_one_endpoint(self) -> None:
        """Its infra container's; its members speak as that one, whatever their own labels are."""
        self.host.podman("pod", "create", "--name=pod", "--network=front", "--label=tier=web")
        self.addCleanup(self.host.podman, "pod", "rm", "--force", "--time=0", "pod")
        member = self.run_podman("member", "--pod=pod", cmd=["probe", "serve", "--log", "tcp/80"])
        self.run_podman("web", "--network=front", labels={"tier": "web"})
        sharer = self.run_podman("sharer", "--network=container:web", labels={"tier": "none"},
                                 cmd=["probe", "serve", "--log", "tcp/81"])
        db = self.run_podman("db-1", "--network=front")
        loose = self.run_podman("loose", "--network=front")
        to_db = Probe("tcp", db.address("front"), 80)
        self.assert_open(loose, to_db)  # the control: podman alone
        netd = self.start_netd(POLICY)
        names = {e["container"]: e["tier"] for e in netd.ask("endpoints")["endpoints"]}
        infra = [name for name in names if name.endswith("-infra")]
        self.assertEqual(1, len(infra), names)
        self.assertEqual("labelled", names[infra[0]])
        self.assertEqual("labelled", names["web"])
        self.assertNotIn("member", names)
        self.assertNotIn("sharer", names)
        self.assert_open(member, to_db)
        self.assert_open(sharer, to_db)
        self.assert_denied(loose, to_db)

    def test_a_bridge_that_was_not_there(self) -> None:
        """A network's bridge exists only while a container is on it: a network that is made while netd
        runs, and its first container."""
        netd = self.start_netd(POLICY)
        self.host.network("late", "172.31.3.0/24")
        self.addCleanup(self.host.podman, "network", "rm", "--force", "late")
        self.assertEqual([], netd.status()["disagreements"])
        db = self.run_podman("db-1", "--network=late")
        web = self.run_podman("web", "--network=late", labels={"tier": "web"})
        loose = self.run_podman("loose", "--network=late")
        netd.wait_synced()
        to_db = Probe("tcp", db.address("late"), 80)
        self.assert_open(web, to_db)
        self.assert_denied(loose, to_db)
        netd.off()
        # The control: podman alone. What was asked for while it was closed is unreachable for a while.
        wait_until("the control", lambda: self.states(loose, to_db) == ["open"])

    def resolves(self, container: Container) -> bool:
        """Whether the resolver at the gateway tells it where web is."""
        said = container.netns_exec(["python3", "-c", ASK, "172.31.1.1"])
        return bytes([172, 31, 1]).hex() in said

    def test_names(self) -> None:
        """aardvark-dns answers at the gateway: for a tier, not for what is in none, nor against a rule;
        other services of the host stay closed."""
        self.host.serve("tcp/99")
        web = self.run_podman("web", "--network=front", labels={"tier": "web"})
        loose = self.run_podman("loose", "--network=front")
        self.assertTrue(self.resolves(loose))  # the control: podman alone
        self.assert_open(web, Probe("tcp", "172.31.1.1", 99))
        netd = self.start_netd(POLICY)
        self.assertTrue(self.resolves(web))
        self.assertFalse(self.resolves(loose))
        self.assert_denied(web, Probe("tcp", "172.31.1.1", 99))
        self.assertEqual("allow", netd.explain("web", "host", "53/udp")["verdict"])
        netd.apply(POLICY + "deny:\n  - {from: labelled, to: host}\n")
        self.assertFalse(self.resolves(web))

    def test_refused_where_docker_is_meant(self) -> None:
        """podman behind Docker's socket: said, not believed, and its bridges closed."""
        web = self.run_podman("web", "--network=front", labels={"tier": "web"})
        db = self.run_podman("db-1", "--network=front")
        to_db = Probe("tcp", db.address("front"), 80)
        self.assert_open(web, to_db)  # the control
        netd = Netd(self.host, POLICY, args=["--engine", "docker"])
        netd.forget_state()
        self.addCleanup(netd.off)
        netd.start()
        wait_until("netd to refuse it",
                   lambda: str(netd.status()["docker"]["link"]).startswith("refused"), 90)
        self.assertIn("no Docker engine but Libpod/", netd.log())
        self.assertIn("no Docker engine", str(netd.status()["docker"]["error"]))
        self.assert_denied(web, to_db)
        late = self.run_podman("late", "--network=front", labels={"tier": "web"})
        self.assert_denied(late, to_db)


if __name__ == "__main__":
    unittest.main()
