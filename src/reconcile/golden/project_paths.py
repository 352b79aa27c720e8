"""Where a project keeps its goldens, and what a case may be called."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote

from reconcile.golden.model import Place
from vocabulary.errors import InputError

BLESSED = "tests/golden/blessed"
PENDING = ".pending"
_PLAIN = "-_.[]=, "


def find_place(start: str | Path = ".") -> Place:
    """The project of a folder: the nearest pyproject.toml above it that has [tool.reconcile], else the
    nearest one, else the folder itself.

    Settings, paths relative to that file: golden (default tests/golden/blessed), cases and journal
    (default `cases` and `JOURNAL.md` beside it). Raises InputError for a setting of the wrong kind.
    """
    here = Path(start).resolve()
    files = [folder / "pyproject.toml" for folder in (here, *here.parents)]
    files = [file for file in files if file.is_file()]
    for file in files:
        settings = read_settings(file)
        if settings is not None:
            return _place(file.parent, settings, str(file))
    root = files[0].parent if files else here
    return _place(root, {}, str(root))


def read_settings(file: Path) -> dict[str, Any] | None:
    """The table [tool.reconcile] of a pyproject.toml, None where it has none. Raises InputError."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(str(file), f"text that is not TOML: {error}", "TOML", "Correct it.") from None
    settings = content.get("tool", {}).get("reconcile")
    if settings is not None and not isinstance(settings, dict):
        raise InputError(f"{file}: tool.reconcile", repr(settings), "a table", "Write [tool.reconcile].")
    return settings


def _place(root: Path, settings: dict[str, Any], where: str) -> Place:
    def path(key: str, default: Path) -> Path:
        value = settings.get(key, str(default))
        if not isinstance(value, str) or not value:
            expected = "a path relative to pyproject.toml"
            raise InputError(f"{where}: tool.reconcile.{key}", repr(value), expected, "Correct it.")
        return root / value

    blessed = path("golden", Path(BLESSED))
    cases = path("cases", blessed.parent / "cases")
    return Place(root, blessed, cases, path("journal", blessed.parent / "JOURNAL.md"))


def folder_name(case: str) -> str:
    """The folder of a case: its name, with what file systems dislike as %XX; different names stay so.

    Raises InputError for a name that no folder can have.
    """
    name = quote(case, safe=_PLAIN)
    name = name.replace(".", "%2E", 1) if name.startswith(".") else name
    if name.endswith(PENDING):
        name = f"{name.removesuffix(PENDING)}%2Epending"
    if not name or len(name) > 200:
        raise InputError("case", repr(case[:60]), "a name of 1 to 200 characters", "Name it with case=...")
    return name


def pending_name(case: str) -> str:
    """The folder of what waits for a decision about a case, beside the golden."""
    return folder_name(case) + PENDING
