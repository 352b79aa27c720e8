"""Settings that say how a file is laid out: where its table begins and ends, and how its text is encoded."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, model_validator

from reconcile.files.places import shown
from reconcile.tables.settings import Names, Settings, refused

Encoding = Literal[
    "utf-8", "utf-16", "latin-1", "windows-1250", "windows-1251", "windows-1252",
    "gb18030", "big5", "shift_jis", "euc_kr",
]  # fmt: skip


def _character(value: Any) -> str:
    if not isinstance(value, str) or len(value) != 1 or value in '\r\n"\0':
        raise refused(shown(value), 'one character, such as ";" or "\\t"')
    return value


Character = Annotated[str, PlainValidator(_character)]


class Layout(Settings):
    """How a file is laid out. Every key is optional; text files are CSV in UTF-8 without any."""

    encoding: Encoding | None = Field(
        default=None,
        description="How the text is encoded. Without it: UTF-8, or what a byte order mark says.",
        examples=['"latin-1"'],
    )
    separator: Character = Field(
        default=",",
        description="What stands between two cells of a CSV file; in a .tsv file it is the tab.",
        examples=['";"', r'"\t"'],
    )
    skip: int = Field(
        default=0, ge=0, description="Lines before the header that are no part of the table.", examples=["3"]
    )
    header: Names | None = Field(
        default=None,
        description="Names that the header holds: the first line with all of them is the header.",
        examples=['["Date", "Symbol"]'],
    )
    names: Names | None = Field(
        default=None,
        description="The names of all columns, in order, of a file without a header.",
        examples=['["time", "symbol", "amount"]'],
    )
    end: Names | None = Field(
        default=None,
        description="A line whose first filled cell begins with one of these ends the table.",
        examples=['["Total"]'],
    )
    section: str | None = Field(
        default=None,
        min_length=1,
        description="Of a file in sections, the one to read: its lines begin with this cell, or follow it.",
        examples=['"Trades"'],
    )
    sheet: str | None = Field(
        default=None, min_length=1, description="The sheet of an XLSX file.", examples=['"Deals"']
    )
    table: int | None = Field(
        default=None, ge=1, description="The table of an HTML file, counted from 1.", examples=["2"]
    )
    path: str | None = Field(
        default=None,
        min_length=1,
        description="The way to the rows of a JSON file: keys, separated by dots; lists are gone through.",
        examples=['"result.trades.orders"'],
    )

    @model_validator(mode="after")
    def _one_way(self) -> Layout:
        if self.names is not None and (self.header is not None or self.section is not None):
            raise refused(
                "`names` beside `header` or `section`",
                "`names` only where the file has no header",
                "Leave one of them out.",
            )
        if self.header is not None and self.skip:
            raise refused("`skip` beside `header`", "one of them", "Leave one of them out.")
        return self

    @property
    def is_one_run(self) -> bool:
        """Whether all lines behind the header are rows of the table, as far as the settings tell."""
        return not (self.names or self.end or self.section)

    @property
    def is_plain(self) -> bool:
        """Whether the table is the whole file, from its first line to its last."""
        return not (self.skip or self.header or self.names or self.end or self.section)
