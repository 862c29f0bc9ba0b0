"""Print what an installation consists of, as CycloneDX 1.6 in JSON, from the locked requirements.

    make sbom > earlywarning.cdx.json

The same lock gives the same bytes. No address is in it: a package is named by its package URL.
Which files of a package are taken is fixed by the hashes of the lock, whose own hash stands in it.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_PIN = re.compile(r"^([\w.-]+)==([^\s;\\]+)(?: ; ([^\\]+?))? ?\\?$", re.MULTILINE)


def bill(lock: str, project: dict[str, Any]) -> dict[str, Any]:
    """The bill of materials.

    Parameters
    ----------
    lock : str
        Content of `requirements.lock`.
    project : dict
        The table `project` of `pyproject.toml`.
    """
    digest = hashlib.sha256(lock.encode()).hexdigest()
    found = [_component(*pin.groups()) for pin in _PIN.finditer(lock)]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "earlywarning",
                "name": project["name"],
                "version": project["version"],
                "licenses": [{"license": {"id": project["license"]}}],
            },
            "properties": [{"name": "earlywarning:requirements.lock:sha-256", "value": digest}],
        },
        "components": found,
        "dependencies": [
            {"ref": "earlywarning", "dependsOn": [one["bom-ref"] for one in found]},
            *({"ref": one["bom-ref"]} for one in found),
        ],
    }


def _component(name: str, version: str, marker: str | None) -> dict[str, Any]:
    purl = f"pkg:pypi/{re.sub(r'[-_.]+', '-', name).lower()}@{version.replace('+', '%2B')}"
    made: dict[str, Any] = {
        "type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl,
    }  # fmt: skip
    if marker is not None:  # only on some machines or versions of Python
        made["properties"] = [{"name": "earlywarning:marker", "value": marker}]
    return made


if __name__ == "__main__":
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    print(json.dumps(bill((ROOT / "requirements.lock").read_text("utf-8"), pyproject), indent=1))
