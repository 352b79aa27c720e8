"""A user's function runs in a process of its own: what it does there comes out as one message and code 2."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import SMALL_SCENARIO, small_bars
from reconcile.cli import exit_code
from reconcile.running.failures import Failure, failed
from reconcile.running.worker import Worker

DESK = """
import os, pathlib, signal, sys, threading, time
import reconcile
from reconcile import reference

MODE = pathlib.Path(__file__).with_name("mode.txt").read_text()
if MODE == "exit at import":
    os._exit(0)
if MODE == "raise at import":
    raise ValueError("no luck")
CALLS = []


def misbehave():
    CALLS.append(1)
    if MODE == "exit":
        os._exit(0)
    if MODE == "exit later" and len(CALLS) > 3:
        os._exit(0)
    if MODE == "sys.exit":
        sys.exit(0)
    if MODE == "raise":
        raise ValueError("no luck")
    if MODE == "signal":
        os.kill(os.getpid(), signal.SIGTERM)
    if MODE == "abort":
        os.abort()
    if MODE == "hang":
        time.sleep(60)
    if MODE == "memory":
        held = b"x" * 1_000_000_000
        time.sleep(60)
    if MODE == "memory of a child":
        import subprocess
        subprocess.run([sys.executable, "-c", "held = b'x' * 1_000_000_000; import time; time.sleep(60)"])
    if MODE == "write":
        for number in range(3, 30):
            try:
                os.write(number, b"hello")
            except OSError:
                pass
    if MODE == "close":
        os.closerange(3, 30)
    if MODE == "disturb":
        disturb()


def disturb():
    # Whatever of this reached the comparison would change or stop it.
    import atexit, warnings
    import numpy as np
    os.write(1, b"straight to the descriptor\\n")
    os.write(2, b"and to the other\\n")
    print("printed")
    os.chdir("/")
    warnings.simplefilter("error")
    np.array_equal = np.asarray = lambda *given, **named: None
    atexit.register(lambda: os._exit(7))
    threading.Thread(target=time.sleep, args=(60,)).start()
    if os.fork() == 0:
        time.sleep(60)
    sys.excepthook = None  # without it, threads do not start


def run(scenario, market):
    ledger = reference.run(reconcile.replace(scenario, "costs.commission.rate", "8"), market)
    misbehave()
    return ledger


def same(scenario, market):
    ledger = reference.run(scenario, market)
    misbehave()
    return ledger


def nothing(scenario, market):
    return None


def weights(view):
    misbehave()
    return {view.symbols[0]: 0.5}
"""
CALLED = """
[market]
data = "{bars}"
[portfolio]
initial_cash = "10000"
[strategy]
kind = "callable"
function = "desk:weights"
"""
SETTINGS = """
[tool.reconcile.gate]
candidate = "desk:run"
paths = ["."]
scenario = "small.toml"
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose golden was accepted while its strategy behaved, with two ledgers that differ."""
    root = tmp_path_factory.mktemp("desk")
    (root / "bars.csv").write_text(small_bars())
    (root / "small.toml").write_text(SMALL_SCENARIO)
    (root / "called.toml").write_text(CALLED.format(bars="bars.csv"))
    (root / "desk.py").write_text(DESK)
    (root / "mode.txt").write_text("good")
    (root / "pyproject.toml").write_text(SETTINGS)
    cases = root / "tests/golden/cases"
    cases.mkdir(parents=True)
    (cases / "called.toml").write_text(CALLED.format(bars="../../../bars.csv"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        assert exit_code(["golden", "check"]) == 1
        assert exit_code(["golden", "accept", "called", "--reason", "first"]) == 0
        assert exit_code(["run", "small.toml", "--out", "results"]) == 0
        assert exit_code(["run", "called.toml", "--out", "called"]) == 0
    return root


@pytest.fixture
def run(accepted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> Run:
    """Run a command in a copy of the project, in a mode; (exit code, what stdout got, what stderr got)."""
    root = tmp_path / "desk"
    shutil.copytree(accepted, root)
    monkeypatch.chdir(root)

    def call(mode: str, *arguments: str) -> tuple[int, str, str]:
        (root / "mode.txt").write_text(mode)
        capfd.readouterr()
        code = exit_code(list(arguments))
        out, err = capfd.readouterr()
        return code, out, err

    return call


def one_message(err: str) -> str:
    """The only message that is printed, which names the user's function."""
    lines = err.splitlines()
    (begin,) = (place for place, line in enumerate(lines) if line.startswith("error: "))
    assert "desk" in "\n".join(lines[begin : begin + 2])
    assert "Traceback" not in err and "did not foresee" not in err
    return "\n".join(lines[begin:])


@pytest.mark.parametrize(
    ("mode", "options", "said"),
    [
        ("exit", (), "a process that ended with exit code 0 before it answered"),
        ("exit at import", (), "a process that ended with exit code 0 before it answered"),
        ("sys.exit", (), "SystemExit: 0"),
        ("raise", (), "ValueError: no luck"),
        ("raise at import", (), "a module 'desk' that raised ValueError while it was imported: no luck"),
        ("signal", (), "a process that was ended by signal SIGTERM"),
        ("abort", (), "a process that was ended by signal SIGABRT"),
        ("hang", ("--timeout", "1"), "no answer within 1 s"),
        ("memory", ("--memory", "600MB"), "of memory in use by its process and what that started"),
        ("memory of a child", ("--memory", "600MB"), "of memory in use by its process and what that started"),
        ("write", (), "an answer that cannot be read: it begins with b'hello"),
        ("close", (), "an answer that cannot be read: the pipe that answers come through was closed"),
    ],
)
def test_each_way_to_fail_is_one_message(mode: str, options: tuple[str, ...], said: str, run: Run) -> None:
    code, out, err = run(mode, "run", "small.toml", "desk:run", *options)
    assert (code, out) == (2, "")
    assert said in one_message(err)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("desk:nothing", "a NoneType"),
        ("desk:absent", "a name that exists: 'absent' does not"),
        ("no_such_desk:run", "no module 'no_such_desk'"),
    ],
)
def test_what_is_no_candidate_is_one_message(name: str, said: str, run: Run) -> None:
    code, out, err = run("good", "run", "small.toml", name)
    assert (code, out) == (2, "")
    assert said in one_message(err)


CANDIDATE_COMMANDS = {
    "run": ("run", "small.toml", "desk:run"),
    "run --json": ("run", "small.toml", "desk:run", "--json"),
    "run --out": ("run", "small.toml", "desk:run", "--out", "new"),
    "explain": ("explain", "small.toml", "desk:run"),
    "shrink": ("shrink", "small.toml", "desk:run", "--out", "new"),
    "gate": ("gate", "--checks", "goldens,drift"),
}
STRATEGY_COMMANDS = {
    "run": ("run", "called.toml"),
    "explain": ("explain", "called.toml", "results/candidate"),
    "shrink": ("shrink", "called.toml", "desk:same", "--out", "new"),
    "diff": ("diff", "called/reference", "results/candidate", "--scenario", "called.toml"),
    "golden check": ("golden", "check"),
    "gate": ("gate", "--checks", "goldens"),
}
COMMANDS = {
    **{f"candidate: {name}": one for name, one in CANDIDATE_COMMANDS.items()},
    **{f"strategy: {name}": one for name, one in STRATEGY_COMMANDS.items()},
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_function_that_ends_its_process_is_no_pass_in_any_command(command: str, run: Run) -> None:
    """It used to end the command itself: with code 0, and without a word."""
    code, out, err = run("exit", *COMMANDS[command])
    assert (code, out) == (2, "")
    assert "a process that ended with exit code 0 before it answered" in one_message(err)
    assert not Path("new").exists()


@pytest.mark.parametrize("command", ["check", "audit"])
def test_a_strategy_is_imported_in_a_process_of_its_own(command: str, run: Run) -> None:
    """Also where no run is made of it."""
    arguments = {
        "check": ("check", "called.toml"),
        "audit": ("audit", "called/reference", "--scenario", "called.toml"),
    }
    assert run("good", *arguments[command])[0] == 0
    code, out, err = run("exit at import", *arguments[command])
    assert (code, out) == (2, "")
    assert "exit code 0" in one_message(err)


def test_every_command_that_may_run_functions_gives_them_a_process() -> None:
    """A scenario may name a function, a candidate is one: both need a host, and its options."""
    import click

    from reconcile.cli import COMMANDS as NAMES
    from reconcile.cli import group

    def leaves(command: click.Command, name: str) -> list[tuple[str, click.Command]]:
        if not isinstance(command, click.Group):
            return [(name, command)]
        context = click.Context(command)
        inner = [(one, command.get_command(context, one)) for one in command.list_commands(context)]
        return [leaf for one, below in inner if below for leaf in leaves(below, f"{name} {one}")]

    found = {}
    for name in NAMES:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        found |= dict(leaves(command, name))
    for name, command in found.items():
        names = {parameter.name for parameter in command.params}
        needed = bool(names & {"scenario", "candidate"}) or name in ("gate", "golden check")
        assert ("in_process" in names) is needed, name
    assert len(found) >= 12


FACTS = {
    Failure.EXIT: {"code": 0, "words": ""},
    Failure.SIGNAL: {"signal": "SIGKILL", "words": ""},
    Failure.TIMEOUT: {"seconds": "1"},
    Failure.MEMORY: {"used": "2 GB", "allowed": "1 GB"},
    Failure.PROTOCOL: {"trouble": "it ends in the middle"},
    Failure.EXCEPTION: {"type": "ValueError", "text": "no luck", "expected": "a Ledger"},
    Failure.NO_LEDGER: {"type": "NoneType"},
    Failure.MALFORMED: {"trouble": "column fills.price: kind Kind.MONEY"},
    Failure.MARKET_CHANGED: {},
}
ENDINGS = (Failure.EXIT, Failure.SIGNAL, Failure.TIMEOUT, Failure.MEMORY, Failure.PROTOCOL)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_row_of_the_table_through_each_command(
    command: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No process is started: the worker's answer to a call is the failure itself."""
    # A function that merely raises fails its case (golden check, gate), or leaves roots untold (diff).
    orderly = ("diff", "golden check", "gate")
    for kind in ENDINGS if command.partition(": ")[2] in orderly else FACTS:

        def ask(self: Worker, call: Any, kind: Failure = kind) -> tuple[Any, bytes]:
            self.check()
            if call.request["call"] == "compiled":
                return True, b""
            failure = failed(call.who, kind, **FACTS[kind])
            raise self._give_up(failure) if kind in ENDINGS else failure

        monkeypatch.setattr(Worker, "_ask", ask)
        monkeypatch.setattr(Worker, "find", lambda *given, **named: None)
        code, out, err = run("good", *COMMANDS[command])
        assert (code, out) == (2, ""), kind
        assert one_message(err)
        assert failed("", kind, **FACTS[kind]).found in err


def test_a_failure_that_a_search_met_is_reported_all_the_same(run: Run) -> None:
    """A trial that cannot be run is none; one that ended the process is the answer to the whole command."""
    code, out, err = run("exit later", "shrink", "small.toml", "desk:run", "--out", "new")
    assert (code, out) == (2, "")
    assert "exit code 0" in one_message(err)
    assert not Path("new").exists()


def test_what_a_function_does_to_its_process_does_not_reach_the_comparison(run: Run) -> None:
    code, out, err = run("disturb", "run", "small.toml", "desk:same")
    assert code == 0
    assert out.startswith("matched: 0 breaks")
    for line in ("straight to the descriptor", "and to the other", "printed"):
        assert line in err and line not in out
    assert not leftover_processes()


def leftover_processes() -> list[Any]:
    """Processes that were started here and still run, but for Python's own tracker of resources."""
    import psutil

    found = psutil.Process().children(recursive=True)
    return [each for each in found if not any("resource_tracker" in word for word in each.cmdline())]


def test_what_is_printed_is_bounded(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconcile.running.supervision.OUTPUT", 100)
    Path("loud.py").write_text(
        "from reconcile import reference\n"
        "def run(scenario, market):\n    print('x' * 5000)\n    return reference.run(scenario, market)\n"
    )
    code, out, err = run("good", "run", "small.toml", "loud:run")
    assert code == 0 and out.startswith("matched")
    assert "x" * 100 in err and "x" * 101 not in err
    assert "more than 100 bytes of output; the rest is left out" in err


def test_a_project_with_modules_of_our_names_reconciles(run: Run) -> None:
    """Theirs are theirs, in a package too; ours are below `reconcile`."""
    Path("engine").mkdir()
    Path("engine/__init__.py").write_text("from engine.kernel import RATE\n")
    Path("engine/kernel.py").write_text("RATE = '8'\n")
    Path("reference.py").write_text("NAME = 'theirs'\n")
    Path("vocabulary.py").write_text("WORDS = 7\n")
    Path("theirs.py").write_text(
        "import engine, reference, vocabulary\n"
        "import reconcile\n"
        "import reconcile.engine, reconcile.reference\n"
        "from reconcile.vocabulary import Ledger\n"
        "assert (reference.NAME, vocabulary.WORDS) == ('theirs', 7)\n"
        "def run(scenario, market):\n"
        "    dear = reconcile.replace(scenario, 'costs.commission.rate', engine.RATE)\n"
        "    made = reconcile.engine.run(dear, market)\n"
        "    assert isinstance(made, Ledger)\n"
        "    frames = {'fills': reconcile.frame(made, 'fills'), 'equity': reconcile.frame(made, 'equity')}\n"
        "    assert reconcile.from_frames(frames).tables['fills'].rows\n"
        "    return made\n"
        "def weights(view):\n"
        "    return {view.symbols[0]: float(engine.RATE) / 16}\n"
    )
    Path("theirs.toml").write_text(CALLED.format(bars="bars.csv").replace("desk:", "theirs:"))
    for options in ((), ("--in-process",)):
        code, out, _ = run("good", "run", "small.toml", "theirs:run", *options)
        assert code == 1
        assert "fill commission" in out.splitlines()[0]
        forget("theirs", "engine", "reference", "vocabulary")
    code, out, _ = run("good", "run", "theirs.toml")
    assert (code, out.partition(":")[0]) == (0, "matched")


def test_such_a_project_may_import_reconcile_itself(run: Run) -> None:
    """As its tests and notebooks do: theirs first on the path, and imported before ours."""
    for name in ("engine", "reference", "vocabulary"):
        Path(f"{name}.py").write_text("NAME = 'theirs'\n")
    code = (
        "import engine, vocabulary, reconcile, reference; from reconcile import reference as ours;"
        "scenario = reconcile.find_scenario('small.toml'); market = reconcile.load_market(scenario);"
        "assert ours.run(scenario, market).tables['fills'].rows;"
        "assert reconcile.run(scenario).verdict.value == 'matched';"
        "print(engine.NAME, reference.NAME, vocabulary.NAME)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("theirs theirs theirs\n", 0), done.stderr


def forget(*names: str) -> None:
    """Modules that a call in this process left behind."""
    from reconcile.own_packages import ours_first

    for name in [one for one in sys.modules if one.partition(".")[0] in names]:
        if not str(getattr(sys.modules[name], "__file__", "")).startswith(str(SOURCE)):
            del sys.modules[name]
    ours_first()


SOURCE = Path(__file__).resolve().parent.parent / "src"


def test_a_project_without_such_modules_may_use_the_plain_names(run: Run) -> None:
    Path("plain.py").write_text(
        "import engine, vocabulary\nimport reconcile.engine\n"
        "def run(scenario, market):\n"
        "    assert engine is reconcile.engine\n"
        "    made = engine.run(scenario, market)\n"
        "    assert isinstance(made, vocabulary.Ledger)\n"
        "    return made\n"
    )
    assert run("good", "run", "small.toml", "plain:run")[0] == 0


def test_a_candidate_that_ignores_its_market_is_named(run: Run) -> None:
    """Shrink would cut a market that the candidate never looks at."""
    Path("deaf.py").write_text(
        "import reconcile\nfrom reconcile import reference\n"
        "SCENARIO = reconcile.scenario_from_file('small.toml')\n"
        "MARKET = reconcile.load_market(SCENARIO)\n"
        "def run(scenario, market):\n"
        "    dear = reconcile.replace(scenario, 'costs.commission.rate', '8')\n"
        "    return reference.run(dear, MARKET)\n"
    )
    how = "fills for the market and for one in which no symbol is ever present"
    code, out, _ = run("good", "run", "small.toml", "deaf:run")
    assert code == 1
    assert "The candidate ignores the market that it is given: the same " in out and how in out
    code, out, err = run("good", "shrink", "small.toml", "deaf:run", "--out", "new")
    assert (code, out) == (2, "")
    assert how in err
    assert not Path("new").exists()
    code, out, _ = run("good", "run", "small.toml", "desk:run")
    assert code == 1 and "ignores" not in out


def test_fills_of_what_the_market_lacks_are_named(run: Run) -> None:
    lines = Path("bars.csv").read_text().splitlines()
    Path("fewer.csv").write_text("\n".join(line for line in lines if ",AAA," not in line) + "\n")
    Path("later.csv").write_text("\n".join(line.replace("2024-01-", "2025-01-") for line in lines) + "\n")
    for data, how in (
        ("fewer.csv", "of symbols that the market does not have: AAA"),
        ("later.csv", "fills at times that are no bars"),
    ):
        Path(f"{data[:5]}.py").write_text(
            "import reconcile\nfrom reconcile import reference\n"
            "def run(scenario, market):\n"
            "    return reference.run(scenario, reconcile.load_market(scenario, 'bars.csv'))\n"
        )
        code, _, err = run("good", "shrink", "small.toml", f"{data[:5]}:run", "--data", data, "--out", "new")
        assert code == 2
        assert how in err


def test_breakpoint_without_a_terminal_says_what_to_do(run: Run) -> None:
    Path("stops.py").write_text("def run(scenario, market):\n    breakpoint()\n")
    code, out, err = run("good", "run", "small.toml", "stops:run")
    assert (code, out) == (2, "")
    assert "breakpoint() has no terminal here; run it with --in-process" in err


@pytest.mark.skipif(os.name == "nt", reason="a pseudo terminal")
def test_breakpoint_on_a_terminal_is_a_debugger(run: Run) -> None:
    """Past the bound in time, which does not hold meanwhile."""
    Path("stops.py").write_text(
        "from reconcile import reference\n"
        "def run(scenario, market):\n"
        "    answer = 6\n"
        "    breakpoint()\n"
        "    return reference.run(scenario, market)\n"
    )
    command = [sys.executable, "-m", "reconcile.cli", "run", "small.toml", "stops:run", "--timeout", "5"]
    code, shown = on_a_terminal(command, ["p answer * 7\n", "c\n"])
    assert code == 0
    assert "(Pdb)" in shown and "42" in shown and "matched" in shown


def on_a_terminal(command: list[str], keys: list[str]) -> tuple[int, str]:
    """Run a command with a terminal of its own, and type a line at each prompt of the debugger."""
    shown = b""
    process, terminal = pty.fork()
    if process == 0:
        os.execvp(command[0], command)
    try:
        while True:
            piece = os.read(terminal, 4096)
            if not piece:
                break
            shown += piece
            if keys and shown.count(b"(Pdb)") > 2 - len(keys):
                os.write(terminal, keys.pop(0).encode())
    except OSError:
        pass  # the terminal is gone with its last process
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status), shown.decode()


def test_options_of_another_process_do_not_go_with_this_one(run: Run) -> None:
    code, out, err = run("good", "run", "small.toml", "desk:same", "--in-process", "--timeout", "3")
    assert (code, out) == (2, "")
    assert "leave --in-process out" in err


@pytest.mark.parametrize("size", ["12 apples", "-1GB", "nanGB", "1e999GB", ""])
def test_a_size_that_is_none_is_refused(size: str, run: Run) -> None:
    code, out, err = run("good", "run", "small.toml", "desk:same", f"--memory={size}")
    assert (code, out) == (2, "")
    assert "write it like 800MB or 2.5GB" in err


def test_nothing_is_left_behind(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a process nor a file, whether it ends well or not."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    for mode in ("good", "exit", "raise"):
        run(mode, "run", "small.toml", "desk:same")
        assert list(place.iterdir()) == []
        assert not leftover_processes()


def test_an_interrupt_ends_the_worker(run: Run) -> None:
    import signal
    import time

    Path("mode.txt").write_text("hang")
    command = [sys.executable, "-m", "reconcile.cli", "run", "small.toml", "desk:run"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    import psutil

    until = time.monotonic() + 60
    while time.monotonic() < until:
        children = psutil.Process(process.pid).children(recursive=True)
        if children and children[0].cpu_times().user > 0.2 and children[0].status() == "sleeping":
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert "interrupted" in err
    assert not [child for child in children if child.is_running() and child.status() != "zombie"]
