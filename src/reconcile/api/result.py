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

    from reconcile.html.model import Page

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
        """What `to_html` shows: by default the answer, the printed page and the JSON, without a picture."""
        from reconcile.html.model import Page, Tone

        first = self.text().partition("\n")[0]
        return Page(
            command=self.command,
            title="",
            verdict=first,
            tone={0: Tone.PASS, 1: Tone.FAIL}.get(self.exit_code, Tone.OPEN),
            outcome=str(self.verdict.value).replace("_", " ").capitalize(),
            text=self.text(),
            data=self.to_json(),
        )

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write one self-contained page, which is readable without a network. An earlier file is replaced.

        Raises InputError where `tieout[html]` is not installed; OutputError where the file cannot be written.
        """
        from reconcile.files.atomic import write_file
        from reconcile.html.render import html_text
        from vocabulary.errors import OutputError

        text = html_text(self.page())
        try:
            write_file(os.fspath(path), [text])
        except OSError as error:
            reason = error.strerror or type(error).__name__
            place, remedy = f"page {os.fspath(path)}", "Name another file."
            raise OutputError(place, reason, "a file that can be written", remedy) from None

    def to_frame(self) -> pd.DataFrame:
        """One row per break, finding, cause or case; by default one row with the plain values of the JSON."""
        facts = {name: value for name, value in self.to_dict().items() if not isinstance(value, (dict, list))}
        return frame_of([facts] if facts else [], list(facts))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.text().partition(chr(10))[0]}>"

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        """For a notebook: the answer, the first lines of the page, the rest folded; no script."""
        first, *rest = self.text().split("\n")
        head, tail = "\n".join(rest[:SHOWN]).strip("\n"), "\n".join(rest[SHOWN:]).strip("\n")
        parts = [f"<p><strong>{html.escape(first)}</strong></p>"]
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
