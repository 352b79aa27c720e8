"""Shapes of unknown tables beyond one column per fact: a side beside its quantity, two columns of quantities,
a column per symbol, flags for the side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconcile.mapping.words import BUY, ROLES, SELL, words_of

Cells = Mapping[str, Sequence[str]]
_TRUE, _FALSE = ("1", "true", "yes", "y", "t"), ("0", "false", "no", "n", "f")
_LETTERS = {"buy": ("k", "c", "a", "l"), "sell": ("v",)}
"""Kauf, compra, achat, long; Verkauf, venta, vente. Only in a column that is named as one of sides."""
_IS_BUY = re.compile(r"\b(is )?(buy|buyer|long|purchase)\b")
_IS_SELL = re.compile(r"\b(is )?(sell|seller|short|sale)\b")
_BOUGHT = re.compile(r"\b(bought|buys?|purchased|long|gekauft|kauf|zugang|achats?|compras?)\b")
_SOLD = re.compile(r"\b(sold|sells?|sales?|short|verkauft|verkauf|abgang|ventes?|ventas?|vendas?)\b")
_PAIR = re.compile(
    r"^(?:(?P<before>[^\W\d_]+)[\s:]*(?P<one>\d[\d.,'\s]*)|(?P<other>\d[\d.,'\s]*?)\s*(?P<behind>[^\W\d_]+))$"
)


def side_words(name: str, values: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words of a column for buying and for selling; empty lists where it has none."""
    words = list(dict.fromkeys(cell for cell in values if cell))
    buys = [word for word in words if BUY.match(word)]
    sells = [word for word in words if SELL.match(word)]
    called = words_of(name)
    if len(words) <= 2 and all(word.lower() in (*_TRUE, *_FALSE) for word in words):
        says = (bool(_IS_BUY.search(called)), bool(_IS_SELL.search(called)))
        if says[0] != says[1]:
            true = [word for word in words if word.lower() in _TRUE]
            false = [word for word in words if word.lower() in _FALSE]
            return (true, false) if says[0] else (false, true)
        return [], []
    if re.search(ROLES["side"], called) and len(words) <= 2:
        buys += [word for word in words if word not in buys and word.lower() in _LETTERS["buy"]]
        sells += [word for word in words if word not in sells and word.lower() in _LETTERS["sell"]]
    return buys, sells


@dataclass(frozen=True, slots=True)
class Combined:
    """A column whose cells are a side beside a quantity, such as `Buy 100`."""

    name: str
    buys: list[str]
    sells: list[str]


def combined_side(cells: Cells) -> Combined | None:
    """The column of sides beside quantities; None where there is none, or there are several."""
    found = []
    for name, values in cells.items():
        matches = [_PAIR.match(cell.strip()) for cell in values if cell.strip()]
        if not matches or not all(matches):
            continue
        words = list(dict.fromkeys(one["before"] or one["behind"] for one in matches if one))
        buys = [word for word in words if BUY.match(word)]
        sells = [word for word in words if SELL.match(word)]
        if buys and sells and len(words) == len(buys) + len(sells):
            found.append(Combined(name, buys, sells))
    return found[0] if len(found) == 1 else None


def bought_and_sold(cells: Cells) -> tuple[str, str] | None:
    """The two columns of what was bought and what was sold, of which each row fills one."""
    bought = [name for name in cells if _BOUGHT.search(words_of(name)) and not _SOLD.search(words_of(name))]
    sold = [name for name in cells if _SOLD.search(words_of(name)) and not _BOUGHT.search(words_of(name))]
    for one in bought:
        for other in sold:
            pairs = list(zip(cells[one], cells[other], strict=True))
            fills = [(_amount(here), _amount(there)) for here, there in pairs]
            if (
                fills
                and all(here is not None and there is not None for here, there in fills)
                and all(bool(here) != bool(there) for here, there in fills)
            ):
                return one, other
    return None


def _amount(cell: str) -> float | None:
    """A plain number, 0 for an empty cell; None for other text."""
    bare = cell.strip().replace(",", "").replace("'", "")
    if bare in ("", "-"):
        return 0.0
    return float(bare) if re.fullmatch(r"\d+(\.\d+)?", bare) else None


def symbols_wide(cells: Cells, known: Sequence[str]) -> list[str]:
    """The columns that seem to be one symbol each: numbers under short names in capitals, two at least.

    known: columns that are something else, such as the time and the cash.
    """
    rest = [name for name in cells if name not in known]
    fits = [
        name
        for name in rest
        if re.fullmatch(r"[A-Z0-9][A-Z0-9.^=/_-]{0,11}", name)
        and all(re.fullmatch(r"-?[\d.,]*(e-?\d+)?", cell.strip()) for cell in cells[name])
    ]
    return fits if len(fits) >= 2 and len(fits) == len(rest) else []
