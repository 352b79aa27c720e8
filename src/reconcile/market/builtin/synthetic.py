"""The generated markets, the same to the last tick on every platform and numpy version.

Random numbers are a hash of (seed, stream, bar, symbol), computed in uint64; prices and scores are
computed in int64 by +, -, * and shifts; a double appears only as the quotient of two integers. There is no
logarithm, no numpy generator, and no sum whose order a library could choose.

Prices: a market return by regime (bull, choppy, bear), times each symbol's beta, plus its own noise, plus a
small drift that `ml_score` knows in part: the innovation of bar t acts on the returns of bars t+1 to t+5. The
score at t is the sum of the innovations still to act, each times the bars it has left, plus noise.

`incident` is such a market whose vix is missing for a week every quarter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from reconcile.files.arguments import SCENARIO, WHOLE, takes
from reconcile.files.buffers import table_of_arrays
from reconcile.market.build import Tables, build_market
from reconcile.market.frame import Market
from vocabulary.errors import InputError
from vocabulary.market import Floats, Ints
from vocabulary.scenario import MarketSource, Scenario

TOP25 = (500, 252, 16)
"""Symbols, bars and seed of the built-in market `top25`."""

MAX_SYMBOLS, MAX_BARS = 1 << 24, 60_000
NAME = "synthetic"

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_SD = 37_837  # standard deviation of the sum of four 16-bit uniforms
_ONE = 30  # returns are in units of 2**-30
_LEAD = 5  # bars that an innovation acts on
_ALPHA = 52  # its drift per bar: innovation * _ALPHA, in 2**-30
_SCORE_NOISE = 10  # standard deviation of the score's noise, in innovations; its signal has 7.4
_SEASON = 80  # bars for which the score favours a symbol or not
_DAY_NS = 86_400_000_000_000
_START_DAY = 19_359  # Monday 2023-01-02, in days since 1970
_LOWEST, _HIGHEST = 2_000_000, 4_000_000_000  # prices in millionths
_BLOCK_CELLS = 1 << 17


@dataclass(frozen=True, slots=True)
class _Regime:
    """drift, sigma: of the market's return, in 2**-30. vix: in hundredths. shortest, longest: bars."""

    drift: int
    sigma: int
    vix: int
    shortest: int
    longest: int


_REGIMES = (
    _Regime(900_000, 6_500_000, 1_450, 45, 85),  # bull
    _Regime(0, 10_500_000, 2_250, 25, 50),  # choppy
    _Regime(-3_600_000, 19_000_000, 3_800, 14, 26),  # bear
)


def _mix(value: int) -> int:
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def _draw(seed: int, stream: int, bars: range, symbols: int) -> npt.NDArray[np.uint64]:
    """(len(bars), symbols) 64-bit hashes; each depends on seed, stream, bar and symbol alone."""
    key = _mix((seed + _GOLDEN * (2 * stream + 1)) & _MASK)
    rows = np.array([(key + _GOLDEN * ((t + 64) << 24)) & _MASK for t in bars], dtype=np.uint64)
    z = rows[:, None] + np.arange(symbols, dtype=np.uint64) * np.uint64(_GOLDEN)
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z


def _bell(bits: npt.NDArray[np.uint64]) -> Ints:
    """Bell-shaped integers, mean 0, standard deviation _SD: the sum of four 16-bit parts."""
    part = np.uint64(0xFFFF)
    total = (bits & part) + ((bits >> np.uint64(16)) & part)
    total += ((bits >> np.uint64(32)) & part) + (bits >> np.uint64(48))
    return total.astype(np.int64) - 131_070


def _between(bits: npt.NDArray[np.uint64], shift: int, low: int, high: int) -> Ints:
    """Integers in [low, high) from 16 of the bits."""
    part = ((bits >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.int64)
    return low + ((part * (high - low)) >> 16)


@dataclass(frozen=True, slots=True, eq=False)
class _Names:
    """(S,) each, the traits of a symbol. price: millionths; beta: 2**-10; sigma: 2**-30 per bar; volume."""

    price: Ints
    beta: Ints
    sigma: Ints
    volume: Ints


def _names(seed: int, symbols: int) -> _Names:
    bits = _draw(seed, 0, range(1), symbols)[0]
    cheap = _between(bits, 0, 18_000_000, 110_000_000)
    dear = _between(bits, 16, 0, 1 << 16)
    return _Names(
        price=cheap + ((cheap * ((dear * dear) >> 16)) >> 16) * 2,  # most are cheap, some three times dearer
        beta=_between(bits, 32, 600, 1_450),
        sigma=_between(bits, 48, 10_000_000, 26_000_000),
        volume=_between(_draw(seed, 1, range(1), symbols)[0], 0, 200_000, 6_000_000),
    )


def _market_path(seed: int, bars: int) -> tuple[list[int], list[int]]:
    """(T,) market return in 2**-30 and (T,) vix in hundredths, one regime after another."""
    moves = _bell(_draw(seed, 2, range(bars), 1))[:, 0].tolist()
    shocks = _bell(_draw(seed, 3, range(bars), 1))[:, 0].tolist()
    lengths = _draw(seed, 4, range(bars + 1), 1)[:, 0].tolist()
    returns: list[int] = []
    vix: list[int] = []
    level, left, stretch = _REGIMES[0].vix, 0, -1
    for t in range(bars):
        if left == 0:
            stretch += 1
            now = _REGIMES[stretch % len(_REGIMES)]
            left = now.shortest + int(lengths[stretch]) % (now.longest - now.shortest)
        left -= 1
        returns.append(now.drift + moves[t] * now.sigma // _SD)
        level += (now.vix - level) // 5 + shocks[t] * (level // 16) // _SD
        vix.append(max(level, 900))
    return returns, vix


def synthetic_tables(symbols: int, bars: int, seed: int) -> Tables:
    """Bars (open, high, low, close, volume, ml_score) and context (vix) of a market of these sizes.

    The first bar is Monday 2023-01-02; bars are weekdays, without a zone. Raises InputError when a size
    or the seed is out of range.
    """
    _refuse_sizes(symbols, bars, seed)
    columns = _columns(symbols, bars, seed)
    _, vix = _market_path(seed, bars)
    days = _START_DAY + np.arange(bars, dtype=np.int64) // 5 * 7 + np.arange(bars, dtype=np.int64) % 5
    width = max(3, len(str(symbols - 1)))
    table = table_of_arrays(
        np.repeat(days * _DAY_NS, symbols),
        np.tile(np.arange(symbols, dtype=np.int32), bars),
        [f"STOCK{i:0{width}d}" for i in range(symbols)],
        columns,
    )
    context = table_of_arrays(days * _DAY_NS, None, [], {"vix": np.array(vix, dtype=np.int64) / 100.0})
    return Tables(table, f"the {NAME} market", context, f"the {NAME} vix")


def _refuse_sizes(symbols: int, bars: int, seed: int) -> None:
    for what, value, low, high in (
        ("symbols", symbols, 1, MAX_SYMBOLS),
        ("bars", bars, 1, MAX_BARS),
        ("seed", seed, 0, _MASK),
    ):
        if not low <= value <= high:
            raise InputError(
                what,
                str(value),
                f"a whole number from {low} to {high}",
                "Choose a number within these bounds.",
            )


def _columns(symbols: int, bars: int, seed: int) -> dict[str, Floats]:
    names = _names(seed, symbols)
    market, _ = _market_path(seed, bars)
    out = {name: np.empty((bars, symbols)) for name in ("open", "high", "low", "close", "volume", "ml_score")}
    step = max(_LEAD, _BLOCK_CELLS // symbols)
    last = names.price
    for t in range(0, bars, step):
        last = _fill(out, range(t, min(t + step, bars)), names, market, last, seed)
    return {name: values.reshape(-1) for name, values in out.items()}


def _fill(
    out: dict[str, Floats], bars: range, names: _Names, market: list[int], last: Ints, seed: int
) -> Ints:
    """Write some bars; from and to the last close in millionths."""
    symbols = len(last)
    rows = slice(bars.start, bars.stop)
    innovations = _bell(_draw(seed, 5, range(bars.start - _LEAD, bars.stop), symbols))
    count = len(bars)
    ahead = [
        innovations[_LEAD - k : _LEAD - k + count] for k in range(_LEAD + 1)
    ]  # ahead[k]: innovations of t - k
    alpha = (ahead[1] + ahead[2] + ahead[3] + ahead[4] + ahead[5]) * _ALPHA
    noise = _bell(_draw(seed, 6, bars, symbols)) * _SCORE_NOISE
    signal = ahead[0] * 5 + ahead[1] * 4 + ahead[2] * 3 + ahead[3] * 2 + ahead[4]
    out["ml_score"][rows] = (signal + noise + _season_scores(seed, bars, symbols)) / 1_000_000.0

    shared = np.array(market[rows], dtype=np.int64)[:, None] * names.beta >> 10
    own = (_bell(_draw(seed, 7, bars, symbols)) * names.sigma) // _SD
    gap = (_bell(_draw(seed, 8, bars, symbols)) * names.sigma) // (2 * _SD) + (shared >> 2) + (alpha >> 2)
    day = own + shared - (shared >> 2) + alpha - (alpha >> 2)
    opens, closes = np.empty_like(day), np.empty_like(day)
    for i in range(count):
        opens[i] = _clamp(last + (last * gap[i] >> _ONE))
        pull = (
            names.price - last
        ) >> 9  # towards where the symbol began: prices stay in their range for decades
        last = closes[i] = _clamp(opens[i] + (opens[i] * day[i] >> _ONE) + pull)
    bits = _draw(seed, 9, bars, symbols)
    up, down = (_between(bits, shift, 0, 1 << 10) * names.sigma >> 10 for shift in (0, 16))
    out["open"][rows] = _cents(opens)
    out["close"][rows] = _cents(closes)
    out["high"][rows] = _cents(np.maximum(opens, closes) + (closes * up >> _ONE))
    out["low"][rows] = _cents(np.minimum(opens, closes) - (closes * down >> _ONE))
    out["volume"][rows] = names.volume * _between(bits, 32, 512, 2_048) >> 10
    return last


def _season_scores(seed: int, bars: range, symbols: int) -> Ints:
    """The part of the score that favours a symbol for a season, without knowledge of its returns.

    It is near 0 for most symbols, and large for a few.
    """
    start = _between(_draw(seed, 10, range(1), symbols)[0], 0, 0, _SEASON)
    seasons = range(bars.start // _SEASON, (bars.stop - 1) // _SEASON + 2)
    level = _bell(_draw(seed, 11, seasons, symbols)) >> 8
    level = level * level * level >> 6
    season = (np.arange(bars.start, bars.stop)[:, None] + start) // _SEASON - seasons.start
    return np.asarray(level[season, np.arange(symbols)], dtype=np.int64)


def _clamp(price: Ints) -> Ints:
    return np.minimum(np.maximum(price, _LOWEST), _HIGHEST)


def _cents(millionths: Ints) -> Floats:
    """Whole cents, then the nearest double of that price."""
    return np.asarray((millionths + 5_000) // 10_000 / 100.0)


@takes(symbols=WHOLE, bars=WHOLE, seed=WHOLE, scenario=SCENARIO)
def generate_market(symbols: int, bars: int, seed: int, scenario: Scenario | None = None) -> Market:
    """The market of `synthetic_tables` in ticks; with a scenario, in its units and with its features.

    The same arguments give the same market, digest included, everywhere. Raises InputError for sizes
    out of range.
    """
    units = MarketSource(data=NAME) if scenario is None else scenario.market
    note = "synthetic: generated prices, scores and vix, not those of any real market"
    return build_market(synthetic_tables(int(symbols), int(bars), int(seed)), units, NAME, (note,))


INCIDENT = (200, 737, 13)
"""Symbols, bars and seed, chosen so that a strategy that knows part of the drift earns very much."""

EVERY, FIRST, LENGTH = 63, 21, 5
"""The feed is down once a quarter, at bars FIRST up to FIRST + LENGTH of every EVERY."""


def incident_tables() -> Tables:
    """Bars and context, the vix with gaps."""
    tables = synthetic_tables(*INCIDENT)
    assert tables.context is not None
    context = tables.context
    place = context.column_names.index("vix")
    values = context["vix"].to_numpy(zero_copy_only=False).copy()
    bar = np.arange(len(values)) % EVERY
    values[(bar >= FIRST) & (bar < FIRST + LENGTH)] = np.nan
    context = context.set_column(place, "vix", pa.array(values, pa.float64()))
    return replace(tables, source="the incident market", context=context, context_source="the incident vix")
