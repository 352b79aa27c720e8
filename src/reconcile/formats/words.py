"""Words for trades in the languages of TradingView and MetaTrader, and what unknown ones are found to mean.

The words of a file that are not listed here get their meaning from the trades: a trade is entered before it
is left, and a long one gains where the price rises.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BUY = {
    "buy", "kauf", "kaufen", "compra", "comprar", "achat", "acquisto", "покупка", "купить", "kupno", "alış",
    "買い", "买入", "買入", "매수", "mua",
}  # fmt: skip
SELL = {
    "sell", "verkauf", "verkaufen", "venta", "vender", "venda", "vente", "vendita", "продажа", "продать",
    "sprzedaż", "satış", "売り", "卖出", "賣出", "매도", "bán",
}  # fmt: skip
"""The type of a deal of MetaTrader; most reports keep the English words."""
ENTRY = (
    "entry", "einstieg", "entrée", "entree", "entrada", "ingresso", "entrata", "вход", "wejści", "giriş",
    "エントリー", "新規", "进场", "入场", "進場", "入場", "开仓", "開倉", "진입", "엔트리",
    "vào", "masuk", "دخول", "כניסה",
)  # fmt: skip
EXIT = (
    "exit", "ausstieg", "schließ", "sortie", "salida", "uscita", "saída", "saida", "выход", "wyjści", "çıkış",
    "決済", "エグジット", "手仕舞", "出场", "离场", "出場", "離場", "平仓", "平倉", "청산", "이그짓",
    "thoát", "keluar", "خروج", "יציאה",
)  # fmt: skip
LONG = (
    "long", "lungo", "lunga", "larg", "compra", "achat", "achet", "kauf", "длин", "лонг", "покуп", "dług",
    "uzun", "ロング", "買", "买", "多", "롱", "매수", "mua", "beli", "شراء", "לונג",
)  # fmt: skip
SHORT = (
    "short", "court", "cort", "venta", "venda", "vente", "vend", "verkauf", "корот", "шорт", "прода", "krót",
    "kısa", "ショート", "売", "卖", "賣", "空", "숏", "매도", "bán", "jual", "بيع", "שורט",
)  # fmt: skip
OPEN = {
    "open", "offen", "ouvert", "ouverte", "abierta", "abierto", "aperto", "aperta", "aberto", "aberta",
    "открыт", "открыта", "открыто", "открытая", "otwarta", "otwarty", "açık", "オープン", "未決済", "建玉",
    "未平仓", "未平倉", "开放", "持仓", "미청산", "미결제", "mở", "đang mở", "terbuka", "مفتوح", "פתוח",
}  # fmt: skip
"""The signal of the exit of a trade that is still open: no fill, but the last price."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a word of the column `Type` means."""

    enters: bool
    is_long: bool

    @property
    def side(self) -> str:
        return "buy" if self.enters == self.is_long else "sell"


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list.

    time: nanoseconds. still_open: whether it is the valuation of an open trade. profit: of its trade, None
    where there is no such column.
    """

    trade: int
    word: str
    time: int
    quantity: str
    price: str
    still_open: bool
    profit: float | None


def kind_of(word: str) -> Kind | None:
    """What a word is known to mean; None where it is not in the lists, or in several."""
    low = word.casefold()
    enters = [any(stem in low for stem in stems) for stems in (ENTRY, EXIT)]
    # `verkauf` has `kauf` in it, and `short` may stand beside it: the word for selling counts.
    is_short = any(stem in low for stem in SHORT)
    is_long = any(stem in low for stem in LONG) and not is_short
    if enters[0] == enters[1] or is_long == is_short:
        return None
    return Kind(enters[0], is_long)


def meanings(lines: Sequence[Line]) -> Mapping[str, Kind | None]:
    """What each word of the list means; None where neither the lists nor the trades tell."""
    words = list(dict.fromkeys(line.word for line in lines))
    known = {word: kind_of(word) for word in words}
    if all(known.values()):
        return known
    trades = _pairs(lines)
    return {word: known[word] or _told(word, trades) for word in words}


def _pairs(lines: Iterable[Line]) -> list[tuple[Line, Line]]:
    """(entry, exit) of the trades that have both, by their times."""
    by_trade: dict[int, list[Line]] = {}
    for line in lines:
        by_trade.setdefault(line.trade, []).append(line)
    pairs = []
    for both in by_trade.values():
        if len(both) == 2 and both[0].time != both[1].time:
            first, last = sorted(both, key=lambda line: line.time)
            pairs.append((first, last))
    return pairs


def _told(word: str, pairs: Iterable[tuple[Line, Line]]) -> Kind | None:
    """What the trades with this word tell: whether it enters, and whether it is of long trades."""
    enters: set[bool] = set()
    votes = {True: 0, False: 0}
    for first, last in pairs:
        if word not in (first.word, last.word):
            continue
        if first.word == last.word:
            return None  # it cannot be both
        enters.add(first.word == word)
        profit, move = first.profit or last.profit, _float(last.price) - _float(first.price)
        if profit and move:
            votes[(profit > 0) == (move > 0)] += 1
    if len(enters) != 1 or votes[True] == votes[False]:
        return None
    # A commission may turn a small gain of a trade: the more of them decide, if not by a hair.
    most = max(votes, key=lambda one: votes[one])
    return Kind(enters.pop(), most) if votes[most] > 2 * votes[not most] else None


def _float(text: Any) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
