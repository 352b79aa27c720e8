"""Resolving `module:function`, also beside the scenario file, without leaving a trace in the process."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from reconcile.own_packages import share
from reconcile.text.escape import error_message
from vocabulary.errors import InputError

_LOCK = threading.Lock()

Finder = Callable[[str, str, str], Callable[..., Any]]
"""From name, folder and where, as for `resolve_callable`, to the function or what stands for it."""
_FINDER: ContextVar[Finder | None] = ContextVar("finder", default=None)


def find_callable(name: str, folder: str, where: str) -> Callable[..., Any]:
    """What `found_by` says, else `resolve_callable`."""
    return (_FINDER.get() or resolve_callable)(name, folder, where)


@contextmanager
def found_by(finder: Finder) -> Iterator[None]:
    """Within the block, scenarios that are read have their functions found by a finder."""
    token = _FINDER.set(finder)
    try:
        yield
    finally:
        _FINDER.reset(token)


def resolve_callable(name: str, folder: str, where: str) -> Callable[..., Any]:
    """The function that `module:function` names (R6).

    folder: searched before the usual places; "" for the usual places only. What is imported from it
        is forgotten by the import system afterwards (the function keeps it alive), so that modules of
        one name in two folders do not mix; such a module imports its siblings when it is loaded, not
        when the function runs.
    where: file and key, for errors.
    Raises InputError when the name has another shape, the module cannot be imported, or has no such
    function, or it cannot be called.
    """
    module_name, colon, path = name.partition(":")
    parts = module_name.split(".") + path.split(".")
    if not colon or not all(part.isidentifier() for part in parts):
        raise InputError(
            where,
            repr(name),
            "`module:function`",
            "Write the module and the function, like my_module:my_function.",
        )
    with _LOCK, _search(module_name, folder), redirect_stdout(sys.stderr):  # stdout belongs to the answer
        found: Any = _import(module_name, folder, where)
        for attribute in path.split("."):
            found = _attribute(found, attribute, name, where)
    if not callable(found):
        raise InputError(
            where, f"{name!r}, a {type(found).__name__}", "a function", f"Name a function of {module_name}."
        )
    return found  # type: ignore[no-any-return]


def _import(module: str, folder: str, where: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not (module + ".").startswith(error.name + "."):
            raise _failed(module, error, where) from error
        places = f"{folder} and the usual places" if folder else "the usual places"
        remedy = f"Put it {'beside the scenario file' if folder else 'in the current folder'}, or install it."
        if module.endswith(".py"):
            remedy = f"Name the module, not its file: {module.removesuffix('.py')!r}."
        raise InputError(
            where,
            f"no module {module!r} in {places}",
            "a module that can be imported",
            remedy,
        ) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise _failed(module, error, where) from error


def _failed(module: str, error: BaseException, where: str) -> InputError:
    return InputError(
        where,
        f"a module {module!r} that raised {type(error).__name__} while it was imported:"
        f" {error_message(error)}",
        "a module that can be imported",
        "Import it in Python to see the whole traceback.",
    )


def _attribute(owner: Any, attribute: str, name: str, where: str) -> Any:
    try:
        return getattr(owner, attribute)
    except Exception as error:
        near = get_close_matches(attribute, [known for known in dir(owner) if not known.startswith("_")], 1)
        remedy = f"Did you mean {near[0]!r}?" if near else "Check its spelling."
        raise InputError(where, repr(name), f"a name that exists: {attribute!r} does not", remedy) from error


@contextmanager
def _search(module: str, folder: str) -> Iterator[None]:
    """Search `folder` first for as long as the block runs, then put sys.path and sys.modules back."""
    if not folder:
        yield
        return
    root = Path(folder).resolve()
    own = _modules_in(root)
    share(own)
    usual = any(Path(entry).resolve() == root for entry in sys.path)
    path, before, quiet = list(sys.path), dict(sys.modules), sys.dont_write_bytecode
    for name in _strangers(root, own, wanted=module.partition(".")[0]):
        del sys.modules[name]
    sys.path.insert(0, str(root))
    sys.dont_write_bytecode = True  # nothing is left in the user's folder, and no edit is missed
    importlib.invalidate_caches()  # nor a file written a moment ago
    try:
        yield
    finally:
        sys.path[:], sys.dont_write_bytecode = path, quiet
        for name in [name for name in sys.modules if name not in before]:
            if not usual and _is_own(name, root, own):
                del sys.modules[name]
        sys.modules.update(before)


def _modules_in(root: Path) -> frozenset[str]:
    """Names of the modules and packages that lie in `root` itself."""
    try:
        files = {entry.stem for entry in root.glob("*.py")}
        return frozenset(files | {entry.parent.name for entry in root.glob("*/*.py")})
    except OSError:
        return frozenset()


def _strangers(root: Path, own: frozenset[str], wanted: str) -> list[str]:
    """Loaded modules from elsewhere that bear the name of one in `root`.

    The standard library stays as it is, but for the one module that was asked for.
    """
    hidden = {name for name in own if name not in sys.stdlib_module_names or name == wanted}
    hidden -= set(sys.builtin_module_names)
    same = [name for name in sys.modules if name.partition(".")[0] in hidden]
    return [name for name in same if not _is_own(name, root, own)]


def _is_own(name: str, root: Path, own: frozenset[str]) -> bool:
    """Whether a loaded module is `root/top.py` or below `root/top/` (not: in an environment below root)."""
    top = name.partition(".")[0]
    if top not in own:
        return False
    module = sys.modules[name]
    place = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", None) or ()), None)
    if place is None:
        return False
    resolved = Path(place).resolve()
    return resolved == root / f"{top}.py" or resolved.is_relative_to(root / top)
