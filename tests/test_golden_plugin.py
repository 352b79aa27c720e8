"""The pytest plugin in another project: what its tests see, and what gets written."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

import reference
from reconcile import cli
from reconcile.comparing import compare
from reconcile.goldens import changes, snapshot
from reconcile.ledger import frames
from reconcile.running import run as running

pytest_plugins = ["pytester"]

PYPROJECT = """
[project]
name = "theirs"
version = "1"
"""

ENGINE = """
import reconcile
import reference


def run(scenario, market):
    return reference.run(scenario, market)
"""

OVERCHARGING = """
import reconcile
import reference


def run(scenario, market):
    return reference.run(reconcile.replace(scenario, "costs.commission.rate", "8"), market)
"""

CONFTEST = """
import pytest
import reconcile

TEXT = '''
[market]
data = "synthetic"
[portfolio]
initial_cash = "100000"
[strategy]
kind = "top_n"
score = "ml_score"
n = 2
gross_long = "0.9"
[costs]
commission = { kind = "bps", rate = "%s" }
'''


@pytest.fixture
def scenario():
    return reconcile.scenario_from_text(TEXT % "5")


@pytest.fixture
def market():
    return reconcile.generate_market(5, 14, 1)
"""

TEST = """
import engine_under_test


def test_mine(scenario, market, ledger_snapshot):
    assert engine_under_test.run(scenario, market) == ledger_snapshot
"""

CASE = "test_theirs.test_mine"


@pytest.fixture
def theirs(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with an engine, one test of it, and no goldens yet."""
    write(pytester, "pyproject.toml", PYPROJECT)
    write(pytester, "conftest.py", CONFTEST)
    write(pytester, "engine_under_test.py", ENGINE)
    write(pytester, "test_theirs.py", TEST)
    return pytester


def write(project: pytest.Pytester, name: str, text: str) -> None:
    path = project.path / name
    path.write_text(text, encoding="utf-8")
    shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)  # two edits may share a second


LOADED = (pd, reference, compare, frames, changes, snapshot, running)
"""What a run of pytest in this process loads first, it forgets; numpy could not be loaded twice."""
LEAN = ("no:cacheprovider", "no:hypothesispytest", "no:benchmark")


def run(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    """pytest on the project, within this process and without syrupy."""
    names = (*LEAN, "no:syrupy", "no:xdist")
    return project.runpytest_inprocess(*(part for name in names for part in ("-p", name)), *options)


def run_alone(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    """pytest on the project in a process of its own, with all plugins that are installed."""
    return project.runpytest_subprocess(*(part for name in LEAN for part in ("-p", name)), *options)


def said(result: pytest.RunResult) -> str:
    return result.stdout.str()


def blessed(project: pytest.Pytester) -> Path:
    return project.path / "tests" / "golden" / "blessed"


def folders(project: pytest.Pytester) -> list[str]:
    place = blessed(project)
    return sorted(path.name for path in place.iterdir()) if place.exists() else []


def golden(*arguments: str) -> tuple[int, str]:
    """`reconcile golden` in the current folder: its exit code and what it printed."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        code = cli.exit_code(["golden", *arguments])
    return code, printed.getvalue()


def accept(*cases: str) -> None:
    assert golden("accept", *cases, "--reason", "as meant")[0] == 0


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the accepted golden is kept from one test to the next."""
    return tmp_path_factory.mktemp("accepted")


@pytest.fixture
def pinned(theirs: pytest.Pytester, once: Path) -> pytest.Pytester:
    """The project with its golden accepted."""
    kept, place = once / "golden", blessed(theirs).parent
    if kept.exists():
        shutil.copytree(kept, place)
        return theirs
    assert run(theirs).ret == 1
    accept(CASE)
    shutil.copytree(place, kept)
    return theirs


def test_a_missing_golden_is_pending_and_the_test_fails(theirs: pytest.Pytester) -> None:
    """It is never born green."""
    result = run(theirs)
    assert result.ret == 1
    assert folders(theirs) == [f"{CASE}.pending"]
    assert f"golden {CASE}: missing" in said(result)
    assert f"1 pending: {CASE}" in said(result)
    assert run(theirs).ret == 1


def test_an_accepted_golden_passes(pinned: pytest.Pytester) -> None:
    """What was accepted with a reason is what the test holds to."""
    result = run(pinned)
    assert result.ret == 0, said(result)
    assert folders(pinned) == [CASE]
    assert "as meant" in (pinned.path / "tests" / "golden" / "JOURNAL.md").read_text()


def test_a_mismatch_is_told_in_a_few_lines(pinned: pytest.Pytester) -> None:
    """FirstDivergence divergence, counts by stage and change of return; not the ledgers."""
    write(pinned, "engine_under_test.py", OVERCHARGING)
    result = run(pinned)
    text = said(result)
    assert result.ret == 1
    assert f"golden {CASE}: changed" in text
    assert "first   rebalance 0, 2023-01-03, fills commission, STOCK" in text and "(golden) vs" in text
    assert "breaks  target " in text and ", cost " in text
    assert "return  " in text and " -> " in text
    assert len(text.splitlines()) < 60
    assert folders(pinned) == [CASE]


def test_an_update_is_refused_while_the_pair_disagrees(pinned: pytest.Pytester) -> None:
    """--snapshot-update writes nothing that the reference does not confirm."""
    write(pinned, "engine_under_test.py", OVERCHARGING)
    result = run(pinned, "--snapshot-update")
    assert result.ret == 1
    assert "not written: engine and reference disagree" in said(result)
    assert folders(pinned) == [CASE]


def test_a_missing_golden_is_refused_while_the_pair_disagrees(theirs: pytest.Pytester) -> None:
    """Nor is a first one."""
    write(theirs, "engine_under_test.py", OVERCHARGING)
    result = run(theirs)
    assert result.ret == 1
    assert "not written: engine and reference disagree" in said(result)
    assert folders(theirs) == []


def test_an_update_is_pending_and_accepted_with_a_reason(pinned: pytest.Pytester) -> None:
    """A change of the scenario that both sides follow."""
    write(pinned, "conftest.py", CONFTEST.replace('TEXT % "5"', 'TEXT % "8"'))
    assert run(pinned).ret == 1
    assert folders(pinned) == [CASE]
    result = run(pinned, "--snapshot-update")
    assert result.ret == 1
    assert folders(pinned) == [CASE, f"{CASE}.pending"]
    assert "commission 5 -> 8 bps" in said(result)
    code, review = golden("review")
    assert code == 1
    assert "1 case, 1 cause: commission 5 -> 8 bps" in review
    accept(CASE)
    assert run(pinned).ret == 0
    assert golden("review")[0] == 0


def test_an_engine_may_agree_only_with_itself_if_the_fixture_says_so(theirs: pytest.Pytester) -> None:
    """The project decides what vouches for its goldens, and the golden says it."""
    write(theirs, "engine_under_test.py", OVERCHARGING)
    override = "\n\n@pytest.fixture\ndef golden_agreement():\n    return 'itself'\n"
    write(theirs, "conftest.py", CONFTEST + override)
    assert run(theirs).ret == 1
    accept(CASE)
    assert run(theirs).ret == 0
    manifest = json.loads((blessed(theirs) / CASE / "manifest.json").read_text())
    assert manifest["agreement"] == "itself"


DOUBLES = """
import reconcile
import reference

RATE = 0.0005


def run(scenario, market):
    books = reference.run(scenario, market)
    names = ["timestamp", "symbol", "side", "quantity", "price"]
    fills = reconcile.frame(books, "fills", floats=True)[names]
    fills["commission"] = fills["quantity"] * fills["price"] * RATE
    return reconcile.from_frames({"fills": fills})
"""
BOUND = """

@pytest.fixture
def golden_tolerance():
    return {"fills.commission": {"absolute": "0.0001", "reason": "doubles are not rounded to a unit"}}
"""


def test_a_disagreement_of_doubles_says_what_can_be_done(theirs: pytest.Pytester) -> None:
    """Explain it, bound it with a reason, or pin the engine to itself."""
    write(theirs, "engine_under_test.py", DOUBLES)
    result = run(theirs)
    text = said(result)
    assert result.ret == 1 and folders(theirs) == []
    assert "not written: engine and reference disagree" in text
    assert "`reconcile explain` names the cause" in text
    assert 'ledger_snapshot(scenario, market, tolerance={"fills.commission": {"absolute"' in text
    assert "golden_agreement return 'itself'" in text


def test_an_engine_of_doubles_is_pinned_within_bounds_that_have_reasons(theirs: pytest.Pytester) -> None:
    """To the reference when it is written, and to its golden from then on; the bounds are sealed with it."""
    write(theirs, "engine_under_test.py", DOUBLES)
    write(theirs, "conftest.py", CONFTEST + BOUND)
    assert "tolerance fills.commission none -> absolute 0.0001 (doubles are not rounded" in said(run(theirs))
    accept(CASE)
    assert "doubles are not rounded to a unit" in (blessed(theirs).parent / "JOURNAL.md").read_text()
    manifest = json.loads((blessed(theirs) / CASE / "manifest.json").read_text())
    assert manifest["agreement"] == "reference" and manifest["storage"] == "full"
    assert run(theirs).ret == 0
    write(theirs, "engine_under_test.py", DOUBLES.replace("0.0005", "0.000500000001"))
    assert run(theirs).ret == 0  # another library's rounding
    write(theirs, "engine_under_test.py", DOUBLES.replace("0.0005", "0.0006"))
    result = run(theirs, "--snapshot-update")
    assert result.ret == 1 and "fills commission" in said(result)
    assert "not written: engine and reference disagree" in said(result)
    dropped = DOUBLES.replace("return reconcile", "fills = fills[1:]\n    return reconcile")
    write(theirs, "engine_under_test.py", dropped)
    assert run(theirs).ret == 1


def test_other_bounds_are_a_change_that_is_reviewed(theirs: pytest.Pytester) -> None:
    """A bound cannot be widened unseen."""
    write(theirs, "engine_under_test.py", DOUBLES)
    write(theirs, "conftest.py", CONFTEST + BOUND)
    run(theirs)
    accept(CASE)
    write(theirs, "conftest.py", CONFTEST + BOUND.replace('"0.0001"', '"5"'))
    result = run(theirs, "--snapshot-update")
    assert result.ret == 1 and folders(theirs) == [CASE, f"{CASE}.pending"]
    assert "tolerance fills.commission absolute 0.0001 (" in golden("review")[1]
    write(theirs, "conftest.py", CONFTEST + BOUND.replace('reason": "', 'reason": "" and "'))
    assert "no reason" in said(run(theirs))


def test_an_empty_ledger_is_refused(theirs: pytest.Pytester) -> None:
    """A ledger without a fill pins nothing."""
    write(theirs, "conftest.py", CONFTEST.replace("n = 2", "n = 2\nschedule = { every = 1, start = 99 }"))
    result = run(theirs)
    assert result.ret == 1
    assert "without one fill pins nothing" in said(result)
    assert folders(theirs) == []


def test_a_stale_golden_is_named(pinned: pytest.Pytester) -> None:
    """The same ledger from other inputs than those blessed: the claim is another."""
    write(pinned, "conftest.py", CONFTEST.replace("n = 2", "n = 2\ncooldown = 3"))
    result = run(pinned)
    assert result.ret == 1
    assert f"golden {CASE}: stale" in said(result)
    assert "strategy.cooldown 0 -> 3" in said(result)
    assert f"1 stale: {CASE}" in said(result)


def test_an_unused_golden_is_named(pinned: pytest.Pytester) -> None:
    """A golden whose test is gone, renamed, or asserts it no more fails the run."""
    write(pinned, "test_theirs.py", "def test_other():\n    pass\n")
    result = run(pinned)
    assert result.ret == 1
    assert f"1 unused: {CASE}" in said(result)
    assert run_alone(pinned, "--snapshot-warn-unused").ret == 0
    assert folders(pinned) == [CASE]
    write(pinned, "test_theirs.py", "def test_mine():\n    pass\n")
    assert f"1 unused: {CASE}" in said(run(pinned))
    (pinned.path / "test_theirs.py").unlink()
    write(pinned, "test_more.py", "def test_other():\n    pass\n")
    assert f"1 unused: {CASE}" in said(run(pinned))


@pytest.mark.parametrize(
    "options",
    [
        ("-k", "other"),
        ("test_theirs.py::test_other",),
        ("test_more.py",),
        ("--deselect", "test_theirs.py::test_mine"),
    ],
)
def test_a_golden_whose_test_was_not_chosen_is_not_unused(
    pinned: pytest.Pytester, options: tuple[str, ...]
) -> None:
    """Running a part of the tests says nothing of the rest."""
    write(pinned, "test_theirs.py", TEST + "\n\ndef test_other():\n    pass\n")
    write(pinned, "test_more.py", "def test_other():\n    pass\n")
    result = run(pinned, *options)
    assert result.ret == 0, said(result)
    assert " unused: " not in said(result)


def test_goldens_work_in_parallel(pinned: pytest.Pytester) -> None:
    """Under xdist: the same verdicts, pending and unused goldens named once, by the controller."""
    many = "\n\n".join(TEST.replace("test_mine", f"test_{k}").partition("\n\n\n")[2] for k in range(4))
    write(pinned, "test_many.py", f"import engine_under_test\n\n\n{many}\n")
    result = run_alone(pinned, "-n", "2")
    result.assert_outcomes(passed=1, failed=4)
    assert said(result).count("4 pending: test_many.test_0, test_many.test_1") == 1
    accept("--all")
    assert run(pinned).ret == 0
    (pinned.path / "test_many.py").write_text("def test_0():\n    pass\n")
    result = run_alone(pinned, "-n", "2")
    assert result.ret == 1
    assert "4 unused: test_many.test_0, test_many.test_1, test_many.test_2, test_many.test_3" in said(result)


def test_the_scenario_and_the_market_may_be_variables(theirs: pytest.Pytester) -> None:
    """Fixtures, variables, globals, or the call: the reference runs what the test has at hand."""
    write(
        theirs,
        "test_theirs.py",
        """
import engine_under_test
import reconcile
from conftest import TEXT

WORLD = reconcile.generate_market(5, 14, 1)


def test_mine(ledger_snapshot):
    rules = reconcile.scenario_from_text(TEXT % "5")
    assert engine_under_test.run(rules, WORLD) == ledger_snapshot


def test_called(ledger_snapshot):
    def both():
        return reconcile.scenario_from_text(TEXT % "5"), reconcile.generate_market(5, 14, 1)

    assert ledger_snapshot(*both(), case="called") == engine_under_test.run(*both())


def test_unknown(ledger_snapshot):
    def hidden():
        other = reconcile.generate_market(5, 13, 1)
        return engine_under_test.run(reconcile.scenario_from_text(TEXT % "5"), other)

    assert hidden() == ledger_snapshot
""",
    )
    result = run(theirs)
    result.assert_outcomes(failed=3)
    assert folders(theirs) == ["called.pending", f"{CASE}.pending"]
    assert "the test shows no scenario" in said(result)


def test_what_is_no_ledger_fails(theirs: pytest.Pytester) -> None:
    """Comparing anything else is a failed assertion with its reason."""
    write(theirs, "engine_under_test.py", "def run(scenario, market):\n    return 42\n")
    result = run(theirs)
    result.assert_outcomes(failed=1)
    assert "a int, where a Ledger is compared" in said(result)


def test_an_edited_golden_fails_the_test_and_names_the_cell(pinned: pytest.Pytester) -> None:
    """Nobody but accept writes a golden."""
    file = blessed(pinned) / CASE / "tables" / "fills.csv"
    lines = file.read_text().splitlines()
    cells = lines[3].split(",")
    cells[8] = f"{cells[8]}1"
    lines[3] = ",".join(cells)
    file.write_text("\n".join(lines) + "\n")
    result = run(pinned)
    assert result.ret == 1
    assert f"golden {CASE}: tampered" in said(result)
    assert "tables/fills.csv, line 4, commission" in said(result)


def test_syrupy_takes_the_extension(theirs: pytest.Pytester) -> None:
    """`snapshot(extension_class=LedgerExtension)`: the same goldens, written by nobody but accept."""
    write(
        theirs,
        "test_theirs.py",
        """
import engine_under_test
from reconcile.goldens.extension import LedgerExtension


def test_mine(scenario, market, snapshot):
    assert engine_under_test.run(scenario, market) == snapshot(extension_class=LedgerExtension)
""",
    )
    result = run_alone(theirs)
    result.assert_outcomes(failed=1)
    assert f"golden {CASE}: missing" in said(result)
    accept(CASE)
    assert run_alone(theirs).ret == 0
    write(theirs, "engine_under_test.py", OVERCHARGING)
    result = run_alone(theirs, "--snapshot-update")
    result.assert_outcomes(failed=1)
    assert "not written: engine and reference disagree" in said(result)
    assert folders(theirs) == [CASE]


def test_the_plugin_works_without_syrupy(theirs: pytest.Pytester) -> None:
    """--snapshot-update is there, too."""
    result = run_alone(theirs, "-p", "no:syrupy", "--snapshot-update")
    result.assert_outcomes(failed=1)
    assert folders(theirs) == [f"{CASE}.pending"]


def test_unrelated_tests_pay_nothing(pytester: pytest.Pytester) -> None:
    """Loading the plugin loads neither numpy, pandas, pyarrow nor numba."""
    write(
        pytester,
        "test_unrelated.py",
        "import sys\n\n\ndef test_it():\n"
        "    assert 'reconcile.goldens.plugin' in sys.modules\n"
        "    heavy = {'numpy', 'pandas', 'pyarrow', 'numba', 'vocabulary', 'engine', 'pydantic'}\n"
        "    assert not heavy & set(sys.modules)\n",
    )
    result = run_alone(pytester)
    assert result.ret == 0, said(result)
    assert "goldens" not in said(result)
