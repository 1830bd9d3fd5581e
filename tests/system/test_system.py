# SPDX-License-Identifier: GPL-2.0-or-later
"""netd as README.md installs it, on a host with systemd and Docker as services."""
from __future__ import annotations

import os
import re
import unittest
from pathlib import Path
from typing import Any, Callable, Dict, List

from app import FILE, FLOOD, INTERNET, SERVER, TIERS, run_containers
from machine import SystemHost, udp_counters, why_not
from lab import HostOptions, Lab
from place import wait_until

ROOT = Path(__file__).resolve().parents[2]
POLICY = TIERS + """allow:
  - {from: client, to: server, ports: [80/tcp]}
  - {from: client, to: internet, ports: [443/tcp]}
"""
ANYBODY = POLICY + "  - {from: server, to: client}\n"
CLIENT = "172.31.1.20"
READER = "/run/netd-reader.sock"
NOT_TAKEN = "db8409c3948b48a79dc5c6a6f86e5264"  # systemd/netd.catalog: a policy with errors
# As many requests as argv[3] says, one after the other; prints how many were not answered.
REQUESTS = """
import socket, sys, time
lost = 0
for _ in range(int(sys.argv[3])):
    try:
        with socket.create_connection((sys.argv[1], int(sys.argv[2])), 1) as one:
            one.settimeout(1)
            one.sendall(b"ping\\n")
            lost += not one.recv(64)
    except OSError:
        lost += 1
    time.sleep(0.002)
print(lost)
"""
N_REQUESTS = 1000
FIELDS = ("MESSAGE", "MESSAGE_ID", "PRIORITY")


def install_commands() -> List[str]:
    """Those of README.md, without the packages (tests/packages has those)."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.search(r"^## Install\n(.*?)^## ", text, re.M | re.S)
    assert section, "README.md has nothing below Install"
    _, build, policy = re.findall(r"^```\n(.*?)^```", section.group(1), re.M | re.S)[:3]
    return [*build.splitlines(), *policy.splitlines()]


class Installed(unittest.TestCase):
    """One host for all tests; each leaves netd running with POLICY in force."""

    lab: Lab
    host: SystemHost
    lost: Dict[str, Dict[str, int]]
    waiting: Dict[str, Any]

    @classmethod
    def setUpClass(cls) -> None:
        reason = why_not()
        if reason:
            raise unittest.SkipTest(f"SKIP: {reason}")
        cls.lab = Lab(HostOptions(docker=False), ())
        cls.addClassCleanup(cls.lab.close)
        cls.lab.start()
        cls.host = SystemHost(cls.lab)
        cls.host.boot()
        cls.sink = cls.lab.host.probe("sink", "udp", "9")
        cls.lab.host.serve("tcp/443")
        run_containers(cls.host, ["--publish=8080:80"], [f"--ip={CLIENT}"])
        # The control: what netd will stop arrives.
        wait_until("the flood", lambda: cls.arrived()["server"] and cls.arrived()["outside"])
        cls.install()

    @classmethod
    def install(cls) -> None:
        """The commands of README.md, of which the first needs the sources and comes from there."""
        build, users, enable, plan, copy = install_commands()
        assert build == "make deps && make && make install", build
        cls.lab.host.netns_exec(["make", "--no-print-directory", "-s", "-C", str(ROOT), "install",
                                 f"O={os.environ.get('O', 'build')}", f"DESTDIR={cls.host.root}"])
        host = cls.host
        host.exec("sh", "-euxc", users)
        # While netd is enabled and waits; while a first policy comes that only audits.
        cls.lost = {"before": cls.request_during(lambda: host.exec("sh", "-euxc", enable))}
        cls.waiting = {"status": host.netdctl("status"), "tables": host.exec("nft", "list", "tables"),
                       "code": host.status_of("netdctl", "status"),
                       "unit": host.unit("StatusText"), "doctor": host.status_of("netdctl", "doctor"),
                       "plan": host.exec("sh", "-euc", plan)}
        cls.lost["audit"] = cls.request_during(lambda: (host.exec("sh", "-euxc", copy),
                                                        wait_until("the first policy", cls.audits)))
        host.write(FILE, POLICY)
        cls.host.exec("systemctl", "reload", "netd")
        cls.wait_for_policy()

    @classmethod
    def audits(cls) -> bool:
        """A policy is in force, and drops nothing."""
        return (cls.host.netdctl("status") or {}).get("mode") == "audit"

    @classmethod
    def request_during(cls, action: Callable[[], object]) -> Dict[str, int]:
        """@action, among requests from outside to a published port and between containers; how many
        of them were lost."""
        pid = cls.host.exec("docker", "inspect", "--format={{.State.Pid}}", "client")
        script = ["python3", "-c", REQUESTS]
        asking = {"published": cls.lab.host.spawn([*script, "192.0.2.1", "8080", str(N_REQUESTS)]),
                  "inside": cls.host.spawn(["nsenter", "-t", pid, "-n", *script, SERVER, "80",
                                            str(N_REQUESTS)])}
        action()
        ended = [child.lines for child in asking.values() if not child.running]
        assert not ended, f"the requests had ended before: {ended}"
        for child in asking.values():
            assert child.wait(120) == 0, child.lines
        return {name: int(child.lines[-1]) for name, child in asking.items()}

    # Looking

    @classmethod
    def arrived(cls) -> Dict[str, int]:
        """What has arrived of the flood, by place."""
        outside = udp_counters(cls.lab.host.net("snmp"))
        places = {"outside": outside, "server": cls.host.counters("server")}
        return {name: counters["InDatagrams"] + counters["NoPorts"]
                for name, counters in places.items()}

    @classmethod
    def endpoints(cls) -> Dict[str, Any]:
        """Tier and port of each endpoint."""
        report = cls.host.netdctl("endpoints")
        return {row["container"]: (row.get("tier"), row.get("port"))
                for row in (report or {}).get("endpoints", [])}

    @classmethod
    def wait_for_policy(cls) -> None:
        """Return when POLICY is in force for all three containers."""

        def all_known() -> bool:
            rules = cls.host.netdctl("rules")  # none until netd has read Docker after a start
            return rules is not None and len(rules["rules"]) == 2 and \
                cls.host.unit("ActiveState") == "active" and \
                all(cls.endpoints().get(name, ("", None))[0] == name and cls.endpoints()[name][1]
                    for name in ("server", "client", "flood"))

        wait_until("the policy to be in force", all_known, 30)

    def tables(self) -> List[str]:
        """netd's, in the kernel."""
        listed = self.host.exec("nft", "list", "tables").splitlines()
        return [line for line in listed if line.endswith(" netd")]

    def check_denied(self) -> None:
        """What POLICY denies, with packets."""
        host = self.host
        self.assertEqual(self.tables(), ["table inet netd", "table bridge netd"])
        self.assertEqual(host.ask("server", CLIENT, 80), "timeout")
        self.assertEqual(host.ask("server", INTERNET, 443), "timeout")
        port = [self.lab.host.probe_path, "connect", "--timeout-ms", "700", "tcp", "192.0.2.1"]
        self.assertIn("timeout", self.lab.host.netns_exec([*port, "8080"], check=False))

    def check_policy(self) -> None:
        """What POLICY says, with packets."""
        self.wait_for_policy()
        self.assertEqual(self.host.ask("client", SERVER, 80), "open")
        self.assertEqual(self.host.ask("client", INTERNET, 443), "open")
        self.check_denied()

    def wait_for_restart(self, restarts: int) -> None:
        """Return when systemd has started netd @restarts times on its own."""
        wait_until("systemd to start netd again",
                   lambda: int(self.host.unit("NRestarts")) == restarts
                   and self.host.unit("SubState") == "running", 20)

    # Tests

    def setUp(self) -> None:
        self.before = self.arrived()
        self.addCleanup(self.restore)

    def restore(self) -> None:
        """After a test that failed half-way."""
        self.host.write(FILE, POLICY)
        self.host.exec("systemctl", "start", "netd")
        self.host.exec("systemctl", "reload", "netd")

    def tearDown(self) -> None:
        """Whatever has happened, nothing of the flood has arrived."""
        self.assertGreater(self.host.counters("flood")["OutDatagrams"], 0)
        after = self.arrived()
        after = {name: n - self.before[name] for name, n in after.items()}
        self.assertEqual(after, {"outside": 0, "server": 0})

    def test_install(self) -> None:
        host = self.host
        self.assertEqual(host.status_of("systemctl", "is-active", "netd"), 0)
        self.assertEqual(host.status_of("systemctl", "is-enabled", "netd"), 0)
        self.assertEqual(host.exec("id", "-nG", "netd").split(), ["netd", "netd-admin"])
        self.assertEqual(host.exec("id", "-nG", "netd-reader").split(), ["netd-reader"])
        modes = {"/etc/netd/policy.d": "750 root netd", "/var/lib/netd": "700 netd netd",
                 "/run/netd/netd.sock": "660 netd netd",
                 "/run/netd/netd-admin.sock": "660 netd netd-admin",
                 "/run/netd-reader.sock": "600 netd netd"}
        for path, mode in modes.items():
            self.assertEqual(host.exec("stat", "--format=%a %U %G", path), mode, path)
        self.check_policy()
        for unit in ("netd.service", "netd-reader.service", "netd-reader.socket",
                     "netd-metrics.service", "netd-metrics.socket"):
            self.assertEqual(host.exec("systemd-analyze", "--man=no", "verify", unit), "")
        for verb in ("verify", "doctor"):
            self.assertEqual(host.status_of("netdctl", verb), 0, verb)

    def test_first_contact(self) -> None:
        """A host whose netd had no policy, then one that audits, lost nothing; the control is what the
        policy after these denies to the very same requests."""
        self.assertEqual(self.lost, {when: {"published": 0, "inside": 0}
                                     for when in ("before", "audit")})
        self.assertNotIn("netd", self.waiting["tables"])
        self.assertEqual(self.waiting["status"]["waits_for_policy"]["endpoints"], 3)
        self.assertEqual((self.waiting["code"], self.waiting["doctor"]), (1, 1))
        self.assertRegex(self.waiting["unit"], "^No policy yet: nothing is closed, waiting for")
        self.assertIn("Flows that stay", self.waiting["plan"])
        self.assertRegex(self.host.unit("StatusText"), "^In force: the policy from ")
        port = [self.lab.host.probe_path, "connect", "--timeout-ms", "700", "tcp", "192.0.2.1"]
        self.assertIn("timeout", self.lab.host.netns_exec([*port, "8080"], check=False))
        self.assertEqual(self.host.ask("server", CLIENT, 80), "timeout")
        self.assertEqual(self.host.ask("client", SERVER, 80), "open")

    def test_exposure(self) -> None:
        """Installed, they are no more exposed than the gate says of the files."""
        gate = (ROOT / "tests/gates/exposure").read_text(encoding="utf-8")
        units = re.findall(r"^most (\S+) (\d+)$", gate, re.M)
        self.assertEqual([unit for unit, _ in units], ["netd.service", "netd-reader.service",
                                                     "netd-metrics.service", "netd-fleet.service"])
        for unit, most in units:
            self.host.exec("systemd-analyze", f"--threshold={most}", "security", unit)

    def get_as(self, user: str, path: str, target: str) -> str:
        """GET of a socket: the status of the answer, or "" when there is none."""
        script = "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.settimeout(5)\n" \
                 "s.connect(sys.argv[1])\n" \
                 "s.sendall(f'GET {sys.argv[2]} HTTP/1.1\\r\\nHost: d\\r\\n\\r\\n'.encode())\n" \
                 "print(s.recv(12).decode()[9:])"
        return self.host.exec("runuser", "-u", user, "--", "python3", "-c", script, path, target,
                              check=False)

    def test_powers(self) -> None:
        """netd has the capability and no way to Docker's socket, the reader the other way round."""
        host, socket = self.host, "/run/docker.sock"
        group = host.exec("stat", "-c", "%g", socket)
        self.assertEqual(host.exec("stat", "-c", "%a %U", socket), "660 root")
        wanted = {"netd.service": ("0000000000001000", False),
                  "netd-reader.service": ("0000000000000000", True)}
        for unit, (capabilities, has_docker) in wanted.items():
            pid = host.unit("MainPID", unit)
            status = dict(line.split(":\t", 1) for line in
                          host.exec("cat", f"/proc/{pid}/status").splitlines() if ":\t" in line)
            for kind in ("CapEff", "CapPrm", "CapBnd", "CapAmb"):
                self.assertEqual(status[kind], capabilities, (unit, kind))
            self.assertEqual(status["NoNewPrivs"], "1", unit)
            self.assertEqual(group in status["Groups"].split(), has_docker, unit)
        for user, path, allowed in (("netd", socket, False), ("netd-reader", socket, False),
                                    ("netd", READER, True), ("netd-reader", READER, False),
                                    ("root", socket, True), ("root", READER, True)):
            self.assertEqual(self.get_as(user, path, "/version") == "200", allowed, (user, path))
        for path, status in (("/version", "200"), ("/info", "403"), ("/images/json", "403")):
            self.assertEqual(self.get_as("netd", READER, path), status, path)
        self.assertEqual(host.netdctl("status")["docker"]["server"], f"unix://{READER}")

    def test_memory(self) -> None:
        """An answer that outgrows the bound does not take netd with it."""
        self.assertEqual(self.host.unit("OOMPolicy"), "continue")
        self.assertEqual(self.host.unit("MemoryMax"), str(1 << 30))
        self.assertEqual(self.host.unit("OOMScoreAdjust"), "-900")

    def link(self) -> str:
        """How netd's link to Docker is, and its last error."""
        docker = (self.host.netdctl("status") or {"docker": {}})["docker"]
        return f"{docker.get('link')} {docker.get('error')}"

    def test_metrics(self) -> None:
        """Off until somebody wants them; then for group netd at the file and for this host at the port,
        by a process that has no right at all."""
        host, script = self.host, (
            "import sys, urllib.request\n"
            "print(urllib.request.urlopen('http://127.0.0.1:9924/metrics', timeout=20).read().decode())")
        self.assertIn("refused", host.exec("sh", "-c", 'python3 -c "$1" 2>&1', "sh", script, check=False))
        host.exec("systemctl", "start", "netd-metrics.socket")
        try:
            page = host.exec("runuser", "-u", "nobody", "--", "python3", "-c", script)
            self.assertIn('netd_docker_link{state="up"} 1', page)
            self.assertIn('netd_mode{mode="enforce"} 1', page)
            self.assertIn('\nnetd_event_to_commit_seconds_count ', page)
            socket = "/run/netd-metrics.sock"
            self.assertEqual(host.exec("stat", "--format=%a %U %G", socket), "660 root netd")
            for user, status in (("netd", "200"), ("nobody", "")):
                self.assertEqual(self.get_as(user, socket, "/metrics").strip(), status, user)
            pid = host.unit("MainPID", "netd-metrics")
            status = host.exec("cat", f"/proc/{pid}/status")
            for kind in ("CapEff", "CapPrm", "CapBnd", "CapAmb"):
                self.assertRegex(status, rf"{kind}:\t0{{16}}\n")
        finally:
            host.exec("systemctl", "stop", "netd-metrics.socket", "netd-metrics.service")

    def test_reader_ends(self) -> None:
        """systemd starts it again, and netd reads Docker anew."""
        host = self.host
        for signal in ("KILL", "TERM"):
            pid = host.unit("MainPID", "netd-reader")
            host.exec("systemctl", "kill", f"--signal={signal}", "netd-reader")
            self.check_denied()
            wait_until("another reader", lambda pid=pid: host.unit("MainPID", "netd-reader")
                       not in ("0", pid))
            wait_until("the link", lambda: self.link().startswith("up"))
            self.check_policy()

    def test_reader_away(self) -> None:
        """What netd says about it, and about Docker behind it; nothing opens."""
        host = self.host
        host.exec("systemctl", "stop", "netd-reader.socket", "netd-reader.service")
        wait_until("netd to say so", lambda: "netd-reader.sock /version: No such file"
                   in self.link())
        self.check_denied()
        host.exec("systemctl", "restart", "netd")  # comes up without it, and wants it back
        wait_until("the link", lambda: self.link().startswith("up"))
        self.check_policy()
        outside = self.arrived()["outside"]
        host.exec("systemctl", "stop", "docker.socket", "docker.service")
        wait_until("netd to say so", lambda: re.search(
            r"netd-reader\.sock /version: unix:///run/docker\.sock: (No such|Connection refused)",
            self.link()))
        host.exec("systemctl", "start", "docker.socket", "docker.service")
        self.before = {"outside": outside, "server": 0}  # started anew by Docker
        wait_until("the link", lambda: self.link().startswith("up"))
        self.check_policy()

    def test_who_may_ask(self) -> None:
        """Exit 4: not permitted."""
        wanted = {"": (4, 4), "netd": (0, 4), "netd-admin": (4, 0), "netd,netd-admin": (0, 0)}
        for number, (groups, statuses) in enumerate(wanted.items()):
            self.host.exec("useradd", "--groups", groups, f"user{number}")
            ask = ("runuser", "-u", f"user{number}", "--", "netdctl")
            got = tuple(self.host.status_of(*ask, verb) for verb in ("status", "reload"))
            self.assertEqual(got, statuses, groups)
        self.assertIn("only root and the group netd may ask netd",
                      self.host.exec("runuser", "-u", "user0", "--", "netdctl", "doctor"))

    def test_journal(self) -> None:
        """Each message is structured, and explained by `journalctl --catalog`."""
        messages = [entry for entry in self.host.journal() if entry["_COMM"] == "netd"]
        self.assertGreater(len(messages), 3)
        for entry in messages:
            self.assertEqual([key for key in FIELDS if not entry.get(key)], [], entry)
        explained = self.host.exec("journalctl", "--boot", "--unit=netd", "--catalog")
        for entry in messages:
            catalog = self.host.exec("journalctl", "--dump-catalog", entry["MESSAGE_ID"])
            subject = re.findall("^Subject: (.*)$", catalog, re.M)
            self.assertEqual(len(subject), 1, entry)
            self.assertIn(f"Subject: {subject[0]}", explained)
        self.assertIn("Subject: netd is up", explained)

    def test_reload(self) -> None:
        host, pid = self.host, self.host.unit("MainPID")
        host.write(FILE, ANYBODY)
        host.exec("systemctl", "reload", "netd")
        wait_until("the new policy", lambda: len(host.netdctl("rules")["rules"]) == 3)
        self.assertEqual(host.ask("server", CLIENT, 80), "open")
        host.write(FILE, ANYBODY.replace("tiers:", "teirs:"))
        host.exec("systemctl", "reload", "netd")
        wait_until("netd to refuse it", lambda: host.journal(f"MESSAGE_ID={NOT_TAKEN}"))
        self.assertEqual(host.ask("server", CLIENT, 80), "open", "the policy before stays")
        host.write(FILE, POLICY)
        host.exec("systemctl", "reload", "netd")
        self.check_policy()
        self.assertEqual(host.unit("MainPID"), pid)

    def test_restart(self) -> None:
        self.host.exec("systemctl", "restart", "netd")
        self.check_policy()

    def test_kill(self) -> None:
        self.host.exec("systemctl", "restart", "netd")  # counts restarts from here
        self.host.exec("systemctl", "kill", "--signal=KILL", "netd")
        self.check_denied()
        self.wait_for_restart(1)
        self.check_policy()

    def test_stop(self) -> None:
        """The rules stay, and what starts meanwhile is closed."""
        host = self.host
        host.exec("systemctl", "stop", "netd")
        self.check_denied()
        self.assertEqual(host.status_of("netdctl", "status"), 3)
        host.run_container("late", cmd=("sh", "-c", FLOOD), role="flood")
        wait_until("the flood", lambda: host.counters("late")["OutDatagrams"] > 100)
        host.exec("docker", "rm", "--force", "late")
        host.exec("systemctl", "start", "netd")
        self.check_policy()

    def test_watchdog(self) -> None:
        """A netd that hangs is started again; the unit's 30 s are shortened for it."""
        host, drop_in = self.host, "/etc/systemd/system/netd.service.d/watchdog.conf"
        self.assertEqual(host.unit("WatchdogUSec"), "30s")
        host.write(drop_in, "[Service]\nWatchdogSec=2s\n")
        host.exec("systemctl", "daemon-reload")
        host.exec("systemctl", "restart", "netd")
        host.exec("systemctl", "kill", "--signal=STOP", "netd")
        self.check_denied()
        self.wait_for_restart(1)
        self.assertIn("Watchdog timeout", str(host.journal()))
        host.exec("rm", drop_in)
        host.exec("systemctl", "daemon-reload")
        host.exec("systemctl", "restart", "netd")
        self.check_policy()

    def test_reboot(self) -> None:
        """Closed before Docker starts; and dockerd starts its containers before it answers."""
        host = self.host
        outside = self.arrived()["outside"]
        host.reboot()
        self.before = {"outside": outside, "server": 0}
        ready = int(host.unit("ActiveEnterTimestampMonotonic"))
        self.assertLess(ready, int(host.unit("ExecMainStartTimestampMonotonic", "docker.service")))
        self.check_policy()
        wait_until("the flood", lambda: host.counters("flood")["OutDatagrams"] > 100)


if __name__ == "__main__":
    unittest.main()
