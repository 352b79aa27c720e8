"""A process and all that it started: how much memory they hold, and ending them."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from multiprocessing import active_children
from multiprocessing.process import BaseProcess

import psutil


def memory_of(pid: int) -> int:
    """Bytes of memory that a process and its descendants hold.

    Linux tells what each holds of the memory that several share; elsewhere shared memory counts for each.
    """
    total = 0
    with contextlib.suppress(psutil.Error):
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += _memory(process)
    return total


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.AccessDenied, AttributeError):
        return int(process.memory_info().rss)


def end_tree(process: subprocess.Popen[bytes], patience: float) -> None:
    """End a process and its descendants. patience: seconds it has to end by itself, its input closed."""
    try:
        descendants = psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        descendants = []
    with contextlib.suppress(OSError):
        if process.stdin is not None:
            process.stdin.close()
    if patience:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=patience)
    with contextlib.suppress(psutil.Error):
        descendants += psutil.Process(process.pid).children(recursive=True)
    if process.poll() is None:
        process.kill()
    for each in descendants:
        with contextlib.suppress(psutil.Error):
            each.kill()
    process.wait()


def end_pool(workers: Iterable[BaseProcess] | None = None) -> None:
    """End processes that multiprocessing started for this one, by default all, and all that they started."""
    for worker in active_children() if workers is None else workers:
        with contextlib.suppress(psutil.Error):
            for each in psutil.Process(worker.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    each.kill()
        worker.kill()


def whole_memory() -> int:
    """Bytes of memory that this machine has."""
    return int(psutil.virtual_memory().total)


@contextlib.contextmanager
def shielded_from_interrupts() -> Iterator[None]:
    """Processes that are started meanwhile never receive SIGINT.

    A Ctrl-C reaches every process of a terminal. Only the command's own reports it, and ends the others.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
