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
    "README.md": "readme.md.txt",
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

    package: what pip installs. conventions: what the engine does in its own way, one sentence each.
    changes: text of the files of all engines -> what stands there instead.
    files: path in the project -> file of its text, besides or in place of those of all engines.
    """

    package: str
    conventions: tuple[str, ...]
    changes: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


SLIPPAGE = 'slippage = { kind = "bps", rate = "5" }\n'
MARKET = "# built in; yours: a Parquet or CSV file beside this one\n"
ENGINES = {
    "vectorbt": Engine(
        "vectorbt",
        (
            'Orders are numbers of shares (`size_type="targetamount"`).',
            'Of the orders of one bar, sells come first (`call_seq="auto"`).',
        ),
    ),
    "backtrader": Engine(
        "backtrader",
        (
            "Cash is checked when an order is filled, not when it is submitted (`set_checksubmit(False)`):"
            " what is sold at an open pays for what is bought there.",
        ),
    ),
    "bt": Engine(
        "bt",
        (
            "bt trades at the close of the bar that decides, so that the scenario does, too (`same_close`).",
            "bt knows no slippage, so that the scenario has none.",
            "bt records no fee per fill; fees are compared by way of the cash.",
        ),
        {SLIPPAGE: '\n[execution]\ntiming = "same_close"\n'},
    ),
    "pybroker": Engine(
        "lib-pybroker",
        ("Prices and results are not rounded to cents (`round_fill_price`, `round_test_result`).",),
    ),
    "ml4t": Engine(
        "ml4t-backtest",
        ("Orders are whole shares, filled at the open of the next bar (`ShareType`, `ExecutionMode`).",),
    ),
    "zipline": Engine(
        "zipline-reloaded",
        (
            "zipline reads bars from a bundle, which `run` writes to a temporary folder.",
            "Bundles hold prices with 3 decimals, so that the scenario does, too (`price_decimals`).",
            "The bars must be those of an exchange's calendar, which `CALENDAR` names.",
            "zipline checks no cash.",
        ),
        {MARKET: MARKET + "price_decimals = 3                      # of the prices in zipline's bundles\n"},
        {"tolerance.toml": "zipline_tolerance.toml.txt"},
    ),
    "nautilus": Engine(
        "nautilus_trader",
        (
            "Orders are filled at quotes: each open is one, with the slippage to both sides of it.",
            "Each commission is rounded to the cent, which `tolerance.toml` says.",
            "nautilus_trader keeps no equity per bar: it is not compared.",
        ),
        files={"tolerance.toml": "nautilus_tolerance.toml.txt"},
    ),
    "backtesting": Engine(
        "backtesting",
        (
            "Backtesting.py trades one symbol: in or out. `my_strategy.py` says the same to the reference.",
            "Its spread is paid at entries alone, so that neither side has slippage.",
            "The commission of each fill is not recorded; commissions are compared by way of the equity.",
        ),
        files={
            "scenario.toml": "backtesting_scenario.toml.txt",
            "my_strategy.py": "backtesting_strategy.py.txt",
            "tolerance.toml": "backtesting_tolerance.toml.txt",
        },
    ),
    "freqtrade": Engine(
        "freqtrade",
        (
            "freqtrade asks an exchange for its pairs. `Offline` stands in its place: no network is needed.",
            "freqtrade knows no slippage, so that the scenario has none.",
            "At its end it closes what is still open; those exits are left out (`forced_exits=False`).",
            "Its trades hold no equity per candle: it is not compared.",
        ),
        {SLIPPAGE: ""},
        {"tolerance.toml": "freqtrade_tolerance.toml.txt"},
    ),
}
"""Engine -> what its project has of its own."""
ROWS = {
    "my_strategy.py": "the strategy, as the reference runs it",
    "tolerance.toml": "how far numbers may be off, each with its reason",
}
"""Of the files in README.md those that not every project has."""
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


def source_text(source: str) -> str:
    """The text of a file of `reconcile/templates/files`, as it stands there."""
    return files("reconcile.templates").joinpath("files", source).read_text(encoding="utf-8")


def _text(source: str, engine: str) -> str:
    """The text of a file in the project of an engine."""
    text = source_text(source)
    if source == FILES["README.md"]:
        return _readme(text, engine)
    if engine == OWN:
        return text
    for usual, its_own in ENGINES[engine].changes.items():
        text = text.replace(usual, its_own)
    return text.replace(
        '"tieout[html]", "pytest"]', f'"tieout[html]", "pytest", "{ENGINES[engine].package}"]'
    )


def _readme(text: str, engine: str) -> str:
    """The page of a project, with what its engine does in its own way."""
    rows = [f"| `{name}` | {what} |\n" for name, what in ROWS.items() if name in files_for(engine)]
    ways = () if engine == OWN else ENGINES[engine].conventions
    shown = ["", "## What is particular", "", *(f"- {one}" for one in ways), ""] if ways else []
    parts = {
        "{engine}": "an engine of your own" if engine == OWN else f"a strategy of {ENGINES[engine].package}",
        "{tolerance}": "" if engine == OWN else " --tolerance tolerance.toml",
        "{files}": "".join(rows),
        "{conventions}\n": "\n".join(shown),
    }
    for mark, part in parts.items():
        text = text.replace(mark, part)
    return text


def _own_tables() -> str:
    """The tables of the settings that a project which has a pyproject.toml still needs."""
    text = template(SETTINGS)
    return text[text.index("[dependency-groups]") :]


def _unwritable(path: Path, found: str) -> OutputError:
    return OutputError(str(path), found, "a place that can be written", "Name another folder.")
