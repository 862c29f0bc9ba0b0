"""The shape of the tree: small modules with telling names, each in a package."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("src/earlywarning", "api/earlywarning_api", "pipelines/earlywarning_pipelines")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
EVERYWHERE = MODULES + sorted(
    path for folder in ("tests", "benchmarks", "tools") for path in (ROOT / folder).rglob("*.py")
)


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def imports_of(source: str) -> set[str]:
    """The top-level names that a module imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_modules_stay_below_five_hundred_lines() -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert not names([path for path, length in lengths.items() if length > 500])


def test_no_module_is_named_for_nothing() -> None:
    vague = {"utils", "util", "helpers", "helper", "misc", "common"}
    assert not names([path for path in MODULES if vague & {path.stem, path.parent.name}])


def test_no_module_lies_loose_beside_the_packages() -> None:
    loose = [path for folder in ("src", "api", "pipelines") for path in (ROOT / folder).glob("*")]
    packages = {ROOT / package for package in PACKAGES}
    assert not names([path for path in loose if path not in packages and path.suffix == ".py"])
    assert not names(
        [
            path / "__init__.py"
            for path in {p.parent for p in packages}
            if (path / "__init__.py").exists()
        ]
    )


def test_every_folder_of_modules_is_a_package() -> None:
    # Alembic reads its scripts as files.
    modules = [path for path in MODULES if "migrations" not in path.parts]
    assert not names([path for path in modules if not (path.parent / "__init__.py").exists()])


def test_packages_are_imported_by_their_names() -> None:
    folders = {"src", "api", "pipelines"}
    assert not names([path for path in EVERYWHERE if folders & imports_of(path.read_text("utf-8"))])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import src.earlywarning", {"src"}),
        ("def f():\n    from api import app", {"api"}),
        ("from . import api", set()),
        ("from earlywarning.io import facts", {"earlywarning"}),
    ],
)
def test_imports_are_seen_wherever_they_stand(source: str, expected: set[str]) -> None:
    assert imports_of(source) == expected


def test_package_openings_import_nothing_of_ours() -> None:
    """So that importing one module never loads another, nor its engine."""
    openings = [path for path in MODULES if path.name == "__init__.py"]
    ours = {"earlywarning", "earlywarning_api", "earlywarning_pipelines"}
    busy = []
    for path in openings:
        tree = ast.parse(path.read_text("utf-8"))
        relative = any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(tree))
        if relative or ours & imports_of(path.read_text("utf-8")):
            busy.append(path)
    assert not names(busy)
