# SPDX-License-Identifier: GPL-2.0-or-later
"""Random projects: one to three files that are laid over each other, and what they extend and
include. A file is a tree of Python values; Tagged, Alias and Plain are what YAML has beside them."""
from __future__ import annotations

import json
import random
from typing import Any, Dict, List, Tuple

SERVICES = ["web", "api", "db", "cache"]
NETWORKS = ["front", "back", "edge"]
VARIABLES = {"SET": "set", "PORT": "8080", "EMPTY": "", "YES": "true", "NAME": "web"}


class Tagged:
    """`!reset null` and `!override …`."""

    def __init__(self, tag: str, value: Any) -> None:
        self.tag, self.value = tag, value


class Alias:
    def __init__(self, name: str) -> None:
        self.name = name


class Plain:
    """A word of YAML as it stands."""

    def __init__(self, text: str) -> None:
        self.text = text


def dump(value: Any) -> str:
    """YAML in flow style."""
    if isinstance(value, Tagged):
        return f"!{value.tag} {dump(value.value)}"
    if isinstance(value, Alias):
        return f"*{value.name}"
    if isinstance(value, Plain):
        return value.text
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key if key == '<<' else json.dumps(key)}: {dump(each)}"
                               for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(dump(each) for each in value) + "]"
    return json.dumps(value)


def dump_file(documents: List[Dict[str, Any]]) -> str:
    """One line for each key of a section, so that a person can read it."""
    parts = []
    for root in documents:
        lines = []
        for key, value in root.items():
            anchor = f"&{key[2:]} " if key.startswith("x-") else ""
            if isinstance(value, dict) and value and not anchor:
                lines.append(f"{key}:")
                lines += [f"  {json.dumps(name)}: {dump(each)}" for name, each in value.items()]
            elif isinstance(value, Tagged) and isinstance(value.value, dict) and value.value:
                lines.append(f"{key}: !{value.tag}")
                lines += [f"  {json.dumps(name)}: {dump(each)}"
                          for name, each in value.value.items()]
            else:
                lines.append(f"{key}: {anchor}{dump(value)}")
        parts.append("\n".join(lines) + "\n")
    return "---\n".join(parts)


class Maker:
    """One project from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.next_port = 20000
        self.next_subnet = 1
        self.others: Dict[str, str] = {}  # files that are not on the command line

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def one_of(self, choices: List[Any]) -> Any:
        return self.random.choice(choices)

    def some_of(self, choices: List[Any], most: int = 3) -> List[Any]:
        return self.random.sample(choices, self.random.randint(1, min(most, len(choices))))

    # ---- words ----

    def text(self) -> Any:
        """A text that is known: with variables, or a word that YAML may take for something."""
        return self.one_of([
            "plain", "two words", "$SET", "${SET}", "a${SET}b$PORT", "${NO:-dflt}", "${NO-dflt}",
            "${EMPTY:-dflt}", "${EMPTY-dflt}", "${SET:+then}", "${NO:+then}", "${SET+then}",
            "${NO:-${SET}}", "$$SET", "${SET:?no}", "^a$", "$1", "a$", "${NO:-{a}}", "${SET:-{a}}b",
            "x-${NO:-a b}-y", "${NO-}", "\u00e9", "true", "010", "~", "a=b=c", "a:b",
        ])

    def word(self) -> Any:
        """What a label may be given, as a plain word of YAML."""
        return self.one_of([Plain(word) for word in (
            "1", "1.0", "010", "0x1F", "0o17", "1_000", "True", "FALSE", "on", "yes", "Off", "null",
            "~", "1e3", "12345678.5", "-0.5", "1:30", "+7", "08", ".5", "5.", "1e-7", "abc", "n",
            "100000000000", "0b11")] + [self.text(), self.text(), True, 7, None])

    def name(self) -> str:
        return self.one_of(["${NAME}", "web", "api"]) if self.chance(5) else ""

    # ---- parts of a service ----

    def met_port(self) -> Any:
        """One of a few ports, so that another entry or file publishes some of it, too."""
        first, n = self.one_of([0, 1, 2]), self.one_of([0, 0, 1, 2])
        host = f"{8080 + first}-{8080 + first + n}" if n else str(8080 + first)
        own = f"{80 + first}-{80 + first + n}" if n else str(80 + first)
        ip = self.one_of(["", "", "0.0.0.0:", "127.0.0.1:"])
        longer = {"target": 80 + first, "published": self.one_of([8080 + first, str(8080 + first)])}
        return self.one_of([f"{ip}{host}:{own}", f"{ip}{host}:{own}", f"{ip and ip + ':'}{own}",
                            f"{ip}0:{80 + first}", f"{ip}8080-8090:{80 + first}", longer,
                            {**longer, "host_ip": "0.0.0.0"}])

    def port(self) -> Any:
        if self.chance(15):
            return self.met_port()
        self.next_port += 7
        host, own = self.next_port, self.one_of([80, 443, 53, 8080])
        if self.chance(30):  # to be met again in another file
            host = self.one_of([8080, 8081])
        ip = self.one_of(["127.0.0.1", "0.0.0.0", "192.0.2.1", "[::1]", "[::]"])
        proto = self.one_of(["", "", "/udp", "/tcp", "/TCP", "/sctp"])
        return self.one_of([
            own, str(own), f"{own}{proto}", f"{host}:{own}{proto}", f"{host}:{own}{proto}",
            f"{ip}:{host}:{own}{proto}", f"{ip}::{own}{proto}", f"{host}-{host + 2}:{own}-{own + 2}",
            f"{host}-{host + 3}:{own}", f"{own}-{own + 1}", f"0:{own}", f"${{PORT}}:{own}",
            f"{host}:${{NIL:-{own}}}", Plain("0120"), Plain(f"{host}:{own}"), f":{host}:{own}",
            f"{ip}:{host}-{host + 1}:{own}-{own + 1}{proto}",
            {"target": own}, {"target": str(own), "published": host},
            {"target": own, "published": str(host), "protocol": self.one_of(["tcp", "udp"])},
            {"target": own, "published": f"{host}-{host + 2}", "host_ip": "127.0.0.1"},
            {"target": own, "published": host, "host_ip": self.one_of(["127.0.0.1", "0.0.0.0"]),
             "mode": "host", "name": "n", "x-note": 1},
        ])

    def ports(self) -> List[Any]:
        made = [self.port() for _ in range(self.random.randint(0, 3))]
        if made and self.chance(10):  # written once more, with another one between
            made += [self.met_port(), self.one_of(made)]
        return made

    def attachment(self) -> Any:
        return self.one_of([None, {}, {"aliases": ["a", "b"]}, {"priority": 10},
                            {"x-note": "n", "link_local_ips": ["169.254.1.1"]}])

    def networks(self) -> Any:
        names = self.some_of(NETWORKS + ["default"], 2)
        if self.chance(50):
            return names
        return {name: self.attachment() for name in names}

    def labels(self) -> Any:
        keys = self.some_of(["team", "a.b", "empty", "tier", "$SET"], 3)
        if self.chance(50):
            return {key: self.word() for key in keys}
        return [key if self.chance(15) else f"{key}={self.text()}" for key in keys]

    def depends_on(self) -> Any:
        names = self.some_of(SERVICES, 2)
        if self.chance(60):
            return names
        return {name: {"condition": self.one_of(["service_started", "service_healthy"]),
                       **({"required": self.chance(50)} if self.chance(50) else {})}
                for name in names}

    def volume(self) -> Any:
        return self.one_of(["/var/run/docker.sock:/var/run/docker.sock:ro", "/run:/host", "./a:/a",
                            "/data", "/srv:/srv", "/var/run/docker.sock:/host",
                            {"type": "bind", "source": "/var/run", "target": "/a"},
                            {"type": "tmpfs", "target": "/a"}])

    def flag(self) -> Any:
        return self.one_of([True, False, "true", "no", "${YES}", "${NIL:-off}", Plain("yes"),
                            Plain("True"), "Y"])

    def field(self, key: str) -> Any:
        return {
            "ports": self.ports,
            "networks": self.networks,
            "labels": self.labels,
            "depends_on": self.depends_on,
            "profiles": lambda: self.some_of(["", "one", "two", "${NO:-}", "${SET}"], 2),
            "privileged": self.flag,
            "scale": lambda: self.one_of([0, 1, 2, "2", "${NIL:-3}"]),
            "deploy": lambda: self.one_of([{"replicas": self.one_of([1, 2, "${NIL:-2}"])},
                                           {"labels": ["a=b"]}, {}]),
            "container_name": lambda: self.one_of(["own-name", "n-${SET}", "other_name"]),
            "network_mode": lambda: self.one_of(
                ["host", "none", "bridge", "default", "service:web", "service:db",
                 "container:elsewhere"]),
            "cap_add": lambda: self.some_of(["NET_ADMIN", "net_admin", "ALL", "CHOWN", "SYS_ADMIN",
                                             "${NIL:-BPF}"], 2),
            "volumes": lambda: [self.volume() for _ in range(self.random.randint(1, 2))],
            "pid": lambda: self.one_of(["host", "service:db"]),
            "image": lambda: self.one_of(["x", "x:${NO:-1}", "${SET}/y", "a@sha256"]),
            "build": lambda: self.one_of([".", {"context": "."}, {"context": ".", "args": ["A=b"]}]),
            "links": lambda: self.some_of(["db", "cache:c"], 2),
            "volumes_from": lambda: [self.one_of(["db", "cache:ro", "container:elsewhere"])],
            "ipc": lambda: self.one_of(["service:db", "shareable"]),
            "environment": lambda: self.one_of([{"A": 1, "B": None, "C": self.text()},
                                                ["A=b", "C"]]),
            "command": lambda: self.one_of(["run", ["run", "it"]]),
            "dns": lambda: self.one_of(["192.0.2.53", ["192.0.2.53", "192.0.2.54"]]),
            "expose": lambda: [self.one_of([80, "81"])],
        }[key]()

    COMMON = ["ports", "ports", "ports", "networks", "networks", "labels", "labels", "scale",
              "privileged", "environment", "command", "cap_add", "volumes", "profiles"]
    RARE = ["depends_on", "deploy", "container_name", "network_mode", "pid", "build", "links",
            "volumes_from", "ipc", "dns", "expose", "image"]

    def tagged(self, key: str, value: Any) -> Any:
        """Sometimes a tag on the key, or on an entry of it."""
        roll = self.random.randrange(100)
        if roll < 6:
            return Tagged("reset", self.one_of([None, [], value]))
        if roll < 12:
            return Tagged("override", value)
        if roll < 15 and isinstance(value, dict) and value:
            inner = self.one_of(sorted(value))
            return {**value, inner: Tagged("reset", None)}
        if roll < 17 and isinstance(value, list) and len(value) > 1:
            return value[:-1] + [Tagged("reset", value[-1])]
        if roll < 18:
            return None
        return value

    def service(self, over: bool) -> Any:
        """@over: it may be in a file that is laid over another."""
        keys = self.some_of(self.COMMON, 4)
        if self.chance(35):
            keys.append(self.one_of(self.RARE))
        body: Dict[str, Any] = {}
        if not over or self.chance(50):
            body["image"] = self.field("image")
        for key in dict.fromkeys(keys):
            value = self.field(key)
            body[key] = self.tagged(key, value) if over or self.chance(10) else value
        if "network_mode" in body and self.chance(92):
            body.pop("networks", None)
            body.pop("ports", None)
        if "container_name" in body and self.chance(85):
            body.pop("scale", None)
            body.pop("deploy", None)
        if self.chance(90) and body.get("deploy"):
            body.pop("scale", None)
        return body

    # ---- files ----

    def network(self) -> Any:
        self.next_subnet += 1
        net = f"10.{self.next_subnet}"
        return self.one_of([
            None, {}, {"internal": self.flag()}, {"driver": "bridge", "labels": {"a": "b"}},
            {"name": f"named-${{SET}}-{self.next_subnet}"}, {"external": True, "name": f"out{self.next_subnet}"},
            {"external": {"name": f"old{self.next_subnet}"}}, {"external": self.flag()},
            {"driver": self.one_of(["macvlan", "ipvlan", "overlay", "default"])},
            {"driver": "macvlan", "name": self.one_of(["a-lan", "z-lan"]) + str(self.next_subnet),
             "driver_opts": {"parent": "eth0"}},
            {"driver_opts": {"com.docker.network.bridge.host_binding_ipv4":
                             self.one_of(["127.0.0.1", "0.0.0.0", "192.0.2.7"])}},
            {"ipam": {"config": [{"subnet": f"{net}.0.0/24"}]}},
            {"ipam": {"config": [{"subnet": f"{net}.0.0/24", "gateway": f"{net}.0.9"},
                                 {"subnet": f"{net}.1.0/24"}]}},
            {"enable_ipv6": self.flag(),
             "ipam": {"config": [{"subnet": f"fd00:{self.next_subnet}::/64"}]}},
            {"driver_opts": {"com.docker.network.bridge.enable_icc":
                             self.one_of(["false", "true"])}},
            {"attachable": True, "x-note": 1},
        ])

    def section(self, names: List[str], make: Any, over: bool) -> Any:
        made: Dict[str, Any] = {}
        for name in names:
            value = make()
            made[name] = self.tagged(name, value) if over else value
        return Tagged("override", made) if over and self.chance(4) else made

    def extend(self, services: Dict[str, Any], file: str) -> None:
        """Gives a service something to extend."""
        name = self.one_of(sorted(services))
        body = services[name]
        if not isinstance(body, dict):
            return
        if self.chance(50):
            base = {"services": {"base": self.service(False), "deep": {
                "extends": "base", **self.service(True)}}}
            if self.chance(5):  # which nobody extends
                base["services"]["other"] = self.one_of([
                    {"ports": [self.one_of(["x", True, 1.5, {"published": "80"}, "99999:1", "80:80"])]},
                    {"volumes": [self.one_of([7, "a:/a", {"type": "tmpfs", "target": "/a"}])]}])
            path = self.one_of(["base.yaml", "sub/base.yaml"])
            if path not in self.others:
                self.others[path] = dump_file([base])
            body["extends"] = {"file": self.one_of([path, "./" + path]),
                               "service": self.one_of(["base", "deep"])}
        else:
            services["tmpl"] = self.service(False)
            body["extends"] = self.one_of(["tmpl", {"service": "tmpl"}])

    def include(self, root: Dict[str, Any]) -> None:
        inner = {"services": {"inc": {"image": "${INNER:-x}", "labels": ["v=${INNER:-none}"],
                                      **self.service(True)}}}
        inner["services"]["inc"].setdefault("image", "x")
        if self.chance(40):
            inner["networks"] = {"inner": self.network()}
        path = self.one_of(["inc.yaml", "part/compose.yaml"])
        self.others[path] = dump_file([inner])
        folder = path.rpartition("/")[0]
        entry: Any = path
        roll = self.random.randrange(4)
        if roll == 0:
            self.others["part/.env"] = "INNER=dotenv\nPORT=9999\n"
        elif roll == 1:
            self.others["inc.env"] = "INNER='named'\n"
            entry = {"path": path, "env_file": self.one_of(["inc.env", ["inc.env"]])}
        elif roll == 2:
            self.others["other/.env"] = "INNER=other\n"
            entry = {"path": [path], "project_directory": "other"}
        else:
            second = (folder + "/" if folder else "") + "inc2.yaml"
            self.others[second] = dump_file([{"services": {"inc": {"image": "y", **self.service(True)}}}])
            entry = {"path": [path, second]}
        root["include"] = [entry]

    def document(self, over: bool) -> Dict[str, Any]:
        root: Dict[str, Any] = {}
        if self.chance(25):
            root["name"] = self.one_of(["shop", "Shop.1", "${NIL:-other}"])
        if self.chance(10):
            root["version"] = "3.8"
        aliased = self.chance(25)
        if aliased:
            root["x-a"] = self.service(True)
        names = self.some_of(SERVICES, 2) if over else SERVICES[:self.one_of([2, 3, 4, 4])]
        services = self.section(names, lambda: self.service(over), over)
        root["services"] = services
        plain = services.value if isinstance(services, Tagged) else services
        if aliased:
            body = plain[self.one_of(sorted(plain))]
            if isinstance(body, dict):
                body["<<"] = self.one_of([Alias("a"), [Alias("a")]])
        if self.chance(20):
            self.extend(plain, "")
        if not over or self.chance(40):
            wanted = NETWORKS if not over else self.some_of(NETWORKS, 2)
            if self.chance(20):
                wanted = wanted + ["default"]
            root["networks"] = self.section(wanted, self.network, over)
        if self.chance(12):
            self.include(root)
        if self.chance(3):
            root["x-note"] = {"any": ["thing", 1]}
        return root

    def project(self) -> Tuple[Dict[str, str], Dict[str, Any]]:
        """Names of files to texts, and how they are given."""
        files: Dict[str, str] = {}
        names = ["compose.yaml", "over.yaml", "third.yaml"][:self.one_of([1, 1, 2, 2, 2, 3])]
        for i, name in enumerate(names):
            documents = [self.document(i > 0)]
            if self.chance(4):
                documents.append(self.document(True))
            files[name] = dump_file(documents)
        how: Dict[str, Any] = {"files": names, "env": dict(VARIABLES)}
        if len(names) == 2 and self.chance(15):
            files["compose.override.yaml"] = files.pop("over.yaml")
            how["files"] = []
        if self.chance(30):
            how["env"]["COMPOSE_PROFILES"] = self.one_of(["one", "one, two", "*", "two,"])
        if self.chance(25):
            files[".env"] = self.one_of(["SET=file\nNO=dotenv\n", "# c\nexport NO='x y' # c\n",
                                         "RE=^a$\nNO=\"${SET}-in\"\n"])
        if self.chance(10):
            files["own.env"] = "NO=own\nMORE=${NO}\n"
            how["env_files"] = ["own.env"]
        if self.chance(8):
            how["services"] = self.some_of(SERVICES, 2)
        if self.chance(5):
            how["env"]["COMPOSE_PROJECT_NAME"] = "fromenv"
        files.update(self.others)
        return files, how


def generate(seed: int) -> Tuple[Dict[str, str], Dict[str, Any]]:
    return Maker(seed).project()
