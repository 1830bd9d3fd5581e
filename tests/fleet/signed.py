# SPDX-License-Identifier: GPL-2.0-or-later
"""Signed policies: the store need not be trusted. Who has all of it changes what he likes, and no host
takes it."""
import base64
import json
import subprocess
import time

from hosts import FLEET, GROUP, NAMED, OTHER, Fleet
from running import POLICY
from store import command

SIGNATURE = "policy.signature"


class Signing(Fleet):
    """Hosts that take what desk has signed, and nothing else."""

    def prepare(self):
        keys = self.folder / "keys"
        keys.mkdir()
        for name in ("desk", "stranger"):
            command("openssl", "genpkey", "-algorithm", "ed25519", "-out", self.folder / f"{name}.key")
        command("openssl", "pkey", "-in", self.folder / "desk.key", "-pubout", "-out", keys / "desk.pem")
        with open(self.admin_conf, "a", encoding="utf-8") as conf:
            conf.write(f"keys = {keys}\n")
        return {"keys": keys}

    def sign(self, *args, key="desk"):
        return self.admin(*args, "--sign-key", self.folder / f"{key}.key")

    def fine(self, *args):
        done = self.sign(*args)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def begin(self, policy=POLICY):
        """A policy of all and one of a group, both signed."""
        self.fine("apply", self.file("a/10-shop.yaml", policy))
        self.until_all(1)
        self.fine("apply", "--group", "edge", self.file("b/dns.yaml", GROUP))
        self.until(lambda: self.are_in_force([1, 2, 1]))

    def are_in_force(self, rules):
        return self.states() == ["in force"] * 3 and [host.rules() for host in self.hosts] == rules

    def keys(self):
        """All policies and their signature, as the store has them."""
        lines = self.store.ctl("get", "netd/groups/", "netd/policy0", "--write-out", "json")
        rows = {base64.b64decode(kv["key"]).decode(): base64.b64decode(kv.get("value", ""))
                for kv in json.loads(lines).get("kvs", [])}
        return rows

    def put_back(self, keys):
        """In one transaction, as who has the store can."""
        ops = "".join(f'put {key} {json.dumps(value.decode())}\n' for key, value in keys.items())
        gone = "".join(f"del {key}\n" for key in self.keys() if key not in keys)
        self.store.ctl("txn", input=f"\n{ops}{gone}\n\n")

    def refused(self, why, rules=(1, 2, 1)):
        """Every host says so in its record and in its log, and what was in force stays."""
        self.until(lambda: self.states() == ["refused"] * 3, why)
        for host in self.hosts:
            self.until(lambda host=host: why in self.record(host)["policy"]["error"], why)
            self.assertIn(why, host.log("netd-fleet"))
        self.assertEqual([host.rules() for host in self.hosts], list(rules))
        self.assertIn(why, self.admin("status").stdout)


class Signed(Signing):
    def test_what_is_not_what_was_signed(self):
        self.begin()
        good = self.keys()
        shop, dns = "netd/policy/10-shop.yaml", "netd/groups/edge/dns.yaml"
        changed = "it is not what was signed"
        cases = {
            "one byte": ({**good, shop: good[shop] + b" "}, changed),
            "another file": ({**good, "netd/policy/20-more.yaml": OTHER.encode()}, changed),
            "one in a group that nobody is in": ({**good, "netd/groups/none/x.yaml": b"version: 1\n"}, changed),
            "one is missing": ({key: good[key] for key in good if key != dns}, changed),
            "moved to another group": ({"netd/groups/web/dns.yaml" if key == dns else key: value
                                        for key, value in good.items()}, changed),
            "moved to all hosts": ({"netd/policy/dns.yaml" if key == dns else key: value
                                    for key, value in good.items()}, changed),
            "the end of one is the beginning of the next": (
                {**good, dns: good[dns][:-1], shop: b"\n" + good[shop]}, changed),
            "another counter": ({**good, "netd/" + SIGNATURE: good["netd/" + SIGNATURE].replace(
                b"counter ", b"counter 9")}, changed),
            "unsigned": ({key: good[key] for key in good if not key.endswith(SIGNATURE)}, "it is not signed"),
            "all gone": ({}, "it is not signed"),
            "damaged": ({**good, "netd/" + SIGNATURE: b"hello"}, "its signature is damaged"),
        }
        for what, (keys, why) in cases.items():
            with self.subTest(what):
                self.put_back(keys)
                self.refused(why)
                # The control: what was signed is taken again.
                self.put_back(good)
                self.until(lambda: self.are_in_force([1, 2, 1]))

    def test_who_signs(self):
        self.begin()
        good = self.keys()
        # Somebody with all of the store and a key of his own.
        done = self.sign("sign", "--yes", key="stranger")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.refused("it is signed with a key that is not in ")
        # Of another fleet of the same store, by the right key.
        conf = self.admin_conf.read_text()
        self.admin_conf.write_text(conf + "prefix = other\n")
        self.fine("apply", self.file("a/10-shop.yaml", OTHER))
        self.admin_conf.write_text(conf)
        value = self.store.ctl("get", "other/" + SIGNATURE, "--print-value-only")
        self.put_back({"netd/policy/10-shop.yaml": OTHER.encode(), "netd/" + SIGNATURE: value.encode()[:-1]})
        self.refused("it is not what was signed")
        self.put_back(good)
        self.until(lambda: self.are_in_force([1, 2, 1]))

    def test_hosts_of_a_store_that_is_not_believed(self):
        """Nobody signs for them; but no host takes them from a store that it does not believe."""
        self.begin(NAMED)
        good = self.keys()
        alpha = self.hosts[0]
        self.until(lambda: alpha.hosts() == ["beta", "gamma"])
        self.put_back({**good, "netd/policy/20-more.yaml": OTHER.encode()})
        self.refused("it is not what was signed")
        self.store.put("addresses/stranger", "192.0.2.66")
        self.assertEqual(self.hosts[1].end("netd-fleet"), 0)
        self.store.end_lease("addresses/beta")
        # For longer than it waits before it asks who they are.
        self.assertTrue(self.stays(12, alpha.hosts))
        self.assertEqual(alpha.hosts(), ["beta", "gamma"])
        # The control: from one that it believes it takes them.
        self.put_back(good)
        self.until(lambda: alpha.hosts() == ["beta", "gamma", "stranger"])
        self.assertIn("stranger - 192.0.2.66\n", json.loads(alpha.ask("hosts")[1])["text"])

    def test_an_older_signature(self):
        self.begin()
        old = self.keys()
        self.fine("apply", self.file("c/10-shop.yaml", OTHER))
        self.until(lambda: self.are_in_force([2, 3, 2]))
        new = self.keys()
        self.put_back(old)
        self.refused("its signature is older than one that was taken", (2, 3, 2))
        # Over a restart, too; and for a host that has never applied the newer one, for netd was away.
        host = self.hosts[0]
        self.assertEqual(host.end("netd-fleet"), 0)
        host.start_fleet()
        self.until(lambda: host.log("netd-fleet").count("older than one that was taken") > 1)
        self.put_back(new)
        self.until(lambda: self.are_in_force([2, 3, 2]))
        host.end("netd")
        self.fine("apply", self.file("d/10-shop.yaml", POLICY))
        newest = self.keys()
        self.until(lambda: self.states()[0] == "waiting")
        self.put_back(new)
        self.until(lambda: "older" in self.record(host)["policy"]["error"])
        host.start_netd()
        self.until(lambda: host.rules() is not None)
        self.refused("its signature is older than one that was taken", (2, 2, 1))
        self.put_back(newest)
        self.until(lambda: self.are_in_force([1, 2, 1]))

    def test_a_restored_store_that_is_signed_anew(self):
        """An admin's signature is his word that this store is the right one."""
        self.begin()
        self.store.ctl("snapshot", "save", self.folder / "backup", endpoints=[self.store.url(0)])
        self.fine("apply", self.file("c/10-shop.yaml", OTHER))
        self.until(lambda: self.are_in_force([2, 3, 2]))
        last = int(self.keys()["netd/" + SIGNATURE].split()[5])
        self.store.restore(self.folder / "backup")
        self.refused("older than one that was taken", (2, 3, 2))
        # The counter is the time in seconds, or one more than the last: what was signed within one second runs ahead.
        self.until(lambda: time.time() > last + 1)
        self.fine("sign", "--yes")
        self.until(lambda: self.are_in_force([1, 2, 1]))
        for host in self.hosts:
            self.assertEqual(host.end("netd-fleet"), 0)
            (host.folder / "netd-fleet.log").write_text("")
            host.start_fleet()
        self.until(lambda: all("is in force\n" in host.log("netd-fleet") for host in self.hosts))

    def test_a_counter_that_cannot_be_kept(self):
        """What would be forgotten is not taken."""
        self.begin()
        host = self.hosts[0]
        # A folder stands where the file is to be: the rename fails, for root as well.
        seen = host.folder / "fleet-state/seen"
        seen.rename(host.folder / "kept")
        (seen / "x").mkdir(parents=True)
        self.fine("apply", self.file("c/10-shop.yaml", OTHER))
        self.until(lambda: [other.rules() for other in self.hosts[1:]] == [3, 2])
        self.until(lambda: self.states()[0] == "waiting")
        self.assertEqual(host.log("netd-fleet").count("a new signature cannot be kept"), 1)
        self.assertEqual(host.rules(), 1)
        (seen / "x").rmdir()
        seen.rmdir()
        self.until(lambda: self.are_in_force([2, 3, 2]))

    def test_an_admin_signs_what_he_knows(self):
        self.begin()
        good = self.keys()
        # Not without a key.
        done = self.admin("apply", self.file("c/10-shop.yaml", OTHER))
        self.assertEqual(done.returncode, 2)
        self.assertIn("use --sign-key FILE", done.stderr)
        # What somebody has put beside his files is not signed with them.
        self.put_back({**good, "netd/groups/edge/dns.yaml": b"version: 1\n"})
        done = self.sign("apply", self.file("c/10-shop.yaml", OTHER))
        self.assertEqual(done.returncode, 4)
        self.assertIn("is not signed unseen", done.stderr)
        done = self.sign("sign")
        self.assertEqual(done.returncode, 4)
        self.assertIn("groups/edge/dns.yaml, 11 bytes", done.stdout)
        self.put_back(good)
        self.fine("apply", self.file("c/10-shop.yaml", OTHER))
        self.until(lambda: self.are_in_force([2, 3, 2]))
        # Going back signs anew, and what is gone back to is not the store's word.
        self.fine("rollback", "1")
        self.until(lambda: self.are_in_force([1, 2, 1]))
        text = self.store.ctl("get", "netd/revisions/000000000003", "--print-value-only")
        self.store.put("revisions/000000000003", text.strip().replace("80/tcp", "81/tcp"))
        done = self.sign("rollback", "3")
        self.assertEqual(done.returncode, 4)
        self.assertIn("does not count, for it is not what was signed", done.stderr)
        self.store.put("revisions/000000000003", text.strip())
        self.fine("rollback", "3")
        self.until(lambda: self.are_in_force([2, 3, 2]))

    def test_keys_that_are_none(self):
        """Neither starts a host without them, nor does a folder without keys believe everybody."""
        self.until(lambda: self.states() == ["none"] * 3)
        host = self.hosts[0]
        folder = host.folder / "own-keys"
        folder.mkdir()

        def check():
            return subprocess.run([FLEET, "--config", host.folder / "fleet.conf", "--check"],
                                  capture_output=True, text=True, check=False, timeout=10)

        self.assertEqual(host.end("netd-fleet"), 0)
        host.configure(keys=folder)
        host.start_fleet()
        self.store.put("policy/10-shop.yaml", POLICY)
        self.until(lambda: "it is not signed" in host.log("netd-fleet"))
        self.assertEqual(host.end("netd-fleet"), 0)
        command("openssl", "genpkey", "-algorithm", "ed448", "-out", self.folder / "448.key")
        for text in ("hello\n", (self.folder / "desk.key").read_text(),
                     command("openssl", "pkey", "-in", self.folder / "448.key", "-pubout")):
            (folder / "x.pem").write_text(text)
            done = check()
            self.assertEqual(done.returncode, 2)
            self.assertIn("x.pem holds no public key of Ed25519", done.stderr)
        host.configure(keys=self.folder / "not-there")
        self.assertEqual(check().returncode, 2)
        host.configure(keys=self.folder / "keys")
        self.assertEqual(check().returncode, 0)
        host.start_fleet()
        self.until(lambda: host.log("netd-fleet").count("it is not signed") > 1)
