"""`reconcile.campaign`: a plan's jobs run, or found among those kept, and put together into one matrix."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from reconcile.api.result import Result, frame_of
from reconcile.campaigning import matrix as pages
from reconcile.campaigning.model import Job, Matrix, Outcome, Status
from reconcile.files.arguments import FLAG, PATH, TEXT, WATCH, WHOLE, Kind, takes
from reconcile.running.progress import Phase, Watch, unwatched
from vocabulary.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from reconcile.campaigning.executors import Cluster, Task
    from reconcile.campaigning.kept import Kept
    from reconcile.campaigning.plan import Plan
    from reconcile.html.model import Page


class Verdict(Enum):
    """What a campaign came to, by its worst job."""

    PASSED = "passed"
    BREAKS = "breaks"
    NOT_DETERMINISTIC = "not_deterministic"
    CANNOT_TELL = "cannot_tell"
    INCONCLUSIVE = "inconclusive"


_VERDICTS = {
    0: Verdict.PASSED,
    1: Verdict.BREAKS,
    3: Verdict.NOT_DETERMINISTIC,
    4: Verdict.INCONCLUSIVE,
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CampaignResult(Result):
    """All jobs of a campaign with their outcomes, grouped by cause."""

    command: ClassVar[str] = "campaign"

    matrix: Matrix

    @property
    def verdict(self) -> Verdict:
        return _VERDICTS.get(self.exit_code, Verdict.CANNOT_TELL)

    @property
    def exit_code(self) -> int:
        return pages.worst(outcome.exit_code for _, outcome in self.matrix.jobs)

    @property
    def causes(self) -> Sequence[str]:
        """The causes of all jobs, the most frequent first."""
        return [group.text for group in self.matrix.groups if group.kind.value == "cause"]

    def text(self) -> str:
        return pages.matrix_page(self.matrix)

    def to_json(self) -> str:
        return pages.matrix_json(self.matrix, self.verdict.value)

    def to_junit(self) -> str:
        """JUnit XML, one test case per job."""
        return pages.matrix_junit(self.matrix)

    def to_frame(self) -> pd.DataFrame:
        """One row per job: the keys of `jobs` in the JSON."""
        rows = self.to_dict()["jobs"]
        return frame_of(rows, list(rows[0]) if rows else ["name", "verdict"])

    def page(self) -> Page:
        from reconcile.html.campaign import campaign_page

        tables = self.to_dict()
        return campaign_page(self.text(), self.to_json(), tables["jobs"], tables["groups"], self.exit_code)


_PLAN = Kind((str, os.PathLike, Mapping), "a plan: a TOML file, or a dict", "Give its path or its content.")


@takes(plan=_PLAN, workers=WHOLE, scheduler=TEXT, keep=PATH, fresh=FLAG, watch=WATCH)
def campaign(
    plan: str | os.PathLike[str] | Mapping[str, Any],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    keep: str | os.PathLike[str] | None = None,
    fresh: bool = False,
    watch: Watch = unwatched,
) -> CampaignResult:
    """Run the jobs of a plan, and group what they came to by cause.

    plan: a TOML file, or its content as a dictionary (paths are then relative to the current folder).
    workers: processes of this machine, by default one per processor. scheduler: the address of a dask
    scheduler, whose workers run the jobs instead. keep: the folder of outcomes, by default NAME.results
    beside the plan; a job whose outcome is kept there is not run again, unless fresh.

    >>> reconcile.campaign("upgrade.toml")
    <CampaignResult 18 of 430 jobs passed; 412 of 430 jobs: commission is 10 bps instead of 8 bps>

    Raises InputError: a plan that cannot be read, or a cluster that does not answer; OutputError: outcomes
    that cannot be kept.
    """
    from reconcile.campaigning.kept import Kept
    from reconcile.campaigning.plan import plan_from_dict, read_plan

    began = time.perf_counter()
    if isinstance(plan, Mapping):
        read = plan_from_dict(plan, Path.cwd(), "campaign", "plan")
        default = Path("campaign.results")
    else:
        read = read_plan(plan)
        default = Path(plan).with_suffix(".results")
    kept = Kept(default if keep is None else keep)
    found, tasks = _known(read, kept, fresh)
    cluster = _cluster(scheduler, workers, len(tasks))
    with watch(Phase.JOBS, len(read.jobs)) as progress:
        if progress is not None:
            progress(len(found))
        for job, outcome in _run(tasks, cluster, read):
            kept.keep(outcome)
            found[job.name] = outcome
            if progress is not None:
                progress(len(found))
    jobs = tuple((job, found[job.name]) for job in read.jobs)
    seconds = time.perf_counter() - began
    return CampaignResult(Matrix(read.name, jobs, pages.grouped(jobs), seconds, cluster.name, _notes(jobs)))


def _known(plan: Plan, kept: Kept, fresh: bool) -> tuple[dict[str, Outcome], list[Task]]:
    """The outcomes that are there already, by job, and the jobs to run. A job that cannot be looked at is
    refused here: nothing is known that it could be kept under."""
    from reconcile.campaigning.keys import Keys
    from reconcile.campaigning.work import refused

    keys = Keys()
    found: dict[str, Outcome] = {}
    tasks: list[Task] = []
    for job in plan.jobs:
        try:
            key = keys.of(job)
        except InputError as error:
            found[job.name] = refused("", error)
            continue
        outcome = None if fresh else kept.find(key)
        if outcome is None:
            tasks.append((job, key))
        else:
            found[job.name] = outcome
    return found, tasks


def _cluster(scheduler: str | None, workers: int | None, jobs: int) -> Cluster:
    from reconcile.campaigning.executors import dask_cluster, processes

    if scheduler is not None and workers is not None:
        found, expected = "workers beside a scheduler", "one of them"
        raise InputError(
            "workers", found, expected, "Leave workers out: the scheduler has workers of its own."
        )
    if workers is not None and workers < 1:
        raise InputError(
            "workers", str(workers), "at least 1", "Leave it out to use one worker per processor."
        )
    if scheduler is not None:
        return dask_cluster(scheduler)
    return processes(max(1, min(workers or os.cpu_count() or 1, jobs)))


def _run(tasks: Sequence[Task], cluster: Cluster, plan: Plan) -> Any:
    from reconcile.campaigning.executors import run_all

    return run_all(tasks, cluster, plan.limits) if tasks else ()


def _notes(jobs: Sequence[tuple[Job, Outcome]]) -> tuple[str, ...]:
    again = sum(outcome.status in (Status.LOST, Status.TIMED_OUT, Status.FAILED) for _, outcome in jobs)
    if not again:
        return ()
    words = "job was" if again == 1 else "jobs were"
    return (f"{again:,} {words} lost, timed out or failed unforeseen; the next campaign runs them again.",)
