"""How the kernels are compiled, and where the compiled code is kept between commands.

numba notices a change of the file that holds a compiled function, not of the files it calls into. So
the folder's name carries a digest of all kernel sources: one version of the engine, one folder.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def _version() -> str:
    """A digest of the engine's sources and of numba's version."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _homes() -> Iterator[Path]:
    """Where compiled code may be kept, best first; a read-only install has its own folder left out."""
    if os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(os.environ["NUMBA_CACHE_DIR"])
    yield Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "tieout"
    yield Path(__file__).parent / "__pycache__"
    yield Path(tempfile.gettempdir()) / f"tieout-{os.getuid() if hasattr(os, 'getuid') else 'user'}"


def _folder() -> Path | None:
    """The first home that can be written to, made; None where there is none."""
    name = f"engine-{_version()}"
    for home in _homes():
        folder = home / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return None


CACHE = _folder()
RARE: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
PART: dict[str, Any] = {"forceinline": True, **RARE}
COMMON: dict[str, Any] = {"error_model": "numpy", "_nrt": False}


def part(function: Function) -> Function:
    """Compile a part of the kernel into whatever calls it: no wrapper for Python, no file of its own.

    Without reference counts (`_nrt`): the arrays are the caller's and outlive the call, and counting
    them took five sixths of a run.
    """
    options: dict[str, Any] = {
        **COMMON,
        "forceinline": True,
        "no_cpython_wrapper": True,
        "no_cfunc_wrapper": True,
    }
    made: Function = numba.njit(**options)(function)
    return made


def rare(function: Function) -> Function:
    """Compile a part that is hardly ever run apart from the rest, so that the rest stays small."""
    made: Function = numba.njit(**COMMON, **RARE)(function)
    return made


def compiled(function: Function) -> Function:
    """Compile the kernel's entry on first call, or load what an earlier command compiled.

    numba reads its cache folder while decorating; it is set for just that long, so that other numba
    code of the process keeps its own.
    """
    options: dict[str, Any] = {**COMMON, "cache": CACHE is not None, "nogil": True}
    config: Any = numba.config
    before = config.CACHE_DIR
    config.CACHE_DIR = str(CACHE) if CACHE else ""
    try:
        made: Function = numba.njit(**options)(function)
    finally:
        config.CACHE_DIR = before
    return made
