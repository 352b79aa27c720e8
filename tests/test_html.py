"""The page of a result, in a real browser: it loads nothing, says what the JSON says, works by keyboard."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import engine
import reconcile
import reference
from vocabulary.ledger import Ledger

pytest.importorskip("bokeh", reason="tieout[html] is not installed")
pytest.importorskip("jinja2", reason="tieout[html] is not installed")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
HOSTILE = "</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def sides() -> tuple[Any, Any, Ledger, Ledger]:
    scenario = reconcile.find_scenario("stocks")
    market = reconcile.slice_market(reconcile.load_market(scenario), bars=(0, 700))
    right = reference.run(scenario, market)
    dear = engine.run(reconcile.replace(scenario, "costs.commission.rate", "8"), market)
    return scenario, market, right, dear


@pytest.fixture(scope="module")
def pages(
    sides: tuple[Any, Any, Ledger, Ledger], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """One page of each kind, written once."""
    scenario, market, right, dear = sides
    folder = tmp_path_factory.mktemp("pages")
    fills = reconcile.frame(right, "fills")
    fills["symbol"] = fills["symbol"].astype(object)
    fills.loc[0, "symbol"] = HOSTILE
    results = {
        "breaks": reconcile.diff(right, dear, scenario=scenario, data=market),
        "matched": reconcile.diff(right, right, scenario=scenario, data=market),
        "explained": reconcile.explain(scenario, dear, data=market),
        "run": reconcile.run(scenario, dear, data=market),
        "hostile": reconcile.diff(right, {"fills": fills}),
        "lacking": reconcile.diff(right, {"equity": reconcile.frame(right, "equity", floats=True)}),
        "audit": reconcile.audit({"fills": fills}),
        "check": reconcile.check(scenario, market),
    }
    for name, result in results.items():
        result.to_html(folder / f"{name}.html")
    return {name: folder / f"{name}.html" for name in results}


NAMES = ["breaks", "matched", "explained", "run", "hostile", "lacking", "audit", "check"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield found
        found.close()


class Opened:
    """A page in the browser, with all that it logged and all that it asked for."""

    def __init__(self, browser: Any, path: Path, **more: Any) -> None:
        self.page = browser.new_page(**{"viewport": {"width": 1280, "height": 900}, **more})
        self.errors: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: self.errors.append("a dialog opened"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_timeout(200)

    def close(self) -> None:
        self.page.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_page_loads_nothing_and_stays_within_eight_megabytes(pages: dict[str, Path], name: str) -> None:
    text = pages[name].read_text(encoding="utf-8")
    assert len(text.encode()) < 8_000_000
    outside = text.split("<script", 1)[0]
    assert "default-src 'none'" in outside and "unsafe-eval" not in text.split("<style", 1)[0]
    assert (
        re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=", text.split('id="tieout-data"')[0]) == []
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_opens_without_an_error_and_without_a_request(
    browser: Any, pages: dict[str, Path], name: str, scheme: str
) -> None:
    opened = Opened(browser, pages[name], color_scheme=scheme)
    assert opened.errors == [] and opened.asked == [pages[name].as_uri()]
    assert opened.page.locator("h1").inner_text().strip()
    opened.close()


def test_the_first_screen_says_what_the_json_says(browser: Any, pages: dict[str, Path]) -> None:
    opened = Opened(browser, pages["breaks"])
    facts = json.loads(opened.page.locator("#tieout-data").text_content())
    assert f"{facts['breaks']:,} breaks" in opened.page.locator("h1").inner_text()
    assert opened.page.locator("#breaks .tools span").inner_text().startswith(
        f"{min(facts['breaks'], 10_000):,} of"
    )  # fmt: skip
    box = opened.page.locator("#chart-equity").bounding_box()
    assert box is not None and box["y"] < 900 and opened.page.locator("#chart-equity canvas").count() >= 1
    opened.close()


def test_causes_stand_beside_the_verdict(browser: Any, pages: dict[str, Path]) -> None:
    opened = Opened(browser, pages["explained"])
    assert opened.page.locator(".said li").all_inner_texts() == ["commission is 8 bps instead of 5 bps"]
    assert opened.page.locator("#bridge").count() == 1
    opened.close()


def test_what_was_not_compared_stands_on_the_first_screen(browser: Any, pages: dict[str, Path]) -> None:
    opened = Opened(browser, pages["lacking"])
    said = opened.page.locator(".said").inner_text()
    assert "Not compared" in said and "fills" in said
    opened.close()


def test_text_from_a_ledger_stays_text(browser: Any, pages: dict[str, Path]) -> None:
    opened = Opened(browser, pages["hostile"])
    assert opened.errors == [] and opened.page.locator("img").count() == 0
    assert HOSTILE in opened.page.locator("#breaks tbody").inner_text()
    opened.close()


def test_a_filter_a_cell_of_the_map_a_link_and_the_keys_lead_to_breaks(
    browser: Any, pages: dict[str, Path]
) -> None:
    opened = Opened(browser, pages["breaks"])
    page = opened.page
    shown = page.locator("#breaks .tools span")
    whole = shown.inner_text()
    page.fill("#breaks input", "fills commission")
    page.wait_for_timeout(50)
    assert shown.inner_text() != whole
    page.fill("#breaks input", "")
    page.locator("#map a").first.click()
    page.wait_for_timeout(50)
    assert shown.inner_text() != whole
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.locator("#breaks tr.here").count() == 1
    page.goto(pages["breaks"].as_uri() + "#breaks-40")
    page.reload()
    page.wait_for_timeout(200)
    assert page.locator("#breaks tr.here").get_attribute("id") == "breaks-40"
    assert opened.errors == []
    opened.close()


def test_a_table_sorts_by_its_headings(browser: Any, pages: dict[str, Path]) -> None:
    opened = Opened(browser, pages["breaks"])
    page = opened.page
    page.locator("#breaks thead button", has_text="#").click()
    page.locator("#breaks thead button", has_text="#").click()
    facts = json.loads(page.locator("#tieout-data").text_content())
    first = page.locator("#breaks tbody tr").first.locator("td").first.inner_text()
    assert int(first) == min(facts["breaks"], 10_000)
    opened.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_accessible(browser: Any, pages: dict[str, Path], name: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    opened = Opened(browser, pages[name])
    found = axe.Axe().run(opened.page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert [(one["id"], one["nodes"][0]["html"][:120]) for one in serious] == []
    opened.close()


@pytest.mark.parametrize("name", ["breaks", "explained"])
def test_a_page_fits_a_phone(browser: Any, pages: dict[str, Path], name: str) -> None:
    opened = Opened(browser, pages[name], viewport={"width": 390, "height": 800})
    wide = opened.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 400
    opened.close()


def test_a_table_of_ten_thousand_rows_holds_few_rows_at_a_time(browser: Any, tmp_path: Path) -> None:
    count = 30_000
    stamps = pd.date_range("2020-01-01", periods=count, freq="min")
    one = {"equity": pd.DataFrame({"timestamp": stamps, "equity": range(count)})}
    other = {"equity": pd.DataFrame({"timestamp": stamps, "equity": range(1, count + 1)})}
    reconcile.diff(one, other).to_html(tmp_path / "large.html")
    opened = Opened(browser, tmp_path / "large.html")
    assert opened.page.locator("#breaks tbody tr").count() < 200
    assert "20,000 more" in opened.page.locator("#breaks .note").inner_text()
    opened.page.locator("#breaks .frame").evaluate("frame => { frame.scrollTop = 200000 }")
    opened.page.wait_for_timeout(100)
    assert opened.page.locator("#breaks-7150").count() == 1
    opened.close()
