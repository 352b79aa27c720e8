"""A plan, a TOML file, becomes jobs: matrices of settings multiplied out, and pairs of files by pattern."""

from __future__ import annotations

import glob
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from reconcile.campaigning.model import Command, Job, Limits, Setting, Window
from reconcile.files.limits import CAMPAIGN_JOBS, parse_toml, read_bounded
from reconcile.running.bounds import SECONDS, read_size
from reconcile.text.escape import printable
from vocabulary.errors import InputError

EVERY = "*"
"""As a case: all goldens of the project, or all faults of the drill."""


def _listed(given: Any) -> Any:
    return given if isinstance(given, list) else [given]


def _day(given: Any) -> Any:
    return given.isoformat() if type(given) is date else given


Words = Annotated[list[str], BeforeValidator(_listed), Field(min_length=1)]
Day = Annotated[str, BeforeValidator(_day), Field(pattern=r"^\d{4}-\d\d-\d\d$")]
_STRICT = ConfigDict(strict=True, extra="forbid")


class _Days(BaseModel):
    model_config = _STRICT

    since: Day | None = None
    until: Day | None = None


class _Common(BaseModel):
    """What both kinds of tables have."""

    model_config = _STRICT

    data: Words | None = None
    mapping: str | None = None
    reference_mapping: str | None = None
    tolerance: str | None = None
    tables: Words | None = None
    depends: Words | None = None
    memory: str | None = None
    explain: bool = True


class _MatrixTable(_Common):
    """[[matrix]]: every combination of what it lists is one job."""

    command: Literal["run", "explain", "audit", "identify", "check", "golden", "drill", "diff"] = "run"
    scenario: Words | None = None
    candidate: Words | None = None
    reference: str | None = None
    case: Words | None = None
    project: str = "."
    settings: dict[str, Any] = Field(default_factory=dict)
    window: Annotated[list[_Days], BeforeValidator(_listed)] | None = None


class _PairsTable(_Common):
    """[[pairs]]: what `*` stands for in the one path stands for it in the others."""

    command: Literal["diff", "explain", "run", "identify"] = "diff"
    reference: str | None = None
    candidate: str
    scenario: str | None = None


class _PlanTable(BaseModel):
    """The whole file."""

    model_config = _STRICT

    name: str | None = None
    timeout: float | int = Field(SECONDS, gt=0)
    memory: str | None = None
    matrix: list[_MatrixTable] = Field(default_factory=list)
    pairs: list[_PairsTable] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """A campaign as it was asked for. folder: of the file. jobs: with distinct names, in order."""

    name: str
    folder: str
    jobs: tuple[Job, ...]
    limits: Limits


def read_plan(path: str | os.PathLike[str]) -> Plan:
    """The plan in a file. Raises InputError: no TOML, an unknown key, a pattern without a file, no job."""
    place = Path(path)
    try:
        content = parse_toml(read_bounded(place).decode("utf-8-sig"))
    except OSError as error:
        raise InputError(
            str(place), error.strerror or type(error).__name__, "a plan, a TOML file", "Check the path."
        ) from None
    except ValueError as error:
        found = f"text that is not TOML: {printable(str(error), 200)}"
        raise InputError(str(place), found, "a plan in TOML", "Correct the file there.") from None
    return plan_from_dict(content, place.resolve().parent, place.stem, str(place))


def plan_from_dict(content: Mapping[str, Any], folder: Path, name: str, where: str) -> Plan:
    """The same from the content of the file."""
    try:
        table = _PlanTable.model_validate(dict(content))
    except ValidationError as error:
        raise _first_fault(error, where) from None
    jobs: list[Job] = []
    for number, matrix in enumerate(table.matrix, 1):
        jobs += _limited(_matrix_jobs(matrix, folder, f"{where}: matrix {number}"), where, len(jobs))
    for number, pairs in enumerate(table.pairs, 1):
        jobs += _limited(_pair_jobs(pairs, folder, f"{where}: pairs {number}"), where, len(jobs))
    if not jobs:
        raise InputError(where, "no job", "a table [[matrix]] or [[pairs]]", "See docs/scale.md.")
    limits = Limits(float(table.timeout), _size(table.memory, f"{where}: memory"))
    return Plan(table.name or name, str(folder), tuple(_distinct(jobs, where)), limits)


def _limited(jobs: Iterable[Job], where: str, before: int) -> list[Job]:
    found = list(itertools.islice(jobs, CAMPAIGN_JOBS - before + 1))
    if before + len(found) > CAMPAIGN_JOBS:
        expected = f"at most {CAMPAIGN_JOBS:,}"
        raise InputError(where, f"more than {CAMPAIGN_JOBS:,} jobs", expected, "Split it into several plans.")
    return found


def _matrix_jobs(table: _MatrixTable, folder: Path, where: str) -> Iterator[Job]:
    """Every combination, the last axis fastest."""
    command = Command(table.command)
    _require(table, command, where)
    scenarios = _expanded(table.scenario, folder, f"{where}, scenario")
    candidates = _expanded(table.candidate, folder, f"{where}, candidate", programs=True)
    data = _expanded(table.data, folder, f"{where}, data")
    windows = [None] if table.window is None else [Window(one.since, one.until) for one in table.window]
    settings = [
        [(path, _setting(value, f"{where}, settings.{path}")) for value in _listed(values)]
        for path, values in table.settings.items()
    ]
    cases: list[str | None] = [None] if table.case is None else list(_cases(table, command, folder))
    for scenario, candidate, bars, case in itertools.product(scenarios, candidates, data, cases):
        for window, chosen in itertools.product(windows, itertools.product(*settings)):
            job = Job("", command, str(folder), scenario, candidate, data=bars, case=case)
            job = replace(job, settings=chosen, window=window)
            if table.reference is not None:
                job = replace(job, reference=_path(table.reference, folder))
            if command is Command.GOLDEN:
                job = replace(job, folder=str((folder / table.project).resolve()))
            yield _named(_with_common(job, table, folder, where), folder)


def _require(table: _MatrixTable, command: Command, where: str) -> None:
    """Raises InputError where a command lacks what it is about, or is given what it has no use for."""
    needed = {
        Command.RUN: ("scenario",),
        Command.CHECK: ("scenario",),
        Command.EXPLAIN: ("scenario", "candidate"),
        Command.IDENTIFY: ("scenario", "candidate"),
        Command.AUDIT: ("candidate",),
        Command.DIFF: ("reference", "candidate"),
        Command.GOLDEN: ("case",),
        Command.DRILL: ("case",),
    }
    lacking = [name for name in needed[command] if getattr(table, name) is None]
    if lacking:
        raise InputError(
            where, f"{command.value} without {lacking[0]}", ", ".join(needed[command]), f"Name {lacking[0]}."
        )
    if (table.settings or table.window) and table.scenario is None:
        found = "settings or a window without a scenario"
        raise InputError(where, found, "a scenario that they change", "Name the scenario, too.")
    if table.case is not None and command not in (Command.GOLDEN, Command.DRILL):
        raise InputError(
            where, f"a case of {command.value}", "a case of golden or drill", "Leave the case out."
        )


def _cases(table: _MatrixTable, command: Command, folder: Path) -> Iterator[str]:
    for word in table.case or ():
        if word != EVERY:
            yield word
        elif command is Command.DRILL:
            from reconcile.drilling.candidates import BY_NAME

            yield from sorted(BY_NAME)
        else:
            from reconcile.goldens.check import case_files
            from reconcile.goldens.project_paths import find_project

            yield from sorted(case_files(find_project(folder / table.project)))


def _pair_jobs(table: _PairsTable, folder: Path, where: str) -> Iterator[Job]:
    """One job for each thing that `*` stands for. A side that lacks it is refused when it runs."""
    patterns = {
        name: pattern
        for name in ("reference", "candidate", "scenario")
        if (pattern := getattr(table, name)) is not None
    }
    if table.command == "diff" and table.reference is None:
        raise InputError(where, "a diff without a reference", "reference and candidate", "Name both.")
    if table.command != "diff" and (table.scenario is None or table.reference is not None):
        found, expected = "scenario and reference do not fit", "a scenario and no reference"
        raise InputError(
            where,
            f"{table.command}: {found}",
            expected,
            "Name a scenario and leave the reference out, or make the command a diff.",
        )
    stars = {name: pattern.count("*") for name, pattern in patterns.items()}
    most = max(stars.values())
    if most == 0 or any(count not in (0, most) for count in stars.values()) or stars["candidate"] != most:
        found = ", ".join(f"{count} in {name}" for name, count in stars.items())
        raise InputError(
            where,
            f"stars: {found}",
            "the same number of * in each path",
            "Write * in each path, where the names of the files differ.",
        )
    found_words: dict[tuple[str, ...], None] = {}
    for name in ("reference", "candidate"):
        if stars.get(name):
            found_words.update(dict.fromkeys(_star_words(folder, patterns[name])))
    if not found_words:
        expected = "at least one file or folder"
        raise InputError(where, "no match", expected, f"Check the pattern {table.candidate!r}.")
    for words in sorted(found_words):
        filled: dict[str, Any] = {
            name: _path(_filled(pattern, words), folder) for name, pattern in patterns.items()
        }
        if "scenario" in filled and not stars["scenario"]:
            filled["scenario"] = _scenario(patterns["scenario"], folder)
        for data in _expanded(table.data, folder, f"{where}, data"):
            job = Job("", Command(table.command), str(folder), data=data, **filled)
            yield _named(_with_common(job, table, folder, where), folder)


def _star_words(folder: Path, pattern: str) -> Iterator[tuple[str, ...]]:
    """What the stars of a pattern stand for in each path that it matches."""
    if "://" in pattern:
        from reconcile.campaigning.remote import matches

        found, whole = matches(pattern), pattern
    else:
        whole = os.path.join(str(folder), pattern)
        found = glob.glob(re.sub(r"([\[?])", r"[\1]", whole))
    shape = re.compile("([^/]*)".join(re.escape(part) for part in whole.split("*")) + "/?")
    for path in found:
        match = shape.fullmatch(path)
        if match is not None:
            yield match.groups()


def _filled(pattern: str, words: tuple[str, ...]) -> str:
    if "*" not in pattern:
        return pattern
    parts = pattern.split("*")
    return parts[0] + "".join(word + part for word, part in zip(words, parts[1:], strict=True))


def _with_common(job: Job, table: _Common, folder: Path, where: str) -> Job:
    return replace(
        job,
        mapping=None if table.mapping is None else _path(table.mapping, folder),
        reference_mapping=None if table.reference_mapping is None else _path(table.reference_mapping, folder),
        tolerance=None if table.tolerance is None else _path(table.tolerance, folder),
        tables=None if table.tables is None else tuple(table.tables),
        memory=_size(table.memory, f"{where}, memory"),
        explain=table.explain,
        depends=tuple(filter(None, _expanded(table.depends, folder, f"{where}, depends", programs=True))),
    )


def _expanded(
    words: list[str] | None, folder: Path, where: str, *, programs: bool = False
) -> list[str | None]:
    """Paths and names; patterns as the files that they match. Raises InputError for one that matches none."""
    if words is None:
        return [None]
    out: list[str | None] = []
    for word in words:
        if programs and is_program(word) and not (folder / word).exists():
            out.append(word)
        elif "*" in word and "://" not in word:
            found = sorted(glob.glob(os.path.join(str(folder), word), recursive=True))
            if not found:
                raise InputError(where, f"{word!r}, which matches nothing", "a file", "Check the pattern.")
            out += map(os.path.normpath, found)
        else:
            out.append(_path(word, folder) if programs else _scenario(word, folder))
    return out


def is_program(word: str) -> bool:
    """Whether a candidate is `module:function`, by its shape alone."""
    module, colon, name = word.partition(":")
    return bool(colon and name) and all(
        part.isidentifier() for part in (*module.split("."), *name.split("."))
    )


def _scenario(word: str, folder: Path) -> str:
    """A built-in's name as it is, anything else as a path."""
    bare = not Path(word).suffix and len(Path(word).parts) == 1
    return word if bare and not (folder / word).exists() else _path(word, folder)


def _path(word: str, folder: Path) -> str:
    return word if "://" in word else os.path.normpath(folder / word)


def _setting(value: Any, where: str) -> Setting:
    if isinstance(value, (str, int, float, bool)):
        return value
    raise InputError(
        where, repr(value), "text, a number, true or false, or a list of these", "Write such a value."
    )


def _size(text: str | None, where: str) -> int | None:
    try:
        size = None if text is None else read_size(text)
    except ValueError:
        size = -1
    if size is not None and size <= 0:
        raise InputError(
            where, repr(text), "a size such as 800MB or 2.5GB", "Write the size like one of these."
        )
    return size


def _named(job: Job, folder: Path) -> Job:
    """The job under a name made of all that tells it from others of its table."""
    words = [job.scenario, job.reference, job.candidate, job.data, job.case]
    parts = [_short(word, folder) for word in words if word is not None]
    parts += [f"{path}={value}" for path, value in job.settings]
    parts += [] if job.window is None else [job.window.text]
    return replace(job, name=" ".join((job.command.value, *parts)))


def _short(word: str, folder: Path) -> str:
    if not os.path.isabs(word):
        return word
    near = os.path.relpath(word, folder)
    return word if near.startswith("..") else near


def _distinct(jobs: list[Job], where: str) -> Iterator[Job]:
    """The jobs, each under a name of its own. Raises InputError where one stands twice."""
    names: dict[str, int] = {}
    seen: set[Job] = set()
    for job in jobs:
        if job in seen:
            raise InputError(where, f"the job {job.name!r} twice", "each job once", "Leave one out.")
        seen.add(job)
        number = names[job.name] = names.get(job.name, 0) + 1
        yield job if number == 1 else replace(job, name=f"{job.name} #{number}")


def _first_fault(error: ValidationError, where: str) -> InputError:
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
    if first["type"] == "extra_forbidden":
        found, expected = "a key that a plan does not have", "only keys of docs/scale.md"
    else:
        found, expected = printable(repr(first["input"]), 80), first["msg"]
    return InputError(f"{where}: {printable(place, 80)}", found, expected, "Correct the plan.")
