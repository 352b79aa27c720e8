"""How an unknown file seems to be laid out and written: guesses with their evidence, and questions."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconcile.files.places import Place, shown
from reconcile.mapping.words import ROLES, words_of
from reconcile.tables import documents
from reconcile.tables.delimited import csv_rows, refuse_long_lines
from reconcile.tables.intake import HTML, SHEETS, TEXT, damage_named
from reconcile.tables.layout import Layout
from reconcile.tables.numbers import Numbers, plain_numbers
from reconcile.tables.rows import Row
from reconcile.tables.settings import settings_from
from reconcile.tables.sheets import html_tables, sheet_rows
from reconcile.tables.unpack import Member, members, text_of
from vocabulary.errors import InputError

SEPARATORS = (",", ";", "\t", "|")
_LOOKED_AT = 2000
"""Rows that guesses are made from."""
_HEADERS = 10
"""Lines among which a header is looked for."""
_NUMBERLIKE = re.compile(
    r"^[(\s]*[-+\u2212\u2013]?[^\d\s(]{0,4}\s*[-+\u2212\u2013]?\d[\d.,'\u2019\s\u00a0\u202f]*([eE][-+]?\d+)?\s*[^\d\s]{0,5}[)\s]*-?$"
)
_NONE = ("-", "--", "n/a", "N/A", "NA", "nan", "NaN", "None", "null")
_UNIT = re.compile(r"[^\d\s.,'\u2019()+%\u00a0\u202f\u2212\u2013-]+")
_CURRENCY = re.compile(r"[$€£¥₹₽₩₺₿]|[A-Z]{0,2}\$|[A-Z]{3,5}|Fr\.?|kr\.?|zł|Kč|Ft")
"""Units that change nothing about a number; of another one, k or p say, it has to be asked."""
_TOTALS = re.compile(
    r"(?i)^(grand |sub)?totals?\b|^sum\b|^summe\b|^gesamt|^totale?\b|^suma\b|^итого|^合计|^合計|^总计"
    r"|^balance carried"
)
_ENCODINGS = (
    "windows-1252", "gb18030", "shift_jis", "big5", "euc_kr", "windows-1251", "windows-1250", "utf-16",
)  # fmt: skip
"""Tried where a text is no UTF-8; the first whose lines hold most words for columns is guessed."""


@dataclass(slots=True)
class Guess:
    """Settings that a file seems to need, each with what was seen; and what could not be decided."""

    settings: dict[str, Any] = field(default_factory=dict)
    evidence: dict[str, str] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)

    def say(self, key: str, value: Any, evidence: str) -> None:
        self.settings[key], self.evidence[key] = value, evidence


def layout_of(path: Path) -> Guess:
    """The layout of a file. Raises InputError where it holds no table at all."""
    guess = Guess()
    with damage_named(path):
        _layout(path, guess)
    return guess


def _layout(path: Path, guess: Guess) -> None:
    member = members(path)[0]
    ending = Path(member.name).suffix.lower()
    if ending in TEXT:
        _text_layout(member, guess)
    elif ending in SHEETS:
        sheets = dict(sheet_rows(member))
        name = max(sheets, key=lambda one: len(sheets[one]))
        if len(sheets) > 1:
            guess.say("sheet", name, f"of {len(sheets)} sheets it has the most rows, {len(sheets[name])}")
        _rows_layout(sheets[name], guess)
    elif ending in HTML:
        tables = html_tables(member, None)
        if not tables:
            raise InputError(member.origin, "no table", "a table", "Save the page with its tables.")
        best = max(range(len(tables)), key=lambda at: len(tables[at]))
        if len(tables) > 1:
            guess.say("table", best + 1, f"of {len(tables)} tables it has the most rows, {len(tables[best])}")
        _rows_layout(tables[best], guess)
    elif ending == ".json":
        found = documents.longest_list(text_of(member, None), member.origin)
        if found is not None:
            guess.say("path", found[0], f"the longest list of records, {found[1]} of them")


def _text_layout(member: Member, guess: Guess) -> None:
    refuse_long_lines(member)
    try:
        text = text_of(member, None)
    except InputError as error:
        encoding, text = _decoded(member, error)
        lines = text.splitlines()
        odd = next((line for line in lines if not line.isascii()), lines[0] if lines else "")
        guess.say("encoding", encoding, f"it is no UTF-8; read so, a line is {shown(odd.strip())}")
        guess.questions.append(
            f"Is the encoding {encoding}, or another? A line read so is {shown(odd.strip())}."
        )
    lines = text.splitlines()[:_LOOKED_AT]
    counts = {mark: _widths(lines, mark) for mark in SEPARATORS}
    mark = max(SEPARATORS, key=lambda one: counts[one])
    if mark != ",":
        guess.say("separator", mark, f"{counts[mark][0]} lines have {counts[mark][1]} cells each")
    _rows_layout(list(csv_rows("\n".join(lines), mark)), guess)


def _decoded(member: Member, error: InputError) -> tuple[str, str]:
    """(the encoding that fits best, the text read so). Raises the error where none fits."""
    texts: dict[str, str] = {}
    for encoding in _ENCODINGS:
        with suppress(InputError):
            texts[encoding] = text_of(member, encoding)
    if not texts:
        raise error

    def words(encoding: str) -> int:
        names = re.split(r"[,;|\t\n]", "\n".join(texts[encoding].splitlines()[:_HEADERS]))
        return sum(any(re.search(role, words_of(name)) for role in ROLES.values()) for name in names)

    best = max(texts, key=words)
    return best, texts[best]


def _widths(lines: Sequence[str], mark: str) -> tuple[int, int]:
    """(lines of the commonest number of cells, that number); (0, 0) where lines are one cell."""
    try:
        widths = Counter(len(cells) for cells in csv.reader(lines, delimiter=mark))
    except csv.Error:
        return 0, 0
    common = [(count, width) for width, count in widths.items() if width > 1]
    return max(common, default=(0, 0))


def _rows_layout(rows: Sequence[Row], guess: Guess) -> None:
    """Where the table begins and ends: its first row of words, and a row of totals."""
    filled = [row for row in rows if row.filled]
    if not filled:
        return
    width = Counter(len(row.cells) for row in filled if len(row.filled) > 1).most_common(1)
    if not width:
        return
    header = next((row for row in filled if _is_header(row, width[0][0])), None)
    if header is None and len(filled[0].cells) == width[0][0] == len(filled[0].filled):
        seen = f"line 1 holds {shown(filled[0].filled[0])}: a row, and no names"
        guess.say("names", [f"column {at}" for at in range(1, width[0][0] + 1)], seen)
        guess.questions.append(
            "Which line is the header? None looks like one: if there is one, write `header` for `names`."
        )
        return
    if header is None:
        guess.questions.append("Which line is the header? None looks like one: write `header`, or `names`.")
        return
    if header is not filled[0]:
        guess.say("header", header.filled[:3], f"line {header.number} is the first with {width[0][0]} words")
    below = [row for row in filled if row.number > header.number]
    total = next((row for row in below if _TOTALS.match(row.filled[0])), None)
    if total is not None:
        guess.say("end", [total.filled[0]], f"line {total.number} begins with it")
    ragged = next((row for row in below if len(row.cells) != width[0][0]), None)
    if total is None and ragged is not None:
        guess.questions.append(
            f"Line {ragged.number} has {len(ragged.cells)} cells, the header {width[0][0]}: "
            "does the table end there (`end`), or are there several sections (`section`)?"
        )


def _is_header(row: Row, width: int) -> bool:
    words = [cell for cell in row.filled if not _NUMBERLIKE.match(cell)]
    return len(row.cells) == width and len(words) == len(row.filled) > 1 and len(set(words)) == len(words)


def numbers_of(columns: Iterable[tuple[str, Sequence[str]]]) -> Guess:
    """How the numbers of text columns are written: their marks, signs and units, and words for none."""
    guess = Guess()
    marks: Counter[str] = Counter()
    undecided = ""
    for name, cells in columns:
        present = [cell.strip() for cell in cells if cell.strip()]
        words = {cell for cell in present if cell in _NONE}
        written = [cell for cell in present if cell not in words]
        if not written or not all(_NUMBERLIKE.match(cell) for cell in written):
            continue
        if words:
            _add(guess, "none", sorted(words), f"{name} has {shown(sorted(words)[0])} among its numbers")
        _units(guess, name, written)
        for cell in written:
            _signs(guess, name, cell)
            marks.update(_marks(cell))
            undecided = undecided or ("" if _decided(cell) else f"{name} has {shown(cell)}")
    _decide(guess, marks, undecided)
    return guess


def _units(guess: Guess, name: str, cells: Sequence[str]) -> None:
    """The unit of a column. Of several only the commonest is taken: amounts are never converted."""
    seen: dict[str, list[str]] = {}
    for cell in cells:
        unit = _UNIT.search(re.sub(r"(?<=\d)[eE][-+]?\d+", "", cell))
        if unit:
            seen.setdefault(unit[0], []).append(cell)
    if not seen:
        return
    commonest = max(seen, key=lambda unit: len(seen[unit]))
    _add(guess, "units", [commonest], f"{name} has {shown(seen[commonest][0])}")
    if not _CURRENCY.fullmatch(commonest):
        guess.questions.append(
            f"What is {shown(commonest)} in {shown(seen[commonest][0])} of {name}? As a unit it is dropped. "
            "If it stands for a factor, a side or hundredths, write a formula or correct the file."
        )
    others = [cells[0] for unit, cells in seen.items() if unit != commonest]
    if others:
        guess.questions.append(
            f"What is {shown(others[0])} in {name}, beside {shown(seen[commonest][0])}? "
            "Amounts in several currencies are not supported: leave such rows out with `only`."
        )


def _signs(guess: Guess, name: str, cell: str) -> None:
    """What one cell needs that a plain number does not."""
    for key, needed in (
        ("percent", "%" in cell),
        ("parentheses", cell.startswith("(")),
        ("trailing_minus", cell.endswith("-")),
    ):
        if needed and key not in guess.settings:
            guess.say(key, True, f"{name} has {shown(cell)}")


def _add(guess: Guess, key: str, words: list[str], evidence: str) -> None:
    known = guess.settings.setdefault(key, [])
    known += [word for word in words if word not in known]
    guess.evidence.setdefault(key, evidence)


def _bare(cell: str) -> str:
    return re.sub(r"[^\d.,'\s\u00a0\u202f]", "", cell.replace("\u2019", "'")).strip()


def _marks(cell: str) -> list[str]:
    """The readings that a cell bears out, as `decimal` and `thousands`: ",." is a comma and points."""
    digits = _bare(cell).replace("\u00a0", " ").replace("\u202f", " ")
    found = []
    for decimal in ".,":
        for thousands in ("", ",", ".", " ", "'"):
            if thousands != decimal and _fits(digits, decimal, thousands):
                found.append(decimal + thousands)
    return found


def _fits(digits: str, decimal: str, thousands: str) -> bool:
    whole, _, fraction = digits.partition(decimal)
    if fraction and not fraction.isdigit():
        return False
    if not thousands:
        return whole.isdigit() or not whole
    if thousands == "," and re.fullmatch(r"\d{1,2}(,\d{2})+,\d{3}", whole):
        return True  # lakhs and crores
    return bool(re.fullmatch(rf"\d{{1,3}}({re.escape(thousands)}\d{{3}})*", whole) or whole.isdigit())


def _decided(cell: str) -> bool:
    """Whether a cell tells the decimal mark from the mark of thousands: 1,234 does not."""
    return not re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", _bare(cell))


def _decide(guess: Guess, marks: Counter[str], undecided: str) -> None:
    """The plainest reading that all cells bear out."""
    if not marks:
        return
    most = max(marks.values())
    readings = [one for one in (".", ",", ".,", ",.", ". ", ", ", ".'", ",'") if marks.get(one) == most]
    if not readings:
        return
    chosen = readings[0]
    if undecided and len({one[0] for one in readings}) > 1:
        guess.questions.append(f"{undecided}: is its mark the decimal mark, or that of thousands?")
    if chosen[0] != ".":
        guess.say("decimal", chosen[0], f"all numbers can be read so, and {most} at that")
    if chosen[1:]:
        guess.say("thousands", chosen[1:], f"all {most} numbers can be read so")


def reads_as_numbers(cells: Any, form: dict[str, Any]) -> bool:
    """Whether a text column is numbers, written so."""
    try:
        plain = plain_numbers(cells, settings_from(Numbers, form, "guess"), Place("guess", "", ""))
    except InputError:
        return False
    return all(
        re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", cell.strip())
        for cell in plain.to_pylist()
        if cell is not None and cell.strip()
    )


def guessed_layout(guess: Guess) -> Layout:
    return settings_from(Layout, guess.settings, "guess")
