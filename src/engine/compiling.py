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
from numba._dynfunc import make_function
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler

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


class _PartLibrary(JITCodeLibrary):
    """The code of a part. It becomes machine code only as part of the kernel that it is linked into.

    numba optimises each compiled function as a whole module and makes machine code of it, in case Python
    calls it. Python calls no part, so here both are left to the kernel.
    """

    def finalize(self) -> None:
        """Links in the code of the parts that this part calls, each once."""
        for library in dict.fromkeys(self._linking_libraries):
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._finalize_dynamic_globals()
        self._finalized = True


class _PartCompiler(Compiler):
    """Compiles a part into a library of its own kind."""

    library = _PartLibrary

    def compile_extra(self, function: Any) -> Any:
        state = self.state
        state.flags.no_compile = True
        state.library = self.library(state.targetctx.codegen(), function.__qualname__)
        made = super().compile_extra(function)
        # numba knows a compiled function by an object that Python could call. This one must not be called.
        module, name = made.fndesc.lookup_module(), made.fndesc.qualname
        stand_in = make_function(module, name, "a part of the kernel", 0, made.environment, (state.library,))
        state.targetctx.insert_user_function(stand_in, made.fndesc, [state.library])
        return made._replace(entry_point=stand_in)


class _SeparateLibrary(_PartLibrary):
    """The code of a part that is never to be inlined."""

    attributes: tuple[str, ...] = ("noinline",)

    def add_llvm_module(self, ll_module: Any) -> None:
        for function in ll_module.functions:
            if not function.is_declaration:
                for attribute in self.attributes:
                    function.add_function_attribute(attribute)
        super().add_llvm_module(ll_module)


class _SeparateCompiler(_PartCompiler):
    """Compiles a part that is never to be inlined."""

    library = _SeparateLibrary


class _RareLibrary(_SeparateLibrary):
    """The code of a part that is never to be inlined, and need not be fast."""

    attributes = ("noinline", "cold", "optsize")


class _RareCompiler(_PartCompiler):
    """Compiles a rare part."""

    library = _RareLibrary


CACHE = _folder()
PART: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "pipeline_class": _PartCompiler}
COMMON: dict[str, Any] = {"error_model": "numpy", "_nrt": False}


def part(function: Function) -> Function:
    """Compile a part of the kernel into whatever calls it: no wrapper for Python, no file of its own.

    Without reference counts (`_nrt`): the arrays are the caller's and outlive the call, and counting
    them took five sixths of a run.
    """
    return _of_plain_types(numba.njit(**COMMON, **PART, forceinline=True)(function))


def _of_plain_types(dispatcher: Any) -> Any:
    """Has a part compiled once for integers, not once more for each constant that it is called with.

    The constants still reach the code: LLVM inlines the call.
    """
    resolve = dispatcher.get_call_template
    dispatcher.get_call_template = lambda given, named: resolve(tuple(map(types.unliteral, given)), named)
    return dispatcher


def separate(function: Function) -> Function:
    """Compile a part that few scenarios need separately, so that the rest stays small.

    Its arguments are addresses made by `copied`, never those of the kernel's own tuples: the fields of
    a tuple stay in registers only while no call is given its address.
    """
    return _of_plain_types(numba.njit(**COMMON, **{**PART, "pipeline_class": _SeparateCompiler})(function))


def either(field: str, present: Any, absent: Any) -> Any:
    """A part with two bodies, chosen when it is compiled by the type of a field of its first argument.

    present: the body where the field holds a value; absent: the body where it is None.
    """
    made: Any = numba.njit(**COMMON, **PART)(present.py_func)

    def body(settings: Any) -> Any:
        names, kinds = settings.tuple_type.fields, settings.tuple_type.types
        return absent if kinds[names.index(field)] is types.none else present

    made.get_call_template = lambda given, named: body(given[0]).get_call_template(given, named)
    made.get_overload = lambda given: body(given[0]).get_overload(given)
    return made


def rare(function: Function) -> Function:
    """Compile a part that is hardly ever run apart from the rest, so that the rest stays small."""
    return _of_plain_types(numba.njit(**COMMON, **{**PART, "pipeline_class": _RareCompiler})(function))


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
