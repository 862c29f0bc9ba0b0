"""A quarter's commands on a cluster, as a person types them, while a worker is lost.

Master and workers listen at one address of loopback, the driver at another, as on two machines.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from earlywarning_pipelines.console import ACT_EXIT
from spark_cluster import JAVA_OPTIONS, SMALL, Cluster, cluster, needs_spark

QUARTER = "2026-27-Q2"
ON = ("--as-of", "2026-10-05")
THERE, HERE = ("127.0.0.2", "127.0.0.3") if sys.platform == "linux" else ("127.0.0.1",) * 2
DONE = (0, ACT_EXIT)
"""Drafts were made, whatever watching says of them."""


def command(folder: Path, *words: str, on: Cluster | None = None) -> subprocess.Popen[str]:
    """Start `earlywarning`; on a cluster, with its options where Spark itself looks for them."""
    environment = dict(os.environ)
    typed = [sys.executable, "-m", "earlywarning_pipelines", "--home", str(folder / "home")]
    if on is not None:
        (folder / "conf").mkdir(exist_ok=True)
        lines = [f"{key} {value}\n" for key, value in SMALL.items()]
        (folder / "conf" / "spark-defaults.conf").write_text("".join(lines), "utf-8")
        typed += ["--engine", "spark"]
        environment |= {
            "EARLYWARNING_SPARK_MASTER": on.address, "SPARK_CONF_DIR": str(folder / "conf"),
            "EARLYWARNING_SPARK_SCRATCH": str(folder / "scratch"),
            "SPARK_LOCAL_IP": HERE, "JAVA_TOOL_OPTIONS": JAVA_OPTIONS,
        }  # fmt: skip
    return subprocess.Popen(
        [*typed, *words], env=environment, cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, what was said, and what was said of mistakes."""
    said, wrong = process.communicate()
    return process.returncode, said, wrong


def done(folder: Path, *words: str, on: Cluster | None = None) -> str:
    code, said, wrong = ended(command(folder, *words, on=on))
    assert code == 0, wrong
    return said


@pytest.mark.slow
def test_a_quarter_on_a_cluster_that_loses_a_worker(tmp_path: Path) -> None:
    needs_spark()
    done(tmp_path, "simulate", "--students", "60", "--years", "1", "--out", "files")
    done(tmp_path, "init", "--no-lottery")
    district = tmp_path / "files" / "district.toml"
    district.replace(tmp_path / "home" / "district.toml")
    mapping = str(Path("files", "delivery", "mapping.toml"))
    done(tmp_path, "import", "--mapping", mapping, "--delivered-on", "2026-10-01", "files/delivery")
    assert "in service" in done(tmp_path, "train", "--as-of", "2026-10-01")
    run = ("run", "quarter", QUARTER, *ON)
    with cluster(tmp_path, host=THERE) as found:
        process = command(tmp_path, *run, on=found)
        while process.poll() is None and not list(tmp_path.glob("scratch/*/frame-3")):
            time.sleep(0.1)
        found.kill_a_worker()
        code, said, wrong = ended(process)
        if code not in DONE:
            assert "nothing was saved" in wrong
            assert done(tmp_path, "lists") == ""
            code, said, wrong = ended(command(tmp_path, *run, on=found))
        assert code in DONE, wrong
        assert ended(command(tmp_path, *run, on=found))[:2] == (code, said)
        done(tmp_path, "publish", "--quarter", QUARTER, on=found)
        (line,) = done(tmp_path, "lists").splitlines()
        visit_list_id, quarter, _, status = line.split()[:4]
        assert (quarter, status) == (QUARTER, "published")
        for on in (found, None):
            assert "identical" in done(tmp_path, "rebuild", visit_list_id, on=on)
    assert not list((tmp_path / "scratch").iterdir()), "what was written for the workers is gone"


def test_without_java_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    done(tmp_path, "init", "--no-lottery")
    before = {*tmp_path.rglob("*"), tmp_path / "home" / "run.lock"}
    for words in (("train",), ("draft", "--quarter", QUARTER), ("run", "quarter", QUARTER, *ON)):
        typed = ("--engine", "spark", *words)
        code, said, wrong = ended(command(tmp_path, *typed))
        assert (code, said) == (1, "")
        assert "needs Java 17 or 21" in wrong
    assert before >= set(tmp_path.rglob("*"))
