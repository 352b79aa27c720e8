"""The two trees of code that are timed: an exported revision, and a copy of the project in its present state.

Both are in one temporary folder under names of equal length, each with its own compile cache, so that nothing
but the code differs between them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reconcile.gating.model import Settings
from vocabulary.errors import InputError

BUILDING = 1800.0
"""Seconds that a command of the project's `build` setting may take."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The code of one side.

    name: as shown. root: the project's folder. paths: folders that imports are searched in first.
    environment: that of its processes. copied: whether it is a temporary copy.
    """

    name: str
    root: Path
    paths: tuple[str, ...]
    environment: Mapping[str, str]
    copied: bool


def working_tree(settings: Settings) -> Tree:
    """The project itself, with its usual compile cache."""
    return _tree("head", settings.root, settings, None)


@contextlib.contextmanager
def base_and_head(settings: Settings, revision: str) -> Iterator[tuple[Tree, Tree]]:
    """Copies of a revision and of the project in its present state, both built. They are removed on leaving.

    Raises InputError when the project is not in git, the revision is unknown, or a build fails.
    """
    top = Path(_git(settings.root, "rev-parse", "--show-toplevel").decode().strip())
    inside = settings.root.resolve().relative_to(top.resolve())
    commit = resolve(settings.root, revision)
    with tempfile.TemporaryDirectory(prefix="tieout-gate-") as scratch:
        base, head = Path(scratch, "base"), Path(scratch, "head")
        _export(top, commit, base)
        _copy(top, head)
        if not (base / inside).is_dir():
            expected = f"the folder {inside.as_posix()}"
            raise InputError(f"--base {revision}", "a revision without it", expected, "Name a later one.")
        trees = []
        for place in (base, head):
            cache = Path(scratch, f"{place.name}-cache")
            _copy_market_files(settings, place / inside)
            trees.append(_tree(place.name, place / inside, settings, cache))
            _build(trees[-1], settings.build)
        yield trees[0], trees[1]


def resolve(root: Path, revision: str) -> str:
    """The commit that a revision names. Raises InputError."""
    try:
        return (
            _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
            .decode()
            .strip()
        )
    except InputError as error:
        if error.where != "git rev-parse":
            raise
        remedy = "Name another; a shallow clone lacks older ones (in CI: fetch-depth: 0)."
        raise InputError(f"--base {revision}", "no such commit", "a revision of git", remedy) from None


def same_code(one: Tree, other: Tree) -> bool:
    """Whether two trees import from folders with the same files, apart from caches."""
    return _sources(one) == _sources(other)


def _sources(tree: Tree) -> dict[str, bytes]:
    return {
        path.relative_to(tree.root).as_posix(): path.read_bytes()
        for folder in tree.paths
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def _tree(name: str, root: Path, settings: Settings, cache: Path | None) -> Tree:
    paths = settings.paths or (("src",) if (root / "src").is_dir() else (".",))
    first = [str((root / path).resolve()) for path in paths]
    environment = dict(os.environ)
    before = [environment["PYTHONPATH"]] if environment.get("PYTHONPATH") else []
    environment["PYTHONPATH"] = os.pathsep.join([*first, *before])
    if cache is not None:
        cache.mkdir(exist_ok=True)
        environment["NUMBA_CACHE_DIR"] = str(cache)
    return Tree(name, root, tuple(first), environment, cache is not None)


def _export(top: Path, commit: str, place: Path) -> None:
    """Write the files of a commit, by an index of its own: `git archive` omits export-ignored files."""
    index = {"GIT_INDEX_FILE": str(place.with_name("base-index"))}
    _git(top, "read-tree", commit, environment=index)
    _git(top, "checkout-index", "--all", f"--prefix={place}{os.sep}", environment=index)


def _copy(top: Path, place: Path) -> None:
    """Copy the files of the working tree that git tracks or would add, with uncommitted changes."""
    place.mkdir()
    listed = _git(top, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in {name for name in listed.decode("utf-8", "surrogateescape").split("\0") if name}:
        source, target = top / name, place / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):  # removed meanwhile
                shutil.copy2(source, target)


def _copy_market_files(settings: Settings, root: Path) -> None:
    """Copy the market's files where git does not track them: data is often ignored, and is no code."""
    scenario = settings.root / settings.scenario
    try:
        market = tomllib.loads(scenario.read_text(encoding="utf-8"))["market"]
        named = [market[key] for key in ("data", "context") if isinstance(market.get(key), str)]
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return  # a built-in scenario, or one whose error is reported when it is run
    project = settings.root.resolve()
    for source in ((scenario.parent / name).resolve() for name in named):
        if source.is_file() and source.is_relative_to(project):
            target = root / source.relative_to(project)
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)


def _build(tree: Tree, commands: tuple[str, ...]) -> None:
    for command in commands:
        done = subprocess.run(
            command,
            shell=True,
            cwd=tree.root,
            env=dict(tree.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=BUILDING,
            check=False,
        )
        if done.returncode != 0:
            said = done.stdout.decode("utf-8", "replace").strip().splitlines()[-1:] or ["nothing printed"]
            where = f"tool.reconcile.gate.build, {tree.name}: {command}"
            raise InputError(
                where,
                f"exit code {done.returncode}: {said[0]}",
                "exit code 0",
                "Correct the command, or the code that it builds.",
            )


def _git(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> bytes:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except OSError as error:
        found = error.strerror or type(error).__name__
        raise InputError("git", found, "a git that runs", "Install git, or leave --base out.") from None
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        found = lines[0] if lines else f"exit code {done.returncode}"
        raise InputError(f"git {arguments[0]}", found, "a project in git", "Leave --base out.")
    return done.stdout
