"""What is drawn besides the page: figures on file, blocks on a terminal, the first screen in a notebook."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine
import reconcile
import reference
from reconcile.api.explain import ExplainResult
from reconcile.commands.shared import _gap_lines
from reconcile.html.drawings import Waterfall
from reconcile.html.rules import rule_texts
from reconcile.html.series import BLOCKS, blocks, ends_of, thinned
from vocabulary.errors import InputError


@pytest.fixture(scope="module")
def explained() -> ExplainResult:
    scenario = reconcile.find_scenario("stocks")
    market = reconcile.slice_market(reconcile.load_market(scenario), bars=(0, 400))
    dear = engine.run(reconcile.replace(scenario, "costs.commission.rate", "8"), market)
    return reconcile.explain(scenario, dear, data=market)


def test_equity_bridge_and_map_are_drawn_as_svg_and_png(explained: ExplainResult, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="tieout[figures] is not installed")
    names = explained.to_figures(tmp_path / "one")
    assert names == tuple(f"{name}.{kind}" for name in ("equity", "bridge", "map") for kind in ("svg", "png"))
    for name in names:
        data = (tmp_path / "one" / name).read_bytes()
        assert data.startswith(b"\x89PNG\r\n" if name.endswith("png") else b"<?xml")
    assert "commission is 8 bps" in (tmp_path / "one" / "bridge.svg").read_text(encoding="utf-8")
    explained.to_figures(tmp_path / "two")
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_result_without_equity_bridge_and_map_draws_nothing_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="tieout[figures] is not installed")
    from reconcile.cli import exit_code

    assert exit_code(["check", "stocks", "--figures", str(tmp_path / "figures")]) == 0
    assert ": none: " in capsys.readouterr().out and list((tmp_path / "figures").iterdir()) == []


@pytest.mark.parametrize(
    ("module", "extra"), [("matplotlib", "figures"), ("bokeh", "html"), ("jinja2", "html")]
)
def test_without_its_extra_the_error_says_what_to_install(
    explained: ExplainResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    call = explained.to_figures if extra == "figures" else explained.to_html
    with pytest.raises(InputError, match=module) as caught:
        call(tmp_path / "here")
    assert f"tieout[{extra}]" in caught.value.remedy and not (tmp_path / "here").exists()


def test_the_first_screen_in_a_notebook_has_causes_figures_and_curves(explained: ExplainResult) -> None:
    text = explained._repr_html_()
    assert "<script" not in text and "<svg" in text and text.count("<polyline") == 3
    assert "<li>commission is 8 bps instead of 5 bps</li>" in text and "<td>return</td>" in text


class Terminal:
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_the_gap_as_blocks(
    explained: ExplainResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal: Any = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    (text,) = _gap_lines(explained)
    first, second = text.split("\n")
    assert first.startswith("equity gap    ▁") and "█" in first and " to " in second
    terminal.encoding = "ascii"
    assert _gap_lines(explained) == []


def test_a_side_that_agrees_has_no_gap_to_show() -> None:
    scenario = reconcile.find_scenario("stocks")
    market = reconcile.slice_market(reconcile.load_market(scenario), bars=(0, 300))
    right = reference.run(scenario, market)
    assert reconcile.diff(right, right).gap_line(60) is None


def test_blocks_rise_with_the_size_of_a_value() -> None:
    at = np.arange(16)
    values = -np.arange(16.0)
    assert blocks((at, values), 8) == BLOCKS
    assert blocks((at, np.full(16, np.nan)), 4) == "    "
    assert blocks((at[:0], values[:0])) == ""


def test_a_thinned_line_keeps_its_ends_its_lowest_and_its_highest() -> None:
    at = np.arange(100_000)
    values = np.sin(at / 300.0)
    values[777], values[4321] = -9.0, 9.0
    few, kept = thinned((at, values), 300)
    assert len(few) <= 400 and few[0] == 0 and few[-1] == at[-1]
    assert kept.min() == -9.0 and kept.max() == 9.0


def test_a_bridge_of_small_steps_has_an_axis_that_shows_them() -> None:
    small = Waterfall((("reference", 0.0, 1000.0), ("one", 1000.0, 998.0), ("candidate", 0.0, 998.0)))
    assert 990 < ends_of(small)[0] < 998 and 1000 < ends_of(small)[1] < 1010
    large = Waterfall((("reference", 0.0, 1000.0), ("one", 1000.0, 100.0), ("candidate", 0.0, 100.0)))
    assert ends_of(large)[0] == 0.0


def test_rules_are_quoted_as_the_semantics_have_them() -> None:
    texts = rule_texts()
    page = Path(__file__).resolve().parent.parent / "docs" / "semantics.md"
    whole = " ".join(page.read_text(encoding="utf-8").split())
    assert len(texts) > 30 and all(f"- **{name}** {text}" in whole for name, text in texts.items())
