"""Campaigns: plans become jobs, outcomes are kept for as long as they hold, and lost workers are told."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from tests import page_kit, schema_kit

import reconcile
from reconcile.campaigning import work
from reconcile.campaigning.campaign import CampaignResult
from reconcile.campaigning.keys import Keys
from reconcile.campaigning.model import Command, Job, Limits, Outcome, Status
from reconcile.campaigning.plan import plan_from_dict
from reconcile.vocabulary import InputError

HAND = Path(__file__).resolve().parent / "golden" / "hand"
CASES = ("T1-next-open", "T2-same-close", "A3-one-book", "E1-sells-first")
CANDIDATE = """
import os, signal, time
from pathlib import Path
import helper
from reconcile import reference

def run(scenario, market):
    with open(Path(__file__).with_name("log"), "a") as log:
        log.write(f"{scenario.name}\\n")
    time.sleep(helper.SECONDS)
    return reference.run(scenario, market)

def kill_worker(scenario, market):
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)

def sleep(scenario, market):
    time.sleep(600)
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with ledgers of two engines, their scenarios, and a candidate with a helper beside it."""
    for case in CASES:
        shutil.copytree(HAND / case / "expected", tmp_path / "old" / case)
        shutil.copytree(HAND / case / "expected", tmp_path / "new" / case)
        shutil.copytree(HAND / case, tmp_path / "cases" / case)
    book = tmp_path / "new" / "A3-one-book" / "fills.csv"
    lines = book.read_text().splitlines()
    head, first = lines[0].split(","), lines[1].split(",")
    first[head.index("commission")] = "77.0000"
    book.write_text("\n".join([lines[0], ",".join(first), *lines[2:]]) + "\n")
    shutil.rmtree(tmp_path / "new" / "E1-sells-first")
    (tmp_path / "mine.py").write_text(CANDIDATE)
    (tmp_path / "helper.py").write_text("SECONDS = 0\n")
    return tmp_path


def plan(place: Path, text: str) -> Path:
    (place / "plan.toml").write_text(text)
    return place / "plan.toml"


PAIRS = '[[pairs]]\nreference = "old/*"\ncandidate = "new/*"\n'


def runs(candidate: str = "mine:run", more: str = "") -> str:
    return (
        f'[[matrix]]\nscenario = "cases/*/scenario.toml"\ncandidate = "{candidate}"\nexplain = false\n{more}'
    )


def cash(*amounts: int) -> str:
    return f'[matrix.settings]\n"portfolio.initial_cash" = {[str(one) for one in amounts]}\n'


def matrix(found: CampaignResult) -> list[tuple[Any, ...]]:
    """What does not depend on who ran the jobs, nor on when."""
    return [
        (job.name, one.key, one.status, one.exit_code, one.verdict, one.headline, one.first, one.causes)
        for job, one in found.matrix.jobs
    ]


def ran(place: Path) -> list[str]:
    log = place / "log"
    return log.read_text().split() if log.exists() else []


def test_pairs_of_files_are_compared_and_grouped_by_what_they_share(place: Path) -> None:
    found = reconcile.campaign(plan(place, PAIRS), workers=1)
    by_name = {job.name: outcome for job, outcome in found.matrix.jobs}
    assert len(by_name) == 4 and found.exit_code == 1
    for case in CASES[:2]:
        same = reconcile.diff(place / "old" / case, place / "new" / case)
        outcome = by_name[f"diff old/{case} new/{case}"]
        assert (outcome.verdict, outcome.exit_code) == (same.verdict.value, same.exit_code)
        assert outcome.headline == same.text().partition("\n")[0]
    wrong = by_name["diff old/A3-one-book new/A3-one-book"]
    assert (wrong.first, wrong.exit_code) == ("fills.commission, cost", 1)
    lacking = by_name["diff old/E1-sells-first new/E1-sells-first"]
    assert lacking.status is Status.REFUSED and "nothing" in lacking.headline
    assert schema_kit.conforms("campaign", json.loads(found.to_json()))
    suite = Xml.fromstring(found.to_junit())[0]
    told = {case.attrib["name"]: [part.tag for part in case] for case in suite}
    assert told["diff old/A3-one-book new/A3-one-book"] == ["failure"]
    assert told["diff old/E1-sells-first new/E1-sells-first"] == ["error"]
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("4", "1")
    assert found.to_frame().shape[0] == 4


def test_a_cause_is_counted_over_all_jobs() -> None:
    """Grouped by cause; a job with two causes stands in both groups, a matched one in none."""
    from reconcile.campaigning.matrix import grouped, headline, worst
    from reconcile.campaigning.model import Matrix

    def job(number: int, code: int, *causes: str) -> tuple[Job, Outcome]:
        outcome = Outcome(str(number), Status.DONE, code, "breaks", "x", "fills, missing", causes)
        return Job(f"job {number}", Command.RUN, "."), outcome

    jobs = (job(1, 1, "fee", "lag"), job(2, 1, "fee"), job(3, 1), job(4, 0))
    groups = grouped(jobs)
    assert [(one.text, len(one.jobs)) for one in groups] == [("fee", 2), ("lag", 1), ("fills, missing", 1)]
    shown = headline(Matrix("plan", jobs, groups, 1.0, "one process"))
    assert shown == "1 of 4 jobs passed; 2 of 4 jobs: fee"
    assert [worst(codes) for codes in ([0, 1, 2], [0, 2, 4], [0, 4], [0], [2, 3], [])] == [1, 2, 4, 0, 3, 2]


def test_each_command_is_the_function_of_that_name(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is the function's own; those that need the engine are told what the job says."""
    from reconcile.campaigning import work

    case = "cases/T1-next-open"
    scenario, ledger = f'scenario = "{case}/scenario.toml"\n', 'candidate = "old/T1-next-open"\n'
    text = f'[[matrix]]\ncommand = "audit"\n{scenario}{ledger}[[matrix]]\ncommand = "check"\n{scenario}'
    jobs = reconcile.campaign(plan(place, text), workers=1).matrix.jobs
    spec, book = place / case / "scenario.toml", place / "old" / "T1-next-open"
    for (job, outcome), result in zip(
        jobs, (reconcile.audit(book, scenario=spec), reconcile.check(spec)), strict=True
    ):
        assert (outcome.status, outcome.exit_code) == (Status.DONE, result.exit_code), job.name
        assert outcome.verdict == result.verdict.value
    assert set(work.COMMANDS) == set(Command)
    said: list[Any] = []
    for name in ("explain", "identify"):
        monkeypatch.setattr(f"reconcile.api.{name}.{name}", lambda *given, **named: said.append(given))
        job = Job("one", Command(name), str(place), str(spec), str(book))
        work.COMMANDS[job.command](job)
    assert [given[1] for given in said] == [str(book), str(book)]


def test_an_outcome_is_kept_until_something_that_went_in_changes(place: Path) -> None:
    """The candidate, what it imports, the bars and the scenario; and --fresh runs all."""
    for case in CASES[2:]:
        shutil.rmtree(place / "cases" / case)
    path = plan(place, runs())
    first = reconcile.campaign(path, workers=1)
    assert (first.exit_code, first.matrix.ran) == (0, 2)
    count = len(ran(place))
    assert count >= 2
    again = reconcile.campaign(path, workers=1)
    assert (again.matrix.ran, len(ran(place))) == (0, count)
    assert matrix(again) == matrix(first)
    scenario = place / "cases" / CASES[0] / "scenario.toml"
    scenario.write_text(scenario.read_text() + "\n# a comment\n")
    assert reconcile.campaign(path, workers=1).matrix.ran == 1
    bars = place / "cases" / CASES[1] / "bars.csv"
    bars.write_text(bars.read_text() + "\n")
    assert reconcile.campaign(path, workers=1).matrix.ran == 1
    (place / "helper.py").write_text("SECONDS = 0.0\n")
    assert reconcile.campaign(path, workers=1).matrix.ran == 2
    assert reconcile.campaign(path, workers=1, fresh=True).matrix.ran == 2


def test_a_kept_outcome_that_was_damaged_is_run_again(place: Path) -> None:
    path = plan(place, PAIRS)
    first = reconcile.campaign(path, workers=1)
    damaged = sorted((place / "plan.results").glob("*/*.json"))
    damaged[0].write_text("{")
    damaged[1].write_text(damaged[2].read_text())  # of another job
    again = reconcile.campaign(path, workers=1)
    assert again.matrix.ran == 2 and matrix(again) == matrix(first)


def test_a_job_that_ends_its_worker_is_reported_and_its_neighbours_are_not(place: Path) -> None:
    """It is tried three times; every other job is done."""
    text = runs() + '[[matrix]]\nscenario = "cases/A3-one-book/scenario.toml"\ncandidate = "mine:kill_worker"'
    found = reconcile.campaign(plan(place, text), workers=2)
    status = [outcome.status for _, outcome in found.matrix.jobs]
    assert status == [Status.DONE] * 4 + [Status.LOST]
    assert "3 times" in found.matrix.jobs[-1][1].headline and found.exit_code == 2
    again = reconcile.campaign(place / "plan.toml", workers=2)
    assert again.matrix.ran == 1, "what was lost is not kept"


def test_a_job_that_takes_too_long_is_told_apart_from_a_lost_one(place: Path) -> None:
    text = "timeout = 1\n" + runs("mine:sleep").replace("cases/*", "cases/A3-one-book")
    found = reconcile.campaign(plan(place, text), workers=1)
    outcome = found.matrix.jobs[0][1]
    assert found.exit_code == 2
    assert outcome.status in (Status.TIMED_OUT, Status.REFUSED) and "1" in outcome.headline


def test_a_killed_campaign_goes_on_where_it_was(place: Path) -> None:
    """Nothing is lost, and nothing is run twice but what was under way."""
    (place / "helper.py").write_text("SECONDS = 0.15\n")
    path = plan(place, runs(more=cash(50000, 60000, 70000)))
    command = [sys.executable, "-m", "reconcile", "campaign", str(path), "--workers", "2"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    results = place / "plan.results"
    deadline = time.monotonic() + 60
    while len(list(results.glob("*/*.json"))) < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = len(list(results.glob("*/*.json")))
    assert 4 <= done < 12
    time.sleep(1)  # the workers see that they are alone
    found = reconcile.campaign(path, workers=2)
    assert len(found.matrix.jobs) == 12 and found.matrix.ran == 12 - done
    shutil.rmtree(results)
    assert matrix(reconcile.campaign(path, workers=1)) == matrix(found)


def test_jobs_run_on_a_dask_cluster_whose_workers_are_killed(place: Path) -> None:
    """The matrix is that of one process; and a job that takes too long is told apart."""
    from distributed import LocalCluster

    (place / "helper.py").write_text("SECONDS = 0.1\n")
    path = plan(place, PAIRS + runs())
    alone = reconcile.campaign(path, workers=1, keep=place / "alone")
    options: dict[str, Any] = {"dashboard_address": None, "silence_logs": 50}
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, **options) as cluster:
        killed = []

        def kill(_: Any, steps: int) -> Any:
            import contextlib

            @contextlib.contextmanager
            def watch() -> Any:
                def told(done: int) -> None:
                    if done == 2 and not killed:
                        killed.append(next(iter(cluster.workers.values())).pid)
                        os.kill(killed[0], signal.SIGKILL)

                yield told

            return watch()

        found = reconcile.campaign(path, scheduler=cluster.scheduler_address, keep=place / "c", watch=kill)
        slow = plan(place, "timeout = 0.001\n" + PAIRS)
        late = reconcile.campaign(slow, scheduler=cluster.scheduler_address, keep=place / "late")
    assert killed and found.matrix.ran == 8
    assert matrix(found) == matrix(alone)
    told = [outcome.status for _, outcome in late.matrix.jobs]
    assert told == [Status.TIMED_OUT] * 4, "what takes too long is not called lost"


def test_data_behind_a_url_are_read_where_the_job_runs(place: Path) -> None:
    """Patterns too; and an outcome is kept until the store says that the content changed."""
    text = PAIRS.replace('"old', f'"file://{place}/old').replace('"new', f'"file://{place}/new')
    path = plan(place, text)
    found = reconcile.campaign(path, workers=1)
    local = reconcile.campaign(plan(place, PAIRS), workers=1)
    codes = [one.exit_code for _, one in found.matrix.jobs]
    assert sorted(codes) == sorted(one.exit_code for _, one in local.matrix.jobs) and 1 in codes
    assert reconcile.campaign(plan(place, text), workers=1).matrix.ran == 0
    changed = place / "new" / "T1-next-open" / "fills.csv"
    changed.write_text(changed.read_text() + "\n")
    assert reconcile.campaign(path, workers=1).matrix.ran == 1


def test_settings_and_windows_multiply(place: Path) -> None:
    """Each combination is a job with a name of its own, and does what its name says."""
    more = 'window = [{ until = 2099-01-01 }, { since = "1990-01-01" }]\n' + cash(50000, 60000)
    text = runs(more=more).replace("cases/*", "cases/A3-one-book")
    found = reconcile.campaign(plan(place, text), workers=1)
    names = [job.name for job, _ in found.matrix.jobs]
    assert len(set(names)) == 4 and "portfolio.initial_cash=60000" in names[1]
    assert len({one.key for _, one in found.matrix.jobs}) == 4
    assert found.exit_code == 0
    empty = text.replace("2099", "1901")
    told = reconcile.campaign(plan(place, empty), workers=1).matrix.jobs[0][1]
    assert told.status is Status.REFUSED and "no bar in the window" in told.headline


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no job"),
        ("matrix = 3", "matrix"),
        ("[[matrix]]\nscenarios = 1", "matrix.1.scenarios"),
        ("[[matrix]]\ncommand = 'fly'", "matrix.1.command"),
        ("[[matrix]]\ncommand = 'explain'\nscenario = 'top25'", "explain without candidate"),
        ("[[matrix]]\nscenario = 'none/*.toml'", "matches nothing"),
        ("[[matrix]]\nscenario = ['top25', 'top25']", "twice"),
        ("[[pairs]]\nreference = 'old/*'\ncandidate = 'new/x'", "stars: 1 in reference, 0 in candidate"),
        ("[[pairs]]\nreference = 'none/*'\ncandidate = 'gone/*'", "no match"),
        ("[[pairs]]\ncandidate = 'new/*'", "a diff without a reference"),
        ("memory = 'much'\n[[matrix]]\nscenario = 'top25'", "'much'"),
        ("timeout = 0\n[[matrix]]\nscenario = 'top25'", "timeout"),
        ("[[matrix]\n", "not TOML"),
        ("[[matrix]]\nscenario = 'top25'\nwindow = { since = 'May' }", "window"),
    ],
)
def test_a_plan_that_is_wrong_is_one_error(text: str, said: str, place: Path) -> None:
    with pytest.raises(InputError) as error:
        reconcile.campaign(plan(place, text), workers=1)
    assert said in f"{error.value.where} {error.value.found}"
    assert not (place / "plan.results").exists()


def test_a_key_depends_on_all_of_a_job_but_its_name() -> None:
    """Two jobs that differ in any other field never share an outcome."""
    from dataclasses import fields, replace

    from reconcile.campaigning.model import Window

    job = Job("a", Command.RUN, "/", "top25")
    other: dict[str, Any] = {
        "command": Command.CHECK, "folder": "/tmp", "scenario": "stocks", "candidate": "x", "reference": "x",
        "data": "x", "mapping": "x", "reference_mapping": "x", "tolerance": "x", "settings": (("a", 1),),
        "window": Window("2000-01-01"), "case": "x", "tables": ("fills",), "explain": False, "memory": 5,
        "depends": ("x",),
    }  # fmt: skip
    assert {"name", *other} == {field.name for field in fields(Job)}
    keys = Keys()
    made = {keys.of(replace(job, **{name: value})) for name, value in other.items()}
    assert len(made | {keys.of(job)}) == len(other) + 1
    assert keys.of(replace(job, name="b")) == keys.of(job)


def test_a_folder_of_devices_or_without_end_is_told_at_once(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files are digested before a job runs, where no timeout holds."""
    from reconcile.campaigning import keys

    os.mkfifo(place / "old" / CASES[0] / "pipe")
    (place / "old" / CASES[1] / "device").symlink_to("/dev/zero")
    found = reconcile.campaign(plan(place, PAIRS), workers=1)
    assert [one.status for _, one in found.matrix.jobs].count(Status.DONE) >= 1
    monkeypatch.setattr(keys, "_MOST", 3)
    told = reconcile.campaign(plan(place, PAIRS), workers=1).matrix.jobs[0][1]
    assert told.status is Status.REFUSED and "more than 3 files" in told.headline


def test_every_fault_of_the_drill_is_a_job() -> None:
    from reconcile.drilling.candidates import BY_NAME

    made = plan_from_dict({"matrix": [{"command": "drill", "case": "*"}]}, Path("/"), "drill", "plan")
    assert {job.case for job in made.jobs} == set(BY_NAME)


def test_the_command_prints_the_matrix_and_writes_what_is_asked_for(place: Path) -> None:
    path = plan(place, PAIRS)
    command = [sys.executable, "-m", "reconcile", "campaign", str(path), "--workers", "1"]
    command += ["--junit", str(place / "out.xml"), "--html", str(place / "out.html")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout.startswith("2 of 4 jobs passed; 1 of 4 jobs: ")
    assert Xml.parse(place / "out.xml").getroot().attrib["tests"] == "4"
    assert "fills.commission, cost" in (place / "out.html").read_text()


def test_a_job_that_ends_as_its_time_runs_out_has_an_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is done between the end of the wait and the look at whether it still runs."""
    due = Outcome("k", Status.DONE, 0, "matched", "matched")

    class Late:
        def __init__(self, target: Callable[[], None], daemon: bool) -> None:
            self.target = target

        def start(self) -> None: ...

        def join(self, seconds: float) -> None: ...

        def is_alive(self) -> bool:
            self.target()
            return False

    monkeypatch.setattr(work, "work", lambda *_: due)
    monkeypatch.setattr(work.threading, "Thread", Late)
    assert work.work_on_cluster(Job("one", Command.RUN, "/"), "k", Limits(1.0)) == due


def test_hostile_text_moves_nothing_on_the_page_and_leaves_the_junit_file_readable() -> None:
    """A cluster's error, or an outcome that was kept, may hold any text."""
    found = page_kit.campaign("\ud800")
    for text in (found.text(), found.to_markdown()):
        moves = [c for c in set(text) - {"\n"} if not c.isprintable()]
        assert moves == [] and "\\x1b[31m" in text
    suite = Xml.fromstring(found.to_junit().encode())
    assert next(case.get("name") for case in suite.iter("testcase")) == f"run {page_kit.HOSTILE}/0"
    assert len(list(suite.iter("failure"))) == 14 and len(list(suite.iter("error"))) == 7
    json.loads(found.to_json())


def test_the_hostile_corpus_runs_as_a_campaign(tmp_path: Path) -> None:
    """The codes are those of the commands, and no job fails in a way that nobody foresaw."""
    from campaigns import hostile_corpus

    due = hostile_corpus.make_corpus(tmp_path / "corpus", every=32)
    assert len(due) >= 20 and len(set(due.values())) > 1
    found = reconcile.campaign(tmp_path / "corpus" / "plan.toml", workers=1)
    assert hostile_corpus.unlike(found, due) == []
    assert hostile_corpus.unlike(found, dict.fromkeys(due, 3)) != []


@pytest.mark.parametrize("name", ["drill", "engines"])
def test_the_plans_of_this_repository_are_plans(name: str) -> None:
    from reconcile.campaigning.plan import read_plan

    assert len(read_plan(Path(__file__).parent / "campaigns" / f"{name}.toml").jobs) >= 8


def test_ledgers_in_s3_are_compared_where_the_job_runs(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By moto's server: the answers of the files on disk, kept until the store has other bytes."""
    from moto.server import ThreadedMotoServer
    from pyarrow import fs

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "fake",
            "AWS_SECRET_ACCESS_KEY": "fake",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            monkeypatch.setenv(name, value)
        store = fs.S3FileSystem(
            endpoint_override=f"http://{host}:{port}", region="us-east-1", allow_bucket_creation=True
        )
        store.create_dir("ledgers")
        for side in ("old", "new"):
            fs.copy_files(str(place / side), f"ledgers/{side}", fs.LocalFileSystem(), store)
        text = PAIRS.replace('"old', '"s3://ledgers/old').replace('"new', '"s3://ledgers/new')
        found = reconcile.campaign(plan(place, text), workers=1)
        codes = [one.exit_code for _, one in found.matrix.jobs]
        assert (codes.count(0), codes.count(1), codes.count(2)) == (2, 1, 1)
        assert "fills.commission, cost" in [one.first for _, one in found.matrix.jobs]
        assert reconcile.campaign(plan(place, text), workers=1).matrix.ran == 0
        book = "ledgers/new/T1-next-open/fills.csv"
        with store.open_input_stream(book) as stream:
            content = stream.read()
        with store.open_output_stream(book) as stream:
            stream.write(content.replace(b"0", b"1", 1))  # as many bytes, within the same second
        assert reconcile.campaign(plan(place, text), workers=1).matrix.ran == 1
    finally:
        server.stop()
