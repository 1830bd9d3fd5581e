# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes wrong is said clearly, with the documented exit code, and widens nothing (G8).

Exit codes of netd: 1 the policy is not valid (--check), 2 usage or unreadable file,
3 it cannot do its work, 4 it has not the right to."""
from __future__ import annotations

import os
import resource
import signal
import socket
import time
import unittest
from pathlib import Path
from typing import Sequence

from netd import (Child, Container, DockerCase, Netd, Probe, Refused, build_library, figure,
                  is_sanitized, wait_until)

POLICY = """version: 1
tiers:
  client: {match: [{label: {role: client}}]}
  server: {match: [{label: {role: server}}]}
allow:
  - {from: client, to: server, ports: [80/tcp]}
"""
BAD = POLICY.replace("to: server, ports", "to: servre, ports")
WIDE = POLICY + "  - {from: server, to: client}\n"
# Both: where capabilities are inheritable, as in some containers, root gets them back by exec.
WITHOUT_NET_ADMIN = ("--bounding-set=-net_admin", "--inh-caps=-net_admin")
FORWARD, BACK = Probe("tcp", "172.31.1.11", 80), Probe("tcp", "172.31.1.10", 80)


class Failures(DockerCase):
    """A client and a server on one network."""

    client: Container
    server: Container

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        host = cls.lab.host
        host.network("app", "172.31.1.0/24")
        cls.client = host.run("client", "app", ip="172.31.1.10", labels={"role": "client"})
        cls.server = host.run("server", "app", ip="172.31.1.11", labels={"role": "server"})

    def setUp(self) -> None:
        self.assert_open(self.server, BACK)  # the control of each test: plain Docker

    def new(self, policy: str = POLICY, **options: object) -> Netd:
        """netd, not started, with an empty state folder."""
        netd = Netd(self.lab.host, policy, **options)  # type: ignore[arg-type]
        netd.forget_state()
        for stale in netd.folder.glob("*.sock"):
            stale.unlink()  # of a netd that was killed, and may have been another user's
        self.addCleanup(netd.off)
        return netd

    def check_closed(self) -> None:
        """No policy is in force: the networks of Docker are closed."""
        self.assert_denied(self.client, FORWARD)
        self.assert_denied(self.server, BACK)

    def check_policy(self) -> None:
        """POLICY is in force."""
        self.assert_open(self.client, FORWARD)
        self.assert_denied(self.server, BACK)

    def failed(self, child: Child, code: int, *texts: str) -> None:
        """It has ended with @code and said all of @texts."""
        self.assertEqual(child.wait(10), code, child.lines)
        for text in texts:
            self.assertRegex("\n".join(child.lines), text)

    # The policy

    def test_a_bad_policy_at_start(self) -> None:
        netd = self.new(BAD)
        netd.start().wait_synced()
        self.check_closed()
        self.assertRegex(netd.log(), r"policy\.yaml:6:\d+: .*servre")
        self.assertTrue(netd.status()["policy_error"])
        netd.write_policy(POLICY)
        netd.reload()
        self.check_policy()
        self.assertIsNone(netd.status()["policy_error"])

    def test_a_bad_policy_at_restart(self) -> None:
        """The last one that was in force is taken, not the bad one, and not none."""
        netd = self.new()
        netd.start().wait_synced()
        netd.stop()
        netd.write_policy(BAD)
        netd.start().wait_synced()
        self.check_policy()

    def test_a_bad_policy_at_reload(self) -> None:
        netd = self.new()
        netd.start().wait_synced()
        netd.write_policy(BAD)
        with self.assertRaises(Refused) as raised:
            netd.reload()
        self.assertEqual(raised.exception.code, "invalid")
        self.check_policy()
        with self.assertRaises(Refused) as raised:
            netd.apply(BAD)
        self.assertEqual(raised.exception.code, "invalid")
        self.assertEqual(raised.exception.answer["diagnostics"][0]["line"], 6)
        self.check_policy()
        assert netd.child is not None
        netd.child.forget_lines()
        netd.child.send_signal(signal.SIGHUP)
        netd.child.wait_for_line("the one in force stays")
        self.check_policy()

    def test_a_policy_file_that_changes_is_taken(self) -> None:
        netd = self.new()
        netd.start().wait_synced()
        generation = netd.generation
        netd.write_policy(WIDE)
        netd.wait_generation(generation)
        self.assert_open(self.server, BACK)

    def test_a_policy_whose_tests_fail_is_not_applied(self) -> None:
        netd = self.new()
        netd.start().wait_synced()
        tests = "tests:\n  - {from: server, to: client, port: 80/tcp, expect: deny}\n"
        generation = netd.generation
        answer = netd.send('{"v":1,"verb":"apply","files":[{"name":"x.yaml","text":"%s"}]}'
                           % (WIDE + tests).replace("\n", "\\n"))
        self.assertEqual(answer["code"], "invalid")
        self.assertEqual([found["id"] for found in answer["diagnostics"]], ["test-fails"])
        self.assertEqual(netd.generation, generation)
        self.check_policy()

    def test_a_missing_policy(self) -> None:
        netd = self.new()
        netd.policy_path.unlink()
        netd.start()
        wait_until("the link", lambda: netd.status()["docker"]["link"].startswith("up"))
        self.assert_open(self.client, FORWARD)
        self.assert_open(self.server, BACK)
        self.assertRegex(netd.log(), r"policy\.yaml.*No such file")
        self.assertIn("NOTHING IS ENFORCED", netd.log())
        netd.write_policy(POLICY)
        netd.reload()
        netd.wait_synced()
        self.check_policy()
        netd.policy_path.unlink()
        with self.assertRaises(Refused):
            netd.reload()
        self.check_policy()

    def test_check(self) -> None:
        for policy, code, text in ((POLICY, 0, "^$"), (BAD, 1, r"policy\.yaml:6:\d+: error\[")):
            netd = self.new(policy, args=["--check"])
            self.failed(netd.spawn(), code, text)
        netd.policy_path.unlink()
        self.failed(netd.spawn(), 2, "No such file")
        self.assertNotIn("netd", self.lab.host.netns_exec(["nft", "list", "tables"]))

    def test_usage(self) -> None:
        for args in (["--no-such-option"], ["--mark-bit", "0x5"], ["stray"], ["--policy"]):
            netd = self.new()
            netd.args = args
            self.failed(netd.spawn(), 2, "netd")

    # Rights

    def run_without(self, *setpriv: str) -> Child:
        netd = self.new(prefix=["setpriv", *setpriv])
        return netd.spawn()

    def test_without_the_capability(self) -> None:
        child = self.run_without(*WITHOUT_NET_ADMIN)
        self.failed(child, 4, "CAP_NET_ADMIN")
        self.assert_open(self.server, BACK)

    def test_as_nobody(self) -> None:
        child = self.run_without("--reuid=65534", "--regid=65534", "--clear-groups",
                                 "--inh-caps=-all")
        self.failed(child, 4, "CAP_NET_ADMIN")

    def test_the_rules_outlive_an_attempt_without_rights(self) -> None:
        netd = self.new()
        netd.start().wait_synced()
        netd.kill9()
        netd.prefix = ["setpriv", *WITHOUT_NET_ADMIN]
        self.failed(netd.spawn(), 4, "CAP_NET_ADMIN")
        self.check_policy()

    def test_with_net_admin_alone(self) -> None:
        """What the unit gives it."""
        keep = "-all,+net_admin"
        netd = self.new(prefix=["setpriv", "--reuid=65534", "--regid=0", "--clear-groups",
                                f"--inh-caps={keep}", f"--ambient-caps={keep}",
                                f"--bounding-set={keep}", "--no-new-privs"])
        for folder in (netd.folder, netd.state, self.lab.folder, self.lab.host.folder):
            folder.chmod(0o755)
        os.chown(netd.folder, 65534, 0)
        os.chown(netd.state, 65534, 0)
        self.lab.host.netns_exec(["chmod", "666", "/run/docker.sock"])
        netd.start().wait_synced()
        self.check_policy()
        self.assertEqual(netd.stop(), 0)

    # Places

    def test_a_socket_that_cannot_be_made(self) -> None:
        cases = (("/no/such/folder/netd.sock", "No such file"),
                 ("/proc/netd.sock", "netd.sock"), ("/tmp/" + "x" * 120, "too long"))
        for path, text in cases:
            with self.subTest(path):
                netd = self.new()
                netd.start().wait_synced()
                netd.kill9()
                netd.socket = Path(path)
                self.failed(netd.spawn(), 3, text)
                self.check_policy()

    def test_a_socket_that_is_in_use(self) -> None:
        netd = self.new()
        netd.start().wait_synced()
        other = self.lab.host.spawn(netd.argv())
        self.failed(other, 4, "another netd is running")
        self.check_policy()
        self.assertTrue(netd.running)
        netd.apply(WIDE)
        self.assert_open(self.server, BACK)

    def test_a_stale_socket_is_replaced(self) -> None:
        netd = self.new()
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(netd.socket))
        netd.start().wait_synced()
        self.check_policy()

    def test_docker_is_not_there(self) -> None:
        netd = self.new(args=["--docker", "unix:///run/no-docker.sock"])
        netd.start()
        wait_until("netd to say so", lambda: "Docker at " in netd.log())
        self.assertRegex(netd.log(), r"no-docker\.sock /version: No such file")
        self.assertEqual(netd.status()["docker"]["link"].split()[0] in ("down", "connecting"), True)
        self.assertEqual(netd.stop(), 0)

    def test_docker_at_a_place_that_is_none(self) -> None:
        netd = self.new(args=["--docker", "ftp://docker"])
        self.failed(netd.spawn(), 3, "ftp://docker is not a URL of Docker")

    def test_docker_that_is_something_else(self) -> None:
        """A socket that talks no HTTP must not upset netd, nor open anything."""
        self.lab.host.spawn(["busybox", "nc", "-lk", "-p", "8099", "-e", "echo", "SSH-2.0-x"])
        netd = self.new(args=["--docker", "tcp://127.0.0.1:8099"])
        netd.start()
        wait_until("netd to say so", lambda: "Docker at " in netd.log())
        self.assertEqual(netd.stop(), 0)

    def test_a_state_folder_that_cannot_be_written(self) -> None:
        netd = self.new()
        netd.state = Path("/proc/no-state")
        netd.start().wait_synced()
        self.check_policy()
        self.assertRegex(netd.log(), "/proc/no-state/")

    def test_a_damaged_state(self) -> None:
        netd = self.new()
        for name in ("networks.json", "policy.json"):
            (netd.state / name).write_bytes(b'{"version":1,"networks":[{"id":' + b"\0" * 100)
        netd.start().wait_synced()
        self.assertRegex(netd.log(), "networks.json is damaged")
        # Which policy was the last is not known: closed, until somebody says what holds.
        self.assertRegex(netd.log(), "policy.json is damaged.*everything stays closed")
        self.assertEqual(netd.status()["rules"], 0)
        netd.reload()
        self.check_policy()

    def test_a_full_disk(self) -> None:
        """No byte can be written to the state folder: the policy is enforced all the same."""
        netd = self.new()
        mount = self.lab.host.netns_exec
        mount(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(netd.state)])
        self.addCleanup(mount, ["umount", str(netd.state)])
        mount(["dd", "if=/dev/zero", f"of={netd.state}/full", "bs=1k"], check=False)
        netd.start().wait_synced()
        self.check_policy()
        self.assertRegex(netd.log(), "No space left on device")
        netd.apply(WIDE)
        self.assert_open(self.server, BACK)

    # A loop that stands still

    def test_a_netd_that_was_stopped(self) -> None:
        """Events may be lost meanwhile: it reads everything again, and says so."""
        netd = self.new()
        netd.start().wait_synced()
        before = netd.status()["stalls"]
        assert netd.child is not None
        netd.child.send_signal(signal.SIGSTOP)
        time.sleep(2)  # longer than the watch's beat in a quiet hour
        netd.child.send_signal(signal.SIGCONT)
        wait_until("netd to read again", lambda: netd.status()["stalls"]["read_again"]
                   > before["read_again"])
        self.assertGreater(netd.status()["stalls"]["longest_us"], 500000)
        self.assertRegex(netd.log(), r"stood still for \d+ ms")
        wait_until("the link to be up", lambda: netd.status()["docker"]["link"].startswith("up"))
        self.check_policy()

    def test_a_network_that_is_made_while_no_commit_succeeds(self) -> None:
        """The closed base has it at once, whatever name it has, and not with the next try."""
        if is_sanitized():
            self.skipTest("nothing can be preloaded beside the address sanitizer")
        host = self.lab.host
        refuse = host.folder / "refuse"
        refuse.touch()
        self.addCleanup(refuse.unlink)
        large = "version: 1\ntiers:\n" + "".join(
            f"  t{i}: {{match: [{{label: {{tier: t{i}}}}}]}}\n" for i in range(250))
        netd = self.new(large, env={"LD_PRELOAD": build_library(host.folder, "lab/refuse-large.c"),
                                    "REFUSE_WHILE": str(refuse), "REFUSE_ABOVE": "100000"})
        netd.start()
        failed = "nftables commit failed"
        wait_until("netd to wait long for its next try",
                   lambda: netd.log().count(failed) >= 7)
        for number in range(20):  # on a busy machine a try may come just then
            tries = netd.log().count(failed)
            name = f"custom{number}"
            host.docker("network", "create", f"--opt=com.docker.network.bridge.name={name}", name)
            begin = time.monotonic()
            self.addCleanup(host.docker, "network", "rm", name)
            wait_until("the closed base to have it", lambda name=name: name in host.netns_exec(
                ["nft", "list", "table", "inet", "netd"]))
            took = time.monotonic() - begin
            if netd.log().count(failed) == tries:
                break
        else:
            self.fail("it came with a try")
        figure("closed base has a new network after", f"{took * 1000:.0f} ms")

    def test_a_disk_that_does_not_answer(self) -> None:
        """New networks are closed, and their containers admitted, while a write stands still."""
        if is_sanitized():
            self.skipTest("nothing can be preloaded beside the address sanitizer")
        held = self.lab.folder / "held"
        held.touch()
        netd = self.new(env={"LD_PRELOAD": build_library(self.lab.folder, "lab/held-disk.c"),
                             "HELD_DISK": str(held)})
        self.addCleanup(held.unlink)
        netd.start().wait_synced()
        host = self.lab.host
        for i in (2, 3):
            host.network(f"late{i}", f"172.31.{i}.0/24")
            self.addCleanup(host.docker, "network", "rm", f"late{i}")
            client = host.run(f"client{i}", f"late{i}", ip=f"172.31.{i}.10",
                              labels={"role": "client"})
            self.addCleanup(host.docker, "rm", "-f", f"client{i}")
            server = host.run(f"server{i}", f"late{i}", ip=f"172.31.{i}.11",
                              labels={"role": "server"})
            self.addCleanup(host.docker, "rm", "-f", f"server{i}")
            self.assert_open(client, Probe("tcp", f"172.31.{i}.11", 80))
            self.assert_denied(server, Probe("tcp", f"172.31.{i}.10", 80))
        self.assertFalse((netd.state / "networks.json").exists(), "the disk was not held")

    # The control socket

    def test_admin_verbs_need_the_admin_socket(self) -> None:
        netd = self.new()
        netd.start().wait_synced()
        for verb in ("apply", "reload", "confirm"):
            answer = netd.send('{"v":1,"verb":"%s"}' % verb, admin=False)
            self.assertEqual(answer["code"], "refused", verb)
        self.check_policy()

    def test_garbage_on_the_socket(self) -> None:
        netd = self.new()
        netd.start().wait_synced()
        lines: Sequence[str] = ("", "{", "[]", "null", '{"v":2,"verb":"status"}', '{"v":1}',
                                '{"v":1,"verb":"no"}', '{"v":1,"verb":"explain"}', "[" * 10000,
                                '{"v":1,"verb":"apply","files":7}',
                                '{"v":1,"verb":"apply","files":[]}',
                                '{"v":1,"verb":"apply","confirm_s":-1,"files":[{}]}')
        for line in lines[1:]:
            answer = netd.send(line)
            self.assertIn(answer["code"], ("usage", "invalid"), line[:80])
            self.assertTrue(answer["error"], line[:80])
        self.check_policy()
        self.assertEqual(netd.stop(), 0)

    def test_many_clients(self) -> None:
        """More than it takes, none of which says anything."""
        netd = self.new()
        netd.start().wait_synced()
        self.assertGreater(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 300)
        clients = [socket.socket(socket.AF_UNIX) for _ in range(200)]
        for client in clients:
            self.addCleanup(client.close)
            client.setblocking(False)
            client.connect_ex(str(netd.socket))
        container = self.container("late", "app", labels={"role": "client"})
        wait_until("the new container to be admitted",
                   lambda: self.states(container, FORWARD) == ["open"])
        self.check_policy()


if __name__ == "__main__":
    unittest.main()
