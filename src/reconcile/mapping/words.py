"""What columns and sides are called, in English and in other languages that brokers write."""

from __future__ import annotations

import re
from collections.abc import Mapping

_ENGLISH: Mapping[str, str] = {
    "timestamp": "date|time|datetime|timestamp|dt|ts|day|when|executed|filled|ts event|opened|index",
    "symbol": "symbol|sym|ticker|instrument|asset|pair|security|code|isin|sid|market|column",
    "side": "side|action|buy sell|b s|long short|l s|dir|is (?:buy|sell|long|short)"
    "|direction|type|order side|transaction",
    "quantity": "quantity|qty|size|position|positions|shares|amount|volume|contracts|units|filled|lots",
    "price": "price|px|rate",
    "commission": "commission|commissions|brokerage|fee|fees|comm|costs?",
    "notional": "notional|value|proceeds|gross|consideration|cost|turnover|txn dollars",
    "equity": "equity|portfolio value|net liquidation|net asset value|nav|account value|total value",
    "cash": "cash|ending cash|free cash",
    "market_value": "market value|ending value|holdings",
}
_EUROPEAN: Mapping[str, str] = {
    "timestamp": "datum|zeit|uhrzeit|zeitpunkt|heure|fecha|hora|data|ora|tijd|дата|время",
    "symbol": "wertpapier|kürzel|wkn|titel|valeur|titre|libellé|valor|símbolo|activo|titolo|simbolo|strumento"
    "|ativo|papel|symbool|инструмент|тикер|бумага|символ",
    "side": "art|richtung|aktion|seite|vorgang|kauf verkauf|sens|opération|operación|sentido|lado|operazione"
    "|segno|operação|koop verkoop|richting|операция|направление|сторона",
    "quantity": "stück|stückzahl|menge|anzahl|nominale|quantité|qté|cantidad|títulos|quantità|quantidade|qtd"
    "|aantal|количество|объем|объём|лоты",
    "price": "kurs|preis|ausführungskurs|stückpreis|cours|prix|precio|prezzo|preço|koers|prijs|цена",
    "commission": "gebühr|gebühren|provision|entgelt|spesen|kosten|frais|courtage|comisión|comisiones|gastos"
    "|commissione|commissioni|corretagem|taxa|taxas|transactiekosten|комиссия",
    "notional": "betrag|kurswert|gegenwert|montant|importe|controvalore|сумма",
}
_ASIAN: Mapping[str, str] = {
    "timestamp": "日期|时间|時間|日付|約定日|日時|날짜|일자|시간",
    "symbol": "代码|代碼|证券|證券|股票|品种|标的|銘柄|コード|종목",
    "side": "方向|买卖|買賣|操作|売買|매매",
    "quantity": "数量|數量|股数|株数|수량",
    "price": "价格|價格|均价|成交价|単価|価格|約定値|단가|가격",
    "commission": "手续费|手續費|佣金|费用|手数料|수수료",
    "notional": "金额|金額|代金|금액",
}
"""These have no spaces between words: they are looked for within a name."""


def _pattern(role: str) -> str:
    words = _ENGLISH[role] + (f"|{_EUROPEAN[role]}" if role in _EUROPEAN else "")
    return rf"\b({words})\b" + (f"|{_ASIAN[role]}" if role in _ASIAN else "")


ROLES: Mapping[str, str] = {role: _pattern(role) for role in _ENGLISH}
"""Columns of ours -> the names that theirs may have, put through `words_of`."""
AMOUNT = re.compile(
    "|".join(ROLES[role] for role in ("quantity", "price", "commission", "notional", "equity", "cash"))
    + r"|\b(profit|pnl|balance|swap|tax|interest|net|total|market)\b"
)
"""Names of columns of numbers, from which the form of numbers is guessed."""
NAMELESS = re.compile(r"column \d+")
"""What a column is called that has no name."""
BUY = re.compile(
    r"(?i)^(b|buy|bot|bought|long|entry long|exit short|cover|buy to (open|close|cover)|kauf|kaufen|achat"
    r"|compra|acquisto|koop|aankoop|покупка|買|買い|買付|買入|买|买入|매수)$"
)
SELL = re.compile(
    r"(?i)^(s|sell|sld|sold|short|exit long|entry short|sell short|sell to (open|close)|verkauf|verkaufen"
    r"|vente|venta|venda|vendita|verkoop|продажа|売|売り|売付|卖|卖出|賣|賣出|매도)$"
)


def words_of(name: str) -> str:
    """A name in lower case, its words apart: EntryTime and entry_time are entry time."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.sub(r"[\W_]+", " ", apart.lower()).strip()
