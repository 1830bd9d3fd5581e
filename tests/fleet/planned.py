# SPDX-License-Identifier: GPL-2.0-or-later
"""What hosts run, in the store, and what a policy would change on all of them."""
import base64
import copy
import json
import os
import re
import subprocess
import zlib

from hosts import GROUP, INVALID, OTHER, Fleet
from running import NETDCTL, POLICY, WORLD
from store import PREFIX

# Opens a port where one is published, in the world of gamma alone.
OPENED = OTHER + "  - {from: internet, to: web, ports: [80/tcp]}\n  - {from: db, to: lan, ports: [443/tcp]}\n"
FAILS = OTHER + "tests:\n  - {from: web, to: db, port: 5432/tcp, expect: deny}\n"
PUBLISHED = copy.deepcopy(WORLD)
PUBLISHED["containers"][0]["published"] = [{"host_ip": "0.0.0.0", "host_port": 8080, "port": "80/tcp"}]
# The zone `hosts` reaches a published port, but for those of one network; and one of two ports of theirs is reached.
ZONE = """deny:
  - {from: 10.9.0.0/24, to: web}
  - {from: db, to: 10.9.2.9}
""" + "".join(f"  - {{from: 10.8.{i}.1, to: db}}\n" for i in range(3))
ZONE_OPEN = "  - {from: hosts, to: web, ports: [80/tcp]}\n  - {from: db, to: hosts, ports: [9100/tcp]}\n"
COUNTS = ("n_gained", "n_lost", "n_opened", "n_closed")


class Planned(Fleet):
    # ---- what is in the store ----

    def row(self, host):
        """Of etcd, the value as bytes; None: it is not there."""
        rows = json.loads(self.store.ctl("get", f"{PREFIX}/worlds/{host}", "--write-out", "json")).get("kvs")
        return rows and {**rows[0], "value": base64.b64decode(rows[0]["value"])}

    def inventory(self, host):
        """The head, by words, and the text."""
        head, packed = {}, self.row(host)["value"]
        for _ in range(4):
            line, _, packed = packed.partition(b"\n")
            word, _, rest = line.decode().partition(" ")
            head[word] = rest
        return head, zlib.decompress(packed).decode()

    def is_kept(self, host):
        record, row = self.record(host), self.row(host.name)
        return record and row and record.get("inventory") == {"digest": self.inventory(host.name)[0]["digest"]}

    def until_kept(self, *hosts):
        for host in hosts or self.hosts:
            self.until(lambda host=host: self.is_kept(host), host.name)

    def give_world(self, host, world):
        host.end("netd")
        (host.folder / "world.json").write_text(json.dumps(world))
        host.start_netd()

    def begin(self):
        self.give_world(self.hosts[2], PUBLISHED)
        self.put_first()
        self.store.put("groups/edge/dns.yaml", GROUP)
        self.until(lambda: [host.rules() for host in self.hosts] == [1, 2, 1])
        self.until(lambda: self.states() == ["in force"] * 3)
        self.until_kept()
        self.until(lambda: "8080" in self.inventory("gamma")[1])

    def plan(self, *args, status=None):
        done = self.admin("plan", "--format", "json", *args)
        if status is not None:
            self.assertEqual(done.returncode, status, done.stderr + done.stdout)
        self.assertNotEqual(done.stdout, "", done.stderr)
        return json.loads(done.stdout)

    @staticmethod
    def by_host(report):
        return {row["host"]: row for row in report["hosts"]}

    # ---- inventories ----

    def test_what_a_host_runs(self):
        self.put_first()
        self.until_kept()
        for host in self.hosts:
            head, text = self.inventory(host.name)
            self.assertEqual(head["groups"], "1 edge" if host.name == "beta" else "0")
            self.assertEqual(head["bytes"], str(len(text)))
            world = json.loads(text)
            self.assertEqual([row["name"] for row in world["containers"]], ["db-1", "web-1"])
            self.assertNotIn("hosts", world)
            self.assertNotIn("env", text)
        # Neither a heartbeat nor another policy writes it again, nor does the store's end.
        before = [self.row(host.name)["mod_revision"] for host in self.hosts]
        self.assertEqual([self.row(host.name).get("lease", 0) for host in self.hosts], [0] * 3)
        self.store.put("policy/10-shop.yaml", OTHER)
        self.until_all(2)
        self.store.stop()
        for i in range(3):
            self.store.start(i)
        self.store.wait()
        self.store.put("policy/10-shop.yaml", POLICY)
        self.until_all(1)
        self.assertTrue(self.stays(7, lambda: [self.row(host.name)["mod_revision"] for host in self.hosts]))
        self.assertEqual([self.row(host.name)["mod_revision"] for host in self.hosts], before)
        # What somebody has removed meanwhile is.
        self.store.remove("worlds/alpha")
        self.store.stop()
        for i in range(3):
            self.store.start(i)
        self.store.wait()
        self.until_kept()

    def test_another_one(self):
        self.begin()
        self.assertNotIn("8080", self.inventory("alpha")[1])
        self.give_world(self.hosts[0], PUBLISHED)
        self.until(lambda: "8080" in self.inventory("alpha")[1])
        self.until_kept()

    def test_one_that_the_store_does_not_take(self):
        """A host whose role does not let it write has its policy all the same."""
        host = self.hosts[0]
        self.until_kept()
        self.assertEqual(host.end("netd-fleet"), 0)
        (host.folder / "netd-fleet.log").write_text("")
        self.store.remove("worlds/alpha")
        self.store.ctl("role", "revoke-permission", "netd-alpha", f"{PREFIX}/worlds/alpha")
        try:
            host.start_fleet()
            self.until(lambda: "permission denied" in (self.record(host) or {}).get("inventory", {}).get("error", ""))
            self.put_first()
            self.assertNotIn("cannot be followed", host.log("netd-fleet"))
            self.assertIsNone(self.row("alpha"))
            report = self.plan(self.file("a/10-shop.yaml", OTHER), status=3)
            self.assertRegex(self.by_host(report)["alpha"]["unknown"], "no inventory: .*permission denied")
        finally:
            self.store.ctl("role", "grant-permission", "netd-alpha", "readwrite", f"{PREFIX}/worlds/alpha")
        self.until_kept(host)
        # Nobody writes that of another host, nor reads it.
        for verb in (["put", f"{PREFIX}/worlds/beta", "x"], ["del", f"{PREFIX}/worlds/beta"],
                     ["get", f"{PREFIX}/worlds/beta"]):
            with self.assertRaisesRegex(RuntimeError, "permission denied", msg=verb):
                self.store.ctl(*verb, user="alpha")
        self.store.ctl("get", f"{PREFIX}/worlds/alpha", "--keys-only", user="alpha")  # the control

    def test_one_that_is_too_large(self):
        self.begin()
        host, before = self.hosts[0], self.row("alpha")["mod_revision"]
        world, seen = copy.deepcopy(WORLD), []
        # When it is packed, and as it is: netd does not even say it.
        for n in (800, 1100):
            for i in range(len(world["containers"]), n):
                world["containers"].append({"name": f"job-{i}", "labels": {"noise": os.urandom(2000).hex()},
                                            "endpoints": [{"network": "front",
                                                           "ipv4": f"172.18.{1 + i // 250}.{1 + i % 250}"}]})
            self.give_world(host, world)
            self.until(lambda n=n: self.too_many_bytes(host) > n * 4000)
            seen.append(self.too_many_bytes(host))
            self.assertEqual(self.row("alpha")["mod_revision"], before)
        self.assertLess(seen[0], 4 * 1024 * 1024)
        self.assertGreater(seen[1], 4 * 1024 * 1024)
        report = self.plan(self.file("a/10-shop.yaml", OTHER), status=3)
        self.assertIn("old one: it has", self.by_host(report)["alpha"]["unknown"])
        # Another policy reaches it as before.
        self.store.put("policy/10-shop.yaml", OTHER)
        self.until(lambda: host.rules() == 2 and self.states()[0] == "in force")

    def too_many_bytes(self, host):
        """As its record says; 0: it does not."""
        said = re.fullmatch(r"it has (\d+) bytes, which is more than the store is to bear",
                            (self.record(host) or {}).get("inventory", {}).get("error", ""))
        return int(said[1]) if said else 0

    # ---- what would change ----

    def on_host(self, host, old, new):
        """What `netdctl plan` says of the host's own inventory."""
        world = self.file("worlds/" + host, self.inventory(host)[1])
        done = subprocess.run([NETDCTL, "plan", "--format", "json", "--inventory", world, "--against",
                               self.folder / old, self.folder / new], capture_output=True, text=True, timeout=30,
                              check=False)
        return json.loads(done.stdout)

    @staticmethod
    def bare(plan):
        """A plan without the names of files, which are those of folders here."""
        if isinstance(plan, list):
            return [Planned.bare(item) for item in plan]
        if isinstance(plan, dict):
            return {key: Planned.bare(value) for key, value in plan.items() if key != "file"}
        return plan

    def test_a_plan_is_that_of_each_host(self):
        self.begin()
        for host, group in (("alpha", ""), ("beta", GROUP), ("gamma", "")):
            for name, text in (("old", POLICY), ("new", OPENED)):
                folder = self.folder / f"{name}-{host}"
                folder.mkdir()
                (folder / "10-shop.yaml").write_text(text)
                if group:
                    (folder / "dns.yaml").write_text(group)
        new = self.file("a/10-shop.yaml", OPENED)
        report = self.plan(new, status=1)
        plans = {host: kind["plan"] for kind in report["plans"] for host in kind["hosts"]}
        self.assertEqual(sorted(plans), ["alpha", "beta", "gamma"])
        for host, row in self.by_host(report).items():
            plan = self.on_host(host, f"old-{host}", f"new-{host}")
            self.assertTrue(plan["changed"])
            self.assertEqual(self.bare(plans[host]), self.bare(plan), host)
            self.assertEqual((row["judged"], row["unknown"], row["refused"]), (True, None, None))
            self.assertEqual([row[name] for name in COUNTS],
                             [len(plan["gained"]), len(plan["lost"]), len(plan["exposures"]["opened"]),
                              len(plan["exposures"]["closed"])])
        rows = report["hosts"]
        self.assertEqual([report["sum"][name] for name in COUNTS], [sum(row[name] for row in rows) for name in COUNTS])
        self.assertEqual(report["sum"]["n_opened"], 1)
        self.assertEqual((report["sum"]["hosts"], report["sum"]["changed"]), (3, 3))
        # As text what is the same is told once.
        done = self.admin("plan", new)
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertIn("In sum: 3 hosts, 3 changed, 0 not known, 0 that would refuse it.", done.stdout)
        self.assertEqual(done.stdout.count("Exposures opened"), 1)
        # Nothing was written by it.
        self.assertEqual([host.rules() for host in self.hosts], [1, 2, 1])

    def flows(self, report, host):
        """Gained there, and to whom its port is opened."""
        plan = next(kind["plan"] for kind in report["plans"] if host in kind["hosts"])
        gained = {f"{row['from']} -> {row['to']}": row["families"] for row in plan["gained"]}
        return gained, [who for row in plan["exposures"]["opened"] for who in row["who"]]

    def test_the_zone_hosts_is_who_the_store_knows(self):
        self.begin()
        denied = self.file("a/10-shop.yaml", POLICY.replace("allow:", ZONE + "allow:") + ZONE_OPEN)
        alike = self.file("b/10-shop.yaml", POLICY + ZONE_OPEN)
        # Nobody: this fleet's own hosts ask from loopback addresses, at which they are nobody.
        report = self.plan(denied, status=1)
        self.assertEqual(report["zone"], {"named": True, "hosts": 0, "away": 0})
        self.assertEqual(self.flows(report, "gamma"), ({}, []))
        for name, addresses in (("delta", "10.9.0.7 2001:db8::7"), ("epsilon", "10.9.1.8"), ("zeta", "10.9.2.9"),
                                ("eta", "10.9.1.9 172.18.0.9 127.0.0.1 169.254.169.254"), ("theta", "not one")):
            self.store.put(f"addresses/{name}", addresses)
        report = self.plan(denied, status=1)
        self.assertEqual(report["zone"], {"named": True, "hosts": 4, "away": 0})
        expected = {"hosts (epsilon, eta, zeta) -> web": [4], "db -> hosts (delta, epsilon, eta)": [4]}
        self.assertEqual(self.flows(report, "gamma"), (expected, ["hosts (epsilon, eta, zeta)"]))
        # All hosts see the same ones, and are told of once, with what differs by what they run.
        self.assertEqual(sorted(kind["hosts"] for kind in report["plans"]), [["alpha", "beta"], ["gamma"]])
        # The control: of whom no rule tells them apart, no name is told.
        gained, opened = self.flows(self.plan(alike, status=1), "gamma")
        self.assertEqual((gained, opened), ({"hosts -> web": [4], "db -> hosts": [4]}, ["hosts"]))
        done = self.admin("plan", denied)
        self.assertIn("hosts (epsilon, eta, zeta) -> web  80/tcp  (IPv4 only)", done.stdout)
        self.assertIn("Zone hosts: 4 with an address in the store.\n", done.stdout)
        # One that has lost its lease is none of them here, whatever others remember of it.
        self.store.remove("addresses/zeta")
        self.store.put("worlds/zeta", "x")
        report = self.plan(denied, status=3)
        self.assertEqual(report["zone"], {"named": True, "hosts": 3, "away": 1})
        self.assertEqual(self.flows(report, "gamma")[1], ["hosts (epsilon, eta)"])
        self.assertIn("1 that is away is none of them here", self.admin("plan", denied).stdout)
        # No rule names them: nobody is told of.
        self.assertNotIn("Zone hosts", self.admin("plan", self.file("c/10-shop.yaml", OTHER)).stdout)

    def test_a_plan_for_a_group(self):
        self.begin()
        report = self.plan("--group", "edge", self.file("a/dns.yaml", GROUP + "  - {from: db, to: dns}\n"), status=1)
        self.assertEqual({host: row["changed"] for host, row in self.by_host(report).items()},
                         {"alpha": False, "beta": True, "gamma": False})
        # What the store has changes nothing.
        report = self.plan("--group", "edge", self.file("b/dns.yaml", GROUP), status=0)
        self.assertEqual((report["sum"]["changed"], report["sum"]["n_gained"]), (0, 0))
        # Without its last file a host of no group keeps what it has; the policy of a group must be one alone.
        self.store.remove("groups/edge/dns.yaml")
        self.until(lambda: [host.rules() for host in self.hosts] == [1, 1, 1])

    def test_a_plan_before_the_first_policy(self):
        self.give_world(self.hosts[2], PUBLISHED)
        self.until_kept()
        self.until(lambda: "8080" in self.inventory("gamma")[1])
        report = self.plan(self.file("a/10-shop.yaml", POLICY), status=1)
        self.assertTrue(all(kind["plan"]["against_plain_docker"] for kind in report["plans"]))
        self.assertEqual(report["sum"]["n_closed"], 1)

    def test_what_would_be_refused(self):
        self.begin()
        done = self.admin("plan", self.file("a/10-shop.yaml", INVALID))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("policy/10-shop.yaml:7:12: error[unknown-tier]", done.stderr)
        # Tests of a policy are run by hosts.
        report = self.plan(self.file("b/10-shop.yaml", FAILS), status=1)
        for row in report["hosts"]:
            self.assertIn("policy/10-shop.yaml:9: the test fails", row["refused"])
            self.assertFalse(row["judged"])

    def test_apply_is_what_was_planned(self):
        self.begin()
        new = self.file("a/10-shop.yaml", OTHER)
        digest = self.plan(new, status=1)["policy_digest"]
        # Somebody changes a file of a group meanwhile, and the plan was made with it.
        self.store.put("groups/edge/dns.yaml", GROUP + "  - {from: db, to: dns}\n")
        done = self.admin("apply", "--expect", digest, new)
        self.assertEqual((done.returncode, done.stdout), (4, ""))
        self.assertIn("plan again", done.stderr)
        self.assertEqual(self.store.value("policy/10-shop.yaml"), POLICY)
        report = self.plan(new, status=1)
        self.assertNotEqual(report["policy_digest"], digest)
        self.assertEqual(self.admin("apply", "--expect", report["policy_digest"], new).returncode, 0)
        self.until(lambda: [host.rules() for host in self.hosts] == [2, 4, 2])
        self.until(lambda: self.states() == ["in force"] * 3)
        self.assertEqual(self.plan(new, status=0)["sum"]["changed"], 0)

    # ---- what is not known ----

    def unknown(self, host, status=3):
        report = self.plan(self.file("u/10-shop.yaml", OPENED), status=status)
        rows = self.by_host(report)
        self.assertEqual([name for name, row in rows.items() if row["unknown"]], [host] if status == 3 else [])
        # The others are judged.
        self.assertEqual([row["judged"] for name, row in rows.items() if name != host], [True] * 2)
        return rows[host]

    def test_a_host_that_is_away(self):
        self.begin()
        self.unknown("alpha", status=1)  # the control
        host = self.hosts[0]
        self.assertEqual(host.end("netd-fleet"), 0)
        self.store.end_lease("records/alpha")
        row = self.unknown("alpha")
        self.assertRegex(row["unknown"], "is away")
        self.assertEqual((row["judged"], row["state"], row["n_gained"]), (True, None, 1))
        done = self.admin("plan", self.file("u/10-shop.yaml", OPENED))
        self.assertEqual(done.returncode, 3)
        self.assertIn("alpha: it is away: nobody knows what it runs now (judged by what it has told last)",
                      done.stdout)
        # One that comes back, and one that does not.
        host.start_fleet()
        self.until_kept()
        self.unknown("alpha", status=1)
        done = self.admin("forget", "alpha")
        self.assertEqual((done.returncode, done.stdout), (4, ""))
        self.assertIn("alpha is there", done.stderr)
        self.assertTrue(self.is_kept(host))
        self.assertEqual(host.end("netd-fleet"), 0)
        self.store.end_lease("records/alpha")
        self.assertEqual(self.admin("forget", "alpha", "nobody").returncode, 0)
        report = self.plan(self.file("u/10-shop.yaml", OPENED), status=1)
        self.assertEqual(sorted(self.by_host(report)), ["beta", "gamma"])

    def test_an_inventory_that_is_none(self):
        self.begin()
        good = self.row("beta")["value"]
        head, _, packed = good.partition(b"\nbytes ")
        size, _, packed = packed.partition(b"\n")
        bomb = zlib.compress(b" " * (4 * 1024 * 1024), 9)
        for value, why in ((b"", "of no form"), (b"hello", "of no form"), (good[:-9], "cannot be unpacked"),
                           (good + b"x", "cannot be unpacked"),
                           (head + b"\nbytes %d\n" % (int(size) + 1) + packed, "cannot be unpacked"),
                           (head + b"\nbytes 99999999\n" + packed, "of no form"),
                           (head + b"\nbytes 4194304\n" + bomb, "not what its digest is of"),
                           (good.replace(b"groups 1 edge", b"groups 1 back"), "not what its digest is of"),
                           (good.replace(b"groups 1 edge", b"groups 2 edge"), "of no form")):
            self.put_bytes("worlds/beta", value)
            row = self.unknown("beta")
            self.assertIn("its inventory is damaged", row["unknown"])
            self.assertIn(why, row["unknown"])
            self.assertFalse(row["judged"])
        self.store.remove("worlds/beta")
        self.assertIn("it has no inventory", self.unknown("beta")["unknown"])
        # One that is good, and not the host's newest.
        self.put_bytes("worlds/beta", self.row("gamma")["value"])
        row = self.unknown("beta")
        self.assertEqual((row["unknown"], row["judged"]), ("its inventory is an old one", True))
        self.put_bytes("worlds/beta", good)
        self.unknown("beta", status=1)

    def put_bytes(self, key, value):
        """etcdctl takes text alone, so the gateway is asked."""
        body = json.dumps({"key": base64.b64encode(f"{PREFIX}/{key}".encode()).decode(),
                           "value": base64.b64encode(value).decode()})
        curl = ["curl", "--silent", "--fail-with-body", "--cacert", self.store.authority.folder / "ca.pem",
                "--cert", self.store.root[0], "--key", self.store.root[1]]
        token = json.loads(self.command(*curl, "--data", json.dumps({"name": "root", "password": "root"}),
                                        self.store.url(0) + "/v3/auth/authenticate"))["token"]
        self.command(*curl, "--header", f"Authorization: {token}", "--data-binary", "@-",
                     self.store.url(0) + "/v3/kv/put", text=body)

    @staticmethod
    def command(*args, text=""):
        return subprocess.run([str(arg) for arg in args], input=text, capture_output=True, text=True, timeout=30,
                              check=True).stdout

    def test_a_policy_of_the_host_itself(self):
        self.begin()
        host = self.hosts[0]
        (host.folder / "own.yaml").write_text(OTHER)
        self.assertEqual(host.ask("apply", host.folder / "own.yaml")[0], 0)
        self.until(lambda: self.states()[0] == "differs")
        row = self.unknown("alpha")
        self.assertEqual(row["unknown"], "the policy that is in force there is not the store's")
        self.assertEqual((row["state"], row["judged"]), ("differs", True))
