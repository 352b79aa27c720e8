"""tieout's packages `engine`, `reference` and `vocabulary` beside modules of a user's that bear their names.

A project may well have an `engine.py` of its own. Ours can always be imported as `reconcile.engine`,
`reconcile.reference` and `reconcile.vocabulary`. The plain names mean ours too, unless the project has such a
module: then they mean the project's, everywhere but in our own modules.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import os
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

NAMES = ("engine", "reference", "vocabulary")
ROOT = Path(__file__).resolve().parent.parent
_OURS = tuple(str(ROOT / name) + os.sep for name in ("reconcile", *NAMES))

_taken: set[str] = set()
"""Names that a user's module bears, too."""
_loading: set[str] = set()
"""Packages of ours that are being imported at this moment."""


class _OursFinder:
    """Finds the packages of ours where they were installed, whatever stands earlier on sys.path."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return PathFinder.find_spec(name, [str(ROOT)]) if name in NAMES else None


def ours_first() -> None:
    """Let the plain names mean ours in this process: for a command line, which runs no user's code itself."""
    if _OursFinder not in sys.meta_path:
        sys.meta_path.insert(0, _OursFinder)


def stand_apart() -> None:
    """Where a user's module would be imported in place of ours, see to it that our own modules get ours."""
    share(name for name in NAMES if _theirs_first(name))


def _theirs_first(name: str) -> bool:
    known = sys.modules.get(name)
    if known is not None:
        return not _is_own(known)
    spec = PathFinder.find_spec(name, sys.path)
    return spec is not None and spec.origin is not None and not _is_own_file(spec.origin)


def give_way() -> None:
    """Let the plain names mean a user's modules where sys.path finds one before ours.

    sys.path must be as the user's code is to see it. What our own modules import stays ours.
    """
    with contextlib.suppress(ValueError):
        sys.meta_path.remove(_OursFinder)
    for name in NAMES:
        spec = PathFinder.find_spec(name, sys.path)
        if spec is not None and not _is_own_file(spec.origin):
            share([name])
            _free(name, spec)


def share(names: Iterable[str]) -> None:
    """From now on our own modules get ours by the plain names, whatever others get."""
    for name in names:
        if name in NAMES and name not in _taken:
            _taken.add(name)
            if _is_own(sys.modules.get(name)):
                own_package(name)
    if _taken and builtins.__import__ is not _import:
        builtins.__import__ = _import


def own_package(name: str) -> ModuleType:
    """One of our packages, known as `reconcile.<name>` from then on, with its modules below it."""
    kept = sys.modules.get(f"reconcile.{name}")
    if kept is not None and kept.__name__ == name:  # not the module that is just asking for it
        return kept
    known = sys.modules.get(name)
    with contextlib.nullcontext() if _is_own(known) else _set_aside(name):
        package = importlib.import_module(name)
        for part in pkgutil.iter_modules(package.__path__, f"{name}."):
            importlib.import_module(part.name)
        for key in _keys(name):
            sys.modules[f"reconcile.{key}"] = sys.modules[key]
    setattr(sys.modules[__package__], name, package)
    return package


@contextlib.contextmanager
def _set_aside(name: str) -> Iterator[None]:
    """While the block runs, a user's modules of a name are out of the way, and ours are found."""
    theirs = {key: sys.modules.pop(key) for key in _keys(name)}
    spec = PathFinder.find_spec(name, sys.path)
    finder = _OursFinder not in sys.meta_path
    _loading.add(name)
    try:
        if finder:
            sys.meta_path.insert(0, _OursFinder)
        yield
    finally:
        if finder:
            sys.meta_path.remove(_OursFinder)
        _loading.discard(name)
    if theirs or (spec is not None and not _is_own_file(spec.origin) and finder):
        _free(name, spec)
        sys.modules.update(theirs)
        share([name])


def _free(name: str, theirs: ModuleSpec | None) -> None:
    """Take the plain names of our modules out of sys.modules, so that a user's are found by them.

    Modules below a name stay where the user's package has none such: numba looks up ours by their names.
    """
    places = [] if theirs is None else list(theirs.submodule_search_locations or ())
    parts = {f"{name}.{found.name}" for found in pkgutil.iter_modules(places)}
    for key in _keys(name):
        if _is_own(sys.modules[key]) and (key == name or key in parts):
            del sys.modules[key]


def _keys(name: str) -> list[str]:
    return [key for key in sys.modules if key == name or key.startswith(f"{name}.")]


def _is_own(module: ModuleType | None) -> bool:
    return module is not None and _is_own_file(getattr(module, "__file__", None))


def _is_own_file(place: str | None) -> bool:
    return place is not None and os.path.realpath(place).startswith(_OURS)


_import_as_usual = builtins.__import__


def _import(
    name: str,
    globals: Mapping[str, Any] | None = None,
    locals: Mapping[str, Any] | None = None,
    fromlist: Iterable[str] | None = (),
    level: int = 0,
) -> Any:
    """`import` for a process in which a plain name has two meanings: ours in our modules, else the user's."""
    top = name.partition(".")[0]
    if level or top not in _taken or top in _loading or not _is_own_file((globals or {}).get("__file__")):
        return _import_as_usual(name, globals, locals, tuple(fromlist or ()), level)
    package = own_package(top)
    return sys.modules[f"reconcile.{name}"] if fromlist else package
