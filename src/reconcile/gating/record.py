"""The ratios reference : engine on record, one for each machine, and the machine a timing was made on.

A JSON file: format, and records, each of scenario, scenario_digest, ledger (digests), ratio, low, high,
pairs, machine (processor, cores, system, python, numba, numpy), date. No time is on record, only how many
times as fast as the reference the engine was: what slows a machine as a whole slows both.
"""

from __future__ import annotations

import json
import math
import os
import platform
from dataclasses import asdict, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from reconcile.files import atomic
from reconcile.gating.model import Machine, Record
from vocabulary.errors import InputError, OutputError

FORMAT = 2
OTHER_MACHINE_WIDTH = math.log(4)
"""How far the ratio of a plain Python loop to compiled code may be another on another machine, Python or
numba: there only a collapse is told, as of code that is no longer compiled. Nothing can pass."""


def this_machine() -> Machine:
    """The machine and what of its software a ratio depends on."""
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        system=f"{platform.system()} {platform.machine()}",
        python=".".join(platform.python_version_tuple()[:2]),
        numba=_version("numba"),
        numpy=_version("numpy"),
    )


def is_alike(one: Machine, other: Machine) -> bool:
    """Whether a ratio measured on one can be held against the other's."""
    names = ("processor", "system", "python", "numba", "numpy")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def read_records(path: Path) -> tuple[Record, ...]:
    """The records, none where there is no file yet. Raises InputError for a file of something else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']!r}")
        return tuple(map(_record, content["records"]))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        found = f"no record ({type(error).__name__}: {error})"
        remedy = "Remove it, and measure anew: reconcile gate --record."
        raise InputError(str(path), found, f"what tieout wrote, format {FORMAT}", remedy) from None


def write_record(path: Path, record: Record) -> None:
    """Put a record in the place of its machine's, in one move; others stay, unless they are of other work.

    Raises InputError for a file of something else, OutputError.
    """
    others = (one for one in read_records(path) if not is_alike(one.machine, record.machine))
    kept = [one for one in others if _work(one) == _work(record)]
    records = sorted([*kept, record], key=lambda one: str(one.machine))
    text = json.dumps({"format": FORMAT, "records": list(map(asdict, records))}, indent=1) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_file(path, text)
    except OSError as error:
        found = error.strerror or type(error).__name__
        raise OutputError(str(path), found, "a file that can be written", "Name another: record.") from None


def _work(record: Record) -> tuple[str, str]:
    return record.scenario_digest, record.ledger


def _record(content: Any) -> Record:
    machine = Machine(**{field.name: content["machine"][field.name] for field in fields(Machine)})
    names = [field.name for field in fields(Record) if field.name != "machine"]
    record = Record(**{name: content[name] for name in names}, machine=machine)
    numbers = (record.low, record.ratio, record.high)
    if not all(type(number) in (int, float) and math.isfinite(number) for number in numbers):
        raise ValueError(f"ratio, low, high {numbers!r}")
    if not 0 < record.low <= record.ratio <= record.high:
        raise ValueError(f"low <= ratio <= high does not hold for {numbers!r}")
    return record


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name.strip() == "model name":
                    return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or "unknown"


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "none"
