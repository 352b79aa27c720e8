"""Who is a target: `top_n` and `weights` (R4, R5)."""

from __future__ import annotations

import numpy as np

from engine.compiling import part
from engine.intrinsics import CELLS, LINE, NARROW, cell, fetch, how_many, reaching
from engine.layout import *  # the column names are this file's alphabet
from engine.sets import ZERO, holds, listed, put

# Up to so many are ranked by counting who is above each; more by insertion.
COUNTED = 64


@part
def shortlist(panel: Panel, book: Book, t: int, side: int, guess: float) -> None:
    """The symbols whose score, for shorts its negative, is at least `guess`, in symbol order, into near."""
    row, reached = panel.score[t], book.reached
    symbols = row.shape[0]
    sign = 1.0 if side == 0 else -1.0
    # first all comparisons, without a branch that waits for a score; who reached the guess comes second
    whole = symbols // CELLS
    for w in range(whole):
        reached[w] = reaching(row, w * CELLS, sign, guess)
    if whole < reached.shape[0]:
        word = ZERO
        for s in range(whole * CELLS, symbols):
            word |= np.uint64(sign * row[s] >= guess) << np.uint64(s - whole * CELLS)
        reached[whole] = word
    book.scouted[side] = listed(reached, book.near[side])


@part
def scout(settings: Settings, panel: Panel, book: Book, t: int) -> None:
    """The shortlists of a bar, before it begins, and what will be read of those on it asked for."""
    symbols = panel.score.shape[1]
    for side in range(2):
        if settings.n if side == 0 else settings.short_n:
            shortlist(panel, book, t, side, book.guesses[side, GUESS])
            if book.guesses[side, GUESS] > -np.inf:
                for i in range(book.scouted[side]):
                    fetch(panel.close, t * symbols + book.near[side, i])
    if symbols <= NARROW:
        for s in range(0, symbols, LINE):
            fetch(panel.score, (t + 1) * symbols + s)


@part
def sift(panel: Panel, book: Book, t: int, side: int) -> int:
    """R4: the eligible of the shortlist, less who is barred or chosen, scores and closes beside; how many."""
    near = book.near[side]
    row = panel.score[t]
    sign = 1.0 if side == 0 else -1.0
    kept = 0
    for i in range(book.scouted[side]):
        s = near[i]
        close = panel.close[t, s]
        near[kept] = s
        book.scores[kept] = sign * row[s]
        book.near_closes[kept] = close
        fit = close != 0 and not holds(book.barred, s) and not holds(book.aimed, s)
        for address in panel.required:
            value = cell(address, t * row.shape[0] + s)
            fit = fit and value == value
        kept += 1 if fit else 0
    return kept


@part
def rank(panel: Panel, book: Book, t: int, side: int, first: int, count: int) -> None:
    """The first `count` in near by score, best first, ties in symbol order, into chosen[first:].

    Whoever has k scores no worse than its own, itself among them, comes k-th; of several such the last
    in symbol order, the one before it a place higher, and so on. Meanwhile the next bar's scores are asked
    for, where they are many: a few at a time, as memory has its pace.
    """
    scores, alike = book.scores, book.alike
    blocks = (count + CELLS - 1) // CELLS
    for i in range(count, blocks * CELLS):
        scores[i] = np.nan
    for i in range(count):
        alike[i] = 0
    symbols = panel.score.shape[1]
    share = 0 if symbols <= NARROW else symbols // (LINE * max(1, count)) + 1
    following = (t + 1) * symbols
    for i in range(count - 1, -1, -1):
        for line in range(share):
            fetch(panel.score, following + line * LINE)
        following += share * LINE
        at = -1
        for block in range(blocks):
            at += how_many(reaching(scores, block * CELLS, 1.0, scores[i]))
        book.chosen[first + at - alike[at]] = book.near[side, i]
        book.chosen_closes[first + at - alike[at]] = book.near_closes[i]
        alike[at] += 1


@part
def insert(book: Book, side: int, first: int, n: int, count: int) -> None:
    """What `rank` does, for the n best of many: in symbol order, giving way only to a better score."""
    scores, chosen, closes = book.scores, book.chosen, book.chosen_closes
    found = 0
    for i in range(count):
        score = scores[i]
        if found == n and score <= scores[n - 1]:
            continue
        at = min(found, n - 1)
        found = at + 1
        while at > 0 and scores[at - 1] < score:
            scores[at] = scores[at - 1]
            chosen[first + at] = chosen[first + at - 1]
            closes[first + at] = closes[first + at - 1]
            at -= 1
        scores[at] = score
        chosen[first + at] = book.near[side, i]
        closes[first + at] = book.near_closes[i]


@part
def best(panel: Panel, book: Book, t: int, first: int, n: int, side: int) -> int:
    """The n eligible symbols of highest score, of lowest for shorts, best first, into chosen[first:].

    Only those are looked at whose score reaches a guess carried from bar to bar and steered so that a
    few more than n do. Whoever misses the guess ranks behind all who reach it; where too few of those
    are eligible, a lower guess is tried. Returns how many there are.
    """
    sign = 1.0 if side == 0 else -1.0
    spare = 2.0 * np.sqrt(n) + 4.0
    guess, step = book.guesses[side, GUESS], spare * book.guesses[side, SPACING]
    lowest_guess = guess - 8.0 * step
    count = sift(panel, book, t, side)
    while count < n and guess > -np.inf:
        guess = guess - step if guess > lowest_guess else -np.inf
        step *= 2.0
        shortlist(panel, book, t, side, guess)
        count = sift(panel, book, t, side)
    if count <= COUNTED + 4 * n:
        rank(panel, book, t, side, first, count)
    else:
        insert(book, side, first, n, count)
    if count < n:
        book.guesses[side, GUESS] = -np.inf
        return count
    last = sign * panel.score[t, book.chosen[first + n - 1]]
    if guess == -np.inf:
        top = sign * panel.score[t, book.chosen[first]]
        guess, spacing = last, (top - last) / n
        count = n
    else:
        spacing = (last - guess) / (count - n + 1)
    book.guesses[side, GUESS] = guess + 0.3 * spacing * (count - n - spare)
    book.guesses[side, SPACING] = spacing
    return n


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
        longs = best(panel, book, t, 0, settings.n, 0)
    shorts = 0
    if settings.short_n > 0:
        for k in range(longs):
            put(book.aimed, book.chosen[k])
        shorts = best(panel, book, t, longs, settings.short_n, 1)
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
        close = panel.close[t, s]
        if ppb == 0.0 or close == 0 or book.lines[s, BARRED] >= t:
            continue
        if abs(ppb) >= 2.0**63:
            book.account[FAULT] = BAD_WEIGHT
            return NOTHING
        book.chosen[count] = s
        book.chosen_closes[count] = close
        book.weights[count] = np.int64(ppb)
        count += 1
    return count if given else NOTHING
