"""The bill of materials has everything that is locked, and no address."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text("utf-8")


def printed() -> str:
    return subprocess.run(
        [sys.executable, str(ROOT / "tools" / "sbom.py")],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip


def test_38_everything_locked_is_in_the_bill_once() -> None:
    bill = json.loads(printed())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    pins = [
        Requirement(line.rstrip("\\ "))
        for line in LOCK.splitlines()
        if line and not line.startswith((" ", "#"))
    ]
    expected = sorted((one.name, str(one.specifier).lstrip("=")) for one in pins)
    assert sorted((one["name"], one["version"]) for one in bill["components"]) == expected
    refs = [one["bom-ref"] for one in bill["components"]]
    assert len(set(refs)) == len(refs)
    assert bill["dependencies"][0] == {"ref": "earlywarning", "dependsOn": refs}
    assert bill["metadata"]["component"]["licenses"] == [{"license": {"id": "Apache-2.0"}}]


def test_38_the_bill_names_no_address_and_is_the_same_each_time() -> None:
    assert "://" not in printed()
    assert printed() == printed()
