# SPDX-License-Identifier: GPL-2.0-or-later
"""What netd has seen, with real packets: who talks to whom, by which rule, and what is denied."""
from __future__ import annotations

import json
import os
import subprocess
import unittest
from pathlib import Path
from typing import Any, Dict, List, Optional

from netd import Container, DockerCase, Netd, Probe, netd_program, wait_until

POLICY = """version: 1
tiers:
  web: {match: [{container: "web"}]}
  db:  {match: [{container: "db"}]}
allow:
  - {from: web, to: db, ports: [80/tcp]}
  - {from: internet, to: web, ports: [80/tcp]}
"""
AUDIT = POLICY.replace("version: 1\n", "version: 1\nmode: audit\n")
CLOSED = POLICY.replace("  - {from: web, to: db, ports: [80/tcp]}\n", "")
Flow = Dict[str, Any]


class Flows(DockerCase):
    """Two tiers on two networks, a job that no tier matches, and a neighbour outside."""

    web: Container
    db: Container

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.host
        host.network("app", "172.31.1.0/24", "fd00:31:1::/64")
        cls.web = host.run("web", "app", ip="172.31.1.10", ip6="fd00:31:1::10",
                           publish=["8080:80"], cmd=["probe", "serve", "tcp/80"])
        cls.db = host.run("db", "app", ip="172.31.1.11", ip6="fd00:31:1::11",
                          cmd=["probe", "serve", "tcp/80", "tcp/81"])

    def netdctl(self, netd: Netd, *args: str) -> str:
        """Standard output of netdctl, which must end well."""
        program = str(Path(netd_program()).with_name("netdctl"))
        return subprocess.run([os.environ.get("NETDCTL", program), "--socket", str(netd.socket),
                               *args], check=True, capture_output=True, text=True).stdout

    def flows(self, netd: Netd, *args: str) -> List[Flow]:
        """All of them, as `netdctl flows` prints them."""
        first, *rest = self.netdctl(netd, "flows", "--format", "json", *args).splitlines()
        self.assertTrue(json.loads(first)["summary"]["on"])
        return [json.loads(line) for line in rest]

    def wait_flow(self, netd: Netd, port: str, verdict: str, *args: str, count: int = 1) -> Flow:
        """The flow from or to that port with that verdict, once it was seen so often."""
        def find() -> Optional[Flow]:
            for flow in self.flows(netd, *args):
                if flow["port"] == port and flow["verdict"] == verdict and flow["count"] >= count:
                    return flow
            return None
        return wait_until(f"{verdict} flow to {port}", find)

    def test_allowed_by_its_rule_and_denied_for_its_reason(self) -> None:
        netd = self.start_netd(POLICY)
        for _ in range(3):
            self.assert_open(self.web, Probe("tcp", "172.31.1.11", 80))
        self.assert_denied(self.web, Probe("tcp", "172.31.1.11", 81))
        flow = self.wait_flow(netd, "80/tcp", "allowed", "--container", "db", count=3)
        self.assertEqual(("container", "web", "app", "web", "172.31.1.10"),
                         tuple(flow["from"][name] for name in ("kind", "container", "network",
                                                               "tier", "address")))
        self.assertEqual(("db", "172.31.1.11"), (flow["to"]["tier"], flow["to"]["address"]))
        self.assertEqual({"file": str(netd.policy_path), "line": 6}, flow["rule"])
        flow = self.wait_flow(netd, "81/tcp", "denied")
        self.assertEqual("no-rule", flow["reason"])
        self.assertNotIn("rule", flow)
        self.assertEqual([], [f for f in self.flows(netd) if f["port"] == "81/tcp"
                              and f["verdict"] != "denied"], "what is denied is no connection")
        self.assertEqual(["81/tcp"], [f["port"] for f in self.flows(netd, "--verdict", "denied",
                                                                  "--since", "1h")])
        self.assertEqual([], self.flows(netd, "--tier", "nobody"))
        self.assertRegex(self.netdctl(netd, "flows"),
                         r"web \(web\) +db \(db\) +80/tcp +allowed +\S+policy.yaml:6 +3 ")

    def test_from_outside_through_a_published_port(self) -> None:
        netd = self.start_netd(POLICY)
        self.assert_open(self.lab.outside, Probe("tcp", "192.0.2.1", 8080))
        flow = self.wait_flow(netd, "80/tcp", "allowed", "--tier", "web", "--container", "web")
        while flow["from"]["kind"] != "outside":
            flow = next(f for f in self.flows(netd) if f["from"]["kind"] == "outside")
        self.assertEqual(("internet", "192.0.2.9"), (flow["from"]["zone"],
                                                     flow["from"]["address"]))
        self.assertEqual(("web", 8080), (flow["to"]["container"], flow["host_port"]))
        self.assertEqual({"file": str(netd.policy_path), "line": 7}, flow["rule"])

    def test_audited_is_told_once(self) -> None:
        netd = self.start_netd(AUDIT)
        for _ in range(3):
            self.assert_open(self.web, Probe("tcp", "172.31.1.11", 81))
        flow = self.wait_flow(netd, "81/tcp", "audited", count=3)
        self.assertEqual("no-rule", flow["reason"])
        self.assertEqual(1, sum(f["port"] == "81/tcp" for f in self.flows(netd)))

    def test_answers_belong_to_what_was_asked(self) -> None:
        """In audit mode they are logged as well: that is no flow to the client's port."""
        netd = self.start_netd(AUDIT.replace("  - {from: internet, to: web, ports: [80/tcp]}\n", ""))
        for _ in range(5):
            self.assert_open(self.lab.outside, Probe("tcp", "192.0.2.1", 8080))
        flow = self.wait_flow(netd, "80/tcp", "audited", "--container", "web", count=5)
        self.assert_open(self.lab.outside, Probe("tcp", "192.0.2.1", 8080))
        wait_until("one more", lambda: self.flows(netd, "--container", "web")[0]["count"] == 6)
        self.assertEqual(("outside", 8080), (flow["from"]["kind"], flow["host_port"]))
        self.assertEqual([], [f for f in self.flows(netd) if f["from"].get("container") == "web"])
        self.assertEqual(1, sum(f["port"] == "80/tcp" for f in self.flows(netd)))

    def test_another_policy_says_otherwise(self) -> None:
        netd = self.start_netd(POLICY)
        self.assert_open(self.web, Probe("tcp", "172.31.1.11", 80))
        self.wait_flow(netd, "80/tcp", "allowed", "--container", "db")
        netd.apply(CLOSED)
        flow = self.wait_flow(netd, "80/tcp", "allowed", "--container", "db")
        self.assertEqual("denied", flow["now"])
        self.assertNotIn("rule", flow)

    def test_kept_over_a_restart_and_a_damaged_file_is_said(self) -> None:
        netd = self.start_netd(POLICY)
        self.assert_open(self.web, Probe("tcp", "172.31.1.11", 80))
        before = self.wait_flow(netd, "80/tcp", "allowed", "--container", "db")
        netd.stop()
        netd.start().wait_synced()
        self.assertEqual(before, self.wait_flow(netd, "80/tcp", "allowed", "--container", "db"))
        netd.stop()
        path = netd.state / "flows.json"
        text = path.read_bytes()
        path.write_bytes(text.replace(b'"count":1', b'"count":7'))
        netd.start().wait_synced()
        self.assertIn("flows.json is damaged", netd.log())
        self.assertEqual([], self.flows(netd))
        summary = netd.ask("flows", admin=False)["summary"]
        self.assertTrue(summary["damaged"])
        # What is enforced does not depend on it.
        self.assert_open(self.web, Probe("tcp", "172.31.1.11", 80))
        self.assert_denied(self.web, Probe("tcp", "172.31.1.11", 81))
        self.wait_flow(netd, "80/tcp", "allowed", "--container", "db")

    def test_a_job_that_has_ended_keeps_its_name(self) -> None:
        netd = self.start_netd(AUDIT)
        job = self.lab.host.run("job", "app", ip="172.31.1.12", cmd=["probe", "serve", "tcp/80"])
        netd.wait_synced()
        self.assert_open(job, Probe("tcp", "172.31.1.11", 81))
        self.wait_flow(netd, "81/tcp", "audited", "--container", "job")
        self.lab.host.docker("rm", "-f", "job")
        def is_gone() -> bool:
            return any(f["from"].get("gone") for f in self.flows(netd, "--container", "job"))
        wait_until("the job to be gone", is_gone)

    def suggested(self, netd: Netd) -> List[str]:
        """The tiers and rules that netdctl suggests, without their evidence."""
        said = self.netdctl(netd, "suggest", "--docker", f"unix://{self.lab.host.socket}").partition("\ntests:")[0]
        return [line for line in said.splitlines() if line.strip() and not line.lstrip().startswith("#")]

    def test_what_has_gone_is_suggested_as_while_it_ran(self) -> None:
        """A service of which no container is there any more, over a restart, too: named by its labels, which
        neither its name nor Docker tells any more."""
        netd = Netd(self.lab.host, None)
        netd.policy_path.unlink(missing_ok=True)
        netd.forget_state()
        self.addCleanup(netd.off)
        netd.start()
        labels = {"com.docker.compose.project": "night", "com.docker.compose.service": "backup"}
        job = self.lab.host.run("eager_hopper", "app", ip="172.31.1.13", cmd=["probe", "serve", "tcp/80"],
                                labels=labels)
        self.addCleanup(self.lab.host.docker, "rm", "-f", "eager_hopper", check=False)

        def seen() -> bool:
            self.assert_open(job, Probe("tcp", "172.31.1.11", 80))
            return any(flow["from"].get("labels", {}).get("com.docker.compose.service") == "backup"
                       for flow in self.flows(netd, "--container", "eager_hopper"))
        wait_until("its labels", seen)
        before = self.suggested(netd)
        self.assertIn("- {compose: {project: night, service: backup}}", "\n".join(before))
        self.lab.host.docker("rm", "-f", "eager_hopper")
        wait_until("it to be gone", lambda: self.flows(netd, "--container", "eager_hopper")[0]["from"].get("gone"))
        self.assertEqual(before, self.suggested(netd))
        netd.stop()
        netd.start()
        wait_until("the flows", lambda: self.flows(netd, "--container", "eager_hopper"))
        self.assertEqual(before, self.suggested(netd))

    def test_without_a_policy(self) -> None:
        netd = Netd(self.lab.host, None)
        netd.policy_path.unlink(missing_ok=True)
        netd.forget_state()
        self.addCleanup(netd.off)
        netd.start()
        self.assert_open(self.web, Probe("tcp", "172.31.1.11", 81))
        def published() -> Optional[Flow]:
            self.assert_open(self.lab.outside, Probe("tcp", "192.0.2.1", 8080))
            return next((f for f in self.flows(netd) if f.get("host_port") == 8080), None)
        flow = wait_until("a flow to the published port", published)
        self.assertEqual(("allowed", "no policy is in force", "80/tcp", "web"),
                         (flow["verdict"], flow["why"], flow["port"], flow["to"]["container"]))

    def test_off_keeps_nothing(self) -> None:
        netd = self.start_netd(POLICY, args=["--flows", "off"])
        self.assert_open(self.web, Probe("tcp", "172.31.1.11", 80))
        self.assert_denied(self.web, Probe("tcp", "172.31.1.11", 81))
        assert netd.child is not None
        netd.child.wait_for_line("denied: web")  # it was seen
        report = netd.ask("flows", admin=False)
        self.assertEqual(({"on": False}, []), (report["summary"], report["flows"]))
        self.assertIn("flows = off", self.netdctl(netd, "flows"))
        netd.stop()
        self.assertFalse((netd.state / "flows.json").exists())

    def test_follow_and_top(self) -> None:
        netd = self.start_netd(POLICY)
        program = str(Path(netd_program()).with_name("netdctl"))
        follower = subprocess.Popen([os.environ.get("NETDCTL", program), "--socket",
                                     str(netd.socket), "flows", "--follow", "--since", "1h"],
                                    stdout=subprocess.PIPE, text=True)
        self.addCleanup(follower.wait)
        self.addCleanup(follower.kill)
        self.assert_open(self.web, Probe("tcp", "172.31.1.11", 80))
        assert follower.stdout is not None
        with follower.stdout as lines:
            line = next(line for line in lines if "db (db)" in line)
        self.assertRegex(line, r"allowed +web \(web\) -> db \(db\)  80/tcp  \S+policy.yaml:6  \+1$")
        report = netd.ask("top", admin=False)
        self.assertIn({"from": "web", "to": "db", "passed": 1, "denied": 0}, report["tiers"])
        self.assertEqual(6, report["rules"][0]["line"])
        self.assertGreater(report["rules"][0]["packets"], 0)
        self.assertIn("tiers, by connections", self.netdctl(netd, "top"))


if __name__ == "__main__":
    unittest.main()
