"""What every result can do: say its verdict in a line, print its page, become JSON, Markdown or a frame."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import pandas as pd

    from reconcile.html.model import Compared, Page

SHOWN = 12
"""Lines of a page that a notebook shows before the rest is folded away."""


class Result:
    """The answer of one function. Subclasses are frozen; they hold the answer and what it was asked of.

    verdict: an enum of the command's own. exit_code: what the command line ends with (0 matched, 1 breaks,
    2 could not tell, 3 not deterministic, 4 inconclusive). first: the first divergence, None without one.
    breaks, causes, roots: empty where the command finds none of that kind. command: as it is typed.
    """

    command: ClassVar[str] = ""

    @property
    def verdict(self) -> Enum:
        raise NotImplementedError

    @property
    def exit_code(self) -> int:
        raise NotImplementedError

    @property
    def first(self) -> Any:
        return None

    @property
    def breaks(self) -> Sequence[Any]:
        return ()

    @property
    def causes(self) -> Sequence[Any]:
        return ()

    @property
    def roots(self) -> Sequence[Any]:
        return ()

    def text(self) -> str:
        """The page that the command prints; the first line is the answer."""
        raise NotImplementedError

    def to_json(self) -> str:
        """JSON text as `--json` prints it; docs/json.md says what each key holds."""
        raise NotImplementedError

    def to_markdown(self) -> str:
        """The page as Markdown: the answer in bold, the rest as a block of text."""
        first, _, rest = self.text().partition("\n")
        return (
            f"**{_markdown(first)}**\n\n```text\n{rest.strip(chr(10))}\n```\n"
            if rest
            else f"**{_markdown(first)}**\n"
        )

    def to_dict(self) -> dict[str, Any]:
        """`to_json` as Python values; numbers with a fraction become floats."""
        found: dict[str, Any] = json.loads(self.to_json())
        return found

    def page(self) -> Page:
        """What `to_html` shows: of two ledgers their comparison, of others the tables of their JSON."""
        from reconcile.html.checks import plain_grids
        from reconcile.html.model import Page, Tone

        given = self._compared(whole=True)
        if given is not None:
            from reconcile.html.comparison import comparison_page

            return comparison_page(given)

        first, data = self.text().partition("\n")[0], self.to_json()
        return Page(
            command=self.command,
            title="",
            verdict=first,
            tone={0: Tone.PASS, 1: Tone.FAIL}.get(self.exit_code, Tone.OPEN),
            outcome=str(self.verdict.value).replace("_", " ").capitalize(),
            grids=plain_grids(data),
            text=self.text(),
            data=data,
        )

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write one self-contained page, which is readable without a network. An earlier file is replaced.

        Raises InputError where `tieout[html]` is not installed; OutputError where the file cannot be written.
        """
        from reconcile.html.render import write_page

        write_page(self.page(), path)

    def to_figures(self, folder: str | os.PathLike[str]) -> tuple[str, ...]:
        """Write equity with its gap, the bridge and the map of breaks into a folder, as SVG and PNG.

        The names of the files; none where the result has none of the three. Raises InputError where
        `tieout[figures]` is not installed; OutputError where a file cannot be written.
        """
        from reconcile.html.figures import write_figures

        return write_figures(self.page(), folder)

    def _compared(self, whole: bool) -> Compared | None:
        """Two ledgers and their comparison, where the result is about two. whole: every break of them.

        Otherwise the first divergence is enough.
        """
        return None

    def gap_line(self, width: int) -> str | None:
        """The equity gap as a line of blocks with what it spans; None where there is no gap to show."""
        given = self._compared(whole=False)
        if given is None:
            return None
        from reconcile.html.comparison import gap_text

        return gap_text(given, width)

    def to_frame(self) -> pd.DataFrame:
        """One row per break, finding, cause or case; by default one row with the plain values of the JSON."""
        facts = {name: value for name, value in self.to_dict().items() if not isinstance(value, (dict, list))}
        return frame_of([facts] if facts else [], list(facts))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.text().partition(chr(10))[0]}>"

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        """For a notebook: the first screen of the page or its first lines, the rest folded; no script."""
        first, *rest = self.text().split("\n")
        parts = [f"<p><strong>{html.escape(first)}</strong></p>"]
        given = self._compared(whole=False)
        shown = SHOWN
        if given is not None:
            from reconcile.html.comparison import first_page
            from reconcile.html.first_screen import first_screen

            parts.append(first_screen(first_page(given)))
            shown = 0
        head, tail = "\n".join(rest[:shown]).strip("\n"), "\n".join(rest[shown:]).strip("\n")
        if head:
            parts.append(f"<pre>{html.escape(head)}</pre>")
        if tail:
            parts.append(f"<details><summary>more</summary><pre>{html.escape(tail)}</pre></details>")
        return f'<div class="tieout">{"".join(parts)}</div>'


def _markdown(text: str) -> str:
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>#|" else char for char in text)


def frame_of(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Rows as a pandas frame with these columns, also when there is none."""
    import pandas as pd

    return pd.DataFrame(list(rows), columns=list(columns))
