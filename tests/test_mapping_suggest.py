"""`reconcile import`: guesses are marked as such, with what was seen; nothing unconfirmed is read."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from mapping_kit import CASES, opened, rows
from reconcile.cli import exit_code
from reconcile.ledger.read import read_ledger
from reconcile.mapping.suggest import suggest
from vocabulary.errors import InputError

BROKER = """Kontoauszug;;;;
Konto 12345;;;;
Date;Symbol;Aktion;Quantity;Price;Fee
03.04.2024 09:00;AAPL;Kauf;1.000;150,25 €;1,50
05.04.2024 09:00;AAPL;Verkauf;1.000;151,00 €;1,50
Summe;;;;;3,00
"""


def guesses(tmp_path: Path, content: str | bytes, name: str = "trades.csv") -> tuple[Path, str]:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path, suggest(path).text


def test_a_statement_is_read_by_the_guesses_once_they_are_confirmed(tmp_path: Path) -> None:
    """Separator, preamble, totals, decimal comma, thousands, currency, side words; the date is asked."""
    path, text = guesses(tmp_path, BROKER)
    made = tomllib.loads(text)
    assert made["confirmed"] is False
    assert made["layout"] == {"separator": ";", "header": ["Date", "Symbol", "Aktion"], "end": ["Summe"]}
    assert made["numbers"] == {"units": ["€"], "decimal": ",", "thousands": "."}
    assert made["time"] == {"order": "day"}
    assert (
        "# question: Does the day come first in '03.04.2024 09:00', '05.04.2024 09:00', or the month?" in text
    )
    ledger = opened(path, text).ledger
    names = ("timestamp", "symbol", "side", "quantity", "price", "commission")
    assert rows(ledger, "fills", *names)[1] == (
        "2024-04-05T09:00:00", "AAPL", "sell", "1000", "151.00", "1.50",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("case", "file", "asks"),
    [
        ("26-tradingview-export", "tv.csv", ["Which column is symbol"]),
        ("27-metatrader5-report", "mt5.csv", ["Are rows with 'balance' trades"]),
        ("28-vectorbt-orders", "orders.csv", []),
        ("29-nautilus-fills", "fills.csv", []),
        ("30-backtesting-py-trades", "trades.csv", ["Which column is symbol", "Is a row a whole trade"]),
        ("31-lean-orders-csv", "orders.csv", ["Which of 'Canceled', 'Filled', 'Invalid' in 'Status'"]),
    ],
)
def test_what_could_not_be_decided_is_a_question(case: str, file: str, asks: list[str]) -> None:
    """And every guess has its evidence on the line above."""
    made = suggest(CASES / case / file)
    questions = [line for line in made.text.splitlines() if line.startswith("# question: ")]
    assert len(questions) == made.questions
    for one in asks:
        assert any(one in question for question in questions)
    assert not any("gives an error" in question for question in questions)
    lines = made.text.splitlines()
    for at, line in enumerate(lines):
        if " = " in line and line[0] not in "#[" and not line.startswith(("confirmed", "file", "close")):
            assert lines[at - 1].startswith("# guess: ") or lines[at - 2].startswith("# guess: "), line


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("date,ticker,side,qty,price\n03/04/2024,A,B,1,1.5\n", "Does the day come first in '03/04/2024'"),
        ("date,ticker,qty,price\n2024-01-03,A,1,1.5\n", "What says which side a fill is on?"),
        ('date,ticker,side,qty,price\n2024-01-03,A,B,1,"1,500"\n', "is its mark the decimal mark"),
        (
            "date,ticker,side,qty,price,currency\n2024-01-03,A,B,1,2,USD\n2024-01-03,A,B,1,2,EUR\n",
            "Which currency is the account's? 'currency' holds 'EUR', 'USD'",
        ),
        (
            "date,ticker,side,qty,price\n2024-01-03,A,B,1,2\n2024-01-03,A\n",
            "Line 3 has 2 cells, the header 5",
        ),
        ("1,2,3\n4,5,6\n", "Which line is the header?"),
        (
            "date,ticker,side,qty,price,fee\n2024-01-03,A,B,1,2,1 USDT\n2024-01-03,A,B,1,2,2 USDT\n"
            "2024-01-03,A,B,1,2,0.1 BNB\n",
            "What is '0.1 BNB' in fee, beside '1 USDT'?",
        ),
    ],
)
def test_a_doubt_is_told_and_not_decided_in_silence(tmp_path: Path, text: str, says: str) -> None:
    """What a person would have to look at."""
    _, suggested = guesses(tmp_path, text)
    assert any(line.startswith("# question: ") and says in line for line in suggested.splitlines())


def test_latin_1_epochs_and_sheets_are_recognised(tmp_path: Path) -> None:
    """By their bytes, their size, their rows."""
    _, text = guesses(tmp_path, "time,symbol,side,qty,price\n1704294000000,Börse,buy,1,2\n".encode("latin-1"))
    made = tomllib.loads(text)
    assert made["layout"]["encoding"] == "windows-1252" and made["time"] == {"epoch": "ms"}
    book = openpyxl.Workbook()
    deals = book.create_sheet("Deals")
    for line in (["time", "symbol", "side", "qty", "price"], *[["2024-01-03", "A", "buy", 1, 2.5]] * 3):
        deals.append(line)
    book.save(tmp_path / "report.xlsx")
    assert tomllib.loads(suggest(tmp_path / "report.xlsx").text)["layout"] == {"sheet": "Deals"}
    trade = '{"time": "2024-01-03", "symbol": "A", "side": "buy", "qty": 1, "price": 2}'
    nested = f'{{"a": [1], "run": {{"trades": [{trade}]}}}}'
    _, text = guesses(tmp_path, nested, "result.json")
    assert tomllib.loads(text)["layout"] == {"path": "run.trades"}


def test_text_of_a_file_cannot_write_settings(tmp_path: Path) -> None:
    """Names and values of a file stay within their comments and quotes."""
    header = 'date,ticker,side,qty,price,"x\ny = 1"," = ""\\x7f"'
    _, text = guesses(tmp_path, header + '\n2024-01-03,A,B,1,2,"\n[layout]\nskip = 1",3\n')
    assert set(tomllib.loads(text)) <= {"confirmed", "tables"}


def test_import_writes_a_ledger_and_refuses_guesses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--suggest, then a person, then import."""
    path, _ = guesses(tmp_path, BROKER)
    mapping, out = tmp_path / "map.toml", tmp_path / "ledger"
    assert exit_code(["import", "--suggest", str(path), "--out", str(mapping)]) == 0
    assert (
        capsys.readouterr().out
        == f"wrote {mapping}: 2 questions to answer; check it, then write `confirmed = true` in it\n"
    )
    arguments = ["import", str(path), "--mapping", str(mapping), "--out", str(out)]
    assert exit_code(arguments) == 2
    assert "Answer its questions" in capsys.readouterr().err
    for command in (["diff", str(path), str(path)], ["audit", str(path)]):
        assert exit_code([*command, "--mapping", str(mapping)]) == 2
        capsys.readouterr()
    mapping.write_text(mapping.read_text("utf-8").replace("confirmed = false", "confirmed = true"), "utf-8")
    assert exit_code(arguments) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"wrote {out}: fills 2\n")
    assert "after the end" in said and "before the header" in said
    assert rows(read_ledger(out), "fills", "price") == [("150.25",), ("151.00",)]
    assert exit_code(["import", "--suggest", str(path)]) == 0
    assert tomllib.loads(capsys.readouterr().out)["confirmed"] is False


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["import", "FILE"], "--out FOLDER is missing"),
        (["import", "FILE", "--suggest", "--mapping", "x"], "--suggest or --mapping, not both"),
        (["import", "nothing.csv", "--suggest"], "nothing.csv"),
        (["import", "--suggest", "FOLDER"], "a folder"),
    ],
)
def test_what_import_cannot_do_is_one_error(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Usage, a path to nothing, a folder where a file belongs."""
    path, _ = guesses(tmp_path, BROKER)
    places = {"FILE": str(path), "FOLDER": str(tmp_path)}
    assert exit_code([places.get(one, one) for one in arguments]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "diff", "explain", "identify", "audit"])
def test_every_command_that_reads_a_ledger_takes_a_mapping_and_bounds(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same two options, from one place."""
    assert exit_code([command, "--help"]) == 0
    page = capsys.readouterr().out
    assert "--mapping FILE" in page and "--tolerance FILE" in page


TRADES = (
    ("2024-01-02", "AAPL", "buy", "1500", "150.25", "1.50"),
    ("2024-01-05", "MSFT", "buy", "2000", "1370.5", "2.00"),
    ("2024-02-01", "AAPL", "sell", "500", "155.75", "1.25"),
)
AS_PEOPLE_HAVE_THEM: dict[str, tuple[str | bytes, tuple[str, ...]]] = {
    "Excel in the United States": (
        'Date,Symbol,Side,Quantity,Price,Fee\n1/2/2024,AAPL,BUY,"1,500",$150.25,$1.50\n'
        '1/5/2024,MSFT,BUY,"2,000","$1,370.50",$2.00\n2/1/2024,AAPL,SELL,500,$155.75,$1.25\n',
        ("Does the month come first in '1/2/2024'",),
    ),
    "a year of two digits first": (
        "Date,Symbol,Side,Quantity,Price,Fee\n24-01-02,AAPL,buy,1500,150.25,1.50\n"
        "24-01-05,MSFT,buy,2000,1370.5,2.00\n24-02-01,AAPL,sell,500,155.75,1.25\n",
        ("Does the year come first in '24-01-02'",),
    ),
    "German, windows-1252": (
        "Datum;Wertpapier;Art;Stück;Kurs;Gebühr\n02.01.2024;AAPL;Kauf;1.500;150,25;1,50\n"
        "05.01.2024;MSFT;Kauf;2.000;1.370,50;2,00\n01.02.2024;AAPL;Verkauf;500;155,75;1,25\n".encode(
            "cp1252"
        ),
        ("Is the encoding windows-1252, or another?", "Does the day come first"),
    ),
    "French, narrow spaces": (
        "Date;Valeur;Sens;Quantité;Cours;Frais\n2/1/2024;AAPL;Achat;1\u202f500;150,25 €;1,50 €\n"
        "5/1/2024;MSFT;Achat;2\u202f000;1\u202f370,50 €;2,00 €\n1/2/2024;AAPL;Vente;500;155,75 €;1,25 €\n",
        ("Does the day come first",),
    ),
    "Chinese, GBK": (
        "成交日期,证券代码,买卖方向,成交数量,成交价格,手续费\n20240102,AAPL,买入,1500,150.25,1.50\n"
        "20240105,MSFT,买入,2000,1370.5,2.00\n20240201,AAPL,卖出,500,155.75,1.25\n".encode("gbk"),
        ("Is the encoding gb18030, or another?",),
    ),
    "Japanese, Shift JIS": (
        '約定日,銘柄,売買,数量,単価,手数料\n2024/01/02,AAPL,買,"1,500",150.25,1.50\n'
        '2024/01/05,MSFT,買,"2,000","1,370.5",2.00\n2024/02/01,AAPL,売,500,155.75,1.25\n'.encode("shift_jis"),
        ("Is the encoding shift_jis, or another?",),
    ),
    "UTF-16 without a mark": (
        "Date\tSymbol\tSide\tQuantity\tPrice\tFee\n2024-01-02\tAAPL\tbuy\t1500\t150.25\t1.50\n"
        "2024-01-05\tMSFT\tbuy\t2000\t1370.5\t2.00\n2024-02-01\tAAPL\tsell\t500\t155.75\t1.25\n".encode(
            "utf-16-le"
        ),
        ("Is the encoding utf-16, or another?",),
    ),
    "the printed minus, parentheses": (
        "Date,Symbol,Quantity,Price,Fee\n2024-01-02,AAPL,1500,150.25,(1.50)\n"
        "2024-01-05,MSFT,2000,1370.5,(2.00)\n2024-02-01,AAPL,\u2212500,155.75,(1.25)\n",
        (),
    ),
    "Switzerland, the printed apostrophe": (
        "Date;Symbol;Side;Quantity;Price;Fee\n2024-01-02;AAPL;buy;1\u2019500;150.25;1.50\n"
        "2024-01-05;MSFT;buy;2\u2019000;1\u2019370.5;2.00\n2024-02-01;AAPL;sell;500;155.75;1.25\n",
        (),
    ),
    "a sign beside the side": (
        "Date,Symbol,Side,Quantity,Price,Fee\n2024-01-02,AAPL,buy,1500,150.25,1.50\n"
        "2024-01-05,MSFT,buy,2000,1370.5,2.00\n2024-02-01,AAPL,sell,-500,155.75,1.25\n",
        ("Is '-500' in 'Quantity' a sale, or a trade taken back?",),
    ),
    "a second header in capitals, spaces around": (
        "Date , Symbol,Side,Quantity,Price,Fee\n2024-01-02, AAPL ,buy,1500,150.25,1.50\n"
        "2024-01-05,MSFT\u00a0,buy,2000,1370.5,2.00\nDATE,SYMBOL,SIDE,QUANTITY,PRICE,FEE\n"
        "2024-02-01,AAPL,sell,500,155.75,1.25\n",
        (),
    ),
    "a gross price beside the net": (
        "Date,Symbol,Side,Quantity,Gross Price,Net Price,Fee\n2024-01-02,AAPL,buy,1500,151,150.25,1.50\n"
        "2024-01-05,MSFT,buy,2000,1371,1370.5,2.00\n2024-02-01,AAPL,sell,500,156,155.75,1.25\n",
        ("Is price 'Net Price', or 'Gross Price'?",),
    ),
}
"""Exports of one list of trades, and what has to be asked about each."""


@pytest.mark.parametrize("dress", AS_PEOPLE_HAVE_THEM)
def test_a_list_of_trades_as_people_have_it_is_read_as_what_it_is(dress: str, tmp_path: Path) -> None:
    """By the guesses alone, where they are right; each one that could be wrong is a question."""
    content, asks = AS_PEOPLE_HAVE_THEM[dress]
    path, text = guesses(tmp_path, content)
    questions = [line for line in text.splitlines() if line.startswith("# question: ")]
    assert len(questions) == len(asks) and all(map(str.__contains__, questions, asks)), questions
    ledger = opened(path, text.replace("confirmed = false", "confirmed = true")).ledger
    read = rows(ledger, "fills", "timestamp", "symbol", "side", "quantity", "price", "commission")
    assert [(day[:10], *words, *map(Decimal, numbers)) for day, *words, numbers in _split(read)] == [
        (day, *words, *map(Decimal, numbers)) for day, *words, numbers in _split(TRADES)
    ]
    assert "notional" not in ledger.tables["fills"].columns


def _split(trades: Iterable[tuple[str, ...]]) -> list[tuple[str, str, str, tuple[str, ...]]]:
    return [(one[0], one[1], one[2], one[3:]) for one in trades]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("date,ticker,side,qty,price,fee\n2024-01-03,A,B,1,2,0.05%\n", "Of what is 'fee' a part?"),
        ("date,ticker,side,qty,price\n2024-01-03,A,B,1.5k,2\n", "What is 'k' in '1.5k' of qty?"),
        ("date,ticker,side,qty,price\n2024-01-03,A,B,1,250p\n", "What is 'p' in '250p' of price?"),
        ("date,ticker,side,qty,price\n2024-01-03,A,B,one,2\n", "Which column is quantity? 'qty' does not"),
        ("date,ticker,side,qty,price\n2024-01-03 10:00 EST,A,B,1,2\n", "found the zone 'EST'"),
        ("date,ticker,side,qty,price\n2024-01-03,A,B,1,2\n,,,1,\n", "Is row 2 a fill? It has no timestamp."),
        ("date,ticker,side,qty,price\n2024-01-03,A,B,1,2\n2024-01-03,All,,1,\n", "It has no side."),
    ],
)
def test_what_would_be_misread_is_asked_for(tmp_path: Path, text: str, says: str) -> None:
    """Percentages, factors behind a number, rows that are no fills."""
    _, suggested = guesses(tmp_path, text)
    assert any(line.startswith("# question: ") and says in line for line in suggested.splitlines()), suggested


def test_a_side_that_nothing_tells_is_not_taken_for_buying(tmp_path: Path) -> None:
    """Else all fills of a list without signs would be bought."""
    _, text = guesses(tmp_path, "date,ticker,qty,price\n2024-01-03,A,1,1.5\n")
    assert "side" not in tomllib.loads(text)["tables"]["fills"]


def test_a_sign_beside_a_side_in_words_has_to_be_explained(tmp_path: Path) -> None:
    """A sale of -5 may be a sale, or one taken back."""
    path, _ = guesses(tmp_path, "timestamp,symbol,side,quantity,price\n2024-01-03,A,sell,-5,1.5\n")
    with pytest.raises(InputError, match=r'unsigned = \["quantity"\]') as error:
        opened(path, "[tables.fills]\nfile = 'trades'\n")
    assert error.value.found == "a quantity below 0 beside a side in words"
    unsigned = opened(path, "[tables.fills]\nfile = 'trades'\nunsigned = ['quantity']\n").ledger
    assert rows(unsigned, "fills", "side", "quantity") == [("sell", "5")]


def test_a_fill_without_a_symbol_side_quantity_or_price_is_noted(tmp_path: Path) -> None:
    """A row of totals is no fill."""
    path, _ = guesses(
        tmp_path, "timestamp,symbol,side,quantity,price\n2024-01-03,A,sell,5,1.5\n2024-01-04,,,,\n"
    )
    notes = opened(path, "[tables.fills]\nfile = 'trades'\n").notes
    for what in ("symbol", "side", "quantity", "price"):
        assert any(f"1 row of fills without a {what} (first: row 2)" in note for note in notes), notes


def test_a_note_about_a_symbol_holds_no_control_characters(tmp_path: Path) -> None:
    """What a mapping file holds does not move the cursor of a terminal."""
    path, _ = guesses(tmp_path, "timestamp,symbol,side,quantity,price\n2024-01-03,A,sell,5,1.5\n")
    found = opened(path, 'symbols = { A = "\\u001b[31m" }\n[tables.fills]\nfile = "trades"\n')
    assert "\x1b" not in "".join(found.notes)
