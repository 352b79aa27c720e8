"""From a Page to one HTML text that loads nothing: styles, script, charts and data are inside.

Text from data only ever becomes escaped text or JSON; the page's policy lets no other script run, and no
request be made.
"""

from __future__ import annotations

import hashlib
import json
import os
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

from reconcile.files.atomic import write_file
from reconcile.html.drawings import Drawing, EquityCurves
from reconcile.html.model import Grid, Page, Picture
from reconcile.text.json_text import to_json
from vocabulary.errors import InputError, OutputError

BARE = 40
"""Rows of a table that stand in the page itself, for print and for readers without script."""

SAID = 8
"""Causes, leads or things not compared that stand on the first screen; all of them stand below."""
MOST_JSON = 2_000_000
"""Characters of JSON that a page holds."""


def html_text(page: Page) -> str:
    """The whole page. Raises InputError where the libraries that draw it are not installed."""
    jinja2, bokeh = _libraries()
    items = {picture.name: _chart_json(picture) for picture in all_pictures(page)}
    grids = {grid.name: _grid_json(grid) for grid in _all_grids(page)}
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.globals |= {"bare": BARE, "said": SAID}
    environment.filters["coded"] = lambda text: list(enumerate(text.split("`")))
    environment.filters["kind"] = _kind
    template = environment.from_string(_asset("page.html.j2"))
    script = _bokeh_script() if items else ""
    nonce = hashlib.sha256((page.text + page.data).encode("utf-8", "backslashreplace")).hexdigest()[:32]
    data, cut = bounded_json(page.data)
    text: str = template.render(
        page=page,
        nonce=nonce,
        style=jinja2.utils.markupsafe.Markup(_asset("page.css")),
        script=jinja2.utils.markupsafe.Markup(_asset("page.js")),
        library=jinja2.utils.markupsafe.Markup(script),
        charts=jinja2.utils.markupsafe.Markup(_safe_json(items)),
        grids=jinja2.utils.markupsafe.Markup(_safe_json(grids)),
        data=jinja2.utils.markupsafe.Markup(_in_script(data)),
        schema=jinja2.utils.markupsafe.Markup(_in_script(_schema(page.command))),
        bokeh=bokeh.__version__,
        cut=cut,
    )
    return text


def write_page(page: Page, path: str | os.PathLike[str]) -> None:
    """Write a page whole. Raises InputError as `html_text` does; OutputError where it cannot be written."""
    text = html_text(page)
    try:
        write_file(os.fspath(path), [text])
    except OSError as error:
        reason = error.strerror or type(error).__name__
        place, remedy = f"page {os.fspath(path)}", "Name another file."
        raise OutputError(place, reason, "a file that can be written", remedy) from None


def _schema(command: str) -> str:
    """The JSON Schema of a command's answer, as `--json` has it; of two words the last one names it."""
    place = resources.files("reconcile.text").joinpath("schemas", f"{command.split()[-1].lstrip('-')}.json")
    return place.read_text(encoding="utf-8")


def _libraries() -> tuple[Any, Any]:
    try:
        import bokeh
        import jinja2
    except ImportError as error:
        raise InputError(
            "--html",
            f"no module {error.name}",
            "the libraries that draw a page",
            "pip install 'tieout[html]'",
        ) from None
    return jinja2, bokeh


def _kind(drawing: Drawing) -> str:
    """The classes of a chart's place, which is as high as the chart before it is drawn."""
    gap = isinstance(drawing, EquityCurves) and drawing.gap is not None
    return f"{type(drawing).__name__.lower()}{' gap' if gap else ''}"


def bounded_json(text: str) -> tuple[str, tuple[str, ...]]:
    """The JSON that a page holds, and what was left out of it: long lists are cut where it is too long."""
    if len(text) <= MOST_JSON:
        return text, ()
    facts = json.loads(text, parse_float=Decimal)
    cut: dict[str, tuple[int, int]] = {}
    for most in (10_000, 1_000, 100, 10):
        facts = _shortened(facts, most, "", cut)
        text = to_json(facts)
        if len(text) <= MOST_JSON:
            break
    return text, tuple(f"{name}: the first {kept:,} of {whole:,}" for name, (kept, whole) in cut.items())


def _shortened(value: Any, most: int, name: str, cut: dict[str, tuple[int, int]]) -> Any:
    """A value of JSON with its lists cut. cut: gets (kept, whole) of each list, by its dotted name."""
    if isinstance(value, dict):
        dot = f"{name}." if name else ""
        return {key: _shortened(each, most, f"{dot}{key}", cut) for key, each in value.items()}
    if not isinstance(value, list):
        return value
    if len(value) > most:
        cut[name] = (most, cut.get(name, (0, len(value)))[1])
    return [_shortened(each, most, f"{name}[]", cut) for each in value[:most]]


def all_pictures(page: Page) -> list[Picture]:
    """Every picture of a page."""
    more = [] if page.close_up is None or page.close_up.picture is None else [page.close_up.picture]
    return [*page.pictures, *more, *(picture for part in page.sections for picture in part.pictures)]


def _all_grids(page: Page) -> list[Grid]:
    parts = [grid for part in page.sections for grid in part.grids]
    near = [] if page.close_up is None else page.close_up.grids
    return [*page.grids, *near, *parts, *(one.table for one in all_pictures(page) if one.table is not None)]


def _chart_json(picture: Picture) -> Any:
    from bokeh.core.types import ID
    from bokeh.embed import json_item

    from reconcile.html.charts import draw

    return json_item(draw(picture.drawing), ID(f"chart-{picture.name}"))


def _grid_json(grid: Grid) -> dict[str, Any]:
    return {
        "columns": grid.columns,
        "rows": [list(row) for row in grid.rows],
        "numeric": sorted(grid.numeric),
        "left_out": grid.left_out,
    }


def _bokeh_script() -> str:
    import bokeh

    place = Path(bokeh.__file__).parent / "server" / "static" / "js" / "bokeh.min.js"
    return place.read_text(encoding="utf-8").replace("</script", "<\\/script")


def _safe_json(value: Any) -> str:
    return _in_script(json.dumps(value, ensure_ascii=True, allow_nan=False, default=_plain))


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)


def _in_script(text: str) -> str:
    """JSON that cannot end the element it stands in, nor begin markup."""
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath("assets", name).read_text(encoding="utf-8")
