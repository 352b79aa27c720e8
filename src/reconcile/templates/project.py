"""The project that `reconcile init` writes: its own engine is compared with the reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from reconcile.files import atomic
from reconcile.text.escape import printable
from vocabulary.errors import OutputError

FILES = {
    "scenario.toml": "scenario.toml.txt",
    "my_engine.py": "my_engine.py.txt",
    "tests/conftest.py": "conftest.py.txt",
    "tests/test_my_engine.py": "test_my_engine.py.txt",
    "pyproject.toml": "pyproject.toml.txt",
    ".gitattributes": "gitattributes.txt",
    ".gitignore": "gitignore.txt",
    ".github/workflows/backtests.yml": "workflow.yml.txt",
}
"""Path in the project -> file of its text in `reconcile/templates/files`."""
OWN = "own"


@dataclass(frozen=True, slots=True)
class Engine:
    """What the project of an engine has of its own; its adapter is `NAME_engine.py.txt`.

    package: what pip installs. changes: text of the files of all engines -> what stands there instead.
    files: path in the project -> file of its text, besides or in place of those of all engines.
    """

    package: str
    changes: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


SLIPPAGE = 'slippage = { kind = "bps", rate = "5" }\n'
MARKET = "# built in; yours: a Parquet or CSV file beside this one\n"
ENGINES = {
    "vectorbt": Engine("vectorbt"),
    "backtrader": Engine("backtrader"),
    # It trades at the price of the bar that decides, and slippage is no cost that it knows.
    "bt": Engine("bt", {SLIPPAGE: '\n[execution]\ntiming = "same_close"\n'}),
    "pybroker": Engine("lib-pybroker"),
    "ml4t": Engine("ml4t-backtest"),
    "zipline": Engine(
        "zipline-reloaded",
        {MARKET: MARKET + "price_decimals = 3                      # of the prices in zipline's bundles\n"},
        {"tolerance.toml": "zipline_tolerance.toml.txt"},
    ),
    "freqtrade": Engine("freqtrade", {SLIPPAGE: ""}, {"tolerance.toml": "freqtrade_tolerance.toml.txt"}),
    "nautilus": Engine("nautilus_trader", files={"tolerance.toml": "nautilus_tolerance.toml.txt"}),
    "backtesting": Engine(
        "backtesting",
        files={
            "scenario.toml": "backtesting_scenario.toml.txt",
            "my_strategy.py": "backtesting_strategy.py.txt",
            "tolerance.toml": "backtesting_tolerance.toml.txt",
        },
    ),
}
"""Engine -> what its project has of its own."""
SETTINGS = "pyproject.toml"
NEXT = """
next
  pytest                                                   fails once: the golden is only pending
  reconcile golden review                                  what would be pinned
  reconcile golden accept --all --reason "first results"
  pytest                                                   passes
  reconcile gate --checks goldens,drift                    what CI checks, besides throughput"""


@dataclass(frozen=True, slots=True)
class Written:
    """The files that were written and those that were there already, in the order of FILES."""

    wrote: tuple[str, ...]
    kept: tuple[str, ...]


def files_for(engine: str = OWN) -> dict[str, str]:
    """The files of a project around an engine: path in it -> file of its text."""
    if engine == OWN:
        return FILES
    own = {
        "scenario.toml": "engine_scenario.toml.txt",
        "tolerance.toml": "tolerance.toml.txt",
        "my_engine.py": f"{engine}_engine.py.txt",
        "tests/test_my_engine.py": "test_engine.py.txt",
    }
    return {**FILES, **own, **ENGINES[engine].files}


def write_project(folder: str, engine: str = OWN) -> str:
    """Write the files that are not there yet; returns a report of what was done. Raises OutputError."""
    return project_page(folder, write_files(Path(folder), engine))


def write_files(root: Path, engine: str = OWN) -> Written:
    """Write each file that does not exist, whole; one that exists is left as it is. Raises OutputError."""
    wrote, kept = [], []
    for name, source in files_for(engine).items():
        path = root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_new_file(path, _text(source, engine))
            wrote.append(name)
        except FileExistsError:
            if not path.exists() and not path.is_symlink():  # a file where a folder is needed
                raise _unwritable(path.parent, "a file") from None
            kept.append(name)
        except OSError as error:
            raise _unwritable(path, error.strerror or type(error).__name__) from None
    return Written(tuple(wrote), tuple(kept))


def project_page(folder: str, done: Written) -> str:
    """A report of what was written and kept, and what to do next."""
    where = "here" if Path(folder) == Path() else f"to {printable(folder)}"
    noun = "file" if len(done.wrote) == 1 else "files"
    lines = [
        f"wrote {len(done.wrote)} {noun} {where}" if done.wrote else "wrote nothing: all is there already"
    ]
    lines += [f"  {name}" for name in done.wrote]
    lines += [f"  {name}: kept, it was there" for name in done.kept]
    if SETTINGS in done.kept:
        lines += ["", f"in {SETTINGS}, if it has no such tables yet"]
        lines += [f"  {line}".rstrip() for line in _own_tables().splitlines()]
    return "\n".join([*lines, NEXT])


def template(name: str) -> str:
    """The text of one of FILES."""
    return _text(FILES[name], OWN)


def _text(source: str, engine: str) -> str:
    text = files("reconcile.templates").joinpath("files", source).read_text(encoding="utf-8")
    if engine == OWN:
        return text
    for usual, its_own in ENGINES[engine].changes.items():
        text = text.replace(usual, its_own)
    return text.replace(
        '"tieout[html]", "pytest"]', f'"tieout[html]", "pytest", "{ENGINES[engine].package}"]'
    )


def _own_tables() -> str:
    """The tables of the settings that a project which has a pyproject.toml still needs."""
    text = template(SETTINGS)
    return text[text.index("[dependency-groups]") :]


def _unwritable(path: Path, found: str) -> OutputError:
    return OutputError(str(path), found, "a place that can be written", "Name another folder.")
