"""`reconcile identify`: an engine's conventions are read off its ledger, and nothing is claimed beyond it."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

import reconcile
from reconcile.cli import exit_code
from reconcile.identifying.conventions import CONVENTIONS
from reconcile.identifying.identify import FRACTIONS, identify
from reconcile.identifying.model import Finding, Identification, Status, Verdict
from reconcile.identifying.profiles import WORDS
from reconcile.own_packages import own_package
from schema_kit import conforms
from vocabulary.ledger import Ledger
from vocabulary.market import Market
from vocabulary.scenario import Scenario

EXPORTS = Path(__file__).parent / "ledgers" / "engines"
WORK = """
[market]
data = "market.csv"
price_decimals = 6
quantity_decimals = 6
[portfolio]
initial_cash = "1000000"
[strategy]
kind = "top_n"
score = "score"
n = 2
gross_long = "0.95"
schedule = { every = 3, start = 4 }
[costs]
commission = { kind = "bps", rate = "5" }
slippage = { kind = "bps", rate = "5" }
"""


@lru_cache(maxsize=1)
def ground() -> tuple[Scenario, Market]:
    scenario = reconcile.replace(reconcile.find_scenario("stocks"), "strategy.gross_long", "1")
    return scenario, reconcile.slice_market(reconcile.load_market(scenario), bars=(0, 800))


def ledger_under(*settings: tuple[str, Any]) -> Ledger:
    scenario, market = ground()
    for path, value in settings:
        scenario = reconcile.replace(scenario, path, value)
    ledger: Ledger = own_package("engine").run(scenario, market)
    return ledger


def found_in(ledger: Ledger) -> dict[str, Finding]:
    scenario, market = ground()
    return by_name(identify(scenario, market, ledger))


def by_name(found: Identification) -> dict[str, Finding]:
    return {each.convention.name: each for each in found.findings}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"timing": ("execution.timing", "next_close"), "fee": ("costs.commission.rate", "8")},
        {"timing": ("execution.timing", "same_close"), "slippage": ("costs.slippage.rate", "12")},
        {"sequence": ("execution.sequence", "value"), "fee_base": ("costs.commission.on", "raw")},
        {"sizing_time": ("strategy.size_at", "execution"), "cash": ("execution.cash", "allow_negative")},
    ],
    ids=lambda settings: "+".join(settings) or "as stated",
)
def test_what_a_ledger_was_made_under_is_what_it_shows(settings: dict[str, tuple[str, Any]]) -> None:
    """Every changed convention is found, none is named wrongly, and all cells come out right."""
    scenario, market = ground()
    found = identify(scenario, market, ledger_under(*settings.values()))
    assert found.verdict is Verdict.FITS and found.wrong == 0
    for name, finding in by_name(found).items():
        options = {finding.option.key, *(option.key for option in finding.equal)}
        if name in settings:
            assert any(option.startswith(str(settings[name][1])) for option in options), (name, options)
            assert finding.status in (Status.IDENTIFIED, Status.SEVERAL) and finding.fits > 0
        else:
            assert finding.stated is None, (name, finding.option)
            assert finding.status is not Status.CONTRADICTED


def test_a_question_that_the_ledger_never_meets_is_left_open() -> None:
    """An account that is never short of cash, and never short of a share, tells nothing about either."""
    found = found_in(ledger_under(("strategy.gross_long", "0.5")))
    assert {found[name].status for name in ("cash", "short")} == {Status.CANNOT_TELL}


def test_no_option_is_named_where_none_fits() -> None:
    """A fee that no option has: what is charged is contradicted or differs, and the verdict says so."""
    scenario, market = ground()
    frames = {
        name: reconcile.frame(ledger_under(), name, floats=True) for name in ("fills", "positions", "equity")
    }
    frames["fills"]["commission"] = [7.0 + 11 * (place % 5) for place in range(len(frames["fills"]))]
    found = identify(scenario, market, reconcile.from_frames(frames))
    assert found.verdict is Verdict.PARTLY and found.wrong > 0
    assert by_name(found)["fee"].status is not Status.IDENTIFIED


def test_a_ledger_without_trades_or_quantities_cannot_tell() -> None:
    scenario, market = ground()
    frames = {"equity": reconcile.frame(ledger_under(), "equity")}
    found = identify(scenario, market, reconcile.from_frames(frames))
    assert found.verdict is Verdict.CANNOT_TELL and "quantities" in found.reason
    idle = ledger_under(("strategy.gross_long", "0.0000001"))
    assert identify(scenario, market, idle).verdict is Verdict.CANNOT_TELL


@pytest.mark.parametrize(
    ("export", "engine", "sequence"),
    [
        ("vectorbt/orders.csv", "vectorbt", {"value"}),
        ("backtrader/fills.csv", "backtrader", {"sells_first", "submission"}),
        ("pybroker/orders.csv", "pybroker", {"sells_first_symbol"}),
    ],
)
def test_real_engines_are_recognised_by_their_conventions(
    tmp_path: Path, export: str, engine: str, sequence: set[str]
) -> None:
    """An export of the engine itself: the first engine named is the one that made it."""
    (tmp_path / "work.toml").write_text(WORK)
    (tmp_path / "market.csv").write_bytes((EXPORTS / "market.csv").read_bytes())
    found = reconcile.identify(tmp_path / "work.toml", EXPORTS / export)
    named = by_name(found.found)
    assert {named["sequence"].option.key, *(each.key for each in named["sequence"].equal)} == sequence
    assert named["timing"].option.key == "next_open" and named["timing"].status is Status.IDENTIFIED
    first = found.found.engines[0]
    assert (first.profile.engine, first.differ) == (engine, ()) and len(first.agree) >= 4


def test_fractions_of_a_share_are_named_where_the_scenario_has_whole_ones(tmp_path: Path) -> None:
    (tmp_path / "work.toml").write_text(WORK.replace("quantity_decimals = 6", "quantity_decimals = 0"))
    (tmp_path / "market.csv").write_bytes((EXPORTS / "market.csv").read_bytes())
    found = reconcile.identify(tmp_path / "work.toml", EXPORTS / "vectorbt" / "orders.csv")
    assert found.found.notes[0] == FRACTIONS
    assert "quantity" not in by_name(found.found)


def test_the_command_prints_json_and_exits_by_what_it_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario, market = ground()
    reconcile.write_ledger(ledger_under(("costs.commission.rate", "8")), tmp_path / "theirs")
    reconcile.write_market(market, tmp_path / "bars.parquet")
    (tmp_path / "s.toml").write_text(reconcile.scenario_to_toml(scenario))
    words = ["identify", str(tmp_path / "s.toml"), str(tmp_path / "theirs")]
    words += ["--data", str(tmp_path / "bars.parquet")]
    assert exit_code([*words, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert conforms("identify", facts)
    assert {"name": "fee", "shown": "8 bps", "stated": "5 bps"}.items() <= {
        key: value for each in facts["conventions"] if each["name"] == "fee" for key, value in each.items()
    }.items()
    assert exit_code(["identify", "stocks", str(tmp_path / "nothing")]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_conventions_that_profiles_name_can_be_asked() -> None:
    """A profile's convention is one that identify asks about, or one that is listed here with its reason."""
    asked = {convention.name for convention in CONVENTIONS} | {"price_field"}
    beside = {"slippage"}  # how an engine hands over what slippage cost: a matter of its export
    assert set(WORDS) <= asked | beside
