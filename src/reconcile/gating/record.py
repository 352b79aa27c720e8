"""The ratios reference : engine on record, one for each machine, and the machine of a timing.

A JSON file: format, and records, each of scenario, scenario_digest, ledger (digests), ratio, low, high,
pairs, machine (processor, cores, system, python, numba, numpy), date. No time is on record, only how many
times as fast as the reference the engine was, because whatever slows a whole machine slows both.
"""

from __future__ import annotations

import json
import math
import os
import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from reconcile.files import atomic
from reconcile.files.limits import parse_json, read_bounded
from reconcile.gating.model import Machine, Record
from vocabulary.errors import InputError, OutputError

FORMAT = 2
_RECORDS = TypeAdapter(tuple[Record, ...])
OTHER_MACHINE_WIDTH = math.log(4)
"""How far, as a logarithm, the ratio of a Python loop to compiled code may differ on another machine, Python
or numba. Held against such a record only a collapse fails, as of code that is no longer compiled; nothing
passes."""


def this_machine() -> Machine:
    """This machine, with the software that a ratio depends on."""
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        system=f"{platform.system()} {platform.machine()}",
        python=".".join(platform.python_version_tuple()[:2]),
        numba=_version("numba"),
        numpy=_version("numpy"),
    )


def is_alike(one: Machine, other: Machine) -> bool:
    """Whether a ratio measured on one machine can be compared with one measured on the other."""
    names = ("processor", "system", "python", "numba", "numpy")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def read_records(path: Path) -> tuple[Record, ...]:
    """The records in a file, none when there is no file. Raises InputError for a file of another kind."""
    try:
        content = parse_json(read_bounded(path).decode())
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']!r}")
        records = _RECORDS.validate_json(json.dumps(content["records"]), strict=True)
        for record in records:
            _require_interval(record)
        return records
    except FileNotFoundError:
        return ()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        why = f"{type(error).__name__}: {error}"
    remedy = "Remove it, and measure anew: reconcile gate --record."
    raise InputError(str(path), f"no record ({why})", f"what tieout wrote, format {FORMAT}", remedy)


def write_record(path: Path, record: Record) -> None:
    """Replace the record of a machine, in one step. Records of other machines stay if they are of the same
    work.

    Raises InputError for a file that holds no records, OutputError when it cannot be written.
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
        raise OutputError(
            str(path), found, "a file that can be written", "Name another: `record` in [tool.reconcile.gate]."
        ) from None


def _work(record: Record) -> tuple[str, str]:
    return record.scenario_digest, record.ledger


def _require_interval(record: Record) -> None:
    """Raise ValueError unless 0 < low <= ratio <= high, all of them finite."""
    numbers = (record.low, record.ratio, record.high)
    if not 0 < record.low <= record.ratio <= record.high < math.inf:
        raise ValueError(f"0 < low <= ratio <= high does not hold for {numbers!r}")


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
