# SPDX-License-Identifier: GPL-2.0-or-later
"""A cluster of etcd for tests: members on loopback, TLS both ways, users and roles as netd-fleet(8) says."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

KEY = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
FIRST_PORT = 23790
PREFIX = "netd"


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
            "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
        command(*KEY, "-subj", subject, "-keyout", f"{base}.key", "-out", f"{base}.csr")
        command("openssl", "x509", "-req", "-in", f"{base}.csr", "-CA", self.folder / "ca.pem",
                "-CAkey", self.folder / "ca.key", "-CAcreateserial", "-days", days, "-extfile",
                self.folder / "extensions", "-out", f"{base}.pem")
        return f"{base}.pem", f"{base}.key"


class Store:
    """Members are numbered from 0."""

    def __init__(self, folder, members=3):
        self.folder = pathlib.Path(folder)
        self.authority = Authority(self.folder / "certificates")
        self.server = self.authority.issue("server", "/CN=member")
        self.root = self.authority.issue("root", "/O=admin")
        self.host = self.authority.issue("host", "/O=host")
        self.members = [None] * members
        self.token = "one"
        self.is_guarded = False
        for i in range(members):
            self.start(i)

    def begin(self):
        self.wait()
        self.guard()

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
                ["etcd", "--name", f"m{i}", "--data-dir", self.data(i), "--listen-client-urls",
                 self.url(i), "--advertise-client-urls", self.url(i), "--listen-peer-urls", self.peer(i),
                 "--initial-advertise-peer-urls", self.peer(i), "--initial-cluster", cluster,
                 "--initial-cluster-token", self.token, "--client-cert-auth", "--trusted-ca-file",
                 self.authority.folder / "ca.pem", "--cert-file", self.server[0], "--key-file",
                 self.server[1], "--bcrypt-cost", "4"], stdout=log, stderr=log)

    def kill(self, i):
        self.members[i].send_signal(signal.SIGKILL)
        self.members[i].wait()

    def stop(self):
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
        """A user and a role, as netd-fleet(8) says."""
        self.ctl("role", "add", f"netd-{name}")
        self.ctl("role", "grant-permission", f"netd-{name}", "read", f"{PREFIX}/groups/",
                 f"{PREFIX}/policy0")
        self.ctl("role", "grant-permission", f"netd-{name}", "readwrite", f"{PREFIX}/records/{name}")
        self.ctl("user", "add", f"{name}:{name}")
        self.ctl("user", "grant-role", name, f"netd-{name}")

    def put(self, key, value):
        self.ctl("put", f"{PREFIX}/{key}", input=value)

    def remove(self, key):
        self.ctl("del", f"{PREFIX}/{key}")

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
