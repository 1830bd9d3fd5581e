# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the hosts of a fleet are, which each of them asks for now and then."""
import json
import signal

from hosts import NAMED, OTHER, Fleet, Host
from store import PREFIX

NAMED_OTHER = OTHER.replace("from: web, to: db", "from: [web, hosts], to: db")


class Asked(Fleet):
    def test_what_is_removed_while_its_lease_lives(self):
        """By somebody's mistake, or as a backup is without it: the others would close a host that is there."""
        self.store.put("policy/10-shop.yaml", NAMED)
        self.until_all(1)
        alpha, beta = self.hosts[:2]

        def is_whole():
            return self.store.value("addresses/alpha") == "" and self.store.lease("addresses/alpha") != 0

        self.until(is_whole)
        for change in (lambda: self.store.remove("addresses/alpha"), lambda: self.store.put("addresses/alpha", "192.0.2.66"),
                       lambda: self.store.ctl("put", "netd/addresses/alpha", "")):
            change()
            self.until(is_whole)
        self.until(lambda: "alpha - \n" in json.loads(beta.ask("hosts")[1])["text"])
        # What nobody follows is written again when the store is there again.
        self.store.remove("records/alpha")
        self.assertIsNone(self.record(alpha))
        self.store.stop()
        for i in range(3):
            self.store.start(i)
        self.store.wait()
        self.until(lambda: self.record(alpha))
        for host in self.hosts:
            self.assertNotIn("lease not found", host.log("netd-fleet"))

    def crowd(self, n):
        """So many others that are at no address, in transactions as large as etcd takes them."""
        for first in range(0, n, 128):
            puts = "".join(f'put {PREFIX}/addresses/x{i:05} ""\n' for i in range(first, min(first + 128, n)))
            self.store.ctl("txn", input=f"\n{puts}\n\n")

    def test_a_large_fleet_speaks_in_turn(self):
        """What became of a change is said when others have it, too: among 5,000 not before 5 s have passed."""
        self.store.put("policy/10-shop.yaml", NAMED)
        self.until_all(1)

        def written():
            rows = json.loads(self.store.ctl("get", "--prefix", f"{PREFIX}/records/", "--write-out", "json"))["kvs"]
            return [row["mod_revision"] for row in rows]

        def change(policy, rules):
            """When it is in force everywhere, and when each has said so, as revisions of the store."""
            self.store.put("policy/10-shop.yaml", policy)
            self.until(lambda: [host.rules() for host in self.hosts] == [rules] * 3)
            self.store.put("other", "x")
            there = self.store.revision()
            self.until(lambda: {record["policy"]["digest"] for record in self.store.records().values()} != before)
            self.until(lambda: len({record["policy"]["digest"] for record in self.store.records().values()}) == 1)
            self.until_all(rules)
            return there, written()

        self.crowd(5000)
        for host in self.hosts:
            self.until(lambda host=host: len(host.hosts()) >= 5000)
        before = {record["policy"]["digest"] for record in self.store.records().values()}
        there, said = change(NAMED_OTHER, 2)
        self.assertGreater(min(said), there)

    def test_two_hosts_of_one_name(self):
        """As a copied machine is: the others know one of them at a time, so both say it. One that starts again,
        while its last lease lives, is its own successor."""
        self.store.put("policy/10-shop.yaml", NAMED)
        self.until_all(1)
        alpha, beta = self.hosts[:2]
        said = "another host of the fleet has the name alpha, too"
        lease = self.store.lease("addresses/alpha")
        alpha.end("netd-fleet", signal.SIGKILL)
        alpha.start_fleet()
        self.until(lambda: self.store.lease("addresses/alpha") not in (0, lease))
        self.store.put("addresses/other", "192.0.2.8")
        self.until(lambda: "other" in alpha.hosts())
        self.until_all(1)
        self.assertNotIn(said, alpha.log("netd-fleet"))
        self.assertIsNone(self.rows()[0]["namesake"])
        twin = Host(self.folder / "twin", self.store, "delta", user="alpha", host="alpha", addresses="192.0.2.9",
                    **{"password-file": alpha.folder / "password"})
        self.hosts.append(twin)
        self.until(lambda: f"{said}, at 192.0.2.9: they take turns" in alpha.log("netd-fleet"))
        self.until(lambda: f"{said}: they take turns" in twin.log("netd-fleet"))
        self.until(lambda: self.rows()[0]["namesake"] is not None)
        status = self.admin("status")
        self.assertEqual(status.returncode, 1)
        self.assertIn("another host has this name, too", status.stdout)
        self.assertNotIn(said, beta.log("netd-fleet"))
        # Whoever is left has all of it again, also what the other has taken away with its lease.
        self.assertEqual(twin.end("netd-fleet"), 0)
        self.until(lambda: self.store.lease("records/alpha") == self.store.lease("addresses/alpha") != 0 and
                   self.store.value("addresses/alpha") == "")

    def test_who_joins_is_no_event_for_all(self):
        """n hosts that join would be n² of them. Who asks instead asks for nothing while nothing has changed."""
        self.store.put("policy/10-shop.yaml", NAMED)
        self.until_all(1)
        self.until(lambda: [len(host.hosts()) for host in self.hosts] == [2, 2, 2])
        events, asked = "etcd_debugging_mvcc_events_total", "etcd_mvcc_range_total"
        before, joins = self.store.counted(events), 50
        for i in range(joins):
            self.store.put(f"addresses/h{i:03}", f"10.0.0.{i}")
        self.until(lambda: [len(host.hosts()) for host in self.hosts] == [2 + joins] * 3)
        self.assertEqual(self.store.counted(events), before)
        # The control: of what is followed each host has an event, and each of its own groups or of others'.
        for i in range(joins):
            self.store.put(f"groups/none/{i:03}.yaml", "version: 1\n")
        self.until(lambda: self.store.counted(events) >= before + 3 * joins)
        # Each host asks once more for what was written last, and then no more: for longer than it waits.
        self.until(lambda: self.stays(12, lambda: self.store.counted(asked)))
        self.store.put("addresses/h000", "10.0.1.0")
        self.store.remove("addresses/h001")

        def knows(host):
            lines = json.loads(host.ask("hosts")[1])["text"].splitlines()
            return "h000 - 10.0.1.0" in lines and any(line.startswith("h001 1") for line in lines)

        self.until(lambda: all(knows(host) for host in self.hosts))

    def test_what_others_say_is_kept_from_a_host(self):
        """By its role, or because it is too much: it follows its policy, and keeps those that it knows."""
        self.store.put("policy/10-shop.yaml", NAMED)
        self.until_all(1)
        alpha = self.hosts[0]
        self.until(lambda: alpha.hosts() == ["beta", "gamma"])
        said = "does not tell where the other hosts of the fleet are, and those that are known stay: "
        self.store.ctl("role", "revoke-permission", "netd-alpha", "netd/addresses/", "netd/addresses0")
        self.addCleanup(self.store.ctl, "role", "grant-permission", "netd-alpha", "read", "netd/addresses/",
                        "netd/addresses0")
        self.store.put("policy/10-shop.yaml", NAMED_OTHER)
        self.until_all(2)
        self.until(lambda: f"{said}etcdserver: permission denied" in alpha.log("netd-fleet"))
        self.assertEqual(alpha.hosts(), ["beta", "gamma"])
        beta = self.hosts[1]
        for i in range(6):
            self.store.put(f"addresses/large{i}", "x" * 1400000)
        self.until(lambda: said in beta.log("netd-fleet"))
        self.store.put("policy/10-shop.yaml", NAMED)
        self.until_all(1)
        self.assertLessEqual({"alpha", "gamma"}, set(beta.hosts()))
        for host in (alpha, beta):
            self.assertNotIn("cannot be followed", host.log("netd-fleet"))
