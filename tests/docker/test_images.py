# SPDX-License-Identifier: GPL-2.0-or-later
"""What is told of images decides who may talk: a report or a signature that comes, changes, becomes too old or is
damaged cuts and admits with the next commit, flows that last too; what is not known is never fine."""
from __future__ import annotations

import datetime
import os
import re
import signal
import sys
import unittest
from typing import Dict, Optional, Tuple

from flows import check_stopped, now_ms
from netd import TRIES, Container, Netd, Probe, Reader, figure, wait_until
from test_window import STAYS, TARGETS, Starts, target
import images  # of the lab, whose folder netd.py has named
import registry

POLICY = """version: 1
tiers:
  client:
    match: [{label: {role: client}}]
    require: {image: {%s}}
  server: {match: [{label: {role: server}}]}
allow:
  - {from: client, to: [internet, server, host], ports: [9/udp, 443/tcp, 7000-7019/udp, 7000-7019/tcp]}
"""
# One without labels, whose image matters to nobody before the policy asks for it.
BY_NAME = POLICY.replace("label: {role: client}", "container: plain")
SCANNED = POLICY % "max_severity: high, max_age: 7d"
SIGNED = POLICY % "signed_by: [release.pem]"
NAME = "registry.example/app:1"
OUT = [Probe("tcp", addr, 443) for addr in (TARGETS["outside4"], TARGETS["peer4"], TARGETS["host4"])]


def ago(days: float) -> str:
    """So long before now, as scanners write it."""
    when = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=days)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


class Images(Starts):
    """One image, of which a test tells what it likes."""

    image: str

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.image = cls.server.inspect()["Image"]

    def setUp(self) -> None:
        folder = self.lab.host.folder / "told"
        self.reports, self.keys = folder / "images.d", folder / "keys"
        for path in (self.reports, self.keys):
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(0o755)
            for old in path.iterdir():
                old.unlink()

    def args(self) -> Tuple[str, ...]:
        """Of a netd that reads both folders."""
        return ("--images", str(self.reports), "--image-keys", str(self.keys))

    def start(self, policy: str) -> Netd:
        """Such a netd."""
        return self.start_netd(policy, args=self.args())

    def report(self, *severities: str, days: float = 0, digest: Optional[str] = None, name: str = "a.json") -> None:
        """A report of Trivy."""
        images.write(self.reports / name, images.trivy("0.70.0", NAME, [digest or self.image], severities, ago(days)))

    def sign(self, key: images.Key, digest: Optional[str] = None, name: str = "a.jsonl") -> None:
        """As `cosign download signature` writes it."""
        images.write(self.reports / name, images.downloaded(key, NAME, digest or self.image))

    def told(self, netd: Netd, container: str) -> Tuple[str, str]:
        """The state of its endpoint, and what it lacks."""
        one = next(e for e in netd.ask("endpoints")["endpoints"] if e["container"] == container)
        return one["state"], ", ".join(lack["text"] for lack in one.get("shortfalls", []))

    def wait_for(self, netd: Netd, container: Container, lacks: str) -> None:
        """Until that is what it lacks; "": it is in its tier. Then packets say the same."""
        def is_so() -> bool:
            state, text = self.told(netd, container.name)
            return (state, text) == ("tier", "") if not lacks else state == "quarantined" and lacks in text
        wait_until(f"{container.name} to lack `{lacks}`", is_so)
        if lacks:
            self.assert_denied(container, *OUT)
        else: # whom ARP has looked for in vain until now is given up for a moment
            wait_until(f"{container.name} to get through",
                       lambda: self.states(container, *OUT, timeout_ms=1000) == ["open"] * len(OUT), 5)

    def test_reports(self) -> None:
        client = self.container("scanned", "app", labels={"role": "client"})
        # All the time there is a file that nobody can make anything of, by a name that is no text.
        odd = os.fsencode(self.reports) + b"/\xff.json"
        with open(odd, "wb") as file:
            file.write(b"\xff")
        netd = self.start(SCANNED)
        self.wait_for(netd, client, "there is no report")
        self.report("HIGH", "LOW")
        self.wait_for(netd, client, "")
        self.report("CRITICAL", "LOW")
        self.wait_for(netd, client, "worse than is admitted")
        self.assertIn("image: {max_severity: ...}", netd.explain("scanned", "server", "443/tcp").__repr__())
        self.report("HIGH", days=8)
        self.wait_for(netd, client, "older than is admitted")
        self.report("HIGH", days=6)
        self.wait_for(netd, client, "")
        self.report("HIGH", days=-1)
        self.wait_for(netd, client, "of the future")
        self.report(digest="sha256:" + "0" * 64)
        self.wait_for(netd, client, "there is no report")
        self.report()
        self.wait_for(netd, client, "")
        images.write(self.reports / "a.json", (self.reports / "a.json").read_bytes()[:-20])
        self.wait_for(netd, client, "there is no report")
        netd.child.wait_for_line(r"a\.json counts for nothing: it is damaged, or was cut off")  # type: ignore
        images.write(self.reports / "grype.json", images.grype("0.104.0", NAME, [self.image], ["High"], ago(1)))
        self.wait_for(netd, client, "")
        # Of two scanners the one that knows more counts, and of one the newest.
        self.report("CRITICAL")
        self.wait_for(netd, client, "worse than is admitted")
        self.report("CRITICAL", days=5)
        self.report(days=2, name="later.json")
        self.wait_for(netd, client, "")
        (self.reports / "later.json").chmod(0o666)
        self.wait_for(netd, client, "worse than is admitted")
        # The policy decides, too; and with what is known, over a restart.
        netd.apply(POLICY % "max_severity: critical")
        self.wait_for(netd, client, "")
        netd.apply(SCANNED)
        self.wait_for(netd, client, "worse than is admitted")
        (self.reports / "a.json").unlink()
        self.wait_for(netd, client, "")
        netd.stop()
        netd.start().wait_synced()
        self.wait_for(netd, client, "")

    def test_signatures(self) -> None:
        client = self.container("signed", "app", labels={"role": "client"})
        release, other = (images.Key(kind, self.keys.parent) for kind in ("p256", "ed25519"))
        images.write(self.keys / "release.pem", release.public)
        images.write(self.keys / "other.pem", other.public)
        netd = self.start(SIGNED)
        self.wait_for(netd, client, "there is no signature")
        self.sign(release)
        self.wait_for(netd, client, "")
        self.sign(other)
        self.wait_for(netd, client, "signed by others")
        self.sign(release, digest="sha256:" + "0" * 64)
        self.wait_for(netd, client, "there is no signature")
        # Signed for another image, and said of this one.
        text = images.payload(NAME, "sha256:" + "0" * 64)
        images.write(self.reports / "b.sig", release.sign(text))
        images.write(self.reports / "b.payload", images.payload(NAME, self.image))
        self.wait_for(netd, client, "no key verifies")
        images.write(self.reports / "b.sig", release.sign(images.payload(NAME, self.image)))
        self.wait_for(netd, client, "")
        (self.reports / "b.payload").unlink()
        self.wait_for(netd, client, "there is no signature")
        images.write(self.reports / "c.json", images.bundle(release, self.image))
        self.wait_for(netd, client, "")
        # A key that is another one now, and comes back.
        images.write(self.keys / "release.pem", images.Key("p256", self.keys.parent).public)
        self.wait_for(netd, client, "no key verifies")
        images.write(self.keys / "release.pem", release.public)
        self.wait_for(netd, client, "")
        netd.apply(POLICY % "signed_by: other.pem")
        self.wait_for(netd, client, "signed by others")
        netd.apply(POLICY % "signed_by: [other.pem, release.pem]")
        self.wait_for(netd, client, "")
        netd.stop()
        netd.start().wait_synced()
        self.wait_for(netd, client, "")
        # What lasts is cut with the key, and with the signature.
        flows = self.lasting(client, 7000)
        for path in (self.keys / "release.pem", self.reports / "c.json"):
            kept = path.read_bytes()
            path.unlink()
            wait_until("it to be quarantined", lambda: self.told(netd, "signed")[0] == "quarantined")
            check_stopped(flows, now_ms())
            images.write(path, kept)
            for flow in flows:
                flow.wait_alive()

    def test_a_repository(self) -> None:
        """What the engine calls an image by since it was pushed is what scanners and signers call it by."""
        host = self.lab.host
        child = host.spawn([sys.executable, registry.__file__, "5000"])
        self.addCleanup(child.stop)
        child.wait_for_line("^ready$")
        client = self.container("pushed", "app", labels={"role": "client"})
        release = images.Key("p256", self.keys.parent)
        images.write(self.keys / "release.pem", release.public)
        netd = self.start(SCANNED)
        self.wait_for(netd, client, "there is no report")
        host.docker("tag", self.image, "127.0.0.1:5000/acme/app:1")
        self.addCleanup(host.docker, "rmi", "127.0.0.1:5000/acme/app:1")
        found = re.search(r"digest: (sha256:[0-9a-f]{64})", host.docker("push", "127.0.0.1:5000/acme/app:1"))
        assert found
        manifest = found[1]
        self.assertNotEqual(manifest, self.image)
        self.assertIn(f"127.0.0.1:5000/acme/app@{manifest}", host.docker("image", "inspect", self.image))
        told = images.trivy("0.70.0", "127.0.0.1:5000/acme/app:1", [images.digest_of("0"), manifest], ["HIGH"], ago(1))
        images.write(self.reports / "a.json", told)
        self.wait_for(netd, client, "")
        netd.apply(SIGNED)
        self.wait_for(netd, client, "there is no signature")
        self.sign(release, digest=manifest)
        self.wait_for(netd, client, "")

    def test_the_first_policy_on_images_cuts_nobody(self) -> None:
        """Of whom it is known what is asked for: the engine need not be asked when it comes."""
        # An image that no container with labels is made of: for those all are asked for.
        self.container("base", "app")
        alone = self.lab.host.docker("commit", "base", "alone")
        self.report("HIGH", digest=alone)
        client = self.container("plain", "app", image="alone")
        netd = Netd(self.lab.host, BY_NAME.replace(
            "\n    require: {image: {%s}}", ""), args=self.args())
        netd.reader = netd.reader or Reader(self.lab.host)
        netd.forget_state()
        self.addCleanup(netd.off)
        netd.start().wait_synced()
        flows = self.lasting(client, 7000)
        assert netd.reader.child is not None
        reader = netd.reader.child
        reader.send_signal(signal.SIGSTOP)
        self.addCleanup(reader.send_signal, signal.SIGCONT)
        netd.apply(BY_NAME % "max_severity: high, max_age: 7d")
        self.wait_for(netd, client, "")
        for flow in flows:
            flow.wait_alive()
        self.report("CRITICAL", digest=alone)  # the control: it is asked for
        self.wait_for(netd, client, "worse than is admitted")
        check_stopped(flows, now_ms())
        reader.send_signal(signal.SIGCONT)
        self.report("HIGH", digest=alone)
        for flow in flows:
            flow.wait_alive()

    def test_a_folder_that_cannot_be_read(self) -> None:
        """What was known counts for a time, over a restart too, and then no more."""
        self.report("HIGH")
        client = self.container("believed", "app", labels={"role": "client"})
        netd = self.start(SCANNED)
        self.wait_for(netd, client, "")
        flows = self.lasting(client, 7000)
        netd.stop()
        self.reports.chmod(0)
        netd.start().child.wait_for_line("cannot be read: Permission denied")  # type: ignore
        wait_until("Docker to be read", lambda: netd.status()["docker"]["link"].startswith("up"))
        flows[0].wait_alive(50)
        for flow in flows:
            flow.wait_alive()
        self.reports.chmod(0o755)
        netd.wait_synced()
        self.wait_for(netd, client, "")
        for flow in flows:
            flow.wait_alive()
        begun = now_ms()
        self.reports.chmod(0)
        netd.child.wait_for_line("what was known of images counts for 30 s")  # type: ignore
        self.wait_for(netd, client, "")
        wait_until("nothing to be known", lambda: "no folder of reports was read" in self.told(netd, "believed")[1], 60)
        check_stopped(flows, now_ms())
        figure("a folder that cannot be read", f"what was known of images counted for {(now_ms() - begun) / 1000:.0f} s")
        self.reports.chmod(0o755)
        self.wait_for(netd, client, "")
        for flow in flows:
            flow.wait_alive()

    def test_a_report_cuts_flows_that_last(self) -> None:
        """Of one image; those of another, whose report stays as it is, go on."""
        self.report("HIGH")
        self.report("LOW", digest=self.lab.host.docker("commit", "server", "other"), name="other.json")
        client = self.container("cut", "app", labels={"role": "client"})
        other = self.container("kept", "app", labels={"role": "client"}, image="other")
        netd = self.start(SCANNED)
        for one in (client, other):
            self.wait_for(netd, one, "")
        cut, kept = self.lasting(client, 7000), self.lasting(other, 7010)
        written = now_ms()
        self.report("CRITICAL")
        wait_until("it to be quarantined", lambda: self.told(netd, "cut")[0] == "quarantined")
        seen = now_ms()
        latest = check_stopped(cut, seen)
        figure("revocation by a report", f"{2 * len(cut)} directions of {len(cut)} flows stopped; latest piece sent "
               f"{latest:.0f} ms after the commit, which was seen {seen - written:.0f} ms after the report was there")
        for flow in kept:
            flow.wait_alive()
        self.report("HIGH")  # the control: the same connections move on
        for flow in cut:
            flow.wait_alive()
        netd.apply(POLICY % "max_severity: medium")
        latest = check_stopped(cut, now_ms())
        figure("revocation by a policy on images", f"{2 * len(cut)} directions of {len(cut)} flows stopped; latest piece sent "
               f"{latest:.0f} ms after the commit")
        for flow in kept:
            flow.wait_alive()
        netd.apply(SCANNED)
        for flow in cut:
            flow.wait_alive()

    def test_a_report_becomes_too_old(self) -> None:
        """Nobody touches anything: what lasts is cut when that time has come, not before."""
        client = self.container("aging", "app", labels={"role": "client"})
        netd = self.start(POLICY % "max_severity: high, max_age: 1m")
        self.report("LOW")
        self.wait_for(netd, client, "")
        flows = self.lasting(client, 7000)
        left_s = 8
        due = now_ms() + left_s * 1000
        self.report("LOW", days=(60 - left_s) / 86400)
        wait_until("it to be too old", lambda: self.told(netd, "aging")[0] == "quarantined", left_s + 10)
        seen = now_ms()
        latest = check_stopped(flows, seen)
        figure("revocation by age", f"seen {(seen - due) / 1000:.1f} s after the report was a minute old; latest piece sent of "
               f"{2 * len(flows)} directions {latest:.0f} ms after that")
        self.assertGreater(seen, due - 1000)  # reports count seconds
        self.wait_for(netd, client, "older than is admitted")

    def use(self, prefix: str, starts: int) -> Tuple[int, Dict[str, int]]:
        """Containers whose first packets are a datagram and a connect; how many connects needed no second SYN, and
        what arrived of the datagrams."""
        sinks = self.sinks()
        commands = [["sh", "-c", f"probe flood --count 1 udp {addr} 9; "
                     f"probe connect --handshake --first-syn --timeout-ms 5000 tcp {addr} 443; echo done{STAYS}"]
                    for _, addr in map(target, range(starts))]
        answered = sum("open tcp" in log for log in self.start_many(prefix, "client", commands, "done"))
        return answered, self.received(sinks)

    def test_starts(self) -> None:
        """Nothing gets out before the verdict, and nothing is lost after it."""
        netd = self.start(SCANNED)
        answered, got = self.use("unknown", TRIES)
        self.assertEqual((answered, sum(got.values())), (0, 0))
        self.report("HIGH")
        client = self.container("probe", "app", labels={"role": "client"})
        self.wait_for(netd, client, "")
        answered, got = self.use("known", TRIES)
        figure("starts of an image that is known", f"{TRIES}: {sum(got.values())} of {TRIES} first datagrams arrived, "
               f"{answered} connects with their first SYN; before its report came {TRIES}: 0 and 0")
        self.assertEqual((answered, sum(got.values())), (TRIES, TRIES))


if __name__ == "__main__":
    unittest.main()
