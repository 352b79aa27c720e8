"""The bounds on what an input may claim, all in one table, and the reading of small files within them.

A bound stands where a claim beyond it could only be an error or an attack: it costs no time and no memory to
refuse it. `tests/test_limits.py` holds each at its edge.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vocabulary.errors import InputError

SETTINGS_BYTES = 16 * 2**20
"""Bytes of a file that a person writes: scenario, mapping, tolerances, settings, record of ratios."""
MANIFEST_BYTES = 2**30
"""Bytes of a manifest.json: its chain has some 70 bytes per bar."""
COLUMNS = 50_000
"""Columns of a table."""
NAME_LENGTH = 1_000
"""Characters of the name of a column or symbol."""
CELL_BYTES = 1 << 24
"""Bytes of one cell of text."""
LINE_BYTES = 1 << 26
"""A line of a CSV file. A longer one is no row, and would be held in memory several times over."""
UNPACKED_BYTES = 64 * 2**20
"""Bytes that any compressed file may hold, however small it is."""
UNPACKED_RATIO = 1000
"""Beyond that, how many bytes a byte of Parquet may hold: our own ledgers stay under 100."""
PACKED_TEXT_RATIO = 200
"""The same for text that gzip or zip packed: ledgers stay under 30, a file made to burst comes to 1000."""
DIGITS = 38
"""Digits of a number. Text of more (1e300) makes its column one of doubles: no amount has them."""
STATED_DIGITS = 4_000
"""Digits of a number in a column that a manifest of ours calls exact; Python's own limit is 4300."""
DECIMALS = 76
"""Decimals of a number: the most of an Arrow decimal."""
TOLERANCE_EXPONENT = 100
"""A tolerance lies between 1e-100 and 1e100."""
CAMPAIGN_JOBS = 1_000_000
"""Jobs of one campaign."""
REMOTE_BYTES = 64 * 2**30
"""Bytes that one URL of a campaign's job may hold: they are copied to where the job runs."""
NESTING = 100
"""Brackets within brackets in a TOML or JSON file, and parts of a dotted key."""


def no_file(path: str | Path) -> str | None:
    """Why there is no regular file at a path, in a few words; None where there is one.

    `nothing` where nothing is there. A pipe is not waited for, and a device not read.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return "nothing"
    except OSError as error:
        return error.strerror or type(error).__name__
    except ValueError as error:
        return f"a name that no file can have ({error})"
    if stat.S_ISDIR(mode):
        return "a folder"
    return None if stat.S_ISREG(mode) else "a pipe, device or socket, not a file"


def read_bounded(path: str | Path, most: int = SETTINGS_BYTES) -> bytes:
    """The bytes of a regular file of at most `most` bytes.

    Raises OSError, whose `strerror` says what is wrong.
    """
    reason = no_file(path)
    if reason == "nothing":
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    if reason == "a folder":
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if reason is not None:
        raise OSError(errno.EINVAL, reason, str(path))
    with open(path, "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"a file of more than {most:,} bytes", str(path))
    return data


def parse_toml(text: str) -> dict[str, Any]:
    """The content of a TOML file. Raises ValueError, also for brackets or keys nested too deep."""
    _refuse_nesting(text)
    for line in text.splitlines():
        if line.partition("=")[0].count(".") > NESTING and (line.lstrip()[:1] == "[" or "=" in line):
            raise ValueError(f"a key of more than {NESTING} parts")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError(f"more than {NESTING} brackets within one another") from None


def parse_json(text: str, **options: Any) -> Any:
    """The content of a JSON file; options are those of json.loads. Raises ValueError as `parse_toml`."""
    _refuse_nesting(text)
    return json.loads(text, **options)


def refuse_names(names: Sequence[str], origin: str, what: str = "column") -> None:
    """Raises InputError for too many columns, or a name of a column or symbol that is too long."""
    if what == "column" and len(names) > COLUMNS:
        raise InputError(
            origin, f"{len(names):,} columns", f"at most {COLUMNS:,}", "Leave out what is not used."
        )
    long = next((name for name in names if len(name) > NAME_LENGTH), None)
    if long is not None:
        raise InputError(
            origin,
            f"a {what} whose name has {len(long):,} characters: {long[:40]!r}...",
            f"names of at most {NAME_LENGTH:,} characters",
            "Shorten it; a file that was read with the wrong separator has such names.",
        )


def _refuse_nesting(text: str) -> None:
    """Count brackets within one another, those in quoted text too: no honest text has as many."""
    depth = 0
    for mark in re.findall(r"[\[\]{}]", text):
        depth += 1 if mark in "[{" else -1
        if depth > NESTING:
            raise ValueError(f"more than {NESTING} brackets within one another")
