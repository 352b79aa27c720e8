"""The project's own goldens: every case is run by both programs and is what was blessed."""

from __future__ import annotations

import csv
import io
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import engine
from reconcile.goldens.check import absent_data, case_files, check_goldens
from reconcile.goldens.files import SEAL, seal_bytes, seal_faults
from reconcile.goldens.model import SOUND, CheckStatus, Golden, ProjectPaths, Storage
from reconcile.goldens.project_paths import find_project
from reconcile.goldens.store import read_goldens
from reconcile.market.load import load_market
from reconcile.scenario.files import scenario_from_file

if TYPE_CHECKING:
    from reconcile.goldens.snapshot import LedgerSnapshot

PLACE = find_project(Path(__file__).parent)
SHELF = read_goldens(PLACE)
CASES = sorted(case_files(PLACE))
OUTSIDE = {"sp500"}
"""Cases whose market is no part of the repository."""
REHASHED = ("exit-stop-loss", "strategy-weights", "top25")


def columns(case: str, table: str, name: str) -> list[str]:
    """A column of a table that a golden keeps."""
    text = SHELF.goldens[case].files[f"tables/{table}.csv"].decode()
    return [row[name] for row in csv.DictReader(io.StringIO(text))]


@pytest.mark.parametrize("case", CASES)
def test_the_engine_gives_what_was_blessed(case: str, ledger_snapshot: LedgerSnapshot) -> None:
    """Also under --snapshot-update, which writes nothing that the reference does not confirm."""
    scenario = scenario_from_file(case_files(PLACE)[case])
    absent = absent_data(scenario, PLACE)
    if absent is not None:
        pytest.skip(f"no {absent.name}: it is no part of the repository")
    market = load_market(scenario)
    assert engine.run(scenario, market) == ledger_snapshot(scenario, market, case=case)


def test_every_golden_holds_for_both_programs() -> None:
    """`reconcile golden check`: engine and reference agree, and every byte on file is made again."""
    found = check_goldens(PLACE)
    assert [(one.case, one.status.value, one.said) for one in found if one.status not in SOUND] == []
    assert {one.case for one in found if one.status is CheckStatus.NOT_RUN} <= OUTSIDE
    assert [one.case for one in found] == CASES


def test_nothing_is_left_pending() -> None:
    """A change is decided before it is committed."""
    assert dict(SHELF.pending) == {}


def test_goldens_stay_small() -> None:
    """Large ledgers are kept as chain, summary and checkpoints; others' data not at all."""
    sizes = {case: sum(map(len, one.files.values())) for case, one in SHELF.goldens.items()}
    assert sum(sizes.values()) < 2_000_000
    assert max(sizes.values()) < 200_000
    storages = {case: one.manifest.storage for case, one in SHELF.goldens.items()}
    assert {case for case, kept in storages.items() if kept is Storage.CHECKPOINTS} == {"top25", "stocks"}
    assert {case for case, kept in storages.items() if kept is Storage.SUMMARY} == OUTSIDE
    assert not [name for name in SHELF.goldens["sp500"].files if name.startswith("tables/")]


def test_no_golden_knows_the_machine_or_the_clock(repository: Path) -> None:
    """No path of a machine, no date but those of bars."""
    for case, golden in SHELF.goldens.items():
        for name, data in golden.files.items():
            assert str(repository).encode() not in data and b"/home/" not in data, (case, name)


STATUSES = [
    ("cash-reduce", "reduced"),
    ("cash-reject", "no_cash"),
    ("gaps", "no_bar"),
    ("timing-next-open", "filled"),
]


@pytest.mark.parametrize(("case", "status"), STATUSES)
def test_a_case_shows_the_status_it_is_for(case: str, status: str) -> None:
    """A golden of a cash policy in which cash never runs out would pin nothing of it."""
    assert status in columns(case, "orders", "status")


REASONS = [
    ("exit-stop-loss", "stop_loss"),
    ("exit-take-profit", "take_profit"),
    ("exit-volatility-stop", "volatility_stop"),
    ("exit-trailing-stop", "trailing_stop"),
    ("exit-time", "patience"),
    ("long-short", "stop_loss"),
]


@pytest.mark.parametrize(("case", "reason"), REASONS)
def test_a_case_shows_the_exit_it_is_for(case: str, reason: str) -> None:
    """The exit fires, and so do rebalances."""
    assert {reason, "rebalance"} == set(columns(case, "fills", "reason"))


def test_cases_show_what_else_they_are_for() -> None:
    """Debt, shorts, minimum commissions, weights, a gate that closes."""
    assert any(cash.startswith("-") for cash in columns("cash-allow-negative", "equity", "cash"))
    assert any(lots.startswith("-") for lots in columns("long-short", "positions", "quantity"))
    assert "3.00" in columns("commission-bps", "fills", "commission")
    assert "2.50" in columns("commission-per-share", "fills", "commission")
    assert len(set(columns("strategy-weights", "targets", "weight"))) > 2
    assert columns("strategy-top-n", "equity", "rebalance").count("") > 5
    assert set(columns("strategy-callable", "targets", "weight")) == {"0.250000000"}
    for cost in ("slippage-bps", "slippage-fixed"):
        assert all(float(slippage) > 0 for slippage in columns(cost, "fills", "slippage"))


def test_every_setting_with_few_values_has_its_case() -> None:
    """One for each timing, cash policy, strategy kind, cost model and exit."""
    texts = {case: golden.files["scenario.toml"].decode() for case, golden in SHELF.goldens.items()}
    for line in (
        *(f'timing = "{timing}"' for timing in ("next_open", "next_close", "same_close")),
        *(f'cash = "{cash}"' for cash in ("reduce", "reject", "allow_negative")),
        *(f'kind = "{kind}"' for kind in ("top_n", "weights", "callable")),
        *(f'kind = "{kind}"' for kind in ("per_share", "fixed", "bps")),
        *(f'kind = "{kind}"' for kind in ("stop_loss", "take_profit", "volatility_stop", "trailing_stop")),
        'kind = "time_exit"',
        "allow_short = true",
    ):
        assert any(line in text for text in texts.values()), line


def edited(data: bytes, line: int, column: int) -> bytes:
    """The file with one cell changed: its last digit becomes another, or text gains a character."""
    lines = data.decode().splitlines()
    cells = lines[line].split(",")
    cell = cells[column]
    cells[column] = cell[:-1] + str((int(cell[-1]) + 1) % 10) if cell[-1:].isdigit() else f"{cell}x"
    lines[line] = ",".join(cells)
    return ("\n".join(lines) + "\n").encode()


def sample(golden: Golden, count: int) -> Iterator[tuple[str, int, int, str]]:
    """Some cells of a golden: file, line, place of the column and its name."""
    rng = random.Random(golden.manifest.case)
    files = [name for name in golden.files if name.endswith(".csv")]
    for name in files:
        rows = golden.files[name].decode().splitlines()
        header = rows[0].split(",")
        for _ in range(count if len(rows) > 1 else 0):
            line, place = rng.randrange(1, len(rows)), rng.randrange(len(header))
            yield name, line, place, header[place]


@pytest.mark.parametrize("case", CASES)
def test_an_edited_cell_is_named(case: str) -> None:
    """Any cell of any table, of summary or chain: its file, line and column, and nothing else."""
    golden = SHELF.goldens[case]
    for name, line, place, column in sample(golden, 5):
        faults = seal_faults({**golden.files, name: edited(golden.files[name], line, place)})
        assert [(one.file, one.row, one.column) for one in faults] == [(name, f"line {line + 1}", column)]


@pytest.mark.parametrize("case", ["sp500", "top25", "long-short"])
def test_an_edited_line_of_manifest_or_scenario_is_named(case: str) -> None:
    """Every line of both."""
    golden = SHELF.goldens[case]
    for name in ("manifest.json", "scenario.toml"):
        lines = golden.files[name].decode().splitlines()
        for place, line in enumerate(lines):
            other = "\n".join([*lines[:place], f"{line} ", *lines[place + 1 :]]) + "\n"
            faults = seal_faults({**golden.files, name: other.encode()})
            assert [(one.file, one.row) for one in faults] == [(name, f"line {place + 1}")]


def test_an_edited_seal_is_named() -> None:
    """Any character of it."""
    golden = SHELF.goldens["exit-time"]
    seal = golden.files[SEAL].decode()
    rng = random.Random(1)
    for place in rng.sample(range(len(seal)), 60):
        other = seal[:place] + ("0" if seal[place] != "0" else "1") + seal[place + 1 :]
        assert seal_faults({**golden.files, SEAL: other.encode()}), place


def test_missing_added_and_shortened_files_are_named() -> None:
    """A golden is all of its files and no others."""
    golden = SHELF.goldens["gaps"]
    for name in golden.files:
        rest = {other: data for other, data in golden.files.items() if other != name}
        assert name in {one.file for one in seal_faults(rest)}
    assert [one.file for one in seal_faults({**golden.files, "tables/more.csv": b"a\n1\n"})] == [
        "tables/more.csv"
    ]
    fills = golden.files["tables/fills.csv"]
    cut = fills[: fills.rstrip().rindex(b"\n") + 1]
    assert [one.file for one in seal_faults({**golden.files, "tables/fills.csv": cut})] == [
        "tables/fills.csv"
    ]


@pytest.fixture
def copied(tmp_path: Path) -> ProjectPaths:
    """The project's cases and goldens, to be damaged."""
    place = find_project(tmp_path)
    for folder in (PLACE.cases, PLACE.cases.parent / "markets"):
        shutil.copytree(folder, place.blessed.parent / folder.name)
    for case in REHASHED:
        shutil.copytree(PLACE.blessed / case, place.blessed / case)
    (tmp_path / "pyproject.toml").write_text("")
    return replace(place, root=tmp_path)


def test_an_edit_that_was_sealed_again_is_named(copied: ProjectPaths) -> None:
    """Whoever makes a new seal, too, is found: the run gives another cell."""
    rng = random.Random(5)
    for case in REHASHED:
        golden = SHELF.goldens[case]
        cells = list(sample(golden, 1))
        for name, line, place, column in rng.sample(cells, min(3, len(cells))):
            files = dict(golden.files)
            files[name] = edited(files[name], line, place)
            files[SEAL] = seal_bytes(files)
            for part in (name, SEAL):
                (copied.blessed / case / part).write_bytes(files[part])
            (checked,) = check_goldens(copied, [case])
            assert checked.status is CheckStatus.TAMPERED
            faults = [(one.file, one.row, one.column) for one in checked.faults]
            assert faults == [(name, f"line {line + 1}", column)]
            for part in (name, SEAL):
                (copied.blessed / case / part).write_bytes(golden.files[part])


@pytest.mark.parametrize(
    ("old", "new"), [('"fills": 15', '"fills": 16'), ('"total_return": "-', '"total_return": "')]
)
def test_a_figure_that_was_sealed_again_is_named(copied: ProjectPaths, old: str, new: str) -> None:
    """The manifest's figures are worked out anew."""
    case = "exit-stop-loss"
    files = dict(SHELF.goldens[case].files)
    text = files["manifest.json"].decode()
    assert old in text
    files["manifest.json"] = text.replace(old, new, 1).encode()
    for part in ("manifest.json", SEAL):
        (copied.blessed / case / part).write_bytes(seal_bytes(files) if part == SEAL else files[part])
    (checked,) = check_goldens(copied, [case])
    assert checked.status is CheckStatus.TAMPERED
    assert [(one.file, one.row) for one in checked.faults] == [("manifest.json", old.split('"')[1])]
