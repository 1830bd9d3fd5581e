# SPDX-License-Identifier: GPL-2.0-or-later
"""The program under test: netdctl, and the driver that asks it many questions at once."""
from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
from types import TracebackType
from typing import Any, Dict, List, Optional, Sequence, Tuple, Type

from generate import NOW
from model import Policy, Port, World, inventory
from yamltext import Writer

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("O", "build")
NETDCTL = os.environ.get("NETDCTL", str(BUILD / "netdctl"))
ANSWER = os.environ.get("ANSWER", str(BUILD / "tests/property/answer"))
KEEP = os.environ.get("KEEP")
TIMEOUT_S = 60


class Broken(Exception):
    """The program refused what it should take, or died."""


class Bench:
    """A folder with policies and a host, and the programs run in it."""

    def __init__(self, world: Optional[World]) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="netd-property-", dir=KEEP))
        self.world = world
        if world:
            (self.folder / "inventory.json").write_text(json.dumps(inventory(world), indent=1))

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        if not KEEP:
            shutil.rmtree(self.folder)

    def write(self, name: str, policy: Policy, seed: str) -> str:
        """The policy as a folder of files; its name."""
        folder = self.folder / name
        folder.mkdir()
        for file, text in Writer(seed).files(policy).items():
            (folder / file).write_text(text)
        return name

    def _run(self, command: Sequence[str], text: str, fine: Tuple[int, ...]) -> Tuple[int, str]:
        done = subprocess.run(
            command, cwd=self.folder, input=text, capture_output=True, text=True, check=False,
            timeout=TIMEOUT_S, env={**os.environ, "SOURCE_DATE_EPOCH": str(NOW), "LC_ALL": "C"})
        if done.returncode not in fine:
            raise Broken(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr}")
        return done.returncode, done.stdout

    def netdctl(self, verb: str, *args: str) -> Tuple[int, Dict[str, Any]]:
        """Exit status and report of an offline verb."""
        command = [NETDCTL, verb, "--format", "json", *args]
        if self.world:
            command[2:2] = ["--inventory", "inventory.json"]
        status, text = self._run(command, "", (0, 1))
        report: Dict[str, Any] = json.loads(text)
        return status, report

    def explain(self, policy: str, questions: List[Tuple[str, str, Port]]) -> List[Dict[str, Any]]:
        """The driver's answers."""
        text = "".join(f"{source}\t{target}\t{port}\n" for source, target, port in questions)
        host = "inventory.json" if self.world else "-"
        _, lines = self._run([ANSWER, host, policy], text, (0,))
        answers = [json.loads(line) for line in lines.splitlines()]
        if len(answers) != len(questions):
            raise Broken(f"{len(questions)} questions, {len(answers)} answers")
        return answers
