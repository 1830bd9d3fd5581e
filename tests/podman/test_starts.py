# SPDX-License-Identifier: GPL-2.0-or-later
"""Containers of podman's that start while netd runs: closed until podman has told of them, then open to
what a rule says; with addresses and MACs that change at each start, and over restarts."""
from __future__ import annotations

import os
import re
import time
import unittest
from typing import Dict

from podman_case import Container, PodmanCase, Probe, figure, wait_until

TRIES = int(os.environ.get("TRIES", "20"))
POLICY = """version: 1
tiers:
  flood:  {match: [{label: {role: flood}}]}
  client: {match: [{label: {role: client}}]}
  server: {match: [{label: {role: server}}]}
allow:
  - {from: client, to: server, ports: [80/tcp]}
  - {from: internet, to: server, ports: [80/tcp]}
"""
# A new socket for each datagram: where nobody answers ARP, what waits for it fills the one there is.
FLOOD = ["probe", "flood", "--count", "4000", "--pause-us", "50", "--fresh", "1", "udp"]
TARGETS = ("203.0.113.10", "2001:db8:ff::10", "172.31.1.1", "fd00:31:1::1")


class Starts(PodmanCase):
    """One network, a server on it."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.lab.host.network("app", "172.31.1.0/24", "fd00:31:1::/64")

    def flood(self, starts: int) -> Dict[str, int]:
        """@starts containers that send from their first instruction on, one after the other; how much was
        sent, and what has arrived outside and at the host."""
        sinks = {p.name: p.probe("sink", "udp", "9") for p in (self.lab.outside, self.host)}
        sent = 0
        for sink in sinks.values():
            sink.wait_for_line("^ready$")
        for number in range(starts):
            said = self.host.podman("run", "--rm", "--network=app", "--label=role=flood", "netd-probe",
                                    *FLOOD, TARGETS[number % len(TARGETS)], "9")
            sent += int(re.findall(r"sent (\d+)", said)[0])
        got = sum(int(sink.stop()[-1].split()[1]) for sink in sinks.values())
        return {"sent": sent, "arrived": got}

    def test_nothing_that_is_denied_gets_out(self) -> None:
        control = self.flood(len(TARGETS))
        self.assertGreater(control["arrived"], 0)
        self.start_netd(POLICY)
        done = self.flood(TRIES)
        figure("podman, start window", f"{TRIES} starts, {done['sent']} datagrams sent from the first "
               f"instruction on, {done['arrived']} arrived (control, {len(TARGETS)} starts without "
               f"netd: {control['arrived']})")
        self.assertGreater(done["sent"], TRIES * 1000)
        self.assertEqual(0, done["arrived"])

    def open_from(self, client: Container, server: Container) -> bool:
        """Whether the client reaches it now."""
        probe = Probe("tcp", server.address("app"), 80)
        return client.probe_many([probe], 300)[probe].state == "open"

    def test_open_as_soon_as_podman_tells(self) -> None:
        """What is allowed begins within moments of the start."""
        self.start_netd(POLICY)
        server = self.run_podman("server", "--network=app", labels={"role": "server"})
        longest = 0.0
        for number in range(3):
            client = self.run_podman(f"client{number}", "--network=app", labels={"role": "client"})
            began = time.monotonic()
            wait_until("the client to be admitted", lambda c=client: self.open_from(c, server))
            longest = max(longest, time.monotonic() - began)
        figure("podman, from ready to open", f"{longest * 1000:.0f} ms at most of 3 starts")

    def test_published_ports(self) -> None:
        """netavark's DNAT: closed without a rule, open with one, from outside alone."""
        server = self.run_podman("server", "--network=app", "-p=8080:80", labels={"role": "server"})
        closed = self.run_podman("closed", "--network=app", "-p=8081:80", labels={"role": "client"})
        ports = [Probe("tcp", "192.0.2.1", port) for port in (8080, 8081)]
        direct = Probe("tcp", server.address("app"), 80)
        self.lab.outside.serve("tcp/80")
        out = Probe("tcp", "203.0.113.10", 80)
        self.assert_open(self.lab.outside, *ports, direct)  # the controls: podman alone
        self.assert_open(closed, out)
        self.start_netd(POLICY)
        self.assert_open(self.lab.outside, ports[0])
        self.assert_denied(self.lab.outside, ports[1], direct)
        self.assert_denied(closed, out)
        self.assert_open(self.host, Probe("tcp", "127.0.0.1", 8081))

    def test_restarts(self) -> None:
        """Of a container, which gets another address and MAC; of netd; of podman's service."""
        netd = self.start_netd(POLICY)
        server = self.run_podman("server", "--network=app", "-p=8080:80", labels={"role": "server"})
        client = self.run_podman("client", "--network=app", labels={"role": "client"})
        loose = self.run_podman("loose", "--network=app", labels={"role": "flood"})
        netd.wait_synced()

        def check(what: str) -> None:
            wait_until(f"the rules {what}", lambda: self.open_from(client, server))
            self.assert_open(self.lab.outside, Probe("tcp", "192.0.2.1", 8080))
            self.assert_denied(loose, Probe("tcp", server.address("app"), 80))

        check("at first")
        mac = self.endpoint(netd, "server")["mac"]
        self.host.podman("restart", "--time=0", "server")
        server.forget()
        check("after a restart of the container")
        self.assertNotEqual(mac, self.endpoint(netd, "server")["mac"])
        netd.stop()
        netd.start().wait_synced()
        check("after a restart of netd")
        self.host.stop_dockerd()
        self.host.podman("restart", "--time=0", "client")
        client.forget()
        self.host.start_dockerd()
        check("after a restart of the service, while which a container did")
        netd.off()
        self.assert_open(loose, Probe("tcp", server.address("app"), 80))  # the control


if __name__ == "__main__":
    unittest.main()
