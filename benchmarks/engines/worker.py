"""A process that holds one engine and its bars, and runs it when told to."""

from __future__ import annotations

import json
import os
import select
import subprocess
import tempfile
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parents[2] / "src"


class WorkerError(Exception):
    """The engine could not be run; says why in a line."""


class Worker:
    """One engine of `driving.serve` at the other end of two pipes."""

    def __init__(self, command: list[str | Path], limit: float) -> None:
        self.limit = limit
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  closed with the worker
        # One thread each: the peers use one, and a library's pool would only add noise.
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env={**os.environ, **threads, "PYTHONPATH": str(SOURCE)},
        )
        self.ready = self._answer()

    def run(self) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(b"run\n")
        self.process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """End it: kindly at first, so that it can tidy up."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.errors.close()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], self.limit)[0]:
            raise WorkerError(f"not done in {self.limit:.0f} s")
        line = self.process.stdout.readline()
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        self.errors.seek(0)
        said = self.errors.read().strip().splitlines()
        raise WorkerError(said[-1] if said else f"ended with code {self.process.wait()}")
