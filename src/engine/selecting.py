"""Who is a target: `top_n` and `weights` (R4, R5)."""

from __future__ import annotations

import numpy as np

from engine.compiling import part
from engine.layout import *  # the column names are this file's alphabet


@part
def shortlist(panel: Panel, book: Book, t: int, sign: float, guess: float) -> None:
    """The symbols with sign * score >= guess, in symbol order, into near; their number into NEARBY.

    Without a branch that the scores could mislead: most cells cost one comparison and one store. A
    missing score reaches no guess.
    """
    row = panel.score[t]
    near = book.near
    count = 0
    for s in range(row.shape[0]):
        near[count] = s
        count += 1 if sign * row[s] >= guess else 0
    book.account[NEARBY] = count


@part
def take(panel: Panel, book: Book, t: int, first: int, n: int, sign: float) -> int:
    """The n eligible of the shortlist with the highest sign * score, best first, into chosen[first:].

    Going in symbol order and giving way only to a strictly better score leaves ties in symbol order (R4).
    """
    lines, chosen, scores = book.lines, book.chosen, book.scores
    row = panel.score[t]
    mask = panel.eligible[t]
    taken = 4 * t + IS_TARGET
    found = 0
    threshold = -np.inf
    for i in range(book.account[NEARBY]):
        s = book.near[i]
        score = sign * row[s]
        if score <= threshold or not mask[s] or lines[s, BARRED] >= t or lines[s, STAMP] == taken:
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
def best(panel: Panel, book: Book, t: int, first: int, n: int, sign: float) -> int:
    """The n eligible symbols of highest sign * score, best first, into chosen[first:]; their number.

    Only those are looked at whose score reaches a guess carried from bar to bar and steered so that a
    few more than n do. Whoever misses the guess ranks behind all who reach it; where too few of those
    are eligible, everybody is looked at.
    """
    side = 0 if sign > 0.0 else 1
    guess = book.guesses[side]
    shortlist(panel, book, t, sign, guess)
    found = take(panel, book, t, first, n, sign)
    count = book.account[NEARBY]
    if found < n and guess > -np.inf:
        shortlist(panel, book, t, sign, -np.inf)
        found = take(panel, book, t, first, n, sign)
        guess = book.scores[found - 1] if found == n else -np.inf
        count = n
    elif guess == -np.inf and found == n:
        guess = book.scores[n - 1]
        count = n
    if found == n and guess > -np.inf:
        spacing = (book.scores[0] - book.scores[n - 1]) / n
        wanted = n + 2.0 * np.sqrt(n) + 4.0
        guess += 0.4 * spacing * (count - wanted)
    book.guesses[side] = guess
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
        if ppb == 0.0 or panel.close[t, s] == 0 or book.lines[s, BARRED] >= t:
            continue
        if abs(ppb) >= 2.0**63:
            book.account[FAULT] = BAD_WEIGHT
            return NOTHING
        book.chosen[count] = s
        book.weights[count] = np.int64(ppb)
        count += 1
    return count if given else NOTHING
