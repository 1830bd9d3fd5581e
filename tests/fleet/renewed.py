# SPDX-License-Identifier: GPL-2.0-or-later
"""Tokens that do not count any more: a second after they were given, and as soon as a user or a role was changed."""
import itertools
import os
import pty
import subprocess
import threading

from hosts import OTHER
from running import NETDCTL, POLICY
from signed import Signing


class Tokens(Signing):
    tokens, numbers = "jwt", itertools.count()

    def change_roles(self):
        """As an admin does who adds a host."""
        self.store.ctl("role", "add", f"another{next(self.numbers)}")

    def test_users_and_roles_change(self):
        """That is nothing that anybody need be told of."""
        self.fine("apply", self.file("a/10-shop.yaml", POLICY))
        self.until_all(1)
        for rules, text in ((2, OTHER), (1, POLICY), (2, OTHER)):
            self.change_roles()
            self.fine("apply", self.file("b/10-shop.yaml", text))
            self.until_all(rules)
        for host in self.hosts:
            self.assertNotIn("store of the fleet", host.log("netd-fleet"))

    def test_an_admin_takes_his_time(self):
        """With his answer to a question, so that his transaction is asked for once more."""
        self.store.put("policy/10-shop.yaml", POLICY)
        terminal, his = pty.openpty()
        with subprocess.Popen([NETDCTL, "fleet", "--config", self.admin_conf, "sign", "--sign-key",
                               self.folder / "desk.key"], stdin=his, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) as asked:
            os.close(his)
            late = threading.Timer(60, asked.kill)
            late.start()
            self.addCleanup(late.cancel)
            said = ""
            while not said.endswith("[y/N] "):
                more = asked.stdout.read(1)
                self.assertTrue(more, f"it has ended, or was ended, without a question: {said}")
                said += more
            self.change_roles()
            os.write(terminal, b"y\n")
            self.assertEqual((asked.stdout.read(), asked.wait(30)), ("signed\n", 0))
        os.close(terminal)
        self.until_all(1)

    def test_a_password_that_is_wrong(self):
        """The control: that is news."""
        host = self.hosts[0]
        self.assertEqual(host.end("netd-fleet"), 0)
        (host.folder / "password").write_text("wrong\n")
        host.start_fleet()
        self.until(lambda: "authentication failed" in host.log("netd-fleet"))
