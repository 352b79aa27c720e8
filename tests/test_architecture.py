"""The shape of the code, held by tests: who may import whom, and where behaviour may live."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vocabulary.ledger import SEMANTICS_DIGEST

SOURCE = Path(__file__).resolve().parent.parent / "src"
STANDARD = frozenset(sys.stdlib_module_names)
OURS = frozenset({"engine", "reference", "reconcile", "vocabulary"})
RUNTIME = frozenset(
    {"numpy", "pandas", "pyarrow", "numba", "click", "psutil", "pydantic", "openpyxl", "lxml"}
) | {
    "pydantic_core"  # the error types of pydantic
}

ALLOWED = {
    "vocabulary": frozenset({"numpy"}),
    "engine": frozenset({"vocabulary", "numpy", "numba", "llvmlite"}),
    "reference": frozenset({"vocabulary", "numpy"}),
    "reconcile": OURS | RUNTIME,
}
"""What each package may import besides itself and the standard library."""

FOR_TESTS = {
    "reconcile/goldens/plugin.py": frozenset({"pytest"}),
    "reconcile/goldens/extension.py": frozenset({"syrupy"}),
    "reconcile/formats/backtrader.py": frozenset({"backtrader"}),
    "reconcile/campaigning/executors.py": frozenset({"distributed"}),
    "reconcile/campaigning/remote.py": frozenset({"fsspec"}),
    "reconcile/html/charts.py": frozenset({"bokeh"}),
    "reconcile/html/figures.py": frozenset({"matplotlib"}),
    "reconcile/html/render.py": frozenset({"bokeh", "jinja2"}),
}
"""What only a test run or a page loads, and what that brings along."""

REFERENCE_NUMPY = {
    "bool_",
    "datetime64",
    "dtype",
    "float64",
    "generic",
    "int32",
    "int64",
    "intp",
    "ndarray",
    "array",
    "asarray",
    "ascontiguousarray",
    "empty",
    "full",
    "fromiter",
    "integer",
    "floating",
    "nan",
    "zeros",
}
"""Names of numpy that hold data; none of them computes."""


def modules(package: str) -> list[Path]:
    found = sorted((SOURCE / package).rglob("*.py"))
    assert found, f"no module in {package}"
    return found


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """(line, top-level name) of every import, also those inside functions and under TYPE_CHECKING."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            top = (node.module or "").partition(".")[0]
            yield node.lineno, path.relative_to(SOURCE).parts[0] if node.level else top


LAYERS = (
    ("files", "text"),
    ("tables",),
    ("scenario",),
    ("market",),
    ("ledger",),
    ("mapping",),
    ("formats",),
    ("matching",),
    ("roots",),
    ("comparing",),
    ("running",),
    ("scaling",),
    ("auditing", "explaining"),
    ("identifying",),
    ("shrinking", "goldens"),
    ("drilling", "gating", "templates"),
    ("html",),
    ("api",),
    ("campaigning",),
    ("commands",),
)
"""The folders of src/reconcile, lowest first: each imports only from lower ones.

`files` and `text` may also import from each other."""

CALLED = {
    "audit", "campaign", "check", "compare", "diff", "drill", "explain", "gate", "identify", "orders", "read",
    "run", "shrink",
}  # fmt: skip
"""Functions that users call on `reconcile`; no module directly under it may hide one of them."""


def folder_of(module: str) -> str:
    """`reconcile.roots.rows` -> `roots`; of a module directly under reconcile, its own name."""
    return [*module.split("."), ""][1]


def folder_imports() -> Iterator[tuple[str, str, str]]:
    """(where, folder, folder imported) of every import inside src/reconcile, also those inside functions."""
    for path in modules("reconcile"):
        parts = path.relative_to(SOURCE / "reconcile").parts
        if len(parts) == 1:
            continue
        for node in ast.walk(parsed(path)):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module == "reconcile":
                names = [f"reconcile.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                if name.startswith("reconcile."):
                    yield f"{path.relative_to(SOURCE)}:{node.lineno}", parts[0], folder_of(name)


def test_a_folder_imports_only_from_lower_ones() -> None:
    """So there is no cycle between folders, lazy imports included."""
    rank = {name: place for place, names in enumerate(LAYERS) for name in names}
    wrong = [
        f"{where}: {folder} imports {other}"
        for where, folder, other in folder_imports()
        if other in rank
        and other != folder
        and (rank[other] > rank[folder] or rank[other] == rank[folder] > 0)
    ]
    assert wrong == []


def test_every_folder_has_its_layer() -> None:
    """A new folder says here what it may import, and in CONTRIBUTING.md what it is about."""
    folders = {path.name for path in (SOURCE / "reconcile").iterdir() if (path / "__init__.py").exists()}
    assert folders == {name for names in LAYERS for name in names}
    table = (SOURCE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [name for name in sorted(folders) if f"`{name}`" not in table] == []


def test_no_module_hides_a_function_that_users_call() -> None:
    """Importing `reconcile.x` binds x in the package: a function of that name would be gone."""
    names = {path.stem for path in (SOURCE / "reconcile").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert names & CALLED == set()


def test_public_functions_stay_functions_after_every_module_was_imported() -> None:
    names = [
        ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
        for path in modules("reconcile")
        if path.relative_to(SOURCE).as_posix() not in FOR_TESTS and path.name not in ("child.py", "worker.py")
    ]
    code = (
        f"import importlib, reconcile, types; [importlib.import_module(name) for name in {names!r}];"
        "print([n for n in reconcile.__all__ if isinstance(getattr(reconcile, n), types.ModuleType)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_house_stays_small() -> None:
    """At most 400 lines in a file: what is longer has two subjects."""
    long = {
        path.relative_to(SOURCE).as_posix(): lines
        for path in modules("reconcile")
        if (lines := path.read_text(encoding="utf-8").count("\n")) > 400
    }
    assert long == {}


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_a_package_imports_only_what_it_may(package: str) -> None:
    allowed = ALLOWED[package] | STANDARD | {package}
    wrong = [
        f"{path.relative_to(SOURCE)}:{line} imports {name}"
        for path in modules(package)
        for line, name in imported(path)
        if name not in allowed | FOR_TESTS.get(path.relative_to(SOURCE).as_posix(), frozenset())
    ]
    assert wrong == []


def test_every_package_is_covered() -> None:
    """A new folder under src has to say here what it may import."""
    assert {path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()} == set(ALLOWED)


def test_nothing_is_unpickled_or_evaluated() -> None:
    """No module of ours reads code from data."""
    wrong = []
    for package in ALLOWED:
        for path in modules(package):
            names = {name for _, name in imported(path)}
            if names & {"pickle", "marshal", "shelve", "dill", "joblib"}:
                wrong.append(f"{path.relative_to(SOURCE)} imports {names}")
            wrong += [
                f"{path.relative_to(SOURCE)}:{node.lineno} calls {node.func.id}"
                for node in ast.walk(parsed(path))
                if isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("eval", "exec")
            ]
    assert wrong == []


def behaviour(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, what) of everything in a module that computes, decides or runs."""
    annotations = set(annotation_nodes(tree))
    error_inits = {
        function
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name.endswith("Error")
        for function in node.body
        if isinstance(function, ast.FunctionDef) and function.name == "__init__"
    }
    busy = (
        ast.AugAssign,
        ast.BinOp,
        ast.BoolOp,
        ast.Compare,
        ast.For,
        ast.IfExp,
        ast.Lambda,
        ast.Try,
        ast.While,
        ast.With,
    )
    for node in ast.walk(tree):
        if isinstance(node, busy) and node not in annotations:
            yield node.lineno, type(node).__name__
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node not in error_inits:
            yield node.lineno, f"function {node.name}"


def annotation_nodes(tree: ast.Module) -> Iterator[ast.AST]:
    """Nodes of types: `int | None` is a BinOp, and no arithmetic; nor is `A = B | C` of two classes."""
    for node in ast.walk(tree):
        slots: list[ast.AST | None] = [getattr(node, name, None) for name in ("annotation", "returns")]
        if isinstance(node, ast.Assign) and is_union(node.value):
            slots.append(node.value)
        for slot in slots:
            if slot is not None:
                yield from ast.walk(slot)


def is_union(node: ast.AST) -> bool:
    """Capitalised names joined by `|`."""
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.BitOr) and is_union(node.left) and is_union(node.right)
    return isinstance(node, ast.Name) and node.id[0].isupper()


@pytest.mark.parametrize("path", modules("vocabulary"), ids=lambda path: path.stem)
def test_vocabulary_holds_no_arithmetic(path: Path) -> None:
    """Nouns only: no computation and no function but an error's __init__."""
    assert list(behaviour(parsed(path))) == []


@pytest.mark.parametrize(
    "text",
    [
        "x = 2 * 3",
        "def f(): ...",
        "x = 1 if y else 2",
        "class A:\n    def area(self): return 1",
        "x = a < b",
        "x = a | b",
        "class WrongError(Exception):\n    def help(self): ...",
    ],
)
def test_behaviour_is_seen(text: str) -> None:
    """The check above can fail."""
    assert list(behaviour(ast.parse(text))) != []


def test_the_reference_uses_numpy_only_to_hold_data() -> None:
    """Every number is computed by Python's unbounded integers."""
    wrong = [
        f"{path.relative_to(SOURCE)}:{node.lineno} uses numpy.{node.attr}"
        for path in modules("reference")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("np", "numpy")
        and node.attr not in REFERENCE_NUMPY
    ]
    assert wrong == []


def loaded_by(code: str) -> set[str]:
    """Top-level modules a fresh interpreter has loaded after `code`."""
    report = "; import sys, json; print(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import reconcile.cli",
        "import reconcile.cli; reconcile.cli.exit_code(['--help'])",
        "import reconcile.cli; reconcile.cli.exit_code(['run', '--help'])",
        "import reconcile.cli; reconcile.cli.exit_code(['scenarios'])",
    ],
)
def test_commands_that_need_no_engine_load_none(code: str) -> None:
    """Neither numba nor pandas for what can do without."""
    assert loaded_by(code) & {"numba", "pandas", "engine", "pyarrow"} == set()


@pytest.mark.parametrize("name", ["same", "other"])
def test_a_diff_of_small_ledgers_loads_neither_numba_nor_pandas(name: str) -> None:
    """Matched and not matched; pyarrow may read the files."""
    hand = SOURCE.parent / "tests" / "golden" / "hand"
    one = str(hand / "T1-next-open" / "expected")
    two = one if name == "same" else str(hand / "T2-same-close" / "expected")
    loaded = loaded_by(f"import reconcile.cli; reconcile.cli.exit_code(['diff', {one!r}, {two!r}])")
    assert "reconcile" in loaded and "numpy" in loaded
    assert loaded & {"numba", "llvmlite", "pandas", "engine", "reference"} == set()


def test_a_market_on_file_is_loaded_without_numba_and_pandas(tmp_path: Path) -> None:
    """Neither by way of the reader nor of the computed features."""
    price = pa.array([1.0, 2.0])
    columns = [pa.array([1, 2]).cast(pa.timestamp("s")), pa.array(["A", "A"]), price, price, price, price]
    names = ["timestamp", "symbol", "open", "high", "low", "close"]
    path = str(tmp_path / "bars.parquet")
    pq.write_table(pa.table(columns, names), path)
    code = (
        "import reconcile; s = reconcile.builtin_scenario('stocks'); "
        f"m = reconcile.load_market(s, {path!r}); "
        "assert m.close.tolist() == [[10000], [20000]] and 'momentum' in m.features"
    )
    assert loaded_by(code) & {"numba", "pandas", "engine"} == set()


def test_comparing_and_auditing_load_neither_numba_nor_pandas(tmp_path: Path) -> None:
    """Nor the engine: what is on disk needs no program to compare it; a scenario needs the reference."""
    made = "from tests import comparison_kit as kit; from reconcile import write_ledger;"
    code = f"{made} write_ledger(kit.sample(3, bars=8)[2], {str(tmp_path / 'ledger')!r}, 'csv')"
    root = str(SOURCE.parent)
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, env={**os.environ, "PYTHONPATH": root})
    folder = str(tmp_path / "ledger")
    for arguments in (["diff", folder, folder], ["audit", folder]):
        run = f"from reconcile.cli import exit_code; assert exit_code({arguments!r}) == 0"
        loaded = loaded_by(run)
        assert "pyarrow" in loaded
        assert loaded & {"numba", "pandas", "engine", "reference"} == set(), arguments


def test_the_digest_of_the_semantics_is_the_page() -> None:
    """A ledger says by which rules it was made; the page cannot change in silence."""
    page = SOURCE.parent / "docs" / "semantics.md"
    assert hashlib.sha256(page.read_bytes()).hexdigest() == SEMANTICS_DIGEST


def test_every_public_name_is_where_the_table_says() -> None:
    """The names are resolved when they are first used: a module that moved would be missed until then."""
    code = "import reconcile; [getattr(reconcile, name) for name in reconcile.__all__]"
    assert "pyarrow" in loaded_by(code)


def test_the_page_on_architecture_names_modules_that_are_there() -> None:
    page = (SOURCE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_/]+\.py)`", page))
    assert len(named) >= 8
    places = (SOURCE, SOURCE / "reconcile", SOURCE.parent)
    assert [name for name in named if not any((place / name).exists() for place in places)] == []
