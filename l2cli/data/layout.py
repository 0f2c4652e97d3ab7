"""How the columns of a design lie in memory: one matrix, or categories of many levels as codes beside it.

So do products with such categories: with a number a code and a value for each row, of two categories the code
of the pair.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

import numpy as np
import numpy.typing as npt

from l2cli.core.design import DIRECT_FLOPS, Codes, Design
from l2cli.data.dataset import DesignSource, FeatureColumn, Interaction
from l2cli.data.encode import category_codes, fill_design
from l2cli.data.interactions import factor_features, least_products, product_codes, products_of
from l2cli.data.memory import physical_memory
from l2cli.data.profile import starts
from l2cli.data.table import Table
from l2cli.data.wording import where
from l2cli.errors import FitError, shown
from l2cli.spec import ModelSpec

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MANY_LEVELS = 200
"""Columns of one category from which it is worth while not to spell them out."""
DENSE_CELLS = 10_000_000
"""Cells up to which one matrix serves all the same: it has every option, and is as fast."""
FEW_LEVELS = 8
"""Columns of a category up to which it stays with the dense ones beside categories that are codes."""
MEMORY_SHARE = 0.6
"""Share of the machine's memory that the design and what solvers make of it may take; the table needs the
rest."""
COPIES, SQUARES = 4, 12
"""Copies of a matrix of rows that are factorized as they stand (wide ones; tied columns at lambda 0), and
squares of its smaller side that any fit takes (measured, 4,000 x 1,000 and 12,000 x 1,000, 400 x 8,000)."""
BLOCK_COPIES, CODE_COPIES, BESIDE_COPIES, BLOCK_SQUARES = 6, 4, 4, 8
"""Of a design in blocks: copies of its dense columns, numbers a row and block, copies of what stands between
the largest block and the r columns solved with the dense ones, and squares of r (measured)."""
MOMENT_SQUARES, HESSIAN_SQUARES, MOST_HESSIANS = 4, 14, 1e9
"""Squares that every fold adds: moments of gaussian rows; Hessians of the others, up to so many bytes of
them, beyond which one fold is fitted after the other."""


def coded_sources(sources: Sequence[DesignSource]) -> list[bool]:
    """Return which categories and products with one are codes where a design is in blocks; none: no use."""
    levelled = [
        source.levels if isinstance(source, Interaction) else source.kind == "category" for source in sources
    ]
    sizes = [len(source.names) for source in sources]
    if max((size for size, of in zip(sizes, levelled, strict=True) if of), default=0) <= MANY_LEVELS:
        return [False] * len(sizes)
    coded = [of and size > FEW_LEVELS for size, of in zip(sizes, levelled, strict=True)]
    codes = {
        name
        for source, on in zip(sources, coded, strict=True)
        if on and isinstance(source, FeatureColumn)
        for name in source.names
    }
    return [  # the factors of a dense product are dense
        on or (isinstance(source, Interaction) and any(not codes.isdisjoint(f) for f in source.factors[:1]))
        for source, on in zip(sources, coded, strict=True)
    ]


def spelled_features(sources: Sequence[DesignSource]) -> list[FeatureColumn]:
    """Return the features that have dense columns where a design is in blocks, which come before products."""
    coded = coded_sources(sources)
    return [s for s, on in zip(sources, coded, strict=True) if isinstance(s, FeatureColumn) and not on]


def in_blocks(table: Table, sources: Sequence[DesignSource], n_rows: int, model: ModelSpec) -> bool:
    """Return True where the design is kept in blocks, or raise FitError where it does not fit the memory.

    What blocks do not have (bounds, groups, relaxed fits) gets one matrix where that fits.
    """
    sizes, coded = [len(source.names) for source in sources], coded_sources(sources)
    p, only_dense = sum(sizes), _only_dense(model)
    if any(coded) and n_rows * p > DENSE_CELLS and only_dense is None:
        blocks = [size for size, on in zip(sizes, coded, strict=True) if on]
        _refuse_large(table, sources, (n_rows, p), block_bytes(n_rows, p - sum(blocks), blocks), None)
        return True
    features = [source for source in sources if isinstance(source, FeatureColumn)]
    size = dense_bytes(n_rows, p, tied=_has_ties(features, model))
    _refuse_large(table, sources, (n_rows, p), size, only_dense if any(coded) else None)
    return False


def _only_dense(model: ModelSpec) -> str | None:
    """Return the option that asks for one matrix, None where none does."""
    asked = {
        "--bounds": bool(model.bounds),
        "--groups": model.groups is not None,
        "--relax-gamma": model.relax_gamma is not None and model.relax_gamma < 1.0,
    }
    return next((option for option, given in asked.items() if given), None)


def dense_bytes(n: int, p: int, *, tied: bool = False) -> int:
    """Return the bytes of a matrix (n, p), maybe of tied columns, and of what a fit makes of it."""
    copies = COPIES if tied or p > n else 1
    return 8 * (copies * n * p + SQUARES * min(n, p) ** 2)


def refuse_many_products(
    table: Table,
    features: Sequence[FeatureColumn],
    items: Sequence[str],
    n_rows: int,
    dates: Container[str] = (),
) -> None:
    """Raise FitError where the products of numbers alone do not fit the memory, before any is planned."""
    count, memory = least_products(table, features, items, dates), physical_memory()
    size = dense_bytes(n_rows, count)
    if size > MEMORY_SHARE * memory:
        raise FitError(
            f"{where(table)}: {n_rows} rows x {count} products of two numbers need {size / 2**30:.1f} GB with"
            f" what solvers make of them, and this machine has {memory / 2**30:.1f} GB",
            hint="name fewer columns in --interactions",
            code="too_large",
        )


def block_bytes(n: int, q: int, blocks: Sequence[int]) -> int:
    """Return the bytes of a design of q dense columns and codes, and of what a fit makes of it.

    Beside the largest block r columns are solved for: the dense ones, and small blocks while these are cheap.
    """
    largest = max(blocks)
    r = q + 1 + min(sum(blocks) - largest, int((DIRECT_FLOPS / largest) ** 0.5))
    cells = n * (BLOCK_COPIES * q + CODE_COPIES * len(blocks) + 10)
    return 8 * (cells + BESIDE_COPIES * largest * r + BLOCK_SQUARES * r**2)


def _has_ties(features: Sequence[FeatureColumn], model: ModelSpec) -> bool:
    """Return True where the columns of a category sum to the intercept."""
    return model.intercept and any(f.coding == "onehot" and len(f.names) > 1 for f in features)


def _refuse_large(
    table: Table, sources: Sequence[DesignSource], shape: tuple[int, int], size: int, option: str | None
) -> None:
    """Raise FitError where ``size`` bytes for a design of this shape do not fit."""
    memory = physical_memory()
    if size <= MEMORY_SHARE * memory:
        return
    widest = max(sources, key=lambda source: len(source.names))
    hint = "leave columns out with --drop"
    if len(widest.names) > 1:
        what, remedy = ("column", "leave it out with --drop")
        if isinstance(widest, Interaction):
            what, remedy = ("interaction", "leave it out")
        hint = f"{what} '{shown(widest.name)}' alone makes {len(widest.names)} of them; {remedy}"
    if option is not None:
        hint += f", or fit without {option}, which needs them all in full"
    raise FitError(
        f"{where(table)}: {shape[0]} rows x {shape[1]} design columns need {size / 2**30:.1f} GB with what"
        f" solvers make of them, and this machine has {memory / 2**30:.1f} GB",
        hint=hint,
        code="too_large",
    )


def refuse_large_folds(n: int, p: int, folds: int, *, gaussian: bool, classes: int = 1) -> None:
    """Raise FitError where what the folds of a matrix (n, p) need does not fit the memory."""
    if p > n:  # rows are copied fold after fold
        return
    square = 8 * (p * classes) ** 2
    each = (MOMENT_SQUARES if gaussian else HESSIAN_SQUARES) * square
    batched = gaussian or folds * square <= MOST_HESSIANS
    size, memory = 8 * n * p + each * (folds if batched else 1), physical_memory()
    if size > MEMORY_SHARE * memory:
        raise FitError(
            f"{folds} folds of {p} columns need {size / 2**30:.1f} GB, and this machine has"
            f" {memory / 2**30:.1f} GB",
            hint="give fewer --folds, or leave columns out with --drop",
            code="too_large",
        )


def fill_blocks(
    table: Table, sources: Sequence[DesignSource], rows: IntArray | None, *, unseen: str = "error"
) -> tuple[Design, BoolArray | None]:
    """Return some rows (default all) as a design in blocks; missing numbers are NaN, products are not made.

    With it as :func:`l2cli.data.encode.fill_design` returns: rows whose missing category has no level.
    """
    coded, spelled = coded_sources(sources), spelled_features(sources)
    dense_products = [
        s for s, on in zip(sources, coded, strict=True) if isinstance(s, Interaction) and not on
    ]
    products = products_of(spelled, dense_products)
    own = sum(len(feature.names) for feature in spelled)
    chosen = np.arange(table.n_rows) if rows is None else rows
    dense = np.empty((len(chosen), own + sum(len(product.names) for product in dense_products)))
    lost = fill_design(dense[:, :own], table, spelled, rows, unseen=unseen)
    features = [source for source in sources if isinstance(source, FeatureColumn)]
    numbers = {feature.name: at for at, feature in zip(starts(spelled), spelled, strict=True)}
    known: dict[str, IntArray] = {}
    at: list[int] = []
    blocks: list[Codes] = []
    for source, start, on in zip(sources, starts(sources), coded, strict=True):
        size = len(source.names)
        if not on:
            at += range(start, start + size)
            continue
        factors = (source,) if isinstance(source, FeatureColumn) else factor_features(features, source)
        for feature in factors:
            if feature.kind == "category" and feature.name not in known:
                known[feature.name], gone = category_codes(table, feature, chosen, unseen)
                if gone is not None:
                    lost = gone if lost is None else lost | gone
        if isinstance(source, FeatureColumn):
            blocks.append(Codes(known[source.name], size, start))
            continue
        number = next((numbers[feature.name] for feature in factors if feature.kind == "number"), -1)
        blocks.append(Codes(product_codes(source, factors, known, len(chosen)), size, start, number))
    return Design(dense, np.array(at, dtype=np.int64), tuple(blocks), products), lost
