"""A Spark cluster of separate processes on loopback: one master, two workers of one core each."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Cluster:
    """The processes, and the address that a driver connects to."""

    address: str
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def kill_a_worker(self) -> None:
        """End a worker at once, with the executor that it started."""
        worker = self.workers.pop()
        for child in _children(worker.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, 9)
        worker.kill()
        worker.wait()


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _wait_for(port: int, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.3)
    raise TimeoutError(f"nothing listens on port {port} after {seconds} s")


@contextlib.contextmanager
def cluster(folder: Path, *, memory: str = "1500m") -> Iterator[Cluster]:
    """Start it, and end every process afterwards."""
    import pyspark

    home = Path(pyspark.__file__).parent
    port = _free_port()
    environment = os.environ | {
        "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_LOG_DIR": str(folder / "log"),
    }  # fmt: skip
    log = (folder / "cluster.log").open("wb")

    def start(kind: str, *words: str) -> subprocess.Popen[bytes]:
        program = [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{kind}"]
        return subprocess.Popen(
            [*program, "--host", "127.0.0.1", "--webui-port", str(_free_port()), *words],
            env=environment, stdout=log, stderr=log, cwd=folder,
        )  # fmt: skip

    master = start("master.Master", "--port", str(port))
    found = Cluster(f"spark://127.0.0.1:{port}")
    try:
        _wait_for(port)
        for number in (1, 2):
            found.workers.append(
                start("worker.Worker", "--cores", "1", "--memory", memory, "--work-dir",
                      str(folder / f"worker-{number}"), found.address)
            )  # fmt: skip
        yield found
    finally:
        for process in [*found.workers, master]:
            for child in _children(process.pid) if process.poll() is None else ():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, 9)
            process.kill()
            process.wait()
        log.close()
