"""How the kernels are compiled, and where the compiled code is kept between commands.

numba notices a change of the file that holds a compiled function, not of the files it calls into. So
the folder's name carries a digest of all kernel sources, of numba and of the processor: one version of the
engine on one kind of machine, one folder, also where several machines share a home.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import llvmlite.binding as llvm
import numba
from numba import types
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])


def _version() -> str:
    """A digest of all that the compiled code depends on."""
    digest = hashlib.sha256()
    for part in (numba.__version__, sys.implementation.cache_tag, *_processor()):
        digest.update(f"{part}\n".encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _processor() -> tuple[str, str]:
    """The processor's name and what it can do, as the compiler sees it."""
    config: Any = numba.config
    name, features = config.CPU_NAME or llvm.get_host_cpu_name(), config.CPU_FEATURES
    return name, llvm.get_host_cpu_features().flatten() if features is None else features


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
            if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
                continue  # what another put there would be run as ours
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return None


CACHE = _folder()
PART: dict[str, Any] = {"forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
COMMON: dict[str, Any] = {"error_model": "numpy", "_nrt": False}


def part(function: Function) -> Function:
    """Compile a part of the kernel into whatever calls it: no wrapper for Python, no file of its own.

    Without reference counts (`_nrt`): the arrays are the caller's and outlive the call, and counting
    them took five sixths of a run.
    """
    made: Function = numba.njit(**COMMON, **PART)(function)
    return made


def rare(function: Function) -> Any:
    """Compile a part that is hardly ever run apart from the rest, so that the rest stays small.

    Of whole numbers, to one. The call is marked as not to be inlined, for which numba has no option.
    """

    def typed(*given: Any) -> Any:
        signature = types.int64(*(types.unliteral(kind) for kind in given))

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            made = context.compile_subroutine(builder, function, signature)
            callee = context.declare_function(builder.module, made.fndesc)
            kinds, result = signature.args, made.signature.return_type
            _, value = context.call_conv.call_function(
                builder, callee, result, kinds, arguments, attrs=("noinline",)
            )
            return context.cast(builder, value, result, signature.return_type)

        return signature, generate

    apart: Any = {
        3: lambda typingctx, a, b, c: typed(a, b, c),
        5: lambda typingctx, a, b, c, d, e: typed(a, b, c, d, e),
    }[function.__code__.co_argcount]
    made: Any = intrinsic(apart)
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
