"""What the hostile inputs are made of: a sound project, and ways to spoil one of its files."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import reference
from conftest import SMALL_SCENARIO, small_bars
from reconcile import load_market, scenario_from_file, write_ledger

SCENARIO, BARS, MAPPING, TOLERANCE = "small.toml", "bars.csv", "mapping.toml", "tolerance.toml"
PROJECT, CONTEXT, GATED = "pyproject.toml", "context.csv", "gated.toml"
FOREIGN, OURS = "foreign", "ours"
"""Folders: a ledger under names of somebody's own, and one that tieout wrote."""

MAPPING_TEXT = """
confirmed = true
[tables.fills]
file = "trades"
columns = { timestamp = "time", symbol = "ticker", side = "way", quantity = "size", price = "rate" }
side = { buy = ["B"], sell = ["S"] }
"""
TOLERANCE_TEXT = '"fills.price" = { absolute = "0.01", reason = "their prices are rounded to cents" }\n'
PROJECT_TEXT = '[tool.reconcile]\ngolden = "blessed"\n[tool.reconcile.gate]\nscenario = "small.toml"\n'
CONTEXT_TEXT = "timestamp,vix\n" + "".join(f"2024-01-{day:02d},{10 + day}\n" for day in range(1, 11))
TRADES_TEXT = "time,ticker,way,size,rate\n2024-01-02,AAA,B,5,20.5\n2024-01-03,AAA,S,5,21.5\n"

Spoil = Callable[[Path], None]


def make_world(folder: Path) -> None:
    """A project in which every command has what it needs, and nothing is wrong."""
    texts = {
        BARS: small_bars(),
        SCENARIO: SMALL_SCENARIO,
        MAPPING: MAPPING_TEXT,
        TOLERANCE: TOLERANCE_TEXT,
        PROJECT: PROJECT_TEXT,
        CONTEXT: CONTEXT_TEXT,
        GATED: SMALL_SCENARIO.replace('data = "bars.csv"', 'data = "bars.csv"\ncontext = "context.csv"'),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    scenario = scenario_from_file(folder / SCENARIO)
    ledger = reference.run(scenario, load_market(scenario))
    write_ledger(ledger, folder / OURS, "csv")
    (folder / FOREIGN).mkdir()
    (folder / FOREIGN / "trades.csv").write_text(TRADES_TEXT)


def written(data: bytes) -> Spoil:
    """Put these bytes in the place of a file."""

    def spoil(path: Path) -> None:
        path.write_bytes(data)

    return spoil


def changed(change: Callable[[bytes], bytes]) -> Spoil:
    """Change the bytes of a file."""

    def spoil(path: Path) -> None:
        path.write_bytes(change(path.read_bytes()))

    return spoil


def _replaced_by(make: Callable[[Path], None]) -> Spoil:
    def spoil(path: Path) -> None:
        path.unlink()
        make(path)

    return spoil


ANYTHING_ELSE: Mapping[str, Spoil] = {
    "gone": _replaced_by(lambda path: None),
    "folder": _replaced_by(Path.mkdir),
    "pipe": _replaced_by(os.mkfifo),
    "device": _replaced_by(lambda path: path.symlink_to("/dev/zero")),
    "null device": _replaced_by(lambda path: path.symlink_to("/dev/null")),
    "terminal": _replaced_by(lambda path: path.symlink_to("/dev/tty")),
    "loop": _replaced_by(lambda path: path.symlink_to(path)),
    "dangling link": _replaced_by(lambda path: path.symlink_to("gone")),
    "link to a folder": _replaced_by(lambda path: path.symlink_to("/")),
}
"""What may stand in the place of a file."""

DAMAGED: Mapping[str, Spoil] = {
    "NUL bytes": written(b"\0" * 64),
    "a picture": written(b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
    "an executable": written(b"\x7fELF" + bytes(range(256))),
    "a PDF": written(b"%PDF-1.7\n" + bytes(range(256))),
    "bzip2": written(b"BZh91AY&SY" + bytes(range(128))),
    "xz": written(b"\xfd7zXZ\x00" + bytes(range(128))),
    "zstd": written(b"\x28\xb5\x2f\xfd" + bytes(range(128))),
    "a zip cut short": written(b"PK\x03\x04" + bytes(range(30))),
    "an empty zip": written(b"PK\x05\x06" + bytes(18)),
    "gzip cut short": changed(lambda data: gzip.compress(data)[:-20]),
    "gzip of noise": written(b"\x1f\x8b" + bytes(range(256))),
    "Parquet by its mark": written(b"PAR1" + bytes(64) + b"PAR1"),
    "a surrogate": changed(lambda data: data + b"\xed\xa0\x80"),
    "no UTF-8": changed(lambda data: data + b"\n\xff\xfe\xfa"),
    "UTF-32": changed(lambda data: data.decode().encode("utf-32")),
    "a carriage return within": changed(lambda data: data.replace(b"=", b"\r=").replace(b",", b"\r,", 3)),
    "an open quote": changed(lambda data: data[:-1] + b'"'),
    "brackets without end": changed(lambda data: data + b"[" * 200_000),
    "braces without end": changed(lambda data: data + b"\na = " + b"{a=" * 50_000),
    "one line of 4 MB": changed(lambda data: data + b"x" * 4_000_000),
    "HTML": written(b"<!DOCTYPE html><html><body>404 Not Found</body></html>"),
    "JSON": written(b'{"error": "not found"}'),
    "a shell script": written(b"#!/bin/sh\nexit 1\n"),
    "a merge conflict": changed(lambda data: b"<<<<<<< HEAD\n" + data + b"=======\n" + data + b">>>>>>> x\n"),
    "a pointer of Git LFS": written(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
    ),
}
"""Bytes that are no file of ours."""
