# SPDX-License-Identifier: GPL-2.0-or-later
"""`require` of a tier: who falls short of it sends nothing from the first instruction on, who meets it loses nothing,
and a changed policy quarantines and admits with its commit."""
from __future__ import annotations

import unittest
from typing import Dict, List, Sequence, Tuple

from flows import check_stopped, now_ms
from netd import TRIES, Probe, figure
from test_window import STAYS, TARGETS, Starts, target

REQUIRE = """
    require:
      user: non-root
      capabilities: {drop: all, add: [NET_BIND_SERVICE]}
      read_only: true
      no_new_privileges: true
      log_limits: true
      privileged: false
      host_namespaces: false
      docker_socket: false
      devices: none
      secrets_in_environment: false
"""
POLICY = """version: 1
tiers:
  client:
    match: [{label: {role: client}}]
    mode: enforce%s
  server: {match: [{label: {role: server}}]}
allow:
  - {from: client, to: internet, ports: [9/udp, 443/tcp]}
  - {from: client, to: server, ports: [9/udp, 443/tcp]}
  - {from: client, to: host, ports: [9/udp, 443/tcp]}
"""
WITHOUT = POLICY % "\n"
WITH = POLICY % REQUIRE
WARNS = POLICY % (REQUIRE + "    require_mode: warn\n")

# What meets it all, and what takes one of it away.
GOOD = ("--user=1000:1000", "--cap-drop=ALL", "--read-only", "--security-opt=no-new-privileges",
        "--log-opt=max-size=1m", "--log-opt=max-file=2")
SHORT: Tuple[Tuple[str, Tuple[str, ...]], ...] = (
    ("user: non-root", GOOD[1:]),
    ("capabilities: {drop: all}", GOOD[:1] + GOOD[2:]),
    ("capabilities: {add", GOOD + ("--cap-add=CHOWN",)),
    ("read_only: true", GOOD[:2] + GOOD[3:]),
    ("no_new_privileges: true", GOOD[:3] + GOOD[4:]),
    ("log_limits: true", GOOD[:4]),
    ("secrets_in_environment: false", GOOD + ("--env=DB_PASSWORD=x",)),
    ("docker_socket: false", GOOD + ("--volume=/run:/mnt:ro",)),
    ("host_namespaces: false", GOOD + ("--ipc=host",)),
    ("devices: none", GOOD + ("--device=/dev/null:/dev/x",)),
)

# The same, for flows that last.
LASTING = tuple(text.replace("[9/udp, 443/tcp]", "[7000-7019/udp, 7000-7019/tcp]") for text in (WITHOUT, WITH))


class Require(Starts):
    """Clients that meet what their tier requires, and clients that lack one thing of it."""

    def start_clients(self, prefix: str, commands: Sequence[Sequence[str]],
                      options: Sequence[Sequence[str]]) -> List[str]:
        """One after the other's @options, in turn; the log of each."""
        logs = []
        for number, command in enumerate(commands):
            container = self.lab.host.run(f"{prefix}{number}", "app", labels={"role": "client"}, cmd=command,
                                          extra=options[number % len(options)], wait="done")
            logs.append(container.logs())
            container.remove()
        return logs

    def use(self, prefix: str, starts: int, options: Sequence[Sequence[str]]) -> Tuple[int, Dict[str, int]]:
        """Containers whose first packets are a datagram and a connect; how many connects needed no second SYN, and
        what arrived of the datagrams."""
        commands = []
        for number in range(starts):
            _, addr = target(number)
            commands.append(["sh", "-c", f"probe flood --count 1 udp {addr} 9; "
                             f"probe connect --handshake --first-syn --timeout-ms 5000 tcp {addr} 443; echo done{STAYS}"])
        sinks = self.sinks()
        logs = self.start_clients(prefix, commands, options)
        return sum("open tcp" in text for text in logs), self.received(sinks)

    def test_starts(self) -> None:
        few = 2 * len(TARGETS)
        shorts = [options for _, options in SHORT]
        netd = self.start_netd(WITHOUT)
        answered, got = self.use("control", few, shorts)
        self.assertEqual((answered, sum(got.values())), (few, few), "control: without require they are let through")
        netd.apply(WITH)
        answered, got = self.use("short", TRIES, shorts)
        figure("starts that fall short", f"{TRIES}: {sum(got.values())} datagrams arrived, {answered} connects answered")
        self.assertEqual((answered, sum(got.values())), (0, 0))
        self.assertIn("quarantined", netd.status()["denied"])
        answered, got = self.use("good", TRIES, [GOOD])
        figure("starts that conform", f"{TRIES}: {sum(got.values())} of {TRIES} first datagrams arrived, {answered} "
               f"connects with their first SYN")
        self.assertEqual((answered, sum(got.values())), (TRIES, TRIES))
        latency = netd.status()["event_to_commit"]
        figure("event -> committed, tier with require", f"p50 {latency['p50_us'] / 1000:.2f} ms, p99 "
               f"{latency['p99_us'] / 1000:.2f} ms, {latency['samples']} samples")
        self.assertEqual(netd.stop(), 0)

    def test_each_shortfall_is_told(self) -> None:
        netd = self.start_netd(WITH)
        for number, (_, options) in enumerate(SHORT):
            self.container(f"lacks{number}", "app", labels={"role": "client"}, extra=options)
        self.container("meets", "app", labels={"role": "client"}, extra=GOOD)
        netd.wait_synced()
        found = {one["container"]: one for one in netd.ask("endpoints")["endpoints"]}
        log = netd.log()
        for number, (key, _) in enumerate(SHORT):
            one = found[f"lacks{number}"]
            self.assertEqual((one["state"], one["tier"]), ("quarantined", None), key)
            lacks = [s["requires"] for s in one["shortfalls"]]
            self.assertTrue(lacks[0].startswith(key), (key, lacks))
            # Who keeps what Docker gives has more than the tier admits, too.
            self.assertEqual({text.split(":")[0] for text in lacks}, {key.split(":")[0]})
            self.assertIn(f"container lacks{number} on app falls short of what tier client requires: {key}", log)
        one = found["meets"]
        self.assertEqual((one["state"], one["tier"], "shortfalls" in one), ("tier", "client", False))

    def test_a_policy_quarantines_and_admits(self) -> None:
        netd = self.start_netd(WITHOUT)
        short = self.container("short", "app", labels={"role": "client"}, extra=SHORT[0][1])
        good = self.container("good", "app", labels={"role": "client"}, extra=GOOD)
        out = [Probe("tcp", addr, 443) for addr in (TARGETS["outside4"], TARGETS["peer4"], TARGETS["host4"])]
        for text, is_open in ((WITHOUT, True), (WITH, False), (WARNS, True), (WITH, False), (WITHOUT, True)):
            netd.apply(text)
            (self.assert_open if is_open else self.assert_denied)(short, *out)
            self.assert_open(good, *out)
        # What was known before a restart is asked for anew before anything is committed.
        netd.apply(WITH)
        netd.stop()
        netd.start()
        netd.wait_synced()
        self.assert_open(good, *out)
        self.assert_denied(short, *out)

    def test_a_policy_cuts_what_it_quarantines(self) -> None:
        netd = self.start_netd(LASTING[0])
        short = self.container("cut", "app", labels={"role": "client"}, extra=SHORT[0][1])
        good = self.container("kept", "app", labels={"role": "client"}, extra=GOOD)
        cut, kept = self.lasting(short, 7000), self.lasting(good, 7010)
        netd.apply(LASTING[1])
        latest = check_stopped(cut, now_ms())
        figure("revocation by require", f"{2 * len(cut)} directions of {len(cut)} flows stopped; latest piece sent "
               f"{latest:.0f} ms after the commit")
        for flow in kept:
            flow.wait_alive()
        netd.apply(LASTING[0])  # the control: the same connections move on
        for flow in cut:
            flow.wait_alive()


if __name__ == "__main__":
    unittest.main()
