"""Reading a scenario: from a TOML file, from text, from tables, or a built-in one."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconcile.scenario.build import build
from reconcile.scenario.values import nearest
from vocabulary.errors import InputError
from vocabulary.scenario import Scenario

_BUILTINS = Path(__file__).parent / "builtin"


def find_scenario(name_or_path: str | os.PathLike[str]) -> Scenario:
    """A built-in scenario by name, else the file at that path. Raises InputError."""
    name = os.fspath(name_or_path)
    if name in builtin_scenarios():
        return builtin_scenario(name)
    if Path(name).suffix == ".toml" or Path(name).exists():
        return scenario_from_file(name)
    raise _unknown(name, "a built-in scenario or a TOML file")


def scenario_from_file(path: str | os.PathLike[str]) -> Scenario:
    """The scenario of a TOML file; its relative paths and its callable start from the file's folder.

    Raises InputError: no such file, not readable, not UTF-8, not TOML, or not a scenario.
    """
    name = os.fspath(path)
    origin = os.path.dirname(os.path.abspath(name))
    return build(_parse(_read(name), name), origin, os.path.basename(name), name)


def scenario_from_text(text: str, *, origin: str = "", name: str = "scenario") -> Scenario:
    """The scenario of TOML text. origin: the folder that relative paths start from. Raises InputError."""
    return build(_parse(text, name), origin, name, name)


def scenario_from_dict(mapping: Mapping[str, Any], *, origin: str = "", name: str = "scenario") -> Scenario:
    """The scenario of tables in the shape of the file (section S), decimals as text. Raises InputError."""
    return build(plain(mapping), origin, name, name)


def builtin_scenario(name: str) -> Scenario:
    """A scenario that comes with the package. Raises InputError, naming those there are."""
    if name not in builtin_scenarios():
        raise _unknown(name, "a built-in scenario")
    path = _BUILTINS / f"{name}.toml"
    return build(_parse(_read(str(path)), name), str(_BUILTINS), name, f"built-in scenario {name}")


def builtin_scenarios() -> dict[str, str]:
    """Name and one line of description, the first comment of its file, of each built-in scenario."""
    paths = sorted(_BUILTINS.glob("*.toml"))
    return {path.stem: path.read_text("utf-8").partition("\n")[0].strip("# \r") for path in paths}


def plain(value: Any) -> Any:
    """Mappings as dict and tuples as list, all the way down, as tomllib would give them."""
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def _unknown(name: str, expected: str) -> InputError:
    known = builtin_scenarios()
    near = nearest(name, known)
    remedy = "The built-in ones are " + ", ".join(known) + "." + (f" Did you mean {near!r}?" if near else "")
    return InputError("scenario", repr(name), expected, remedy)


def _read(name: str) -> str:
    try:
        data = Path(name).read_bytes()
    except FileNotFoundError as error:
        raise InputError(name, "no such file", "a scenario in TOML", "Check the path.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        found = f"a file that cannot be read: {reason}"
        raise InputError(name, found, "a scenario in TOML", "Check the path.") from error
    try:
        return data.decode("utf-8-sig")  # editors on Windows put a byte order mark first
    except UnicodeDecodeError as error:
        found = f"byte 0x{data[error.start]:02x} at offset {error.start}"
        raise InputError(name, found, "TOML in UTF-8", "Save the file as UTF-8.") from error


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also numbers of thousands of digits, brackets without end
        found = f"text that is not TOML: {error}"
        raise InputError(where, found, "a scenario in TOML", "Correct the file there.") from error
