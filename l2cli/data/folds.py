"""Folds: which rows are held out together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from l2cli.data.time_order import TimeColumn, TimeOrder, check_gap, cut_blocks, refuse_cut
from l2cli.errors import UsageError, shown
from l2cli.gap import NO_GAP, Gap
from l2cli.spec import MOST_REPEATS

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


class Folds(NamedTuple):
    """Fold ids 0..k-1 of every row, once per repeat.

    ids : (repeats, n) int64; -1 of rows that no fold holds out. kind : ``rows`` | ``stratified`` |
    ``groups`` | ``given`` | ``time``. labels : what messages call the folds, where not by number. order : of
    time-ordered folds, which are trained on earlier rows alone. left_out : the fold that the others were left
    without. within : of folds made inside the training rows of another, what those are called.
    """

    ids: IntArray
    k: int
    kind: str
    labels: tuple[str, ...] = ()
    order: TimeOrder | None = None
    left_out: str = ""
    within: str = ""

    @property
    def repeats(self) -> int:
        """Number of repeats."""
        return int(self.ids.shape[0])

    def sizes(self) -> list[int]:
        """Return rows per fold: folds of the first repeat, then of the next."""
        return [int(c) for row in self.ids for c in np.bincount(row[row >= 0], minlength=self.k)]

    def training(self, i: int) -> IntArray:
        """Return the rows that fit ``i`` is trained on."""
        if self.order is not None:
            return np.flatnonzero(self.order.since <= i)
        ids = self.ids[i // self.k]
        return np.flatnonzero((ids != i % self.k) & (ids >= 0))

    def training_sizes(self) -> list[int]:
        """Return how many rows each fit is trained on."""
        if self.order is not None:
            steps = np.bincount(self.order.since, minlength=self.k + 1)[: self.k]
            return [int(c) for c in np.cumsum(steps)]
        sizes, k = self.sizes(), self.k
        return [sum(sizes[i // k * k :][:k]) - size for i, size in enumerate(sizes)]

    def named(self, i: int) -> str:
        """Return what the training rows of fit ``i`` are called: ``without fold 3``, ``before fold 3``.

        Of the folds that another was taken from ``without folds 7 and 3``; of new ones inside its training
        rows ``before fold 3 of 5 inside the rows before fold 7``.
        """
        word = "without" if self.order is None else "before"
        if self.left_out:
            return f"{word} folds {self.left_out} and {self._name(i)}"
        return f"{word} {self.held(i)}"

    def held(self, i: int) -> str:
        """Return what the rows that fit ``i`` is tested on are called: ``fold 3``, ``fold 3 of repeat 2``."""
        if self.left_out:
            return f"fold {self._name(i)} (fold {self.left_out} left out too)"
        if self.within:
            return f"fold {self._name(i)} of {self.k} inside the rows {self.within}"
        return f"fold {self._name(i)}" + (f" of repeat {i // self.k + 1}" if self.repeats > 1 else "")

    def _name(self, i: int) -> str:
        return self.labels[i % self.k] if self.labels else str(i % self.k + 1)

    def others(self, i: int) -> Folds:
        """Return the other folds of the repeat of fit ``i``, by their names; its own rows are -1, in none."""
        ids, own = self.ids[i // self.k], i % self.k
        rest = tuple(self._name(fold) for fold in range(self.k) if fold != own)
        return Folds(
            np.where(ids == own, -1, ids - (ids > own))[None, :], self.k - 1, self.kind, rest,
            left_out=self._name(i),
        )  # fmt: skip

    def described(self) -> dict[str, Any]:
        """Return what a result says of the folds."""
        found: dict[str, Any] = {
            "kind": self.kind,
            "k": self.k,
            "repeats": self.repeats,
            "stratified": self.kind == "stratified",
        }
        return found if self.order is None else found | {"training_sizes": self.training_sizes()}


def _deal(count: int, k: int, seed: list[int]) -> IntArray:
    """Return fold ids of ``count`` consecutive units: every k of them get a seeded permutation of 0..k-1.

    The permutations are drawn one after the other, so a stream of unknown length draws the same.
    """
    rounds = -(-count // k)
    order = np.tile(np.arange(k, dtype=np.int64), (rounds, 1))
    np.random.default_rng(seed).permuted(order, axis=1, out=order)
    return order.ravel()[:count]


def draw_folds(
    n_rows: int,
    k: int,
    *,
    seed: int = 0,
    repeats: int = 1,
    strata: IntArray | None = None,
    groups: IntArray | None = None,
) -> Folds:
    """Return seeded folds of ``n_rows`` rows.

    Parameters
    ----------
    strata : (n,) int, optional
        Rows of one stratum are dealt to the folds among themselves (codes 0..m-1 in order of the classes).
    groups : (n,) int, optional
        Rows of one group stay together; groups are dealt in order of first appearance.

    Raises
    ------
    UsageError
        Fewer than 2 folds, more folds than rows or groups, or (stratified) a fold without rows.
    """
    units = n_rows if groups is None else len(np.unique(groups))
    what = "rows" if groups is None else "groups"
    if k < 2:
        raise UsageError(f"--folds must be 2 or more, not {k}")
    if k > units:
        found = f"there is {units}" if units == 1 else f"there are {units}"
        raise UsageError(
            f"{k} folds need at least {k} {what}, {found}",
            hint=f"give --folds {units} or fewer" if units >= 2 else f"no folds can be made of {units}",
        )
    if repeats > MOST_REPEATS:
        raise UsageError(f"--repeats may be at most {MOST_REPEATS}, not {repeats}")
    ids = np.empty((repeats, n_rows), dtype=np.int64)
    for r in range(repeats):
        if groups is not None:
            _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
            rank = np.empty(len(first), dtype=np.int64)
            rank[np.argsort(first, kind="stable")] = np.arange(len(first))
            ids[r] = _deal(units, k, [seed, r])[rank[inverse]]
        elif strata is not None:
            for stratum in np.unique(strata):
                members = np.flatnonzero(strata == stratum)
                ids[r, members] = _deal(len(members), k, [seed, r, int(stratum)])
        else:
            ids[r] = _deal(n_rows, k, [seed, r])
    kind = "groups" if groups is not None else "stratified" if strata is not None else "rows"
    folds = Folds(ids, k, kind)
    if min(folds.sizes()) == 0:
        raise UsageError(f"{k} stratified folds leave one of them without rows", hint="give fewer --folds")
    return folds


def draw_heldout(
    n_rows: int,
    fraction: float,
    *,
    seed: int = 0,
    strata: IntArray | None = None,
    groups: IntArray | None = None,
) -> IntArray:
    """Return a seeded part of the rows (m,): ``fraction`` of them, of every stratum, or of the groups.

    Raises
    ------
    UsageError
        Where no row or group is held out, or none is left.
    """
    units = np.zeros(n_rows, dtype=np.int64) if strata is None else strata
    if groups is not None:
        _, groups = np.unique(groups, return_inverse=True)
        units = np.zeros(int(groups.max()) + 1, dtype=np.int64)
    drawn = np.zeros(len(units), dtype=bool)
    for stratum in np.unique(units):
        members = np.flatnonzero(units == stratum)
        order = np.random.default_rng([seed, 0, int(stratum)]).permutation(len(members))
        drawn[members[order[: round(fraction * len(members))]]] = True
    if drawn.all() or not drawn.any():
        what = f"{'all' if drawn.any() else 'none'} of {len(units)} {'rows' if groups is None else 'groups'}"
        raise UsageError(
            f"--holdout {fraction:g} holds out {what}", hint="give another fraction, or use --select cv"
        )
    return np.flatnonzero(drawn if groups is None else drawn[groups])


def given_folds(labels: IntArray, names: tuple[str, ...]) -> Folds:
    """Return the folds of ``--fold-column``: codes (n,) and what they stand for."""
    present, ids = np.unique(labels, return_inverse=True)
    if len(present) < 2:
        raise UsageError("--fold-column holds one label only", hint="cross-validation needs two or more")
    chosen = tuple(f"'{shown(names[int(i)])}'" for i in present) if names else ()
    return Folds(ids.astype(np.int64).reshape(1, -1), len(present), "given", chosen)


def time_folds(time: TimeColumn, k: int, gap: Gap) -> Folds:
    """Return k folds in time order: fold j holds out block j + 1 of k + 1, and is trained on those before it.

    Less the rows within the gap before the block; see :func:`l2cli.data.time_order.cut_blocks`.

    Raises
    ------
    UsageError
        There are not so many blocks of different times, or the gap leaves the first fold no rows.
    """
    check_gap(time, gap)
    cut = cut_blocks(time, k, gap)
    if cut is None or cut.ends[0] == 0:
        raise refuse_cut(time, k, gap)
    places = np.arange(len(cut.order))
    ids, since = np.empty_like(places), np.empty_like(places)
    ids[cut.order] = np.searchsorted(cut.starts, places, "right") - 1
    since[cut.order] = np.searchsorted(cut.ends, places, "right")
    return Folds(ids[None, :], k, "time", order=TimeOrder(time, gap, since))


def folds_of_splits(
    splits: Iterable[tuple[npt.ArrayLike, npt.ArrayLike]], n_rows: int, kept: BoolArray
) -> Folds:
    """Return the folds of scikit-learn's (train, test) splits, of the rows ``kept`` (n,).

    Raises
    ------
    UsageError
        If the splits are neither a partition, once or several times, each trained on all rows that it does
        not test, nor trained each on the rows of the one before and others that none has tested yet.
    """
    pairs = [(_distinct(train, n_rows), _distinct(test, n_rows)) for train, test in splits]
    since = _first_trained(pairs, n_rows)
    if since is not None:
        return _growing_folds([test for _, test in pairs], since, kept)
    repeats: list[IntArray] = []
    ids, fold = np.full(n_rows, -1, dtype=np.int64), 0
    for train, test in pairs:
        if (ids[test] >= 0).any() or not np.array_equal(np.setdiff1d(np.arange(n_rows), test), train):
            raise UsageError(
                "cv must test every row once and train on all others, or train on ever more rows before those"
                " that it tests",
                hint="as KFold does, or TimeSeriesSplit without max_train_size",
            )
        ids[test], fold = fold, fold + 1
        if (ids >= 0).all():
            _, codes = np.unique(ids[kept], return_inverse=True)  # a fold may hold rows of weight zero only
            repeats.append(codes.astype(np.int64))
            ids, fold = np.full(n_rows, -1, dtype=np.int64), 0
    counts = {int(codes.max()) + 1 for codes in repeats}
    if fold or len(counts) != 1 or min(counts) < 2:
        raise UsageError("cv must test every row, in the same number of folds (2 or more) each time")
    return Folds(np.array(repeats), counts.pop(), "given")


def _distinct(given: npt.ArrayLike, n_rows: int) -> IntArray:
    """Return the rows of one side of a split in order; UsageError where one is there twice, or is none."""
    given = np.asarray(given)
    if given.size and given.dtype.kind not in "iu":
        raise UsageError("a split of cv must hold row numbers", hint="np.flatnonzero makes them of a mask")
    rows = np.unique(given).astype(np.int64)
    if len(rows) < len(given):
        raise UsageError("a split of cv holds a row twice", hint="give the row a sample_weight instead")
    if len(rows) and not 0 <= rows[0] <= rows[-1] < n_rows:
        raise UsageError(
            f"a split of cv holds row {rows[0] if rows[0] < 0 else rows[-1]} of 0 to {n_rows - 1}"
        )
    return rows


def _first_trained(pairs: Sequence[tuple[IntArray, IntArray]], n_rows: int) -> IntArray | None:
    """Return the first split trained on each row (n,), as a :class:`TimeOrder` has it.

    None unless every later split is trained on the row too, and no row is tested twice or after it was
    trained on.
    """
    since = np.full(n_rows, len(pairs), dtype=np.int64)
    tested = np.zeros(n_rows, dtype=bool)
    for i, (train, test) in enumerate(pairs):
        grows = (since[train] < i).sum() == (since < i).sum()
        since[train] = np.minimum(since[train], i)
        if not grows or tested[test].any() or (since[test] <= i).any():
            return None
        tested[test] = True
    return since if len(pairs) > 1 else None


def _growing_folds(tests: Sequence[IntArray], since: IntArray, kept: BoolArray) -> Folds:
    """Return folds trained on ever more rows, each of which holds out the rows of a test that are kept."""
    used = [i for i, test in enumerate(tests) if kept[test].any()]
    ids = np.full(len(since), -1, dtype=np.int64)
    for fold, i in enumerate(used):
        ids[tests[i]] = fold
    since = np.searchsorted(used, since)[kept]
    if len(used) < 2 or not (since == 0).any():
        raise UsageError("cv needs 2 or more splits with rows to train on and to test")
    rows = TimeColumn("row", np.flatnonzero(kept))
    return Folds(ids[kept][None, :], len(used), "time", order=TimeOrder(rows, NO_GAP, since))
