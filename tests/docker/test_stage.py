# SPDX-License-Identifier: GPL-2.0-or-later
"""A candidate beside the policy in force: what it would deny of what is seen, with real packets."""
from __future__ import annotations

import os
import subprocess
import unittest
from pathlib import Path
from typing import Any, Dict, List, Tuple

from netd import Container, DockerCase, Netd, Probe, Refused, netd_program, wait_until

POLICY = """version: 1
tiers:
  web: {match: [{container: "web*"}]}
  db:  {match: [{container: "db"}]}
allow:
  - {from: web, to: db, ports: [80/tcp]}
"""
# 81 in the place of 80.
CANDIDATE = POLICY.replace("80/tcp", "81/tcp")
REFUSED = POLICY + "tests:\n  - {from: web, to: db, port: 80/tcp, expect: deny}\n"


class Stage(DockerCase):
    """Two tiers on one network."""

    web: Container

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.host
        host.network("app", "172.31.1.0/24", "fd00:31:1::/64")
        cls.web = host.run("web", "app", ip="172.31.1.10", cmd=["probe", "serve", "tcp/80"])
        host.run("db", "app", ip="172.31.1.11", cmd=["probe", "serve", "tcp/80", "tcp/81"])

    def stage(self, netd: Netd, text: str) -> Dict[str, Any]:
        """netdctl stage FILE."""
        return netd.ask("stage", files=[{"name": "candidate.yaml", "text": text}])

    def put_into_force(self, netd: Netd, confirm_s: int) -> None:
        """What is staged, as it is."""
        digest = netd.ask("stage")["staged"]["digest"]
        netd.ask("stage", apply=True, expect=digest, confirm_s=confirm_s)

    def parted(self, netd: Netd) -> Tuple[List[Any], List[Any]]:
        """Port and connections since it is staged: of what would be denied, of what would pass."""
        report = netd.ask("stage")
        return tuple([(flow["from"]["container"], flow["port"], flow.get("since_staged", 0))
                      for flow in report[side]] for side in ("would_deny", "would_allow"))

    def test_what_it_would_deny_and_allow(self) -> None:
        netd = self.start_netd(POLICY)
        with self.assertRaises(Refused):
            netd.ask("stage")
        self.assert_open(self.web, Probe("tcp", "172.31.1.11", 80))
        self.assert_denied(self.web, Probe("tcp", "172.31.1.11", 81))
        wait_until("both to be seen", lambda: len(netd.ask("flows")["flows"]) == 2)
        self.assertTrue(self.stage(netd, CANDIDATE)["staged"])
        denied, allowed = self.parted(netd)
        self.assertEqual(([("web", "80/tcp", 0)], ["81/tcp"]), (denied, [f[1] for f in allowed]))
        # Nothing has changed, and what comes is counted.
        self.assert_open(self.web, Probe("tcp", "172.31.1.11", 80))
        self.assert_denied(self.web, Probe("tcp", "172.31.1.11", 81))
        wait_until("the next to be counted", lambda: self.parted(netd)[0] == [("web", "80/tcp", 1)])
        # A container that comes while it is staged is judged as well.
        other = self.container("web2", "app", ip="172.31.1.12", cmd=["probe", "serve", "tcp/80"])
        netd.wait_synced()
        self.assert_open(other, Probe("tcp", "172.31.1.11", 80))
        wait_until("the new container", lambda: ("web2", "80/tcp", 1) in self.parted(netd)[0])

    def test_kept_over_a_restart_applied_and_taken_back(self) -> None:
        netd = self.start_netd(POLICY)
        self.assert_open(self.web, Probe("tcp", "172.31.1.11", 80))
        self.stage(netd, CANDIDATE)
        netd.stop()
        netd.start().wait_synced()
        self.assertEqual([("web", "80/tcp", 0)], self.parted(netd)[0])
        program = str(Path(netd_program()).with_name("netdctl"))
        ctl = [os.environ.get("NETDCTL", program), "--socket", str(netd.socket), "stage"]
        shown = subprocess.run(ctl, check=False, capture_output=True, text=True)
        self.assertEqual(1, shown.returncode, "something would be denied")
        self.assertRegex(shown.stdout, r"would be denied:\n.*\nweb \(web\) +db \(db\) +80/tcp")
        digest = netd.ask("stage")["staged"]["digest"]
        self.assertIn(f"stage --apply --expect {digest} --confirm", shown.stdout)
        applied = subprocess.run([*ctl, "--apply", "--expect", digest, "--confirm", "600s"], check=True,
                                 capture_output=True, text=True).stdout
        self.assertIn("netdctl confirm", applied)
        self.assert_denied(self.web, Probe("tcp", "172.31.1.11", 80))
        self.assert_open(self.web, Probe("tcp", "172.31.1.11", 81))
        with self.assertRaises(Refused):
            netd.ask("stage")  # it is in force
        netd.ask("rollback")
        self.assert_open(self.web, Probe("tcp", "172.31.1.11", 80))

    def test_comes_back_unless_confirmed(self) -> None:
        """When the time is over, and after a restart; a confirm is the end of it."""
        netd = self.start_netd(POLICY)
        self.assert_open(self.web, Probe("tcp", "172.31.1.11", 80))
        self.stage(netd, CANDIDATE)
        self.put_into_force(netd, 1)
        with self.assertRaises(Refused):
            netd.ask("stage")
        wait_until("the time to be over", lambda: not netd.ask("status", admin=False).get("confirm_until"))
        self.assert_open(self.web, Probe("tcp", "172.31.1.11", 80))
        self.assertEqual("80/tcp", self.parted(netd)[0][0][1])
        self.put_into_force(netd, 600)
        netd.stop()
        netd.start().wait_synced()
        self.assert_open(self.web, Probe("tcp", "172.31.1.11", 80))
        self.assertEqual("80/tcp", self.parted(netd)[0][0][1])
        self.put_into_force(netd, 600)
        netd.ask("confirm")
        self.assert_denied(self.web, Probe("tcp", "172.31.1.11", 80))
        with self.assertRaises(Refused):
            netd.ask("stage")

    def test_refused_and_discarded(self) -> None:
        netd = self.start_netd(POLICY)
        for text in ("version: 1\nteirs: {}\n", REFUSED):
            with self.assertRaises(Refused) as caught:
                self.stage(netd, text)
            self.assertEqual("invalid", caught.exception.code)
        with self.assertRaises(Refused):
            netd.ask("stage")
        self.stage(netd, CANDIDATE)
        netd.ask("stage", discard=True)
        with self.assertRaises(Refused):
            netd.ask("stage")
        netd.stop()
        netd.start().wait_synced()
        with self.assertRaises(Refused):
            netd.ask("stage")


if __name__ == "__main__":
    unittest.main()
