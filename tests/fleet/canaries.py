# SPDX-License-Identifier: GPL-2.0-or-later
"""A policy that the hosts of a group have before all others."""
import json
import signal
import subprocess
import threading

from hosts import FAILS, GROUP, OTHER, Fleet
from running import NETDCTL, POLICY
from signed import Signing

CANARY = "policy.canary/edge/10-shop.yaml"
THIRD = OTHER + "  - {from: web, to: lan}\n"


class Trying:
    """Two hosts in the group edge, one in core."""
    groups = {"alpha": "edge", "beta": "edge", "gamma": "core"}
    key = ()

    def start(self, *args):
        """netdctl fleet apply --canary edge, of which more is to be seen."""
        process = subprocess.Popen([NETDCTL, "fleet", "--config", self.admin_conf, "apply", "--canary", "edge",
                                    *self.key, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (process.poll() is None and process.kill(), process.communicate()))
        return process

    def until_rules(self, *rules):
        self.until(lambda: [host.rules() for host in self.hosts] == list(rules), rules)

    def until_line(self, process, text):
        for line in process.stdout:
            if text in line:
                return
        self.fail(f"it has ended: {process.communicate()}")

    def done(self, process, status):
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, status, out + err)
        return out, err

    def files(self):
        below = "netd/policy"
        return [line.removeprefix("netd/") for line in
                self.store.ctl("get", "--prefix", "--keys-only", below).splitlines() if line and "signature" not in line]


class Canaries(Trying, Fleet):
    def begin(self):
        self.put_first()
        self.store.put("groups/core/dns.yaml", GROUP)
        self.until_rules(1, 1, 2)
        self.until(lambda: self.states() == ["in force"] * 3)

    def test_a_group_comes_first(self):
        self.begin()
        process = self.start("--wait", "6s", self.file("a/10-shop.yaml", OTHER))
        self.until_line(process, "in force on 2 of 2 hosts of the group edge")
        self.assertEqual([host.rules() for host in self.hosts], [2, 2, 2])
        self.assertEqual(self.files(), [CANARY, "policy/10-shop.yaml"])
        self.assertEqual(json.loads(self.admin("status", "--format", "json").stdout)["canary"], "edge")
        before = [host.history() for host in self.hosts]
        out, _ = self.done(process, 0)
        self.assertIn("written policy/10-shop.yaml", out)
        self.until_rules(2, 2, 3)
        self.assertEqual(self.files(), ["policy/10-shop.yaml"])
        self.assertEqual(self.store.value("policy/10-shop.yaml"), OTHER)
        # To the hosts of the group nothing new has come.
        self.until(lambda: self.states() == ["in force"] * 3)
        self.assertEqual([host.history() for host in self.hosts], [before[0], before[1], before[2] + 1])
        self.assertIsNone(json.loads(self.admin("status", "--format", "json").stdout)["canary"])
        self.until(lambda: "canary" not in self.record(self.hosts[0]))
        # It is one revision to go back to.
        rows = json.loads(self.admin("history", "--format", "json").stdout)["revisions"]
        self.assertEqual([row["folder"] for row in rows], ["policy"])

    def test_one_that_is_refused_is_taken_back(self):
        self.begin()
        out, err = self.done(self.start("--wait", "60s", self.file("a/10-shop.yaml", FAILS)), 1)
        self.assertRegex(err, "(alpha|beta) refuses it: policy/10-shop.yaml:8: .*: it is taken back")
        self.assertIn("removed " + CANARY, out)
        self.until(lambda: self.states() == ["in force"] * 3)
        self.assertEqual([host.rules() for host in self.hosts], [1, 1, 2])
        self.assertEqual(self.store.value("policy/10-shop.yaml"), POLICY)

    def test_a_host_that_goes_away_takes_it_back(self):
        self.begin()
        process = self.start("--wait", "60s", self.file("a/10-shop.yaml", OTHER))
        self.until_line(process, "in force on 2 of 2")
        self.assertEqual(self.hosts[1].end("netd-fleet"), 0)
        self.store.end_lease("records/beta")
        _, err = self.done(process, 1)
        self.assertIn("beta is away: it is taken back", err)
        self.until_rules(1, 2, 2)
        self.hosts[1].start_fleet()
        self.until_rules(1, 1, 2)

    def serve_flows(self):
        """In the place of beta's netd one that has flows: the questions for them, and an event from which on one of
        them is denied."""
        host, asked, is_due = self.hosts[1], [], threading.Event()
        self.assertEqual(host.end("netd-fleet"), 0)
        host.end("netd")
        generation = [1]

        def answer(request):
            report = {"text": "", "digest": "", "stamp": "1", "generation": generation[0],
                      "policy_generation": generation[0]}
            if request["verb"] == "apply":
                generation[0] += 1
                report["generation"] = generation[0]
            if request["verb"] == "flows":
                asked.append(request)
                report = {"v": 1, "summary": {"on": True}, "flows": []}
                if is_due.is_set():
                    report["flows"] = [{"from": {"kind": "container", "container": "web-1"},
                                        "to": {"kind": "container", "container": "db-1"}, "port": "5432/tcp"}]
            return {"code": "ok", "report": report}

        self.serve(host, answer)
        host.start_fleet()
        self.until(lambda: self.states() == ["in force"] * 3)
        return asked, is_due

    def test_what_is_denied_takes_it_back(self):
        """As netd says it."""
        self.begin()
        asked, is_due = self.serve_flows()
        self.assertEqual(asked, [])
        process = self.start("--wait", "60s", self.file("a/10-shop.yaml", OTHER))
        self.until_line(process, "in force on 2 of 2")
        # Nothing is denied: the control.
        self.until(lambda: len(asked) > 1)
        self.assertIsNone(process.poll())
        self.assertTrue(all(request["cut"] and request["since"] > 0 for request in asked))
        is_due.set()
        _, err = self.done(process, 1)
        self.assertIn("beta denies what passed before: web-1 to db-1 5432/tcp: it is taken back", err)
        self.until(lambda: [host.rules() for host in (self.hosts[0], self.hosts[2])] == [1, 2])

    def test_what_is_denied_may_be_meant(self):
        """A policy that is to cut off something, which its admin says: it is told of, and all have it."""
        self.begin()
        _, is_due = self.serve_flows()
        is_due.set()
        process = self.start("--accept-denials", "--wait", "20s", self.file("a/10-shop.yaml", OTHER))
        self.until_line(process, "beta denies what passed before: web-1 to db-1 5432/tcp (flows in all: 1)")
        self.done(process, 0)
        self.until(lambda: self.store.value("policy/10-shop.yaml") == OTHER)
        self.assertEqual(self.files(), ["policy/10-shop.yaml"])
        # It is no word for another trial.
        _, err = self.done(self.start("--wait", "60s", self.file("a/10-shop.yaml", THIRD)), 1)
        self.assertIn("beta denies what passed before", err)
        self.assertEqual(self.store.value("policy/10-shop.yaml"), OTHER)

    def test_who_stops_says_how_to_go_on(self):
        self.begin()
        new = self.file("a/10-shop.yaml", OTHER)
        process = self.start("--wait", "60s", new)
        self.until_line(process, "in force on 2 of 2")
        process.send_signal(signal.SIGINT)
        _, err = self.done(process, 3)
        self.assertIn("`netdctl fleet apply --canary edge` with the same files goes on", err)
        self.assertEqual([host.rules() for host in self.hosts], [2, 2, 2])
        # Meanwhile nobody writes past it.
        before = self.store.revision()
        for args in (["apply", new], ["rollback", "1"], ["apply", "--group", "edge", self.file("b/dns.yaml", GROUP)],
                     ["apply", "--canary", "core", new]):
            done = self.admin(*args)
            self.assertEqual(done.returncode, 2 if args[0] == "rollback" else 4, args)
        self.assertEqual(self.store.revision(), before)
        # Somebody else goes on, with other files.
        self.done(self.start("--wait", "3s", self.file("c/10-shop.yaml", THIRD)), 0)
        self.until_rules(3, 3, 4)
        self.until(lambda: self.states() == ["in force"] * 3)
        # And takes one back.
        process = self.start("--wait", "60s", new)
        self.until_line(process, "in force on 2 of 2")
        process.send_signal(signal.SIGTERM)
        self.done(process, 3)
        self.until_rules(2, 2, 4)
        done = self.admin("rollback", "canary")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.until_rules(3, 3, 4)
        self.assertEqual(self.admin("rollback", "canary").returncode, 2)

    def test_somebody_else_takes_it_back(self):
        """What hosts have in force then says nothing of the files."""
        self.begin()
        process = self.start("--wait", "8s", self.file("a/10-shop.yaml", OTHER))
        self.until_line(process, "in force on 2 of 2")
        self.assertEqual(self.admin("rollback", "canary").returncode, 0)
        _, err = self.done(process, 4)
        self.assertIn("somebody else has changed the canary", err)
        self.until_rules(1, 1, 2)
        self.assertEqual(self.store.value("policy/10-shop.yaml"), POLICY)

    def test_the_store_is_away_meanwhile(self):
        self.begin()
        process = self.start("--wait", "30s", self.file("a/10-shop.yaml", OTHER))
        self.until_line(process, "in force on 2 of 2")
        self.store.stop()
        _, err = self.done(process, 3)
        self.assertIn("the hosts of the group edge have the canary, and keep it", err)
        self.assertEqual([host.rules() for host in self.hosts], [2, 2, 2])
        for i in range(3):
            self.store.start(i)
        self.store.wait()
        self.done(self.start("--wait", "3s", self.file("a/10-shop.yaml", OTHER)), 0)
        self.until_rules(2, 2, 3)

    def test_a_group_that_cannot_try_it(self):
        self.begin()
        before, new = self.store.revision(), self.file("a/10-shop.yaml", OTHER)
        for args, status, why in ((["--canary", "nobody", new], 4, "no host of the group nobody is there"),
                                  (["--canary", "edge", "--group", "edge", new], 2, "cannot be used together"),
                                  (["--canary", "a/b", new], 2, "not the name of a group"),
                                  (["--canary", "edge", "--wait", "soon", new], 2, "not a time"),
                                  (["--canary", "edge", "--expect", "0123456789abcdef", new], 4, "plan again")):
            done = self.admin("apply", *args)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertIn(why, done.stderr)
        self.assertEqual(self.store.revision(), before)


class SignedCanaries(Trying, Signing):
    def test_a_signature_is_over_it(self):
        self.key = ("--sign-key", self.folder / "desk.key")
        self.fine("apply", self.file("a/10-shop.yaml", POLICY))
        self.until_all(1)
        process = self.start("--wait", "60s", self.file("b/10-shop.yaml", OTHER))
        self.until_line(process, "in force on 2 of 2")
        process.send_signal(signal.SIGINT)
        self.done(process, 3)
        # Whoever has the store cannot give it to others, nor change it.
        signature = self.store.value("policy.signature")
        for change in (lambda: self.store.put("policy.canary/core/10-shop.yaml", OTHER),
                       lambda: self.store.put(CANARY, THIRD), lambda: self.store.remove(CANARY)):
            change()
            self.until(lambda: self.states() == ["refused"] * 3)
            self.assertEqual([host.rules() for host in self.hosts], [2, 2, 1])
            self.store.remove("policy.canary/core/10-shop.yaml")
            self.store.put(CANARY, OTHER)
            self.until(lambda: self.states() == ["in force"] * 3)
        self.assertEqual(self.store.value("policy.signature"), signature)
        self.done(self.start("--wait", "3s", self.file("b/10-shop.yaml", OTHER)), 0)
        self.until_all(2)
