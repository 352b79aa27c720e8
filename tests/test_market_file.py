"""A market on file, in parts, and with columns replaced: what is shared, what the digest covers."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from market_kit import ROWS, scenario, table, write_csv
from reconcile.market.builtin.synthetic import generate_market
from reconcile.market.edit import market_digest, replace_columns, slice_market
from reconcile.market.file import read_market, write_market
from reconcile.market.load import load_market
from vocabulary.errors import InputError, OutputError
from vocabulary.market import Market
from vocabulary.scenario import AtrFeature, MomentumFeature

GRIDS = ("present", "open", "high", "low", "close", "volume")
FEATURES = (AtrFeature("atr", 2), MomentumFeature("momentum", 1, 0))


@pytest.fixture
def market(tmp_path: Path) -> Market:
    """Three bars of two symbols, one absent cell, a context, two computed features."""
    write_csv(tmp_path, *ROWS[:2], *ROWS[3:])
    write_csv(tmp_path, "2024-01-01,12", "2024-01-03,31", header="timestamp,vix", name="vix.csv")
    return load_market(replace(scenario(features=FEATURES, context="vix.csv"), origin=str(tmp_path)))


def assert_equal(one: Market, other: Market) -> None:
    assert one.symbols == other.symbols
    for name in ("timestamps", "wall", *GRIDS):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for mine, yours in ((one.features, other.features), (one.context, other.context)):
        assert list(mine) == list(yours)
        for name in mine:
            np.testing.assert_array_equal(mine[name], yours[name])
    assert (one.timezone, one.price_decimals, one.notes, one.name) == (
        other.timezone,
        other.price_decimals,
        other.notes,
        other.name,
    )
    assert one.digest == other.digest


def test_a_market_comes_back_from_its_file_equal_in_everything(tmp_path: Path, market: Market) -> None:
    assert market.notes
    write_market(market, tmp_path / "m.parquet")
    back = read_market(tmp_path / "m.parquet")
    assert_equal(back, market)
    assert back.features["volume"] is back.volume


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "+05:30"])
def test_a_zone_comes_back(tmp_path: Path, zone: str) -> None:
    stamps = (
        pa.array([i // 2 * 86_400 for i in range(6)]).cast(pa.timestamp("s")).cast(pa.timestamp("s", zone))
    )
    pq.write_table(table(timestamp=stamps), tmp_path / "z.parquet")
    loaded = load_market(scenario(), tmp_path / "z.parquet")
    write_market(loaded, tmp_path / "m.parquet")
    assert_equal(read_market(tmp_path / "m.parquet"), loaded)


def test_a_scenario_runs_over_a_market_file_with_its_features_as_they_were(
    tmp_path: Path, market: Market
) -> None:
    part = slice_market(market, bars=(1, 3))
    write_market(part, tmp_path / "part.parquet")
    again = load_market(scenario(features=FEATURES), tmp_path / "part.parquet")
    assert again.digest == part.digest
    np.testing.assert_array_equal(again.features["atr"], market.features["atr"][1:3])


def test_a_market_file_of_other_units_or_without_the_features_is_refused(
    tmp_path: Path, market: Market
) -> None:
    write_market(market, tmp_path / "m.parquet")
    with pytest.raises(InputError, match=r"price_decimals = 4; expected the scenario's price_decimals = 2"):
        load_market(scenario(2), tmp_path / "m.parquet")
    with pytest.raises(InputError, match=r"expected also slow, which the scenario computes"):
        load_market(scenario(features=(AtrFeature("slow", 9),)), tmp_path / "m.parquet")


@pytest.mark.parametrize(
    "column", ["open_ticks", "close_ticks", "volume", "present", "feature atr", "timestamp", "symbol"]
)
def test_a_market_file_changed_in_any_column_is_refused(tmp_path: Path, market: Market, column: str) -> None:
    path = tmp_path / "m.parquet"
    write_market(market, path)
    data = pq.read_table(path)
    values = data[column].to_pylist()
    if column == "timestamp":
        values = [value + np.timedelta64(1, "D").item() for value in values]
    elif column == "symbol":
        values = ["C" if value == "B" else value for value in values]
    else:
        values[-1] = 1 - values[-1] if column == "present" else values[-1] + 1
    place = data.column_names.index(column)
    changed = data.set_column(place, data.field(place), pa.array(values, data.field(place).type))
    pq.write_table(changed.replace_schema_metadata(data.schema.metadata), path)
    with pytest.raises(InputError, match=r"It was changed since"):
        read_market(path)


@pytest.mark.parametrize("key", ["wall", "context", "timezone", "price_decimals", "digest"])
def test_a_market_file_changed_in_its_metadata_is_refused(tmp_path: Path, market: Market, key: str) -> None:
    path = tmp_path / "m.parquet"
    write_market(market, path)
    data = pq.read_table(path)
    head = json.loads(data.schema.metadata[b"tieout.market"])
    head[key] = {
        "wall": head["context"]["vix"],
        "context": {},
        "timezone": "UTC",
        "price_decimals": 3,
        "digest": "0",
    }[key]
    pq.write_table(data.replace_schema_metadata({b"tieout.market": json.dumps(head).encode()}), path)
    with pytest.raises(InputError, match=r"It was changed since"):
        read_market(path)


@pytest.mark.parametrize("head", [None, b"{}", b"[]", b"nonsense", b'{"version": 99}', b'{"version": 1}'])
def test_a_parquet_file_that_is_no_market_is_refused(tmp_path: Path, head: bytes | None) -> None:
    metadata = None if head is None else {b"tieout.market": head}
    pq.write_table(table().replace_schema_metadata(metadata), tmp_path / "m.parquet")
    with pytest.raises(InputError, match=r"expected a market file of version 1|expected also"):
        read_market(tmp_path / "m.parquet")


def test_writing_replaces_the_file_whole_and_leaves_nothing_else(tmp_path: Path, market: Market) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    write_market(market, folder / "m.parquet")
    write_market(slice_market(market, ["B"]), folder / "m.parquet")
    assert read_market(folder / "m.parquet").symbols == ("B",)
    assert os.listdir(folder) == ["m.parquet"]


def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path: Path, market: Market) -> None:
    with pytest.raises(OutputError, match=r"cannot be written"):
        write_market(market, tmp_path / "no" / "m.parquet")


def test_a_slice_keeps_features_frozen_and_symbols_in_order(market: Market) -> None:
    part = slice_market(market, symbols=["B", "A", "B"], bars=(1, 3))
    assert part.symbols == ("A", "B")
    for name in GRIDS:
        np.testing.assert_array_equal(getattr(part, name), getattr(market, name)[1:3])
    np.testing.assert_array_equal(part.features["momentum"], market.features["momentum"][1:3])
    np.testing.assert_array_equal(part.context["vix"], market.context["vix"][1:3])
    np.testing.assert_array_equal(part.wall, market.wall[1:3])
    one = slice_market(market, symbols=["B"])
    np.testing.assert_array_equal(one.close, market.close[:, 1:])
    assert one.features["volume"] is one.volume
    assert not one.close.flags.writeable and one.close.flags.c_contiguous


def test_the_whole_as_a_slice_is_the_same_market(market: Market) -> None:
    assert slice_market(market).digest == market.digest
    assert slice_market(market, market.symbols, (0, 3)).digest == market.digest
    assert len({slice_market(market, bars=(a, b)).digest for a, b in ((0, 1), (0, 2), (1, 2), (1, 3))}) == 4


@pytest.mark.parametrize("bars", [(0, 0), (2, 1), (-1, 2), (0, 4), (3, 3)])
def test_a_slice_of_bars_that_are_not_there_is_an_error(market: Market, bars: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=r"at least one bar within \[0, 3\)"):
        slice_market(market, bars=bars)


def test_a_slice_of_unknown_or_no_symbols_is_an_error(market: Market) -> None:
    with pytest.raises(InputError, match=r"found 'X'; expected some of the market's 2 symbols"):
        slice_market(market, ["A", "X"])
    with pytest.raises(InputError, match=r"found none"):
        slice_market(market, [])


def test_replaced_columns_share_all_others_and_change_the_digest(market: Market) -> None:
    score = -market.features["score"]
    made = replace_columns(market, features={"score": score}, context={"vix": np.array([1.0, 2.0, 3.0])})
    assert made.digest != market.digest
    for name in ("timestamps", "wall", *GRIDS):
        assert getattr(made, name) is getattr(market, name)
    assert made.features["atr"] is market.features["atr"]
    np.testing.assert_array_equal(made.features["score"], score)
    assert not made.features["score"].flags.writeable
    back = replace_columns(made, features={"score": -score}, context={"vix": market.context["vix"]})
    assert back.digest == market.digest == market_digest(back)


def test_replacing_volume_replaces_the_feature_too_and_the_other_way_round(market: Market) -> None:
    volume = market.volume + 1
    for made in (
        replace_columns(market, volume=volume),
        replace_columns(market, features={"volume": volume}),
    ):
        assert made.volume is made.features["volume"]
        np.testing.assert_array_equal(made.volume, volume)


def test_a_replacement_that_does_not_fit_is_an_error(market: Market) -> None:
    wrong = [
        {"close": market.close[:2]},
        {"close": market.close.astype(np.float64)},
        {"close": np.where(market.present, market.close, 7)},
        {"close": market.close * 0},
        {"open": -market.open},
        {"features": {"score": market.features["score"] * np.inf}},
        {"context": {"vix": np.zeros(2)}},
        {"features": {"score": [1.0]}},
        {"closes": market.close},
    ]
    for columns in wrong:
        with pytest.raises(InputError):
            replace_columns(market, **columns)  # type: ignore[arg-type]


def test_the_digest_covers_every_array_and_not_notes_or_name() -> None:
    market = generate_market(3, 4, 1)
    assert replace(market, notes=(), name="x").digest == market_digest(replace(market, notes=(), name="x"))
    seen = {market.digest}
    for name in ("timestamps", "wall", *GRIDS):
        array = getattr(market, name).copy()
        array.reshape(-1)[-1] = not array.reshape(-1)[-1] if name == "present" else array.reshape(-1)[-1] + 1
        seen.add(market_digest(replace(market, **{name: array})))
    seen.add(market_digest(replace(market, symbols=("STOCK000", "STOCK001", "STOCK003"))))
    seen.add(market_digest(replace(market, timezone="UTC")))
    seen.add(market_digest(replace(market, price_decimals=5)))
    seen.add(market_digest(replace(market, features={"volume": market.volume})))
    seen.add(market_digest(replace(market, context={"vix": market.context["vix"] + 1})))
    assert len(seen) == 1 + 8 + 5


def test_an_array_changed_behind_the_markets_back_shows_in_a_fresh_digest() -> None:
    market = generate_market(3, 4, 1)
    base = market.close.base if market.close.base is not None else market.close
    while base.base is not None and isinstance(base.base, np.ndarray):
        base = base.base
    base.flags.writeable = True
    base.reshape(-1)[0] += 1
    assert market_digest(market) != market.digest
