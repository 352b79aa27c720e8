"""Who is a target: `top_n` and `weights` (R4, R5)."""

from __future__ import annotations

import numpy as np

from engine.compiling import part
from engine.layout import *  # the column names are this file's alphabet


@part
def best(panel: Panel, book: Book, t: int, first: int, n: int, sign: float) -> int:
    """The n eligible symbols of highest sign * score, best first, into chosen[first:]; their number.

    The n-th best so far is a threshold that most scores fail (a missing one fails any), so that prices
    and the book are looked up for few. Scanning in symbol order and giving way only to a strictly
    better score leaves ties in symbol order (R4).
    """
    lines, chosen, scores = book.lines, book.chosen, book.scores
    row = panel.score[t]
    mask = panel.eligible[t]
    taken = 4 * t + IS_TARGET
    found = 0
    threshold = -np.inf
    for s in range(row.shape[0]):
        score = sign * row[s]
        if score > threshold:
            if not mask[s] or lines[s, BARRED] >= t or lines[s, STAMP] == taken:
                continue
            at = found
            if found < n:
                found += 1
            else:
                at = n - 1
            while at > 0 and scores[at - 1] < score:
                scores[at] = scores[at - 1]
                chosen[first + at] = chosen[first + at - 1]
                at -= 1
            scores[at] = score
            chosen[first + at] = s
            if found == n:
                threshold = scores[n - 1]
    return found


@part
def same_members(book: Book, longs: int, shorts: int) -> bool:
    """R4 `membership`: whether those chosen are those of the last numbered rebalance, list by list."""
    account = book.account
    if account[HAS_MEMBERSHIP] == 0 or account[MEMBER_LONGS] != longs or account[MEMBER_SHORTS] != shorts:
        return False
    for k in range(longs + shorts):
        if book.lists[book.chosen[k]] != (1 if k < longs else 2):
            return False
    return True


@part
def remember_members(book: Book, longs: int, shorts: int) -> None:
    """Those chosen become the membership that the next ones are held against."""
    account, members, lists = book.account, book.members, book.lists
    for k in range(account[MEMBER_LONGS] + account[MEMBER_SHORTS]):
        lists[members[k]] = 0
    for k in range(longs + shorts):
        members[k] = book.chosen[k]
        lists[members[k]] = 1 if k < longs else 2
    account[MEMBER_LONGS] = longs
    account[MEMBER_SHORTS] = shorts
    account[HAS_MEMBERSHIP] = 1


@part
def choose_top(settings: Settings, panel: Panel, book: Book, t: int) -> int:
    """R4: fills chosen and weights; the number of targets, or NOTHING where there is no rebalance."""
    longs = 0
    if settings.n > 0:
        longs = best(panel, book, t, 0, settings.n, 1.0)
    shorts = 0
    if settings.short_n > 0:
        for k in range(longs):
            book.lines[book.chosen[k], STAMP] = 4 * t + IS_TARGET
        shorts = best(panel, book, t, longs, settings.short_n, -1.0)
    if longs + shorts == 0:
        return NOTHING
    if settings.on_membership and same_members(book, longs, shorts):
        return NOTHING
    remember_members(book, longs, shorts)
    for k in range(longs):
        book.weights[k] = settings.weight_long
    for k in range(longs, longs + shorts):
        book.weights[k] = -settings.weight_short
    return longs + shorts


@part
def choose_weighted(panel: Panel, book: Book, t: int) -> int:
    """R5: fills chosen and weights in symbol order; the number of targets, or NOTHING."""
    row = panel.score[t]
    given = False
    count = 0
    for s in range(row.shape[0]):
        weight = row[s]
        if np.isnan(weight):
            continue
        given = True
        ppb = np.rint(weight * 1e9)
        if ppb == 0.0 or not panel.present[t, s] or book.lines[s, BARRED] >= t:
            continue
        if abs(ppb) >= 2.0**63:
            book.account[FAULT] = BAD_WEIGHT
            return NOTHING
        book.chosen[count] = s
        book.weights[count] = np.int64(ppb)
        count += 1
    return count if given else NOTHING
