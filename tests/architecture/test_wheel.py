"""The wheel holds all that an installed copy needs, and works away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("src/earlywarning", "api/earlywarning_api", "pipelines/earlywarning_pipelines")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def inside(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_tracked_file_of_the_packages_is_inside(inside: set[str]) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-z", *PACKAGES], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    expected = {path.partition("/")[2] for path in tracked if path and (ROOT / path).exists()}
    assert expected - inside == set()


@pytest.mark.parametrize("outcome", ["attendance", "behaviour", "grades"])
@pytest.mark.parametrize("file", ["spec.toml", "card.md"])
def test_each_outcomes_choices_are_inside(inside: set[str], outcome: str, file: str) -> None:
    assert f"earlywarning/_models/{outcome}/{file}" in inside


@pytest.mark.parametrize(
    ("folder", "ending"),
    [
        ("earlywarning/io/register/migrations/versions/", ".py"),
        ("earlywarning/records/", ".csv"),
        ("", ".po"),
    ],
)
def test_what_is_not_a_module_is_inside_too(inside: set[str], folder: str, ending: str) -> None:
    assert any(name.startswith(folder) and name.endswith(ending) for name in inside)


def test_nothing_else_is_inside(inside: set[str]) -> None:
    tops = {name.partition("/")[0] for name in inside}
    packages = {"earlywarning", "earlywarning_api", "earlywarning_pipelines"}
    assert {top for top in tops if not top.endswith(".dist-info")} == packages


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has the wheel and borrows only the other packages from this one."""
    environment = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python]
    subprocess.run(
        [*pip, "install", "--quiet", "--no-index", "--no-deps", wheel],
        check=True,
        capture_output=True,
    )
    purelib = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    # A path line, unlike a site folder, does not bring this checkout's own editable install along.
    Path(purelib, "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return environment


def run(installed: Path, folder: Path, *command: str) -> str:
    """Run a command of the environment in a folder of its own, with no settings of this machine."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("EARLYWARNING_")
    }
    result = subprocess.run(
        [installed / "bin" / command[0], *command[1:]],
        cwd=folder,
        env=kept | {"HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_it_runs_away_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = run(installed, tmp_path, "python", "-c", "import earlywarning; print(earlywarning)")
    assert str(installed) in where
    assert "demo" in run(installed, tmp_path, "earlywarning", "--help")


@pytest.mark.slow
def test_the_demo_runs_away_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    run(installed, tmp_path, "earlywarning", "demo")
