"""The key of a job: a digest of all that goes into it, so that a result can be kept for as long as it holds.

What goes in: the job's own words, every file that it names, the files and modules that its scenario names,
the source of its candidate with all Python files beside it, tieout's source, Python, and what is installed.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from reconcile.campaigning.kept import TAG
from reconcile.campaigning.model import Command, Job
from reconcile.campaigning.plan import is_program
from reconcile.campaigning.remote import PLACES, is_url, version_of
from reconcile.files.limits import parse_toml, read_bounded
from reconcile.own_packages import NAMES, ROOT
from vocabulary.errors import InputError

FORMAT = 1
_BLOCK = 1 << 20
_SUFFIXES = (".py", ".pyx", ".so", ".pyd", ".dll", ".dylib", ".c", ".cpp", ".h", ".rs")
"""Sources beside a candidate. What else it reads is named in the plan, under `depends`."""
_FILES = 20_000
"""Files beside a candidate that are looked at; a folder of more has no key, and its jobs are not kept."""
_MOST = 200_000
"""Files of a folder that a job names, at most."""


class Keys:
    """Makes keys. Every file is read once in a campaign, however many jobs name it."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, job: Job) -> str:
        """The key of a job. Raises InputError where a URL it names cannot be read."""
        facts: dict[str, Any] = asdict(job)
        del facts["name"]
        facts["command"] = job.command.value
        facts["format"] = FORMAT
        facts["tieout"] = self._once("tieout", _own_source)
        facts["python"] = self._once("python", _installed)
        facts["files"] = {
            name: self._content(getattr(job, name)) for name in PLACES if getattr(job, name) is not None
        }
        facts["depends"] = [self._content(path) for path in job.depends]
        facts["within"] = self._named_in_scenario(job)
        if job.candidate is not None and is_program(job.candidate):
            facts["program"] = self._program(job.candidate, job.folder)
        if job.command is Command.GOLDEN:
            facts["project"] = self._folder(job.folder)
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def _once(self, name: str, make: Any) -> str:
        if name not in self._known:
            self._known[name] = make()
        return self._known[name]

    def _content(self, word: str) -> str:
        """The digest of a file, or of all files of a folder; the word itself where it names no file."""
        if is_url(word):
            return self._once(word, lambda: version_of(word))
        if os.path.isdir(word):
            return self._once(word, lambda: _tree(word, _everything(word)))
        return self._once(word, lambda: _file(word)) if os.path.isfile(word) else f"not a file: {word}"

    def _named_in_scenario(self, job: Job) -> list[str]:
        """Digests of the files and functions that the scenario's file names."""
        if job.scenario is None or not os.path.isfile(job.scenario):
            return []
        folder = os.path.dirname(job.scenario)
        try:
            content = parse_toml(read_bounded(job.scenario).decode("utf-8-sig"))
        except (OSError, ValueError):
            return []  # the job will say so
        out = []
        for word in sorted(set(_words(content))):
            place = os.path.join(folder, word)
            if is_program(word):
                out.append(self._program(word, folder))
            elif len(word) < 1000 and "\0" not in word and os.path.exists(place) and word not in ("", "."):
                out.append(self._content(place))
        return out

    def _program(self, word: str, folder: str) -> str:
        """The source that a function comes from, with all that lies beside it."""
        top = word.partition(":")[0].partition(".")[0]
        spec = PathFinder.find_spec(top, [folder, os.getcwd(), *sys.path])
        if spec is None or spec.origin is None:
            return f"no module {top}"
        origin = Path(spec.origin)
        package = origin.name == "__init__.py"
        root = origin.parent.parent if package else origin.parent
        if "site-packages" in root.parts or "dist-packages" in root.parts:  # their versions are in the key
            root = origin.parent if package else origin
        return self._folder(str(root))

    def _folder(self, root: str) -> str:
        return self._once(f"source of {root}", lambda: _tree(root, _sources(root)))


def _words(content: Any) -> Iterator[str]:
    """Every text in a TOML file."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for value in content.values():
            yield from _words(value)
    elif isinstance(content, list):
        for value in content:
            yield from _words(value)


def _file(path: str) -> str:
    if not os.path.isfile(path):  # a pipe or a device may be read for ever
        return "not a file"
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        return f"unreadable: {error.strerror}"
    return digest.hexdigest()


def _tree(root: str, files: Iterator[str]) -> str:
    parts = [f"{os.path.relpath(path, root)} {_file(path)}" for path in sorted(files)]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _everything(root: str) -> Iterator[str]:
    """All files of a folder. Raises InputError for too many: it may be a link to the root of a disk."""
    count = 0
    for folder, _, names in os.walk(root):
        count += len(names)
        if count > _MOST:
            remedy = "Name the folder of the ledger itself."
            raise InputError(root, f"more than {_MOST:,} files", "the files of a ledger", remedy)
        yield from (os.path.join(folder, name) for name in names)


def _sources(root: str) -> Iterator[str]:
    """Sources in a folder, hidden folders, environments and caches left out.

    Raises InputError for a folder of too many.
    """
    if os.path.isfile(root):
        yield root
        return
    count = 0
    for folder, inner, names in os.walk(root):
        inner[:] = [
            name
            for name in inner
            if not name.startswith(".")
            and name not in ("__pycache__", "node_modules", "site-packages", "dist-packages")
            and not any(os.path.exists(os.path.join(folder, name, mark)) for mark in ("pyvenv.cfg", TAG))
        ]
        for name in names:
            if name.endswith(_SUFFIXES) and not name.startswith("."):
                count += 1
                if count > _FILES:
                    found, expected = (
                        f"more than {_FILES:,} sources",
                        "a folder that holds only the files of the candidate",
                    )
                    raise InputError(
                        root, found, expected, "Move the module of the candidate into a folder of its own."
                    )
                yield os.path.join(folder, name)


def _own_source() -> str:
    """tieout's version is that of its source: what runs here may be a checkout that was edited."""
    folders = [str(ROOT / name) for name in ("reconcile", *NAMES)]
    return "\n".join(_tree(folder, _sources(folder)) for folder in folders)


def _installed() -> str:
    """Python and every distribution with its version: an upgrade of any of them makes all jobs new."""
    listed = sorted({f"{one.name}=={one.version}" for one in importlib.metadata.distributions()})
    return "\n".join((sys.version, *listed))
