#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Reports of Trivy and Grype, and signatures of cosign, in the shapes of several versions, about images that a test
names; keys and signatures are openssl's. As a program: images.py FOLDER writes the samples of tests/golden/images."""
from __future__ import annotations

import base64
import json
import pathlib
import subprocess
import sys
import tempfile
from typing import Any, Dict, List, Optional, Sequence, Tuple

KINDS = {"p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "ed25519": ["-algorithm", "ED25519"],
         "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
         "weak": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"]}
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SIGNS_IMAGE = "https://sigstore.dev/cosign/sign/v1"


def trivy(version: str, image: str, digests: Sequence[str], severities: Sequence[str],
          made: Optional[str]) -> Dict[str, Any]:
    """What `trivy image --format json` of that version writes. The first of @digests is the image's own."""
    minor = int(version.split(".")[1])
    vulnerabilities: List[Dict[str, Any]] = [
        {"VulnerabilityID": f"CVE-2026-{1000 + n}", "PkgName": "libexample", "InstalledVersion": "1.0-1",
         "FixedVersion": "1.0-2", "Layer": {"DiffID": "sha256:" + "d" * 64}, "SeveritySource": "debian",
         "Title": "a fault {\"Severity\": \"CRITICAL\"}", "Severity": severity, "References": ["https://example.org/"]}
        for n, severity in enumerate(severities)]
    packages: Dict[str, Any] = {"Target": f"{image} (debian 12.5)", "Class": "os-pkgs", "Type": "debian"}
    if minor < 20:
        del packages["Class"]
    if vulnerabilities:
        packages["Vulnerabilities"] = vulnerabilities
    report: Dict[str, Any] = {"SchemaVersion": 2}
    if minor >= 70:
        report["Trivy"] = {"Version": version}
    if made:
        report["CreatedAt"] = made
    report.update({
        "ArtifactName": image, "ArtifactType": "container_image",
        "Metadata": {"Size": 120000000, "OS": {"Family": "debian", "Name": "12.5"}, "ImageID": digests[0],
                     "DiffIDs": ["sha256:" + "d" * 64], "RepoTags": [image],
                     "RepoDigests": [f"{image.split(':')[0]}@{digest}" for digest in digests[1:]],
                     "ImageConfig": {"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/bin"]}}},
        "Results": [packages, {"Target": "usr/bin/example", "Class": "secret"}]})
    return report


def grype(version: str, image: str, digests: Sequence[str], severities: Sequence[str],
          made: Optional[str]) -> Dict[str, Any]:
    """What `grype -o json` of that version writes."""
    descriptor: Dict[str, Any] = {"name": "grype", "version": version,
                                  "configuration": {"output": ["json"], "only-fixed": False}, "db": {"schemaVersion": 5}}
    if made is not None:
        descriptor["timestamp"] = made
    return {
        "matches": [{"vulnerability": {"id": f"CVE-2026-{2000 + n}", "severity": severity, "urls": [],
                                       "fix": {"versions": [], "state": "unknown"}, "advisories": []},
                     "relatedVulnerabilities": [{"id": "CVE-2026-1", "severity": "Critical"}],
                     "matchDetails": [{"type": "exact-direct-match", "matcher": "dpkg-matcher"}],
                     "artifact": {"name": "libexample", "version": "1.0-1", "type": "deb"}}
                    for n, severity in enumerate(severities)],
        "source": {"type": "image", "target": {
            "userInput": image, "imageID": digests[0], "manifestDigest": digests[-1], "tags": [image],
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "imageSize": 120000000, "layers": [],
            "manifest": "eyJ9", "config": "eyJ9", "architecture": "amd64", "os": "linux",
            "repoDigests": [f"{image.split(':')[0]}@{digest}" for digest in digests[1:]]}},
        "distro": {"name": "debian", "version": "12", "idLike": []}, "descriptor": descriptor}


def openssl(*args: str) -> bytes:
    """What it prints."""
    return subprocess.run(["openssl", *args], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


class Key:
    """A pair of keys: the public one goes to a folder of keys."""

    def __init__(self, kind: str, folder: pathlib.Path) -> None:
        self.kind = kind
        self.private = folder / f"{kind}.private"
        openssl("genpkey", *KINDS[kind], "-out", str(self.private))
        self.public = openssl("pkey", "-in", str(self.private), "-pubout").decode()

    def sign(self, message: bytes) -> str:
        """In Base64."""
        with tempfile.TemporaryDirectory() as name:
            path = pathlib.Path(name, "message")
            path.write_bytes(message)
            if self.kind == "ed25519":
                made = openssl("pkeyutl", "-sign", "-inkey", str(self.private), "-rawin", "-in", str(path))
            else:
                made = openssl("dgst", "-sha256", "-sign", str(self.private), str(path))
        return base64.b64encode(made).decode()


def payload(image: str, digest: str) -> bytes:
    """What cosign signs."""
    return json.dumps({"critical": {"identity": {"docker-reference": image.split(":")[0]},
                                    "image": {"docker-manifest-digest": digest},
                                    "type": "cosign container image signature"}, "optional": None},
                      separators=(",", ":")).encode()


def downloaded(key: Key, image: str, digest: str) -> str:
    """A line of `cosign download signature`."""
    text = payload(image, digest)
    return json.dumps({"Base64Signature": key.sign(text), "Payload": base64.b64encode(text).decode(), "Cert": None,
                       "Chain": None, "Bundle": None, "RFC3161Timestamp": None}) + "\n"


def bundle(key: Key, digest: str, predicate: str = SIGNS_IMAGE) -> Dict[str, Any]:
    """What cosign 3 stores beside an image that it signs with a key."""
    statement = json.dumps({"_type": "https://in-toto.io/Statement/v1", "predicateType": predicate, "predicate": {},
                            "subject": [{"digest": {"sha256": digest.split(":")[1]}, "annotations": {}}]}).encode()
    kind = "application/vnd.in-toto+json"
    signed = f"DSSEv1 {len(kind)} {kind} {len(statement)} ".encode() + statement
    return {"mediaType": BUNDLE, "verificationMaterial": {"publicKey": {"hint": "aGludA=="}, "tlogEntries": []},
            "dsseEnvelope": {"payload": base64.b64encode(statement).decode(), "payloadType": kind,
                             "signatures": [{"sig": key.sign(signed)}]}}


def digest_of(letter: str) -> str:
    """Of no image."""
    return "sha256:" + letter * 64


def write(path: pathlib.Path, what: Any) -> None:
    """As JSON, or as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = what if isinstance(what, (str, bytes)) else json.dumps(what, indent=2) + "\n"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(0o644)


SAMPLES: Tuple[Tuple[str, str, str, Tuple[str, ...], Optional[str]], ...] = (
    ("trivy", "0.19.2", "a", ("LOW", "HIGH", "HIGH"), None),
    ("trivy", "0.38.1", "b", (), None),
    ("trivy", "0.48.0", "c", ("CRITICAL", "UNKNOWN"), "2026-11-01T10:00:00.123456789+02:00"),
    ("trivy", "0.70.0", "d", ("MEDIUM",), "2026-11-20T08:00:00Z"),
    ("grype", "0.34.0", "a", ("Medium", "Negligible"), None),
    ("grype", "0.74.0", "c", ("High", "Unknown"), "2026-11-02T08:00:00.5-05:30"),
    ("grype", "0.104.0", "e", (), "2026-11-20T08:00:00Z"),
)


def main() -> None:
    """Writes the samples: of each image, by its letter, the id and a digest of a repository."""
    folder = pathlib.Path(sys.argv[1])
    for tool, version, letter, severities, made in SAMPLES:
        make = trivy if tool == "trivy" else grype
        digests = [digest_of(letter), digest_of(letter + "0")[:71]]
        write(folder / f"reports/{tool}-{version}.json",
              make(version, f"registry.example/{letter}:1", digests, severities, made))
    with tempfile.TemporaryDirectory() as name:
        keys = {kind: Key(kind, pathlib.Path(name)) for kind in KINDS}
        for kind, key in keys.items():
            write(folder / f"keys/{kind}.pem", key.public)
        text = payload("registry.example/a:1", digest_of("a"))
        write(folder / "reports/a.payload", text)
        write(folder / "reports/a.sig", keys["p256"].sign(text))
        write(folder / "reports/b.jsonl", downloaded(keys["ed25519"], "registry.example/b:1", digest_of("b"))
              + downloaded(keys["rsa"], "registry.example/b:1", digest_of("b")))
        write(folder / "reports/c.sigstore.json", bundle(keys["p256"], digest_of("c")))
        write(folder / "reports/d.jsonl", downloaded(keys["weak"], "registry.example/d:1", digest_of("d")))


if __name__ == "__main__":
    main()
