"""The hostile inputs: each is a sound project with one thing wrong, and a command that meets it.

Cases are generated from lists of what may be wrong and where. The rule is exit code 2 with one message, as
nothing was decided; what deviates from it stands in a table of its own.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hostile import world
from hostile.world import ANYTHING_ELSE, DAMAGED, FOREIGN, GATED, MAPPING, OURS, SCENARIO, TOLERANCE


@dataclass(frozen=True)
class Hostile:
    """One input.

    spoil: what is done to the project's folder. code: the exit code that is due.
    says: text of the one message; None where a verdict is due, and no error.
    """

    name: str
    spoil: Callable[[Path], None]
    arguments: tuple[str, ...]
    code: int = 2
    says: str | None = ""


MAPPED = ("--mapping", MAPPING)
BOTH_MAPPED = (*MAPPED, "--reference-mapping", MAPPING)
ROLES: dict[str, tuple[str, tuple[str, ...]]] = {
    "scenario": (SCENARIO, ("check", SCENARIO)),
    "bars": (world.BARS, ("check", SCENARIO)),
    "context": (world.CONTEXT, ("check", GATED)),
    "mapping": (MAPPING, ("import", *MAPPED, FOREIGN, "--out", "made")),
    "tolerance": (TOLERANCE, ("diff", FOREIGN, FOREIGN, *BOTH_MAPPED, "--tolerance", TOLERANCE)),
    "project": (world.PROJECT, ("gate", "--checks", "goldens")),
    "manifest": (f"{OURS}/manifest.json", ("diff", OURS, OURS)),
    "fills": (f"{OURS}/fills.csv", ("audit", OURS)),
    "trades": (f"{FOREIGN}/trades.csv", ("import", *MAPPED, FOREIGN, "--out", "made")),
}
"""What a file is -> its path in the project, and a command that reads it."""

VERDICTS = {
    "project: gone": 2,  # there is no golden to check
    "manifest: gone": 0,  # a ledger can be read without one
    "manifest: a carriage return within": 0,  # white space of JSON
    "fills: gone": 2,  # the audit says what it could not check
    "fills: an open quote": 1,  # a cell that is not the one that was written
}
"""Inputs about which a verdict is given, and its code."""


def damaged_files() -> Iterator[Hostile]:
    """Every file in turn replaced by what is no file, and by bytes of another kind."""
    for role, (file, arguments) in ROLES.items():
        for damage, spoil in {**ANYTHING_ELSE, **DAMAGED}.items():
            name = f"{role}: {damage}"
            yield Hostile(
                name,
                lambda folder, spoil=spoil, file=file: spoil(folder / file),  # type: ignore[misc]
                arguments,
                VERDICTS.get(name, 2),
                None if name in VERDICTS else file.partition("/")[0],
            )


SETTINGS: dict[str, str] = {
    "market.data": '"bars.csv"',
    "market.price_decimals": "4",
    "market.quantity_decimals": "0",
    "portfolio.initial_cash": '"10000"',
    "strategy.kind": '"top_n"',
    "strategy.score": '"score"',
    "strategy.n": "2",
    "strategy.gross_long": '"0.9"',
    "strategy.band": '"0"',
    "strategy.cooldown": "0",
    "strategy.require": "[]",
    "strategy.when": '"always"',
    "strategy.size_on": '"equity"',
    "strategy.schedule": "{ every = 1 }",
    "execution.timing": '"next_open"',
    "execution.sequence": '"sells_first"',
    "execution.cash": '"reduce"',
    "execution.allow_short": "false",
    "costs.commission": '{ kind = "bps", rate = "5" }',
    "costs.slippage": '{ kind = "bps", rate = "5" }',
}
"""A scenario, setting by setting."""

WRONG_VALUES = {
    "a date": "2024-01-31",
    "a negative number": "-1",
    "a huge number": "9" * 30,
    "a huge decimal": f'"{"9" * 30}"',
    "a decimal without end": f'"0.{"3" * 200}"',
    "an exponent": '"1e999999999"',
    "not a number": "nan",
    "a list of lists": "[[[1]]]",
    "a table of nothing": "{ nothing = 1 }",
    "an unknown word": '"sideways"',
    "an empty text": '""',
    "a text of controls": '"\\u001b[31m\\u0000"',
}


def wrong_settings() -> Iterator[Hostile]:
    """Every setting of a scenario with every wrong value, left out, doubled and misspelt."""
    for key, right in SETTINGS.items():
        table, name = key.split(".")
        others = [(other, value) for other, value in SETTINGS.items() if other != key]
        for what, value in WRONG_VALUES.items():
            if value != right:
                text = _scenario([*others, (key, value)])
                says = "" if key == "market.data" else name  # a path: the error names the file
                yield Hostile(f"{key}: {what}", _written(SCENARIO, text), ("check", SCENARIO), 2, says)
        doubled = _scenario([*SETTINGS.items(), (key, right)])
        yield Hostile(f"{key}: twice", _written(SCENARIO, doubled), ("check", SCENARIO), 2, SCENARIO)
        misspelt = _scenario([*SETTINGS.items(), (f"{table}.{name}x", right)])
        yield Hostile(f"{key}: misspelt", _written(SCENARIO, misspelt), ("check", SCENARIO), 2, f"{name}x")
    for key in ("market.data", "portfolio.initial_cash", "strategy.kind", "strategy.score", "strategy.n"):
        text = _scenario([(other, value) for other, value in SETTINGS.items() if other != key])
        yield Hostile(f"{key}: left out", _written(SCENARIO, text), ("check", SCENARIO), 2, key.split(".")[1])


def _scenario(settings: list[tuple[str, str]]) -> str:
    tables: dict[str, list[str]] = {}
    for key, value in settings:
        table, name = key.split(".")
        tables.setdefault(table, []).append(f"{name} = {value}")
    return "\n".join(f"[{table}]\n" + "\n".join(lines) for table, lines in tables.items()) + "\n"


def _written(file: str, text: str) -> Callable[[Path], None]:
    return lambda folder: world.written(text.encode())(folder / file)


WRONG_CELLS = [
    "x",
    "-",
    "1,5",
    "1..5",
    "0x10",
    "1_000",
    "--1",
    "1e",
    "٣",
    "=1+1",
    "<b>1</b>",
    "1 2",
    "\x1b[31m",
]
"""No numbers, in any file of ours."""
WRONG_TIMES = [
    "x",
    "2024-13-01",
    "2024-02-30",
    "01/02/2024",
    "1704067200",
    "2024-01-01T25:00",
    "0001-01-01",
    "9999-01-01",
]


def wrong_cells() -> Iterator[Hostile]:
    """One cell of one column is no number, no time, no word, or is empty where it may not be."""
    for column in ("open", "high", "low", "close", "volume", "score"):
        for cell in WRONG_CELLS:
            spoil = _cell(world.BARS, column, cell)
            yield Hostile(f"bars.{column}: {cell!r}", spoil, ("check", SCENARIO), 2, column)
    for column in ("open", "close"):
        for cell in ("-1", "-0.01", "1e30"):
            spoil = _cell(world.BARS, column, cell)
            yield Hostile(f"bars.{column}: {cell!r}", spoil, ("check", SCENARIO), 2, column)
    for cell in ("", *WRONG_TIMES):
        yield Hostile(
            f"bars.timestamp: {cell!r}",
            _cell(world.BARS, "timestamp", cell),
            ("check", SCENARIO),
            2,
            "bars.csv",
        )
        yield Hostile(
            f"context.timestamp: {cell!r}",
            _cell(world.CONTEXT, "timestamp", cell),
            ("check", GATED),
            2,
            "context.csv",
        )
    yield Hostile("bars.symbol: ''", _cell(world.BARS, "symbol", ""), ("check", SCENARIO), 2, "no symbol")
    yield Hostile(
        "bars.symbol: long",
        _cell(world.BARS, "symbol", "S" * 1001),
        ("check", SCENARIO),
        2,
        "1,001 characters",
    )
    for table, columns in LEDGER_NUMBERS.items():
        for column in columns:
            for cell in WRONG_CELLS[:9]:
                name = f"{table}.{column}: {cell!r}"
                yield Hostile(name, _cell(f"{OURS}/{table}.csv", column, cell), ("audit", OURS), 2, column)
    for table, column in (
        ("fills", "timestamp"),
        ("orders", "decided_at"),
        ("equity", "timestamp"),
        ("targets", "decided_at"),
    ):
        for cell in WRONG_TIMES:
            name = f"{table}.{column}: {cell!r}"
            yield Hostile(name, _cell(f"{OURS}/{table}.csv", column, cell), ("diff", OURS, OURS), 2, column)


LEDGER_NUMBERS = {
    "fills": ("sequence", "quantity", "price", "commission"),
    "orders": ("quantity",),
    "positions": ("quantity", "mark"),
    "costs": ("turnover",),
    "equity": ("cash", "equity"),
    "targets": ("rank", "weight"),
}


def _cell(file: str, column: str, cell: str) -> Callable[[Path], None]:
    """The second row of a CSV gets another cell."""

    def spoil(folder: Path) -> None:
        head, first, second, *rest = (folder / file).read_text(encoding="utf-8").splitlines()
        cells = second.split(",")
        cells[head.split(",").index(column)] = f'"{cell}"' if "," in cell else cell
        (folder / file).write_text("\n".join([head, first, ",".join(cells), *rest]) + "\n", encoding="utf-8")

    return spoil


HEADERS = {
    "a column twice": lambda head: head + "," + head.split(",")[1],
    "a column missing": lambda head: head.replace(head.split(",")[1], "other", 1),
    "capitals": str.upper,
    "a cell too few": lambda head: head.rpartition(",")[0],
    "a name without end": lambda head: head + "," + "n" * 100_000,
}


CANNOT_TELL = {f"{OURS}/fills.csv header: a column missing"}
"""The audit says what it could not check."""


def wrong_headers() -> Iterator[Hostile]:
    for what, change in HEADERS.items():
        for file, arguments in ((world.BARS, ("check", SCENARIO)), (f"{OURS}/fills.csv", ("audit", OURS))):
            name = f"{file} header: {what}"
            yield Hostile(name, _header(file, change), arguments, 2, None if name in CANNOT_TELL else "")


def _header(file: str, change: Callable[[str], str]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        head, _, rest = (folder / file).read_text().partition("\n")
        (folder / file).write_text(f"{change(head)}\n{rest}")

    return spoil


MANIFEST_KEYS = {
    "format": [0, 2, "1", True, None, [], 1.5],
    "storage": ["xlsx", 1, [], {}, True],
    "price_decimals": [-1, 10, "4", 1.5, True, [], 10**30],
    "quantity_decimals": [-1, 10, "4", 1.5, True, []],
    "initial_cash": [1, 1.5, "x", "1e6", "1.00001", "", [], True, "9" * 60, "0x10", "1,000"],
    "timezone": ["", "Mars/Olympus", 1, [], "+99:99", "../../etc/passwd"],
    "timing": [1, [], {}, True],
    "scenario": [1, [], {}],
    "market": [1, [], {}],
    "semantics": [1, [], {}],
    "producer": [1, [], {}],
    "chain": ["x", 1, [1], [None], {}, [[]], True],
    "words": ["x", [1], [[1]], [["a"], 2], {}],
    "tables": [
        "x",
        [],
        {"trades": {"rows": 1}},
        {"fills": 1},
        {"fills": {"rows": "1"}},
        {"fills": {"rows": 1.5}},
    ],
    "another": [1],
}


def wrong_manifests() -> Iterator[Hostile]:
    """Every key of a manifest with values that it may not have."""
    for key, values in MANIFEST_KEYS.items():
        for value in values:
            name = f"manifest.{key}: {str(value)[:40]!r} {type(value).__name__}"
            yield Hostile(name, _manifest(key, value), ("diff", OURS, OURS), 2, key)


def _manifest(key: str, value: object) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        file = folder / OURS / "manifest.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), key: value}))

    return spoil


TOLERANCES = {
    "a list": '"fills.price" = [1]',
    "a number": '"fills.price" = 0.01',
    "no reason": '"fills.price" = { absolute = "0.01" }',
    "an empty reason": '"fills.price" = { absolute = "0.01", reason = " " }',
    "two bounds": '"fills.price" = { absolute = "0.01", relative = "0.01", reason = "r" }',
    "no bound": '"fills.price" = { reason = "r" }',
    "an unknown bound": '"fills.price" = { roughly = "0.01", reason = "r" }',
    "an unknown table": '"trades.price" = { absolute = "0.01", reason = "r" }',
    "an unknown column": '"fills.pricf" = { absolute = "0.01", reason = "r" }',
    "a key": '"fills.timestamp" = { absolute = "0.01", reason = "r" }',
    "a word": '"fills.side" = { absolute = "0.01", reason = "r" }',
    "no table": '"price" = { absolute = "0.01", reason = "r" }',
    **{
        f"a bound of {bound}": f'"fills.price" = {{ absolute = {bound}, reason = "r" }}'
        for bound in (
            '"0"',
            '"-1"',
            '"x"',
            '"nan"',
            '"inf"',
            "0.01",
            "true",
            '""',
            '"1e101"',
            '"1e999999999"',
            "[]",
        )
    },
}
PROJECTS = {
    "tool is a number": "tool = 1",
    "tool.reconcile is a number": "[tool]\nreconcile = 1",
    "golden is a number": "[tool.reconcile]\ngolden = 1",
    "golden is empty": '[tool.reconcile]\ngolden = ""',
    "cases is a list": "[tool.reconcile]\ncases = []",
    "journal is a table": "[tool.reconcile.journal]",
    "gate is a text": '[tool.reconcile]\ngate = "strict"',
    "an unknown gate setting": "[tool.reconcile.gate]\nmood = 1",
    "a ratio that is a text": "[tool.reconcile.gate.throughput]\nscenario = 1",
}
MAPPINGS = {
    "no table": "confirmed = true\n",
    "an unknown table": '[tables.trades]\nfile = "trades"\n',
    "an unknown key": '[tables.fills]\nfile = "trades"\ncolour = "red"\n',
    "an unknown column": '[tables.fills]\nfile = "trades"\ncolumns = { colour = "way" }\n',
    "a column that is not there": '[tables.fills]\nfile = "trades"\ncolumns = { price = "cost" }\n',
    "a file that is not there": '[tables.fills]\nfile = "orders"\n',
    "a file that is a number": "[tables.fills]\nfile = 1\n",
    "not confirmed": 'confirmed = false\n[tables.fills]\nfile = "trades"\n',
    "words for no side": world.MAPPING_TEXT.replace('["B"]', '["Z"]'),
    "a word for both sides": world.MAPPING_TEXT.replace('["B"]', '["B", "S"]'),
    "an unknown zone": world.MAPPING_TEXT + '[time]\nzone = "Mars/Olympus"\n',
    "a shift that is no time": world.MAPPING_TEXT + '[time]\nshift = "soon"\n',
    "an unknown timing": 'timing = "whenever"\n' + world.MAPPING_TEXT,
    "a list of tables": "tables = []\n",
    "a table that is a text": 'tables = "fills"\n',
}


def wrong_rules() -> Iterator[Hostile]:
    """Tolerance and mapping files that break their schema."""
    for what, text in TOLERANCES.items():
        yield Hostile(f"tolerance: {what}", _written(TOLERANCE, text), ROLES["tolerance"][1], 2, TOLERANCE)
    for what, text in PROJECTS.items():
        yield Hostile(
            f"project: {what}", _written(world.PROJECT, text), ROLES["project"][1], 2, world.PROJECT
        )
    for what, text in MAPPINGS.items():
        yield Hostile(f"mapping: {what}", _written(MAPPING, text), ROLES["mapping"][1])


LONG = "n" * 300
NOWHERE = "nowhere"


def wrong_arguments() -> Iterator[Hostile]:
    """Places that are not there or may not be written, values that no option takes."""
    sound = lambda folder: None  # noqa: E731
    for command in (
        "run",
        "check",
        "diff",
        "audit",
        "explain",
        "shrink",
        "import",
        "golden",
        "gate",
        "drill",
        "init",
    ):
        yield Hostile(f"{command}: an unknown option", sound, (command, "--colour", "red"))
    for place in (NOWHERE, LONG, "a\0b", f"{SCENARIO}/below", "\udcff"):
        for arguments in (
            ("run", f"{place}.toml"),
            ("check", place),
            ("check", SCENARIO, "--data", f"{place}.csv"),
            ("diff", place, OURS),
            ("diff", OURS, place),
            ("diff", OURS, OURS, "--tolerance", place),
            ("diff", OURS, OURS, "--mapping", place),
            ("diff", OURS, OURS, "--reference-mapping", place),
            ("diff", OURS, OURS, "--scenario", place),
            ("audit", place),
            ("audit", OURS, "--scenario", place),
            ("explain", SCENARIO, place),
            ("explain", place, OURS),
            ("shrink", place, "m:f"),
            ("import", place, "--mapping", MAPPING, "--out", "made"),
            ("import", FOREIGN, "--mapping", place, "--out", "made"),
            ("golden", "check", place),
        ):
            yield Hostile(f"place: {' '.join(arguments)[:60]!r}", sound, arguments)
    for place in (f"{SCENARIO}", f"{SCENARIO}/below", LONG, "/proc/made", "a\0b", FOREIGN, ".", ".."):
        for arguments in (
            ("run", SCENARIO, "--out", place),
            ("import", FOREIGN, *MAPPED, "--out", place),
            ("import", "--suggest", f"{FOREIGN}/trades.csv", "--out", place),
        ):
            if arguments[1] == "--suggest" and place == SCENARIO:
                continue  # a file that is there is replaced
            yield Hostile(f"out: {' '.join(arguments)[:60]!r}", sound, arguments)
    for place in (f"{SCENARIO}/below", LONG, "/proc/made", FOREIGN, "gone/made.csv"):
        for option in ("--csv", "--rebalances", "--html"):
            arguments = ("diff", OURS, OURS, option, place)
            yield Hostile(f"out: {' '.join(arguments)[:60]!r}", sound, arguments)
    for place in (f"{SCENARIO}", f"{SCENARIO}/below", LONG, "/proc/made"):
        arguments = ("diff", OURS, OURS, "--figures", place)
        yield Hostile(f"out: {' '.join(arguments)[:60]!r}", sound, arguments)
    for what, arguments in VALUES.items():
        yield Hostile(f"value: {what}", sound, arguments)


VALUES: dict[str, tuple[str, ...]] = {
    "a format that is none": ("run", SCENARIO, "--format", "xlsx"),
    "json and markdown": ("diff", OURS, OURS, "--json", "--markdown"),
    "no tables": ("diff", OURS, OURS, "--tables", ""),
    "an unknown table": ("diff", OURS, OURS, "--tables", "trades"),
    "an unknown stage": ("diff", OURS, OURS, "--stage", "later"),
    "an unknown type": ("diff", OURS, OURS, "--type", "later"),
    "a date that is none": ("diff", OURS, OURS, "--date", "yesterday"),
    "a span backwards": ("diff", OURS, OURS, "--date", "2024-01-09..2024-01-02"),
    "data without scenario": ("diff", OURS, OURS, "--data", world.BARS),
    "no checks": ("audit", OURS, "--checks", ""),
    "an unknown check": ("audit", OURS, "--checks", "vibes"),
    "cash that is no number": ("audit", OURS, "--initial-cash", "lots"),
    "cash without end": ("audit", OURS, "--initial-cash", "1e999999999"),
    "cash of nothing": ("audit", OURS, "--initial-cash", ""),
    "no candidate": ("explain", SCENARIO),
    "a candidate that is no name": ("run", SCENARIO, "m:"),
    "a candidate of two colons": ("run", SCENARIO, "m:f:g"),
    "a sample of none": ("drill", "--sample", "0"),
    "a sample that is a word": ("drill", "--sample", "many"),
    "an unknown fault": ("drill", "--only", "no such fault"),
    "an unknown gate check": ("gate", "--checks", "vibes"),
    "a budget of none": ("gate", "--budget", "0"),
    "a timeout below zero": ("check", SCENARIO, "--timeout", "-1"),
    "a memory that is a word": ("check", SCENARIO, "--memory", "lots"),
    "a memory without end": ("check", SCENARIO, "--memory", "9" * 400 + "GB"),
    "two scenarios": ("check", SCENARIO, GATED),
    "no scenario": ("check",),
    "an unknown command": ("reconcile",),
    "an accept without reason": ("golden", "accept"),
    "an accept of nothing": ("golden", "accept", "--reason", "r", "nothing"),
    "an import without rules": ("import", FOREIGN, "--out", "made"),
    "an import to nowhere": ("import", FOREIGN, *MAPPED),
}


PROGRAMS = {
    "no module": ("", "nosuch:run"),
    "no function": ("x = 1", "mine:run"),
    "no callable": ("run = 1", "mine:run"),
    "a class": ("class run:\n    pass", "mine:run"),
    "a syntax error": ("def run(scenario, market:\n", "mine:run"),
    "an error on import": ("raise RuntimeError('on import')", "mine:run"),
    "an exit on import": ("raise SystemExit(0)", "mine:run"),
    "an import that is not there": ("import nosuchmodule", "mine:run"),
    "bytes that are no Python": ("\x00", "mine:run"),
    "no argument taken": ("def run(): pass", "mine:run"),
    "three arguments needed": ("def run(a, b, c): pass", "mine:run"),
    **{
        f"raises {error}": (f"def run(scenario, market):\n    raise {error}", "mine:run")
        for error in (
            "ValueError('no')",
            "ValueError",
            "SystemExit(0)",
            "SystemExit(1)",
            "MemoryError()",
            "RecursionError()",
            "KeyError(None)",
            "StopIteration",
            "GeneratorExit",
            "OSError(2, 'no', 'x')",
            "BaseException('base')",
            "type('Silent', (Exception,), {'__str__': lambda self: 1 / 0})()",
            "type('Loud', (Exception,), {'__str__': lambda self: 'x' * 10**7})()",
            "type('Coloured', (Exception,), {'__str__': lambda self: chr(27) + '[31m'})()",
            "ExceptionGroup('many', [ValueError(1), TypeError(2)])",
        )
    },
    **{
        f"returns {value}": (f"def run(scenario, market):\n    return {value}", "mine:run")
        for value in ("None", "1", "'ledger'", "[]", "{}", "{'fills': 1}", "run", "object()", "scenario")
    },
    "never stops calling itself": (
        "def run(scenario, market):\n    return run(scenario, market)",
        "mine:run",
    ),
    "is a generator": ("def run(scenario, market):\n    yield 1", "mine:run"),
    "is a coroutine": ("async def run(scenario, market):\n    return 1", "mine:run"),
    "writes to the market": ("def run(scenario, market):\n    market.close[0] = 0", "mine:run"),
}
"""Candidates that are no engine: the text of mine.py, and the name that is asked for."""


def pipes_as_ledgers() -> Iterator[Hostile]:
    """A pipe that nobody writes to, under every ending: it is not waited for."""
    for ending in (
        ".csv",
        ".tsv",
        ".json",
        ".jsonl",
        ".xml",
        ".zip",
        ".csv.gz",
        ".xlsx",
        ".html",
        ".parquet",
    ):
        pipe = f"pipe{ending}"
        spoil = lambda folder, pipe=pipe: os.mkfifo(folder / pipe)  # noqa: E731
        for arguments in (("audit", pipe), ("import", "bt", pipe, "--out", "made")):
            yield Hostile(f"pipe: {' '.join(arguments)}", spoil, arguments, 2, pipe)


def wrong_programs() -> Iterator[Hostile]:
    """In this process, for speed; tests of the worker hold the same in one of its own."""
    for what, (text, name) in PROGRAMS.items():
        for command in ("run", "explain"):
            arguments = (command, SCENARIO, name, "--in-process")
            yield Hostile(f"{command} {what}", _written("mine.py", text), arguments)


def every_case() -> list[Hostile]:
    """All of them, each name once."""
    makers = (
        damaged_files,
        wrong_settings,
        wrong_cells,
        wrong_headers,
        wrong_manifests,
        wrong_rules,
        wrong_arguments,
        pipes_as_ledgers,
        wrong_programs,
    )
    cases = {re.sub(r"[^ -~]", "?", case.name): case for maker in makers for case in maker()}
    return list(cases.values())
