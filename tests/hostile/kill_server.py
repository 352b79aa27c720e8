"""Runs commands in forked children that are killed, interrupted or out of space at their k-th write.

One line of JSON in, one out. The modules are imported before the first fork, so that a child costs little;
nothing that starts threads runs in this process.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import reconcile.api.diff
import reconcile.api.run
import reconcile.cli
import reconcile.commands.diff
import reconcile.commands.gate
import reconcile.commands.import_
import reconcile.commands.run
import reconcile.commands.start
import reconcile.goldens.check
import reconcile.ledger.write
import reconcile.mapping.apply
import reconcile.mapping.open
import reconcile.mapping.suggest
import reconcile.market.load
import reconcile.scenario.files
import reference  # noqa: F401

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.truncate", "os.symlink"}
_SIGNALS = {"kill": signal.SIGKILL, "terminate": signal.SIGTERM, "interrupt": signal.SIGINT}


def watch(folder: str, at: int, how: str, counted: int) -> None:
    """From the `at`-th change of a file under `folder` on, let happen what `how` says. The count goes to the
    file descriptor `counted`.
    """
    seen = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if event == "open":
            path, _, flags = arguments
            if not isinstance(path, str | bytes) or not flags & _WRITES:
                return
        elif event in _CHANGES:
            path = arguments[0]
        else:
            return
        if not os.path.abspath(os.fsdecode(path)).startswith(folder):
            return
        seen += 1
        os.write(counted, b".")
        if how in _SIGNALS and seen == at:
            os.kill(os.getpid(), _SIGNALS[how])
        if how == "full" and seen >= at and event in ("open", "os.mkdir", "os.link"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    sys.addaudithook(hook)


def serve(order: dict[str, Any]) -> dict[str, Any]:
    read, write = os.pipe()
    error = Path(order["folder"]).with_suffix(".err")
    child = os.fork()
    if not child:
        os.close(read)
        os.chdir(order["folder"])
        out = os.open(error, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(out, 2)
        watch(order["folder"], order["at"], order["how"], write)
        try:
            reconcile.cli.main(order["arguments"])
        except SystemExit as ended:
            os._exit(ended.code if isinstance(ended.code, int) else 99)
        os._exit(98)
    os.close(write)
    writes = 0
    while data := os.read(read, 4096):
        writes += len(data)
    os.close(read)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return {"code": code, "writes": writes, "error": error.read_text(errors="replace")}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(serve(json.loads(line))), flush=True)
