"""What passes between a command and its worker comes out as it went in, and nothing else does."""

from __future__ import annotations

import io
import json
import random
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import drawn
import engine
import reference
from build import rows
from reconcile.market.edit import market_digest
from reconcile.running import wire
from reconcile.running.bounds import read_size, size_text
from reconcile.running.mapped_market import read_mapped, write_mapped
from reconcile.scenario.files import builtin_scenario
from vocabulary.ledger import Column, Ledger
from vocabulary.market import Market
from vocabulary.scenario import CallableStrategy, Scenario


def pairs(count: int) -> list[tuple[Scenario, Market]]:
    """Drawn at random, always the same."""
    pick = random.Random(11)
    return [drawn.pair(lambda options: options[pick.randrange(len(options))]) for _ in range(count)]


def over_the_wire(value: Any, function: Any = None) -> Any:
    return wire.from_data(json.loads(json.dumps(wire.to_data(value))), function)


def test_nouns_come_out_as_they_went_in() -> None:
    seen = 0
    for scenario, market in pairs(25):
        selection = scenario.strategy.selection
        call = selection.call if isinstance(selection, CallableStrategy) else None
        made = over_the_wire(scenario, lambda name, call=call: call)
        assert (made, made.digest) == (scenario, scenario.digest)
        bar = len(market.timestamps) // 2
        state = reference.resume(scenario, market, reference.initial_state(scenario), bar)[1]
        assert over_the_wire(state) == state
        seen += len(state.positions)
        decision = reference.decide(scenario, state, market, bar)
        assert over_the_wire(decision) == decision
    assert seen > 10


def test_ledgers_come_out_as_they_went_in() -> None:
    fills = 0
    for scenario, market in pairs(15):
        ledger = reference.run(scenario, market)
        back = wire.unpack_ledger(*passed(ledger))
        assert back.manifest == ledger.manifest
        assert list(back.tables) == list(ledger.tables)
        for name, table in ledger.tables.items():
            assert rows(back, name) == rows(ledger, name)
            for label, column in back.tables[name].columns.items():
                assert not column.values.flags.writeable
                assert column.scale == table.columns[label].scale
        fills += ledger.tables["fills"].rows
    assert fills > 50


def passed(ledger: Ledger) -> tuple[dict[str, Any], bytes]:
    header, body = wire.pack_ledger(ledger)
    return json.loads(json.dumps(header)), body


@pytest.fixture
def ledger() -> Ledger:
    scenario, market = pairs(1)[0]
    for scenario, market in pairs(20):
        made = engine.run(scenario, market)
        if made.tables["fills"].rows > 3:
            return made
    raise AssertionError


def with_price(ledger: Ledger, **change: Any) -> Ledger:
    fills = ledger.tables["fills"]
    price = replace(fills.columns["price"], **change)
    made = replace(fills, columns={**fills.columns, "price": price})
    return replace(ledger, tables={**ledger.tables, "fills": made})


def test_numbers_of_any_kind_pass_exactly(ledger: Ledger) -> None:
    count = ledger.tables["fills"].rows
    huge = np.array([10**30 + n for n in range(count)], dtype=object)
    floats = np.array([0.1, np.inf, np.nan, *([-0.0] * (count - 3))])
    gaps = np.arange(count) % 2 == 0
    for values, scale, missing in ((huge, 4, None), (floats, None, gaps), (floats.astype(">f8"), None, None)):
        back = wire.unpack_ledger(*passed(with_price(ledger, values=values, scale=scale, missing=missing)))
        column: Column = back.tables["fills"].columns["price"]
        assert column.values.tolist() == pytest.approx(values.tolist(), abs=0, nan_ok=True)
        assert (column.missing is None) == (missing is None)
        assert missing is None or (column.missing is not None and column.missing.tolist() == missing.tolist())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"values": np.zeros(1)}, "values of shape (1,)"),
        ({"values": np.zeros(1, "M8[ns]")}, "shape"),
        ({"kind": None}, "kind None"),
        ({"missing": np.zeros(1, bool)}, "missing of shape (1,)"),
    ],
)
def test_what_is_no_ledger_is_seen(change: dict[str, Any], said: str, ledger: Ledger) -> None:
    assert wire.malformed(ledger) is None
    assert said in str(wire.malformed(with_price(ledger, **change)))


def test_a_header_that_lies_is_refused(ledger: Ledger) -> None:
    """The other side may be a user's code: whatever it claims, a ledger or one kind of error comes out."""
    header, body = passed(ledger)
    lies = []
    for place in range(len(header["tables"])):
        for key, value in (("rows", 10**9), ("rows", -1), ("bytes", 3), ("name", "fils"), ("columns", None)):
            lie = json.loads(json.dumps(header))
            lie["tables"][place][key] = value
            lies.append(lie)
    for key, value in (("type", "object"), ("type", "int8"), ("words", None), ("words", [1]), ("name", "x")):
        lie = json.loads(json.dumps(header))
        lie["tables"][-1]["columns"][0][key] = value
        lies.append(lie)
    lies += [{}, {"manifest": {}, "tables": []}, {"manifest": 3, "tables": []}]
    refused = 0
    for lie in lies:
        try:
            assert wire.malformed(wire.unpack_ledger(lie, body)) is None
        except wire.WireError:
            refused += 1
    assert refused >= len(lies) - len(header["tables"])


@pytest.mark.parametrize(
    "text",
    [
        b"hello",
        b"tieout1\n",
        b"tieout1\n" + struct.pack(">QQ", 1 << 40, 0),
        b"tieout1\n" + struct.pack(">QQ", 2, 1 << 60) + b"{}",
    ],
    ids=["other", "short", "header", "body"],
)
def test_a_frame_that_is_none_is_refused(text: bytes) -> None:
    """Without taking the memory that it claims to need."""
    with pytest.raises(wire.WireError):
        wire.read_frame(io.BytesIO(text), longest=1 << 40)


def test_frames_follow_each_other() -> None:
    stream = io.BytesIO()
    for number in range(3):
        wire.write_frame(stream, {"number": number}, bytes(number))
    stream.seek(0)
    assert [wire.read_frame(stream) for _ in range(4)] == [
        *(({"number": n}, bytes(n)) for n in range(3)),
        None,
    ]


@pytest.mark.parametrize("noun", ["builtins.eval", "os.system", "vocabulary.ledger.Ledger", "", None])
def test_only_nouns_are_made(noun: Any) -> None:
    with pytest.raises(wire.WireError):
        wire.from_data({"noun": noun, "fields": {}})
    with pytest.raises(wire.WireError):
        wire.from_data({"noun": "vocabulary.state.Order", "fields": {"nothing": 1}})


def test_a_market_is_mapped_whole_and_cannot_be_written(tmp_path: Path) -> None:
    for number, (_, market) in enumerate(pairs(8)):
        place = tmp_path / str(number)
        place.mkdir()
        write_mapped(market, place)
        back = read_mapped(place)
        assert (market_digest(back), back.digest) == (market_digest(market), market.digest)
        assert (back.name, back.notes, back.timezone) == (market.name, market.notes, market.timezone)
        assert list(back.features) == list(market.features)
        for values in (back.close, back.present, *back.features.values(), *back.context.values()):
            with pytest.raises(ValueError):
                values.flags.writeable = True


def test_a_scenario_of_ours_passes() -> None:
    scenario = builtin_scenario("stocks")
    assert over_the_wire(scenario) == scenario


@pytest.mark.parametrize(
    ("text", "size"), [("800MB", 800_000_000), ("2.5 gb", 2_500_000_000), ("1024", 1024), ("7B", 7), ("0", 0)]
)
def test_a_size_is_read(text: str, size: int) -> None:
    assert read_size(text) == size


def test_a_size_is_shown() -> None:
    assert [size_text(n) for n in (0, 999, 1000, 999_600, 2_340_000_000)] == [
        "0 B",
        "999 B",
        "1 KB",
        "1 MB",
        "2.34 GB",
    ]
