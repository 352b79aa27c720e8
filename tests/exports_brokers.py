"""Statements of brokers and of charts, rebuilt: the part of exports_kit.py that is no plain tables."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd

from exports_kit import EQUITY, FILLS, SYMBOL, Kit, Sample, csv, fills, local, signed, trips

SHARES = "Net P&L {c},Net P&L %,Favorable excursion {c},Favorable excursion %,Adverse excursion {c},"
SHARES += "Adverse excursion %,Cumulative P&L {c},Cumulative P&L %"
TRADINGVIEW = {
    "legacy": "Trade #,Type,Signal,Date/Time,Price,Contracts,Profit,Profit %,Cum. Profit,Cum. Profit %,Run-up,"
    "Run-up %,Drawdown,Drawdown %",
    "with currency": "Trade #,Type,Signal,Date/Time,Price USD,Contracts,Profit USD,Profit %,"
    "Cumulative profit USD,Cumulative profit %,Run-up USD,Run-up %,Drawdown USD,Drawdown %",
    "net": "Trade #,Type,Date/Time,Signal,Price USD,Quantity,Position size (value),Net P&L USD,Net P&L %,"
    "Run-up USD,Run-up %,Drawdown USD,Drawdown %,Cumulative P&L USD,Cumulative P&L %",
    "current": "Trade #,Type,Date and time,Signal,Price USD,Position size (qty),Position size (value),"
    + SHARES.format(c="USD"),
    "German": "Trade-Nr.,Typ,Datum und Uhrzeit,Signal,Preis USD,Positionsgröße (Menge),Positionsgröße (Wert),"
    "Netto-G&V USD,Netto-G&V %,Günstigste USD,Günstigste %,Ungünstigste USD,Ungünstigste %,Kumuliert USD,"
    "Kumuliert %",
    "French": "N° de trade,Type,Date et heure,Signal,Prix USD,Taille (qté),Taille (valeur),P&L net USD,P&L net %,"
    "Favorable USD,Favorable %,Adverse USD,Adverse %,P&L cumulé USD,P&L cumulé %",
    "Japanese": "トレード番号,タイプ,日時,シグナル,価格 USD,数量,ポジションサイズ（値）,純損益 USD,純損益 %,最大含み益 USD,"
    "最大含み益 %,最大含み損 USD,最大含み損 %,累積損益 USD,累積損益 %",
    "Russian": "Номер сделки,Тип,Дата и время,Сигнал,Цена USD,Размер (кол-во),Размер (стоимость),"
    "Чистая ПР/УБ USD,Чистая ПР/УБ %,Благоприятное USD,Благоприятное %,Неблагоприятное USD,Неблагоприятное %,"
    "Совокупные ПР/УБ USD,Совокупные ПР/УБ %",
    "Chinese": "交易编号,类型,日期和时间,信号,价格 USD,仓位大小（数量）,仓位大小（价值）,净损益 USD,净损益 %,有利波动 USD,"
    "有利波动 %,不利波动 USD,不利波动 %,累计损益 USD,累计损益 %",
    "a language that is not listed": "Kauppa,Laji,Aika,Merkki,Hinta USD,Määrä,Arvo,Tulos USD,Tulos %,Ylin USD,"
    "Ylin %,Alin USD,Alin %,Yhteensä USD,Yhteensä %",
}
ENGLISH = ("Entry long", "Exit long", "Entry short", "Exit short")
WORDS = {
    "German": ("Einstieg Long", "Ausstieg Long", "Einstieg Short", "Ausstieg Short"),
    "French": ("Entrée longue", "Sortie longue", "Entrée courte", "Sortie courte"),
    "Japanese": ("ロングエントリー", "ロング決済", "ショートエントリー", "ショート決済"),
    "Russian": (
        "Вход в длинную позицию", "Выход из длинной позиции", "Вход в короткую позицию",
        "Выход из короткой позиции",
    ),
    "Chinese": ("多头进场", "多头出场", "空头进场", "空头出场"),
    "a language that is not listed": ("Ylös sisään", "Ylös ulos", "Alas sisään", "Alas ulos"),
}  # fmt: skip
"""Words for: a long is entered, left; a short is entered, left."""
DEALS = {
    "English": "Time,Deal,Symbol,Type,Direction,Volume,Price,Order,Commission,Fee,Swap,Profit,Balance,Comment",
    "German": "Zeit,Geschäft,Symbol,Typ,Richtung,Volumen,Preis,Order,Kommission,Gebühr,Swap,Gewinn,Kontostand,"
    "Kommentar",
    "Russian": "Время,Сделка,Символ,Тип,Направление,Объем,Цена,Ордер,Комиссия,Сбор,Своп,Прибыль,Баланс,Комментарий",
    "Spanish": "Hora,Transacción,Símbolo,Tipo,Dirección,Volumen,Precio,Orden,Comisión,Tasa,Swap,Beneficio,Balance,"
    "Comentario",
}
ASKED = "Open Time,Order,Symbol,Type,Volume,Price,S / L,T / P,Time,State,Comment"


def list_of_trades(generation: str, ascending: bool = False) -> str:
    """The list, newest first with exits before entries as current exports are, or ascending as older ones."""
    names = TRADINGVIEW[generation].split(",")
    words = WORDS.get(generation, ENGLISH)

    def row(number: int, first: Any, last: Any, size: int, long: bool) -> list[str]:
        profit = (float(last[3]) - float(first[3])) * (size if long else -size) - 0.6
        lines = []
        for one, word in ((first, words[0 if long else 2]), (last, words[1 if long else 3])):
            time = [one[0], "x"] if "Signal" in names and names.index("Signal") == 3 else ["x", one[0]]
            if generation not in ("legacy", "with currency"):
                time = [one[0], "x"]
            cells = [str(number), word, *time, one[3], str(size), *[f"{profit:.2f}"] * (len(names) - 6)]
            lines.append(",".join(cells))
        return lines

    lines = trips(row)
    return "\ufeff" + "\n".join([",".join(names), *(lines if ascending else lines[::-1])]) + "\n"


def tradingview() -> Kit:
    def sample(generation: str) -> Sample:
        text = list_of_trades(generation, ascending=generation == "legacy")
        return Sample("list.csv", text, fees=False)

    good = sample("current")
    book = io.BytesIO()
    text = str(good.content).removeprefix("\ufeff")
    with pd.ExcelWriter(book) as writer:
        pd.DataFrame({"Performance": [1], "All": [2]}).to_excel(writer, sheet_name="Performance", index=False)
        pd.read_csv(io.StringIO(text)).to_excel(writer, sheet_name="List of trades", index=False)
        pd.DataFrame({"name": ["x"], "value": ["y"]}).to_excel(writer, sheet_name="Properties", index=False)
    others = {name: sample(name) for name in TRADINGVIEW if name != "current"}
    others["XLSX"] = Sample("list.xlsx", book.getvalue(), fees=False)
    commas = local(str(sample("German").content))
    return Kit(
        good,
        Sample("list.csv", TRADINGVIEW["current"] + "\n"),
        others,
        Sample("list.csv", commas, fees=False),
        older="legacy",
    )


def deals(language: str, fee: bool = True) -> list[list[str]]:
    """The deals of a report, from its header to its totals; balances follow from one another."""
    names = DEALS[language].split(",")
    rows = [["2024.01.01 00:00:00", "1", "", "balance", "", "", "", "", "0.00", "0.00", "0.00", "10 000.00",
             "10 000.00", ""]]  # fmt: skip
    balance = 10000.0
    for at, (time, side, size, price, paid) in enumerate(FILLS):
        profit = 5.0 if at not in (0, 3) else 0.0
        balance += profit - float(paid)
        way = "in" if at in (0, 3) else "out"
        rows.append(
            [f"{time.replace('-', '.')}:00", str(at + 2), SYMBOL, side, way, str(size), price, str(at + 2),
             f"-{paid}", "0.00", "0.00", f"{profit:.2f}", f"{balance:,.2f}".replace(",", "\u00a0"), ""]
        )  # fmt: skip
    rows.append(["", "", "", "", "", "", "", "", "-2.87", "0.00", "0.00", "10 020.00", f"{balance:.2f}", ""])
    if not fee:
        names.pop(9)
        rows = [row[:9] + row[10:] for row in rows]
    return [names, *rows]


def report(language: str, fee: bool = True) -> str:
    """A page as the strategy tester saves it: settings, then orders and deals in one table."""

    def line(cells: list[str], tag: str = "td") -> str:
        return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"

    order = ["2024.01.03 15:00:00", "2", SYMBOL, "buy", "100 / 100", "10.5", "", "", "2024.01.03 15:00:00",
             "filled", ""]  # fmt: skip
    head, *rows = deals(language, fee)
    body = [line(["Expert:", "Mine"]), line(["Symbol:", SYMBOL])]
    inner = [line(["Orders"]), line(ASKED.split(","), "th"), line(order), line(["Deals"]), line(head, "th")]
    inner += [line(row) for row in rows]
    tables = "".join(f"<table>\n{chr(10).join(each)}\n</table>\n" for each in (body, inner))
    return f"<html><head><title>Report</title></head><body>\n{tables}</body></html>\n"


def metatrader5() -> Kit:
    def text(fee: bool, mark: str = ";") -> str:
        return "\n".join(mark.join(row) for row in deals("English", fee)) + "\n"

    book = io.BytesIO()
    sheet = [["Strategy Tester Report"], ["Deals"], *deals("German")]
    pd.DataFrame(sheet).to_excel(book, index=False, header=False)
    others = {
        "without fees": Sample("report.html", report("English", fee=False)),
        "CSV": Sample("deals.csv", text(fee=False)),
        "XLSX": Sample("report.xlsx", book.getvalue()),
        **{one: Sample("report.html", report(one).encode("utf-16")) for one in DEALS if one != "English"},
    }
    return Kit(
        Sample("report.html", report("English").encode("utf-16")),
        Sample("deals.csv", text(fee=True).partition("\n")[0] + "\n"),
        others,
        Sample("deals.csv", text(fee=True).replace(".", ",").replace("2024,01,", "2024.01.")),
        older="without fees",
    )


def ib_flex() -> Kit:
    cash = '<CashTransaction accountId="U1" type="Dividends" amount="4" dateTime="20240104" symbol="AAA"/>'
    trades = "".join(
        f'<Trade accountId="U1" symbol="AAA" dateTime="{time.replace("-", "").replace(" ", ";").replace(":", "")}00" '
        f'quantity="{signed(side, size)}" tradePrice="{price}" ibCommission="-{fee}" taxes="0" '
        f'buySell="{side.upper()}" levelOfDetail="EXECUTION" assetCategory="STK" multiplier="1" currency="USD"/>\n'
        for time, side, size, price, fee in FILLS
    )
    head = '<FlexQueryResponse queryName="q" type="AF">\n<FlexStatements count="1">\n'
    text = f'{head}<FlexStatement accountId="U1">\n<Trades>\n{trades}</Trades>\n<CashTransactions>{cash}'
    text += "</CashTransactions>\n</FlexStatement>\n</FlexStatements>\n</FlexQueryResponse>\n"
    header = "ClientAccountID,Symbol,DateTime,Quantity,TradePrice,IBCommission,Taxes,Buy/Sell,LevelOfDetail"

    def row(at: int, time: str, side: str, size: int, price: str, fee: str) -> str:
        stamp = time.replace("-", "").replace(" ", ";").replace(":", "")
        return f"U1,AAA,{stamp}00,{signed(side, size)},{price},-{fee},0,{side.upper()},EXECUTION"

    sections = [f"DATA,TRNT,{line}" for line in fills(row)]
    framed = ["BOF,U1", "BOS,TRNT", f"HEADER,TRNT,{header}", *sections, "EOS,TRNT", "EOF,U1"]
    return Kit(
        Sample("flex.xml", text),
        Sample("flex.csv", header + "\n"),
        {
            "CSV": Sample("flex.csv", csv(header, fills(row))),
            "CSV in sections": Sample("flex.csv", "\n".join(framed) + "\n"),
        },
        Sample("flex.csv", local(csv(header, fills(row)))),
        older="none: a query chooses its fields",
    )


def worth(header: str, row: str) -> str:
    lines = [row.format(day=day, worth=amount, cash=amount - 500, held=500) for day, amount in EQUITY]
    return csv(header, lines)


def zipline() -> Kit:
    header = ",period_open,period_close,ending_value,returns,ending_cash,portfolio_value,transactions"
    row = "{day},{day} 14:31:00+00:00,{day} 21:00:00+00:00,{held},0.001,{cash},{worth},[]"
    text = worth(header, row)
    before = worth(",ending_value,returns,ending_cash,portfolio_value", "{day},{held},0.001,{cash},{worth}")
    return Kit(
        Sample("perf.csv", text),
        Sample("perf.csv", header + "\n"),
        {"of 0.9": Sample("perf.csv", before)},
        Sample("perf.csv", local(text)),
        table="equity",
        older="of 0.9",
    )


def qlib() -> Kit:
    header = "datetime,account,return,total_turnover,turnover,total_cost,cost,value,cash,bench"
    row = "{day},{worth},0.001,1.0,0.1,1.0,0.1,{held},{cash},0.002"
    text = worth(header, row)
    older = worth(header.removesuffix(",bench"), row.removesuffix(",0.002"))
    commas = Sample("report.csv", local(text))
    others = {"without a benchmark": Sample("report.csv", older),
              "index without a name": Sample("report.csv", text.replace("datetime", "", 1))}  # fmt: skip
    return Kit(
        Sample("report.csv", text),
        Sample("report.csv", header + "\n"),
        others,
        commas,
        table="equity",
        older="without a benchmark",
    )


def cvxportfolio() -> Kit:
    u = ",AAA,BBB,cash\n2024-01-02,1050.0,-500.0,-550.0\n2024-01-03,-450.0,0.0,450.0\n2024-01-04,,,\n"
    h = ",AAA,BBB,cash\n2024-01-02,0.0,0.0,9000.0\n2024-01-03,1060.0,-510.0,8448.0\n2024-01-04,610.0,-500.0,8897.0\n"
    return Kit(
        Sample("result", {"u.csv": u, "h.csv": h}),
        Sample("result", {"u.csv": ",AAA,cash\n", "h.csv": ",AAA,cash\n"}),
        {"of 1.0": Sample("result", {"u.csv": u.replace("2024-01-04,,,\n", ""), "h.csv": h})},
        Sample("result", {"u.csv": local(u), "h.csv": local(h)}),
        table="money",
        older="of 1.0",
    )
