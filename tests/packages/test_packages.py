# SPDX-License-Identifier: GPL-2.0-or-later
"""netd's Debian packages: built, looked at, installed, upgraded, removed and purged, on a booted host of
the suite, whose traffic is watched all the while."""
from __future__ import annotations

import filecmp
import os
import re
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, List, Sequence, Set

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("lab", "system", "docker")]

# pylint: disable=wrong-import-position
from adopt import Adoption
from app import FILE, FLOOD, INTERNET, SERVER, TIERS, run_containers
from flows import Download
from lab import HostOptions, Lab
from machine import SystemHost, udp_counters
from place import Place, run, wait_until

SUITES = os.environ.get("SUITES", "bookworm").split()
OUT = (ROOT / os.environ.get("O", "build")).resolve() / "packages"
POLICY = TIERS + """allow:
  - {from: client, to: server, ports: [80/tcp]}
  - {from: client, to: internet, ports: [5001/tcp]}
"""
# Where a purge may leave something: what dpkg, systemd and Docker write for themselves.
OTHERS = ("/var/lib/dpkg/", "/var/lib/apt/", "/var/cache/", "/var/log/", "/var/lib/docker/",
          "/var/lib/containerd/", "/var/lib/systemd/", "/etc/passwd-", "/etc/group-", "/etc/shadow-",
          "/etc/gshadow-", "/etc/.pwd.lock", "/packages/")
ACCOUNTS = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow")


class Inside(Place):
    """The network of a container of the host."""

    def __init__(self, host: SystemHost, name: str) -> None:
        super().__init__(name, "/usr/local/bin/probe", host.ports)
        self.host = host
        self.pid = host.exec("docker", "inspect", "--format={{.State.Pid}}", name)

    def enter(self, argv: Sequence[str]) -> List[str]:
        return self.host.enter(["nsenter", "-t", self.pid, "-n", "--", *argv])


class Packages:
    """The tests; a class for each suite has them."""

    suite: str
    folder: Path
    root: str  # of the host

    @classmethod
    def setUpClass(cls) -> None:
        """Build them, and make the host's root meanwhile: that waits for downloads, this for compilers."""
        cls.folder = OUT / cls.suite
        tools = ROOT / "tests/packages"
        with ThreadPoolExecutor() as pool:
            root = pool.submit(run, [str(tools / "root"), cls.suite, "host"], timeout=1800)
            run([str(tools / "build"), cls.suite, str(cls.folder)], timeout=1800)
            cls.root = root.result().strip()

    def package(self, which: str, name: str) -> Path:
        """A binary package of one of the builds."""
        found = [path for path in (self.folder / which).glob(f"{name}_*.deb")]
        self.assertEqual(len(found), 1, found)
        return found[0]

    def test_lintian(self) -> None:
        """Neither errors nor warnings; what is overridden has its reason where it is overridden."""
        said = (self.folder / "lintian").read_text(encoding="utf-8")
        self.assertEqual(re.findall(r"^[EW]: .*", said, re.M), [])
        self.assertIn("O: netd: initial-upload-closes-no-bugs", said)  # it looked at them
        for path in (ROOT / "packaging/debian").glob("*lintian-overrides"):
            self.assertRegex(path.read_text(encoding="utf-8"), r"^# \w", path)

    def test_reproducible(self) -> None:
        """Two builds give the same bytes, source and binary."""
        first, second = self.folder / "first", self.folder / "second"
        # What is left out says when and where a build was.
        names = sorted(path.name for path in first.iterdir()
                       if path.suffix not in (".buildinfo", ".changes"))
        self.assertEqual(len(names), 7, names)
        _, different, missing = filecmp.cmpfiles(first, second, names, shallow=False)
        self.assertEqual((different, missing), ([], []))

    def test_parts(self) -> None:
        """The tool does without the daemon; and no policy is active in what is installed."""
        depends = run(["dpkg-deb", "--field", str(self.package("first", "netdctl")), "Depends"])
        self.assertNotRegex(depends, r"\bnetd\b")
        for name in ("netd", "netdctl"):
            listed = run(["dpkg-deb", "--contents", str(self.package("first", name))])
            files = [line.split()[5] for line in listed.splitlines()]
            self.assertEqual([f for f in files if f.startswith("./etc/netd/policy.d/")],
                             ["./etc/netd/policy.d/"] if name == "netd" else [])

    def test_life(self) -> None:
        """Install, enforce, upgrade, remove, install again, purge."""
        lab = Lab(HostOptions(docker=False), ())
        self.addCleanup(lab.close)
        lab.start()
        Life(self, lab, SystemHost(lab, self.root)).run()

    def test_adopt(self) -> None:
        """From a host that nobody knows to a policy that is enforced, and nothing is cut."""
        lab = Lab(HostOptions(docker=False), ())
        self.addCleanup(lab.close)
        lab.start()
        Adoption(lab, SystemHost(lab, self.root), self.folder / "first").walk()


class Life:
    """The life of the packages on one host. The flood is what the policy denies; the download, and the
    client's question to the server, what it allows."""

    def __init__(self, test: unittest.TestCase, lab: Lab, host: SystemHost) -> None:
        self.test, self.lab, self.host = test, lab, host

    def run(self) -> None:
        """All of it, in this order."""
        self.boot()
        self.before = self.files()
        self.accounts = self.host.exec("cat", *ACCOUNTS)
        for step in (self.install, self.enforce, self.upgrade, self.settings, self.remove,
                     self.install_again, self.purge):
            with self.test.subTest(step=step.__name__):
                step()

    # Looking and doing

    def boot(self) -> None:
        """A host in production: containers that run, traffic that nothing denies."""
        host = self.host
        host.boot()
        self.lab.host.probe("sink", "udp", "9")
        self.lab.host.probe("stream", "serve", "5001").wait_for_line("ready")
        run_containers(host)
        host.exec("mkdir", "/packages")
        for which in ("first", "next"):
            for name in ("netd", "netdctl"):
                path = self.test.package(which, name)
                self.lab.host.netns_exec(["cp", str(path), f"{host.root}/packages/{name}-{which}.deb"])
        self.expect_flood()

    def apt(self, *words: str) -> str:
        """apt-get, without a network; everything that it says."""
        return self.host.exec("sh", "-c", 'exec apt-get -y -q "$@" 2>&1', "sh", *words,
                              timeout=120)

    def apt_install(self, which: str) -> str:
        """Both packages of one of the builds."""
        return self.apt("install", "--no-install-recommends", f"/packages/netd-{which}.deb",
                        f"/packages/netdctl-{which}.deb")

    def arrived(self) -> Dict[str, int]:
        """What has arrived of the flood, by place."""
        outside = udp_counters(self.lab.host.net("snmp"))
        places = {"outside": outside, "server": self.host.counters("server")}
        return {name: counters["InDatagrams"] + counters["NoPorts"]
                for name, counters in places.items()}

    def expect_flood(self) -> None:
        """It arrives at both ends."""
        before = self.arrived()
        wait_until("the flood", lambda: all(self.arrived()[name] > before[name] + 20
                                            for name in before))

    def expect_no_flood(self, before: Dict[str, int]) -> None:
        """Nothing of it has arrived since, though it was sent."""
        sent = self.host.counters("flood")["OutDatagrams"]
        wait_until("the flood to go on",
                   lambda: self.host.counters("flood")["OutDatagrams"] > sent + 100)
        self.test.assertEqual(self.arrived(), before)

    def tables(self) -> List[str]:
        """netd's, in the kernel."""
        listed = self.host.exec("nft", "list", "tables").splitlines()
        return [line for line in listed if line.endswith(" netd")]

    def files(self) -> Set[str]:
        """All that there is, but for what others write for themselves."""
        found = self.host.exec("find", "/", "-xdev", "!", "-path", "/proc/*").splitlines()
        found += self.host.exec("find", "/run", "-name", "*netd*").splitlines()
        return {path for path in found if not f"{path}/".startswith(OTHERS) and path not in OTHERS}

    def wait_for_policy(self) -> None:
        """POLICY is in force for all three containers."""

        def known() -> bool:
            report = self.host.netdctl("endpoints")
            rows = {row["container"]: row for row in (report or {}).get("endpoints", [])}
            return all(rows.get(name, {}).get("tier") == name and rows[name].get("port")
                       for name in ("server", "client", "flood"))

        wait_until("the policy to be in force", known, 30)

    def version(self) -> str:
        """What dpkg says of netd."""
        return self.host.exec("dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Version}", "netd")

    # The steps

    def install(self) -> None:
        """The service runs and waits; nothing is cut."""
        host, before = self.host, self.arrived()
        download = Download(Inside(host, "client"), INTERNET)
        self.apt_install("first")
        for word in ("is-active", "is-enabled"):
            self.test.assertEqual(host.status_of("systemctl", word, "netd"), 0, word)
        download.run_on(5)
        self.test.assertLess(download.stop(), 500)
        self.test.assertGreater(self.arrived()["outside"], before["outside"] + 100)
        self.expect_flood()
        host.run_container("later", cmd=("sh", "-c", FLOOD), role="later")
        wait_until("its flood", lambda: host.counters("later")["OutDatagrams"] > 100)
        self.expect_flood()
        host.exec("docker", "rm", "--force", "later")
        self.test.assertEqual(self.tables(), [])

    def enforce(self) -> None:
        """A first policy that audits, then one that enforces, and the control of what follows: the flood
        ends."""
        host = self.host
        host.exec("cp", "/usr/share/doc/netd/examples/first.yaml", FILE)
        wait_until("the first policy", lambda: len(self.tables()) == 2)
        self.expect_flood()
        host.write(FILE, POLICY)
        host.exec("netdctl", "reload")
        self.wait_for_policy()
        self.test.assertEqual(self.tables(), ["table inet netd", "table bridge netd"])
        self.test.assertEqual(host.ask("client", SERVER, 80), "open")
        self.expect_no_flood(self.arrived())

    def upgrade(self) -> None:
        """Over a running netd: nothing of the flood arrives, and what is allowed does not pause."""
        host, before = self.host, self.arrived()
        host.exec("sh", "-c", "echo '# mine' >> /etc/netd/netd.conf")
        units = ("netd", "netd-reader")
        pids = [host.unit("MainPID", unit) for unit in units]
        download = Download(Inside(host, "client"), INTERNET)
        self.apt_install("next")
        self.test.assertEqual(self.tables(), ["table inet netd", "table bridge netd"])
        self.wait_for_policy()
        download.run_on(5)
        self.test.assertLess(download.stop(), 500)
        self.expect_no_flood(before)
        self.test.assertRegex(self.version(), r"^ii .*-2$")
        for pid, unit in zip(pids, units):
            self.test.assertNotIn(host.unit("MainPID", unit), ("0", pid), unit)
        self.test.assertEqual(host.ask("client", SERVER, 80), "open")
        self.test.assertEqual(host.exec("tail", "-n", "1", "/etc/netd/netd.conf"), "# mine")
        self.test.assertEqual(host.status_of("netdctl", "verify"), 0)

    def settings(self) -> None:
        """A drop-in moves the socket, and netdctl finds it; one that is wrong opens nothing."""
        host, drop_in, before = self.host, "/etc/netd/netd.conf.d/test.conf", self.arrived()
        host.write(drop_in, "socket = /run/netd/other.sock\n")
        host.exec("systemctl", "restart", "netd")
        self.wait_for_policy()
        self.test.assertEqual(host.status_of("test", "-S", "/run/netd/other.sock"), 0)
        host.write(drop_in, "sokcet = /run/netd/other.sock\n")
        self.test.assertIn(f"{drop_in}:1:1: error[unknown-key]",
                           host.exec("sh", "-c", "netd --check 2>&1; test $? = 2"))
        host.exec("systemctl", "restart", "netd", check=False)
        self.expect_no_flood(before)
        host.exec("rm", drop_in)
        host.exec("systemctl", "restart", "netd")
        self.wait_for_policy()
        self.expect_no_flood(before)

    def remove(self) -> None:
        """The rules stay, and it is said how to lift them."""
        before = self.arrived()
        said = self.apt("remove", "netd")
        self.test.assertIn("netd: its rules stay in force", said)
        self.test.assertEqual(self.host.unit("ActiveState"), "inactive")
        self.test.assertEqual(self.tables(), ["table inet netd", "table bridge netd"])
        self.test.assertEqual(self.host.ask("client", SERVER, 80), "open")
        self.expect_no_flood(before)
        for table in ("inet", "bridge"):
            self.test.assertIn(f"nft delete table {table} netd", said)

    def install_again(self) -> None:
        """What was in force still is."""
        before = self.arrived()
        self.apt_install("next")
        self.wait_for_policy()
        self.expect_no_flood(before)

    def purge(self) -> None:
        """Nothing is left: no rule, no file, no user."""
        said = self.apt("purge", "netd", "netdctl")
        self.test.assertEqual(self.tables(), [], said)
        self.expect_flood()
        left = {path for path in self.files() - self.before if "netd" in path or "/etc/" in path}
        self.test.assertEqual(left, set())
        # Group docker is Docker's, and was there.
        self.test.assertEqual(self.host.exec("cat", *ACCOUNTS), self.accounts)
        self.test.assertEqual(self.host.exec("systemctl", "list-unit-files", "--no-legend", "netd*",
                                             check=False), "")
        self.test.assertEqual(self.host.exec("dpkg-query", "-W", "-f", "${db:Status-Abbrev}", "netd",
                                             check=False), "")


class WithoutPackages(unittest.TestCase):
    """make install, make uninstall."""

    def test_uninstall(self) -> None:
        """All is gone but what others made, and what an admin changed."""
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)

            def make(target: str) -> None:
                run(["make", "--no-print-directory", "-s", "-C", str(ROOT), target, f"O={OUT.parent}",
                     f"DESTDIR={folder}"], timeout=600)

            def files() -> Set[str]:
                return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}

            make("install")
            self.assertGreater(len(files()), 20)
            make("uninstall")
            self.assertEqual(files(), set())
            self.assertEqual(list(root.rglob("*netd*")), [])
            make("install")
            kept = {"etc/netd/netd.conf", "etc/netd/policy.d/mine.yaml", "usr/sbin/other"}
            with (root / "etc/netd/netd.conf").open("a", encoding="utf-8") as file:
                file.write("policy = /mine\n")
            for name in kept - {"etc/netd/netd.conf"}:
                (root / name).write_text("mine\n", encoding="utf-8")
            make("install")  # again, as an upgrade
            make("uninstall")
            self.assertEqual(files(), kept)
            self.assertIn("/mine", (root / "etc/netd/netd.conf").read_text(encoding="utf-8"))


for SUITE in SUITES:
    NAME = SUITE.capitalize()
    globals()[NAME] = type(NAME, (Packages, unittest.TestCase), {"suite": SUITE})

if __name__ == "__main__":
    unittest.main()
