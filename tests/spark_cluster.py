"""A Spark cluster of separate processes on loopback: one master, two workers of one core each."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

HOW = (
    "needs Spark, which `make test-all` installs (`make .venv/spark`), and Java 17 or 21; on "
    "Debian or Ubuntu: apt-get install openjdk-17-jre-headless"
)
"""PySpark is half a gigabyte: `make test` does without."""

JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Java begins at once and compiles little: these processes live for minutes."""

SMALL: Mapping[str, str] = {
    "spark.executor.memory": "1g",
    "spark.sql.shuffle.partitions": "2",
    # Each of some hundred plans meets a few rows: to plan again while running, and to compile a
    # class for each step, would be nearly all of the time.
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.files.minPartitionNum": "1",
    # On a busy machine a process may be silent for minutes and well.
    "spark.network.timeout": "600s",
    "spark.executor.heartbeatInterval": "60s",
}
"""Options of a session for small tables."""


def needs_spark() -> None:
    """Skip where PySpark or Java is missing; fail where nothing may be left out."""
    java = "JAVA_HOME" in os.environ or shutil.which("java")
    if importlib.util.find_spec("pyspark") is None or not java:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(HOW)


@dataclass
class Cluster:
    """The processes, and the address that a driver connects to."""

    address: str
    master: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def kill_a_worker(self) -> None:
        """End a worker at once, with the executor and the Python that it started."""
        _kill(self.workers.pop())


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and everything that it started: they are a group of their own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _wait_for(process: subprocess.Popen[bytes], host: str, port: int, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((host, port), 1):
            return
        time.sleep(0.3)
    raise TimeoutError(f"nothing listens on port {port}; the process ended: {process.poll()}")


@contextlib.contextmanager
def cluster(
    folder: Path, *, memory: str = "1500m", workers: int = 2, host: str = "127.0.0.1"
) -> Iterator[Cluster]:
    """Start it, and end every process afterwards; `host` is any address of loopback."""
    import pyspark

    home = Path(pyspark.__file__).parent
    port = _free_port()
    environment = os.environ | {
        "SPARK_HOME": str(home), "SPARK_LOCAL_IP": host,
        "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_LOG_DIR": str(folder / "log"), "JAVA_TOOL_OPTIONS": JAVA_OPTIONS,
        # No second door, through which work could be handed in.
        "SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false",
    }  # fmt: skip
    log = (folder / "cluster.log").open("wb")

    def start(kind: str, *words: str) -> subprocess.Popen[bytes]:
        program = [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{kind}"]
        return subprocess.Popen(
            [*program, "--host", host, "--webui-port", str(_free_port()), *words],
            env=environment, stdout=log, stderr=log, cwd=folder, start_new_session=True,
        )  # fmt: skip

    master = start("master.Master", "--port", str(port))
    found = Cluster(f"spark://{host}:{port}", master)
    try:
        _wait_for(master, host, port)
        for number in range(1, workers + 1):
            found.workers.append(
                start("worker.Worker", "--cores", "1", "--memory", memory, "--work-dir",
                      str(folder / f"worker-{number}"), found.address)
            )  # fmt: skip
        yield found
    finally:
        for process in [*found.workers, master]:
            _kill(process)
        log.close()
