"""The page of a result, in a real browser: it loads nothing, says what the JSON says, works by keyboard."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("bokeh", reason="tieout[html] is not installed")
pytest.importorskip("jinja2", reason="tieout[html] is not installed")

from tests import page_kit
from tests.page_kit import HOSTILE, MANY, Opened

from reconcile.api.result import Result
from reconcile.html.checks import plain_grids

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
COMPARED = ["breaks", "one", "matched", "million", "explained", "partly", "run", "hostile", "lacking"]
NAMES = [
    *COMPARED,
    "tolerances",
    "audit",
    "check",
    "identify",
    "shrink",
    "review",
    "gate",
    "drill",
    "campaign",
]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    return page_kit.results(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def pages(results: dict[str, Result], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One page of each kind, written once."""
    folder = tmp_path_factory.mktemp("pages")
    for name, result in results.items():
        result.to_html(folder / f"{name}.html")
    return {name: folder / f"{name}.html" for name in results}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    yield from page_kit.launched(CHROMIUM)


def facts_of(opened: Opened) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(opened.page.locator("#tieout-data").text_content())
    return found


def held(opened: Opened, name: str) -> list[list[Any]]:
    """The rows that the page holds of a table."""
    rows: list[list[Any]] = json.loads(opened.page.locator("#tieout-grids").text_content())[name]["rows"]
    return rows


def shown(opened: Opened, name: str = "breaks") -> str:
    """How many rows a table says that it shows."""
    return str(opened.page.locator(f"#{name} .tools span").inner_text())


@pytest.mark.parametrize("name", NAMES)
def test_a_page_loads_nothing_and_stays_within_eight_megabytes(pages: dict[str, Path], name: str) -> None:
    text = pages[name].read_text(encoding="utf-8")
    assert len(text.encode()) < 8_000_000
    outside = text.split("<script", 1)[0]
    assert "default-src 'none'" in outside and "unsafe-eval" not in text.split("<style", 1)[0]
    before = text.split('id="tieout-data"')[0]
    assert re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=", before) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_page_opens_without_an_error_and_without_a_request(
    browser: Any, pages: dict[str, Path], name: str
) -> None:
    with Opened(browser, pages[name]) as opened:
        opened.drawn()
        assert opened.errors == [] and opened.asked == [pages[name].as_uri()]
        assert opened.page.locator("h1").inner_text().strip()
        figures = opened.page.locator("figure").count()
        assert opened.page.locator("figure details").count() == figures  # a table for every picture
        assert opened.page.locator("figure details table tbody tr").count() >= figures


@pytest.mark.parametrize("name", ["explained", "lacking", "audit", "check", "review", "gate", "drill"])
def test_a_page_is_accessible_also_in_the_dark(browser: Any, pages: dict[str, Path], name: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    with Opened(browser, pages[name], color_scheme="dark") as opened:
        found = axe.Axe().run(opened.page).response["violations"]
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        assert [(one["id"], one["nodes"][0]["html"][:120]) for one in serious] == []
        assert opened.errors == []


@pytest.mark.parametrize("name", ["breaks", "one", "run", "lacking", "million"])
def test_the_numbers_of_a_page_are_those_of_the_json(
    browser: Any, pages: dict[str, Path], results: dict[str, Result], name: str
) -> None:
    from jsonschema import Draft202012Validator

    with Opened(browser, pages[name]) as opened:
        facts = facts_of(opened)
        schema = json.loads(opened.page.locator("#tieout-schema").text_content())
        assert list(Draft202012Validator(schema).iter_errors(facts)) == []
        whole = results[name].to_dict()
        cells = opened.page.locator("#map a")
        counts = [int(cells.nth(place).get_attribute("data-count")) for place in range(cells.count())]
        assert sum(counts) == whole["breaks"] > 0 or not whole["breaks"]
        assert len(held(opened, "breaks")) == min(whole["breaks"], 10_000) if whole["breaks"] else True
        if whole.get("roots"):
            assert len(held(opened, "root")) == len(whole["roots"])
        if "rebalances" in whole:
            assert len(held(opened, "periods")) == min(len(whole["rebalances"]), 10_000)


def test_the_first_screen_holds_verdict_returns_curves_and_gap(browser: Any, pages: dict[str, Path]) -> None:
    with Opened(browser, pages["explained"]) as opened:
        assert opened.page.locator("h1").inner_text() == "commission is 8 bps instead of 5 bps"
        assert opened.page.locator(".said ol li").all_inner_texts() == [
            "commission is 8 bps instead of 5 bps"
        ]
        opened.until("document.querySelector('#chart-equity').hasChildNodes()")
        box = opened.page.locator("#chart-equity").bounding_box()
        assert box is not None and box["y"] + box["height"] <= 900
        assert opened.page.locator("#bridge").count() == 1


def test_the_figures_of_a_page_are_those_of_the_json(browser: Any, pages: dict[str, Path]) -> None:
    with Opened(browser, pages["run"]) as opened:
        facts = facts_of(opened)
        rows = opened.page.locator(".answer .figures tbody tr")
        figures = {
            rows.nth(place).locator("th").inner_text(): rows.nth(place).locator("td").all_inner_texts()
            for place in range(rows.count())
        }
        sides = facts["reference"], facts["candidate"]
        assert figures["fills"] == [f"{side['fills']:,}" for side in sides]
        assert figures["return"] == [f"{side['total_return'] * 100:+,.2f} %" for side in sides]
        assert figures["commission"] == [f"{side['commission']:,.2f}" for side in sides]


def test_what_no_cause_explains_is_told_as_leads_or_groups_of_roots(
    browser: Any, pages: dict[str, Path]
) -> None:
    with Opened(browser, pages["partly"]) as opened:
        assert opened.page.locator(".tone").inner_text() == "Partly explained"
        assert "commission is 8 bps instead of 5 bps" in opened.page.locator(".said li").all_inner_texts()
        assert opened.page.locator("#groups tbody tr").count() >= 1


def test_a_constant_pattern_stands_on_the_first_screen(browser: Any, pages: dict[str, Path]) -> None:
    with Opened(browser, pages["breaks"]) as opened:
        said = opened.page.locator(".said").inner_text()
        assert "Patterns" in said and "commission is 1.6 times the reference's" in said


def test_a_match_has_neither_map_nor_close_up(browser: Any, pages: dict[str, Path]) -> None:
    with Opened(browser, pages["matched"]) as opened:
        assert opened.page.locator("#answer.pass").count() == 1
        assert opened.page.locator("#map, #first, #breaks").count() == 0


def test_what_was_not_compared_stands_on_the_first_screen(browser: Any, pages: dict[str, Path]) -> None:
    with Opened(browser, pages["lacking"]) as opened:
        said = opened.page.locator(".said").inner_text()
        assert "Not compared" in said and "fills" in said


def test_tolerances_that_were_used_are_listed(browser: Any, pages: dict[str, Path]) -> None:
    with Opened(browser, pages["tolerances"]) as opened:
        (row,) = held(opened, "tolerances")
        assert row[0] == "equity.equity" and row[2] == "0.02" and row[-1] == "cents"


def test_text_from_a_ledger_stays_text(browser: Any, pages: dict[str, Path]) -> None:
    with Opened(browser, pages["hostile"]) as opened:
        assert opened.errors == [] and opened.page.locator("img").count() == 0
        assert HOSTILE in opened.page.locator("#breaks tbody").inner_text()


def test_text_from_a_campaign_stays_text(browser: Any, pages: dict[str, Path]) -> None:
    """Names of jobs, verdicts, causes, leads and errors."""
    with Opened(browser, pages["campaign"]) as opened:
        assert opened.errors == [] and opened.page.locator("img").count() == 0
        for grid in ("groups", "jobs"):
            cells = opened.page.locator(f"#{grid} tbody").inner_text()
            assert HOSTILE in cells and "\\x1b[31m" in cells and "\\u202eback" in cells
            assert not set(cells) & {"\x1b", "\x07", "\x00", "\u202e"}


def test_the_first_divergence_has_both_sides_scores_levels_and_its_rule(
    browser: Any, pages: dict[str, Path]
) -> None:
    with Opened(browser, pages["breaks"]) as opened:
        opened.drawn()
        around = {row[0]: row for row in held(opened, "around")}
        assert around["fill"][3] == "yes" and around["target"][3] == ""
        assert {"cash before", "cash after", "held before", "held after"} <= set(around)
        ranking = held(opened, "ranking")
        scores = [float(row[2]) for row in ranking]
        assert scores == sorted(scores, reverse=True) and ranking[0][3].startswith("rank 0, weight ")
        levels = held(opened, "levels")
        assert {row[1] for row in levels} == {"reference", "candidate"}
        assert all(row[5] == pytest.approx(row[3] * 0.8, abs=1e-4) for row in levels)  # stop_loss 0.2
        opened.page.locator("#first a", has_text="rule E3").click()
        assert "Commission" in opened.page.locator("#rule-E3:target").inner_text()


def test_a_filter_a_cell_of_the_map_and_the_keys_lead_to_breaks(browser: Any, pages: dict[str, Path]) -> None:
    with Opened(browser, pages["breaks"]) as opened:
        opened.drawn()
        page, whole = opened.page, shown(opened)
        page.fill("#breaks input", "fills commission")
        assert shown(opened) != whole
        rows = page.locator("#breaks tbody tr:not(.pad)").all_inner_texts()
        assert rows and all("fills" in row and "commission" in row for row in rows)
        page.locator("#breaks .tools button", has_text="Show all").click()
        assert shown(opened) == whole
        cell = page.locator("#map a").first
        count = int(cell.get_attribute("data-count"))
        cell.click()
        opened.until("document.querySelector('#breaks .tools span').textContent.includes('stage')")
        assert shown(opened).startswith(f"{count:,} of ")
        page.keyboard.press("j")
        page.keyboard.press("j")
        assert page.locator("#breaks tr.here").count() == 1 and "row=" in page.url
        assert opened.errors == []


def test_an_address_leads_to_a_row_a_period_and_a_symbol(browser: Any, pages: dict[str, Path]) -> None:
    path = pages["breaks"]
    with Opened(browser, path, "#breaks-40") as opened:
        opened.drawn()
        assert opened.page.locator("#breaks tr.here").get_attribute("id") == "breaks-40"
        opened.page.locator("#breaks tr.here td a").nth(1).click()  # its rebalance
        opened.until("location.hash.includes('rebalance')")
        address = opened.page.url
    with Opened(browser, path, address.partition(path.name)[2]) as opened:
        opened.drawn()
        only = [row for row in held(opened, "breaks") if str(row[2]) == address.rpartition("=")[2]]
        assert only and shown(opened).startswith(f"{len(only):,} of ")
    with Opened(browser, path, "#breaks?symbol=IBM&row=1") as opened:
        opened.drawn()
        rows = opened.page.locator("#breaks tbody tr:not(.pad)").all_inner_texts()
        assert rows and all("IBM" in row for row in rows)
        opened.page.locator("#breaks .tools button", has_text="Copy link").click()
        opened.page.wait_for_selector("#breaks .tools button:has-text('Cop')")
    with Opened(browser, path, "#periods-3") as opened:
        opened.drawn()
        assert opened.page.locator("#periods tr.here").get_attribute("id") == "periods-3"
        assert opened.errors == []


def test_a_table_sorts_by_its_headings(browser: Any, pages: dict[str, Path]) -> None:
    with Opened(browser, pages["breaks"]) as opened:
        opened.drawn()
        for _ in range(2):
            opened.page.locator("#breaks thead button", has_text="#").click()
        first = opened.page.locator("#breaks tbody tr").first.locator("td").first.inner_text()
        assert int(first) == min(facts_of(opened)["breaks"], 10_000)


def test_rows_that_can_be_seen_are_not_replaced_while_a_table_scrolls(
    browser: Any, pages: dict[str, Path]
) -> None:
    with Opened(browser, pages["million"]) as opened:
        opened.drawn()
        row = opened.page.locator("#breaks tbody tr").nth(3).element_handle()
        opened.page.locator("#breaks .frame").evaluate(
            "frame => new Promise(done => {"
            " frame.scrollTop = 20; setTimeout(() => requestAnimationFrame(done), 100); })"
        )
        assert row.evaluate("row => row.isConnected")


def test_of_a_million_breaks_the_first_are_held_and_the_rest_is_counted(
    browser: Any, pages: dict[str, Path]
) -> None:
    with Opened(browser, pages["million"]) as opened:
        opened.drawn()
        page = opened.page
        assert f"{MANY - 10_000:,} more" in page.locator("#breaks .note").first.inner_text()
        assert page.locator("#breaks tbody tr").count() < 200
        page.locator("#breaks .frame").evaluate("frame => { frame.scrollTop = 200000 }")
        page.wait_for_selector("#breaks-7150")
        page.locator("#map a").last.click()
        opened.until("document.querySelector('#breaks tbody').textContent.includes('not held')")
        assert f"{MANY:,}" in page.locator("h1").inner_text()
        assert opened.errors == []


def test_a_review_shows_each_case_and_how_it_is_accepted(browser: Any, pages: dict[str, Path]) -> None:
    with Opened(browser, pages["review"]) as opened:
        case = opened.page.locator("#case-exit-stop-loss")
        assert "commission 5 -> 8 bps" in case.locator("dl").inner_text()
        assert (
            'reconcile golden accept exit-stop-loss --reason "..."' in case.locator("code").all_inner_texts()
        )
        assert case.locator("figure").count() == 1
        moved = case.locator(".figures tr.moved th").all_inner_texts()
        assert "commission" in moved
        rows = held(opened, "case-exit-stop-loss-rows")
        assert rows and all(row[-1] != row[-2] for row in rows)
        assert opened.page.locator("#case-slippage-bps dl").inner_text().endswith("new case")


def test_a_failed_gate_shows_ratio_interval_and_drifts(browser: Any, pages: dict[str, Path]) -> None:
    with Opened(browser, pages["gate"]) as opened:
        looks = [row for row in held(opened, "pairs-numbers") if row[2] is not None]
        assert looks and all(low <= ratio <= high for _, _, ratio, low, high in looks)
        drifts = held(opened, "drift")
        assert ["stocks", "return", "7.71", "7.41", "-0.30", "0", "beyond the limit"] in drifts
        failures = opened.page.locator(".said ol li").all_inner_texts()
        assert any("stocks: return drifted" in line for line in failures)
        assert any("throughput failed" in line for line in failures)


def test_records_of_a_plain_answer_become_tables() -> None:
    (grid,) = plain_grids('{"kind": "x", "found": [{"a_b": 1, "c": [2]}, {"c": null}], "names": ["y"]}')
    assert (grid.name, grid.columns, grid.numeric) == ("found", ("a_b", "c"), frozenset({0}))
    assert [tuple(row) for row in grid.rows] == [(1, "[2]"), (None, None)]


def test_a_drill_and_a_shrunk_case_have_their_tables(browser: Any, pages: dict[str, Path]) -> None:
    with Opened(browser, pages["drill"]) as opened:
        assert [row[0] for row in held(opened, "missed")] == ["late (top25, seed 1)"]
        assert len(held(opened, "findings")) == 2
    with Opened(browser, pages["shrink"]) as opened:
        assert "symbols" in opened.page.locator("#smaller .figures").inner_text()
        assert len(held(opened, "breaks")) == facts_of(opened)["after"]["breaks"]


def test_an_identification_shows_the_conventions_and_names_the_engines(
    browser: Any, pages: dict[str, Path]
) -> None:
    with Opened(browser, pages["identify"]) as opened:
        first = opened.page.locator("#answer").inner_text()
        assert "pybroker" in first and "short sales" in first
        rows = held(opened, "conventions")
        assert ["what is charged", "5 bps", "5 bps", "identified"] in [row[:4] for row in rows]
        assert len(held(opened, "engines")) >= 10


@pytest.mark.parametrize("name", ["breaks", "explained", "review", "gate"])
def test_a_page_fits_a_phone(browser: Any, pages: dict[str, Path], name: str) -> None:
    with Opened(browser, pages[name], viewport={"width": 390, "height": 800}) as opened:
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= 400


def test_on_paper_tables_are_short_and_every_chart_is_drawn(browser: Any, pages: dict[str, Path]) -> None:
    with Opened(browser, pages["breaks"]) as opened:
        opened.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert "more rows" in opened.page.locator("#breaks tbody tr").last.inner_text()
        assert opened.page.locator("#breaks .pad").count() == 0
        assert opened.page.pdf()[:5] == b"%PDF-"
        opened.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        assert opened.page.locator("#breaks .pad").count() == 1
