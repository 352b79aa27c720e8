"""`reconcile.golden.check`, `review` and `accept`: pinned ledgers, held, shown, and changed on purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

from reconcile.api.result import Result, frame_of
from reconcile.running.progress import Watch, unwatched

if TYPE_CHECKING:
    import pandas as pd

    from reconcile.goldens.golden_page import Group
    from reconcile.goldens.model import CheckResult, Fault, Golden, Pending
    from reconcile.html.model import Page


class Verdict(Enum):
    """What checking goldens, or looking at what is pending, came to."""

    HOLD = "hold"
    CHANGED = "changed"
    NOTHING_CHECKED = "nothing_checked"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GoldenCheck(Result):
    """What checking goldens found. cases: one result per case. named: whether the cases were named."""

    command: ClassVar[str] = "golden"

    cases: tuple[CheckResult, ...]
    named: bool = False

    @property
    def verdict(self) -> Verdict:
        from reconcile.goldens.model import SOUND, CheckStatus

        if any(one.status not in SOUND for one in self.cases):
            return Verdict.CHANGED
        # What was named, or everything, must have been looked at: nothing run is nothing shown.
        unseen = [one for one in self.cases if one.status is CheckStatus.NOT_RUN]
        nothing = not self.cases or len(unseen) == len(self.cases) or (self.named and unseen)
        return Verdict.NOTHING_CHECKED if nothing else Verdict.HOLD

    @property
    def exit_code(self) -> int:
        return {Verdict.HOLD: 0, Verdict.CHANGED: 1}.get(self.verdict, 2)

    def text(self) -> str:
        from reconcile.goldens.golden_page import check_page

        return check_page(self.cases)

    def to_json(self) -> str:
        from reconcile.goldens.golden_page import check_json

        return check_json(self.cases)

    def to_frame(self) -> pd.DataFrame:
        """One row per case: case, status, and the reason."""
        rows = [{"case": one.case, "status": one.status.value, "said": one.said} for one in self.cases]
        return frame_of(rows, ("case", "status", "said"))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GoldenReview(Result):
    """What is pending, grouped by cause.

    edited: by case, where the files of a pending change were edited. goldens: those on record, by case.
    """

    groups: tuple[Group, ...]
    edited: Mapping[str, tuple[Fault, ...]]
    goldens: Mapping[str, Golden] = field(default_factory=dict)

    @property
    def pending(self) -> tuple[Pending, ...]:
        return tuple(one for group in self.groups for one in group.pending)

    @property
    def verdict(self) -> Verdict:
        return Verdict.CHANGED if self.groups or self.edited else Verdict.HOLD

    @property
    def exit_code(self) -> int:
        return 1 if self.groups or self.edited else 0

    @property
    def causes(self) -> Sequence[Any]:
        return [cause for group in self.groups for cause in group.causes]

    def text(self) -> str:
        from reconcile.goldens.golden_page import review_page

        return review_page(self.groups, self.edited, self.goldens)

    def page(self) -> Page:
        from reconcile.html.golden import review_page

        return review_page(self.text(), self.to_json(), self.groups, self.edited, self.goldens)

    def to_json(self) -> str:
        from reconcile.goldens.golden_page import cause_text
        from reconcile.text.json_text import to_json

        return to_json(
            {
                "kind": "tieout.golden_review",
                "version": 1,
                "verdict": self.verdict.value,
                "pending": [
                    {
                        "case": one.change.case,
                        "causes": [cause_text(cause) for cause in one.change.causes],
                        "return_before": one.change.before and one.change.before.total_return,
                        "return_after": one.change.after.total_return,
                        "fills": one.change.fills,
                        "rebalances": one.change.rebalances,
                    }
                    for one in self.pending
                ],
                "edited": sorted(self.edited),
            }
        )

    def to_frame(self) -> pd.DataFrame:
        """One row per pending case: the keys of `pending` in the JSON."""
        rows = self.to_dict()["pending"]
        columns = ("case", "causes", "return_before", "return_after", "fills", "rebalances")
        return frame_of(rows, columns)


def check(*cases: str, watch: Watch = unwatched) -> GoldenCheck:
    """Run cases, by default all, and hold each against its golden; a change is left pending for review.

    >>> reconcile.golden.check("top25")
    <GoldenCheck 1 of 1 golden holds>

    Raises InputError: a case that the project of the current folder does not have.
    """
    from reconcile.goldens.check import check_goldens
    from reconcile.goldens.project_paths import find_project

    found = check_goldens(find_project(), cases or None, keep=True, watch=watch)
    return GoldenCheck(found, bool(cases))


def review() -> GoldenReview:
    """What is pending in the project of the current folder, grouped by cause."""
    from reconcile.goldens.golden_page import group_by_cause
    from reconcile.goldens.project_paths import find_project
    from reconcile.goldens.store import read_goldens

    on_file = read_goldens(find_project())
    return GoldenReview(group_by_cause(on_file.pending.values()), on_file.broken_pending, on_file.goldens)


def accept(*cases: str, reason: str) -> tuple[str, ...]:
    """Make what is pending of these cases their golden: all of them, or none. The names that were accepted.

    Without a case, all that is pending. The reason goes to the journal. Raises InputError: nothing is
    pending, or there is no reason.
    """
    from reconcile.goldens.accept import accept as accept_cases
    from reconcile.goldens.accept import pending_cases
    from reconcile.goldens.project_paths import find_project

    paths = find_project()
    done = accept_cases(paths, cases or pending_cases(paths), reason)
    return tuple(one.change.case for one in done)
