"""Progress on stderr: what is shown of it on a terminal and elsewhere, and that every command reports it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

import reconcile
from conftest import SMALL_SCENARIO, small_bars
from reconcile.cli import COMMANDS as COMMANDS_OF_CLI
from reconcile.cli import exit_code
from reconcile.commands import display
from reconcile.commands.display import Display
from reconcile.running.progress import Meter, Phase


def until(claim: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not claim():
        assert time.monotonic() < end
        time.sleep(0.01)


class Heard:
    """What was written to stderr."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.text = ""
        monkeypatch.setattr(display, "print_message", self._hear)

    def _hear(self, text: str, *, newline: bool = True) -> None:
        self.text += text + ("\n" if newline else "")


def test_a_log_gets_a_line_now_and_then_with_counts_and_time_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard = Heard(monkeypatch)
    shown = Display(terminal=False, repeated=0.05)
    with shown.watch(Phase.GOLDENS, 23) as outer, shown.watch(Phase.REFERENCE, 3270) as inner:
        outer(2)
        inner(812)
        until(lambda: "812 of 3,270" in heard.text)
    line = heard.text.splitlines()[-1]
    assert line.startswith("goldens  2 of 23  ") and "  reference  812 of 3,270  0 s, 0 s left" in line
    assert "\r" not in heard.text and "[" not in heard.text


def test_a_phase_that_reports_nothing_shows_its_time_and_words(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Heard(monkeypatch)
    shown = Display(terminal=False, repeated=0.05)
    with shown.watch(Phase.EXPLAINING, 0) as meter:
        until(lambda: "explaining  0 s\n" in heard.text)
        meter.say("trying: \x1b[31mred")
        until(lambda: "trying: \\x1b[31mred" in heard.text)


def test_a_terminal_gets_one_line_with_a_bar_that_is_erased(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard = Heard(monkeypatch)
    monkeypatch.setenv("COLUMNS", "60")
    shown = Display(terminal=True, first=0.01)
    with shown.watch(Phase.REFERENCE, 100) as meter:
        meter(50)
        until(lambda: "[##########----------]  50 of 100" in heard.text)
        meter.say("x" * 100)
        until(lambda: "xxx" in heard.text)
    assert "\n" not in heard.text and heard.text.endswith("\r\x1b[K")
    assert max(len(part) for part in heard.text.split("\r\x1b[K")) <= 59


def test_what_is_quick_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Heard(monkeypatch)
    shown = Display(terminal=True)
    with shown.watch(Phase.LOADING, 0):
        pass
    assert heard.text == ""


def test_progress_that_is_not_wanted_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Heard(monkeypatch)
    shown = Display(terminal=False, repeated=0.01, silent=True)
    with shown.watch(Phase.EXPLAINING, 0):
        time.sleep(0.1)
    assert heard.text == ""


def test_the_thread_that_draws_ends_with_the_last_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    Heard(monkeypatch)
    shown = Display(terminal=False)
    before = threading.active_count()
    for _ in range(3):
        with shown.watch(Phase.LOADING, 0), shown.watch(Phase.REFERENCE, 3):
            assert threading.active_count() == before + 1
        until(lambda: threading.active_count() == before)


SMALL = {Phase.LOADING, Phase.REFERENCE}
COMMANDS: dict[str, set[Phase]] = {
    "run small.toml --out out": {*SMALL, Phase.ENGINE, Phase.COMPARING, Phase.WRITING},
    "run small.toml mine:dear": {*SMALL, Phase.CANDIDATE, Phase.COMPARING},
    "check small.toml": {Phase.LOADING},
    "diff ledger ledger --scenario small.toml": {Phase.READING, Phase.LOADING, Phase.COMPARING},
    "identify small.toml ledger": {Phase.LOADING, Phase.READING, Phase.IDENTIFYING},
    "audit ledger": {Phase.READING, Phase.AUDITING},
    "explain small.toml mine:dear": {Phase.LOADING, Phase.READING, Phase.CANDIDATE, Phase.EXPLAINING},
    "shrink small.toml mine:dear": {Phase.LOADING, Phase.SHRINKING, Phase.EXPLAINING},
    "import ledger --out made": {Phase.READING, Phase.WRITING},
    "import --suggest ledger/fills.csv": {Phase.LOOKING},
    "golden check": {Phase.GOLDENS, *SMALL, Phase.ENGINE},
    "gate --checks goldens,drift": {Phase.GOLDENS, Phase.DRIFT, *SMALL, Phase.ENGINE},
}


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_reports_what_it_does(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And counts where it knows how many steps there are; explain says what it tries."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bars.csv").write_text(small_bars())
    (tmp_path / "small.toml").write_text(SMALL_SCENARIO)
    cases = tmp_path / "tests/golden/cases"
    cases.mkdir(parents=True)
    (cases / "small.toml").write_text(SMALL_SCENARIO.replace("bars.csv", "../../../bars.csv"))
    (tmp_path / "mine.py").write_text(
        "import reconcile\n\n\ndef dear(scenario, market):\n"
        "    dearer = reconcile.replace(scenario, 'costs.commission.rate', '9')\n"
        "    return reconcile.engine.run(dearer, market)\n"
    )
    small = reconcile.scenario_from_file("small.toml")
    reconcile.write_ledger(reconcile.reference.run(small, reconcile.load_market(small)), "ledger", "csv")
    seen: dict[Phase, Recorded] = {}

    @contextlib.contextmanager
    def watch(phase: Phase, steps: int) -> Iterator[Meter]:
        yield seen.setdefault(phase, Recorded(steps))

    name = words.split()[0]
    module = import_module(COMMANDS_OF_CLI[name][0])
    monkeypatch.setattr(module, "watching", lambda: watch)
    monkeypatch.syspath_prepend(tmp_path)
    assert exit_code(words.split()) in (0, 1, 2)
    assert COMMANDS[words] <= set(seen), set(seen)
    assert all(one.counted for one in seen.values() if one.steps), seen
    if name == "explain":
        assert any("trying: commission is 9 bps" in text for text in seen[Phase.EXPLAINING].said)


class Recorded:
    """A meter that keeps what it is told."""

    def __init__(self, steps: int) -> None:
        self.steps, self.counted, self.said = steps, 0, [""]

    def __call__(self, done: int, /) -> None:
        self.counted += 1

    def say(self, text: str, /) -> None:
        self.said.append(text)
