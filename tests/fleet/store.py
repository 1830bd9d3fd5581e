# SPDX-License-Identifier: GPL-2.0-or-later
"""A cluster of etcd for tests: members on loopback, TLS both ways, users and roles as netd-fleet(8) says."""
import base64
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.request

from runbook import block

KEY = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
FIRST_PORT = 23790
PREFIX = "netd"
# In front of a program: it ends with the tests, however they end.
TIED = ["setpriv", "--pdeathsig", "KILL"]


def command(*args, **more):
    done = subprocess.run([str(arg) for arg in args], capture_output=True, text=True, check=False, **more)
    if done.returncode != 0:
        raise RuntimeError(f"{args}: {done.stdout}{done.stderr}")
    return done.stdout


class Authority:
    """Certificates of one authority, in a folder."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        command(*KEY[:2], "-x509", *KEY[2:], "-days", "2", "-subj", "/O=netd test", "-keyout",
                folder / "ca.key", "-out", folder / "ca.pem")

    def issue(self, name, subject, days=2):
        """NAME.pem and NAME.key, for a server or a client."""
        base = self.folder / name
        (self.folder / "extensions").write_text(
            "subjectAltName=IP:127.0.0.1,IP:192.0.2.100,IP:2001:db8::100\nextendedKeyUsage=serverAuth,clientAuth\n")
        command(*KEY, "-subj", subject, "-keyout", f"{base}.key", "-out", f"{base}.csr")
        command("openssl", "x509", "-req", "-in", f"{base}.csr", "-CA", self.folder / "ca.pem",
                "-CAkey", self.folder / "ca.key", "-CAcreateserial", "-days", days, "-extfile",
                self.folder / "extensions", "-out", f"{base}.pem")
        return f"{base}.pem", f"{base}.key"


class Store:
    """Members are numbered from 0. @tokens: of which kind they give, by default etcd's simple ones; "jwt": signed
    ones, which are good for a second, and no longer than until a user or a role is changed."""

    def __init__(self, folder, members=3, tokens="", bcrypt_cost=4):
        self.folder, self.bcrypt_cost = pathlib.Path(folder), str(bcrypt_cost)
        self.tokens = []
        if tokens == "jwt":
            key, public = self.folder / "tokens.key", self.folder / "tokens.pem"
            command("openssl", "genrsa", "-out", key, "2048")
            command("openssl", "rsa", "-in", key, "-pubout", "-out", public)
            self.tokens = ["--auth-token", f"jwt,pub-key={public},priv-key={key},sign-method=RS256,ttl=1s"]
        self.authority = Authority(self.folder / "certificates")
        self.server = self.authority.issue("server", "/CN=member")
        self.root = self.authority.issue("root", "/O=admin")
        self.host = self.authority.issue("host", "/O=host")
        self.members = [None] * members
        self.token = "one"
        self.is_guarded = self.is_spoiled = False
        self.known = set()
        for i in range(members):
            self.start(i)

    def begin(self):
        self.wait()
        self.guard()

    @classmethod
    def of_class(cls, case, **settings):
        """The store of a class of tests, empty: that of the test before, unless that has ended members of it."""
        before = getattr(case, "shared_store", None)
        if not before or before.is_spoiled:
            if before:
                before.stop()
            folder = tempfile.mkdtemp(prefix="netd-store-")
            case.addClassCleanup(shutil.rmtree, folder)
            case.shared_store = cls(folder, **settings)
            case.addClassCleanup(case.shared_store.stop)
            case.shared_store.begin()
        else:
            before.ctl("del", "", "--from-key")
        return case.shared_store

    def url(self, i):
        return f"https://127.0.0.1:{FIRST_PORT + 2 * i}"

    def urls(self):
        return [self.url(i) for i in range(len(self.members))]

    def peer(self, i):
        return f"http://127.0.0.1:{FIRST_PORT + 2 * i + 1}"

    def data(self, i):
        return self.folder / f"data{i}"

    def start(self, i):
        cluster = ",".join(f"m{k}={self.peer(k)}" for k in range(len(self.members)))
        with open(self.folder / f"etcd{i}.log", "a", encoding="utf-8") as log:
            self.members[i] = subprocess.Popen(
                [*TIED, "etcd", *self.tokens, "--name", f"m{i}", "--data-dir", self.data(i), "--listen-client-urls",
                 self.url(i), "--advertise-client-urls", self.url(i), "--listen-peer-urls", self.peer(i),
                 "--initial-advertise-peer-urls", self.peer(i), "--initial-cluster", cluster,
                 "--initial-cluster-token", self.token, "--client-cert-auth", "--trusted-ca-file",
                 self.authority.folder / "ca.pem", "--cert-file", self.server[0], "--key-file",
                 self.server[1], "--bcrypt-cost", self.bcrypt_cost], stdout=log, stderr=log)

    def kill(self, i):
        self.is_spoiled = True
        self.members[i].send_signal(signal.SIGKILL)
        self.members[i].wait()

    def stop(self):
        self.is_spoiled = True
        for member in self.members:
            if member.poll() is None:
                member.send_signal(signal.SIGKILL)
                member.wait()

    def ctl(self, *args, user="root", endpoints=None, **more):
        """etcdctl as @user, whose password is his name."""
        login = ["--user", f"{user}:{user}"] if self.is_guarded else []
        return command("etcdctl", "--endpoints", ",".join(endpoints or self.urls()), "--cacert",
                       self.authority.folder / "ca.pem", "--cert", self.root[0], "--key", self.root[1],
                       "--dial-timeout", "20s", "--command-timeout", "60s", *login, *args, env={**os.environ, "ETCDCTL_API": "3"}, **more)

    def wait(self):
        """Until the cluster has a leader, and each member that runs answers."""
        alive = [self.url(i) for i, member in enumerate(self.members) if member.poll() is None]
        end = time.monotonic() + 60
        while True:
            try:
                self.ctl("endpoint", "health", endpoints=alive)
                return
            except RuntimeError as error:
                if time.monotonic() > end:
                    raise RuntimeError(f"{error}: {self.log()}") from error
                time.sleep(0.1)

    def log(self):
        return "".join(path.read_text()[-2000:] for path in self.folder.glob("etcd*.log"))

    def guard(self):
        self.ctl("user", "add", "root:root")
        self.ctl("user", "grant-role", "root", "root")
        self.ctl("auth", "enable")
        self.is_guarded = True

    def add_host(self, name):
        """A user and a role, as policies/fleet/README.md says; the password is the name."""
        if name in self.known:
            return
        self.known.add(name)
        passwords = self.folder / "passwords"
        (passwords / name).mkdir(parents=True)
        (passwords / name / "password").write_text(name)
        asks = {"ETCDCTL_API": "3", "ETCDCTL_ENDPOINTS": ",".join(self.urls()), "ETCDCTL_USER": "root:root",
                "ETCDCTL_CACERT": str(self.authority.folder / "ca.pem"), "ETCDCTL_CERT": self.root[0],
                "ETCDCTL_KEY": self.root[1]}
        command("sh", "-e", "-c", block("the user of a host", HOST=name), cwd=passwords, env={**os.environ, **asks})

    def put(self, key, value):
        self.ctl("put", f"{PREFIX}/{key}", input=value)

    def remove(self, key):
        self.ctl("del", f"{PREFIX}/{key}")

    def revision(self):
        return int(json.loads(self.ctl("get", "x", "--write-out", "json"))["header"]["revision"])

    def value(self, key):
        """None: it is not there."""
        rows = json.loads(self.ctl("get", f"{PREFIX}/{key}", "--write-out", "json")).get("kvs", [{}])
        return base64.b64decode(rows[0].get("value", "")).decode() if rows[0] else None

    def lease(self, key):
        """Under which it stands; 0: under none."""
        rows = json.loads(self.ctl("get", f"{PREFIX}/{key}", "--write-out", "json"))["kvs"]
        return rows[0].get("lease", 0)

    def end_lease(self, key):
        """Under which it stands, and whatever else does."""
        self.ctl("lease", "revoke", f"{self.lease(key):x}")

    def counted(self, what):
        """By all members that run, since they have started."""
        context = ssl.create_default_context(cafile=str(self.authority.folder / "ca.pem"))
        context.load_cert_chain(*self.root)
        total = 0
        for i, member in enumerate(self.members):
            if member.poll() is None:
                with urllib.request.urlopen(f"{self.url(i)}/metrics", context=context) as answer:
                    lines = answer.read().decode().splitlines()
                total += next(float(line.split()[1]) for line in lines if line.startswith(f"{what} "))
        return total

    def records(self):
        """By the names of hosts."""
        below = f"{PREFIX}/records/"
        lines = self.ctl("get", "--prefix", below).splitlines()
        return {key.removeprefix(below): json.loads(value)
                for key, value in zip(lines[::2], lines[1::2])}

    def leader(self):
        """Its number."""
        alive = [i for i, member in enumerate(self.members) if member.poll() is None]
        for i in alive:
            row = self.ctl("endpoint", "status", "--write-out", "fields", endpoints=[self.url(i)])
            fields = dict(line.split(" : ", 1) for line in row.splitlines() if " : " in line)
            if fields['"MemberID"'] == fields['"Leader"']:
                return i
        raise RuntimeError("no leader")

    def restore(self, snapshot):
        """All members anew, from a backup."""
        self.stop()
        self.token += "+"
        cluster = ",".join(f"m{k}={self.peer(k)}" for k in range(len(self.members)))
        for i in range(len(self.members)):
            shutil.rmtree(self.data(i))
            command("etcdctl", "snapshot", "restore", snapshot, "--name", f"m{i}", "--data-dir",
                    self.data(i), "--initial-cluster", cluster, "--initial-cluster-token", self.token,
                    "--initial-advertise-peer-urls", self.peer(i),
                    env={**os.environ, "ETCDCTL_API": "3"})
            self.start(i)
        self.wait()
