"""From a Page to one HTML text that loads nothing: styles, script, charts and data are inside.

Text from data only ever becomes escaped text or JSON; the page's policy lets no other script run, and no
request be made.
"""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import Any

from reconcile.html.model import Grid, Page, Picture
from vocabulary.errors import InputError

BARE = 40
"""Rows of a table that stand in the page itself, for print and for readers without script."""


def html_text(page: Page) -> str:
    """The whole page. Raises InputError where the libraries that draw it are not installed."""
    jinja2, bokeh = _libraries()
    charts = [picture for picture in _all_pictures(page) if picture.chart is not None]
    items = {picture.name: _chart_json(picture) for picture in charts}
    grids = {grid.name: _grid_json(grid) for grid in _all_grids(page)}
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.globals["bare"] = BARE
    template = environment.from_string(_asset("page.html.j2"))
    script = _bokeh_script() if charts else ""
    nonce = hashlib.sha256((page.text + page.data).encode("utf-8", "backslashreplace")).hexdigest()[:32]
    text: str = template.render(
        page=page,
        nonce=nonce,
        style=jinja2.utils.markupsafe.Markup(_asset("page.css")),
        script=jinja2.utils.markupsafe.Markup(_asset("page.js")),
        library=jinja2.utils.markupsafe.Markup(script),
        charts=jinja2.utils.markupsafe.Markup(_safe_json(items)),
        grids=jinja2.utils.markupsafe.Markup(_safe_json(grids)),
        data=jinja2.utils.markupsafe.Markup(_in_script(page.data)),
        schema=jinja2.utils.markupsafe.Markup(_in_script(_schema(page.command))),
        bokeh=bokeh.__version__,
    )
    return text


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


def _all_pictures(page: Page) -> list[Picture]:
    more = [] if page.close_up is None or page.close_up.picture is None else [page.close_up.picture]
    return [*page.pictures, *more]


def _all_grids(page: Page) -> list[Grid]:
    return [*page.grids, *(one.table for one in _all_pictures(page) if one.table is not None)]


def _chart_json(picture: Picture) -> Any:
    from bokeh.core.types import ID
    from bokeh.embed import json_item

    return json_item(picture.chart, ID(f"chart-{picture.name}"))


def _grid_json(grid: Grid) -> dict[str, Any]:
    return {
        "columns": grid.columns,
        "rows": [list(row) for row in grid.rows],
        "numeric": sorted(grid.numeric),
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
