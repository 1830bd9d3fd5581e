# SPDX-License-Identifier: GPL-2.0-or-later
"""The blocks of policies/fleet/README.md, as they stand there: who sets up a store reads the same."""
import pathlib
import re

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "policies/fleet"


def blocks():
    """By their first line, which is a comment."""
    text = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^```sh\n# ([^\n]*)\n(.*?)^```$", text, re.M | re.S))


def block(name, **values):
    """The commands, with other values where it sets variables."""
    text = blocks()[name]
    for variable, value in values.items():
        text, n = re.subn(rf"^(.*\b{variable}=)\S+", rf"\g<1>{value}", text, count=1, flags=re.M)
        if n == 0:
            raise KeyError(f"{name} sets no {variable}")
    return text
