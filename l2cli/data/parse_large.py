"""Parse a large text: chunks of whole records, parsed side by side by pyarrow, gathered into one matrix.

The types of the columns are guessed from the first rows. A column in which a later chunk shows the guess to
be wrong is read again as text, and what it is follows from all its distinct cells, as for a small file.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Container, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice

from l2cli.data.arrow_chunk import ChunkParser
from l2cli.data.cells import CellRules, judge, only_digits, plain_numbers
from l2cli.data.chunks import Chunk, Cutter
from l2cli.data.columns import NumberFacts, Settled, make_table, verbatim_column
from l2cli.data.dialect import Layout, sample_of
from l2cli.data.gather import Gatherer
from l2cli.data.parse_small import Skipped
from l2cli.data.plan import Block, Plan
from l2cli.data.records import RecordReader
from l2cli.data.sizes import Sizes
from l2cli.data.source import Source
from l2cli.data.table import Table
from l2cli.data.textstream import WithoutTail, after_lines, clean_pieces, without_lines
from l2cli.errors import DataError
from l2cli.spec import ReadSpec

_MAX_CHUNK_BYTES = 64 << 20
_MAX_WORKERS = 4


def read_large(
    start: Sequence[bytes],
    pieces: Iterator[bytes],
    layout: Layout,
    keep: Sequence[int],
    source: Source,
    spec: ReadSpec,
    sizes: Sizes,
    verbatim: Container[str] = (),
) -> Table:
    """Return the table of a clean text that is too large for the standard library.

    Parameters
    ----------
    start : sequence of bytes
        Its beginning, header included. pieces : what follows.
    layout, keep
        Its columns, and the positions of those to keep.
    source, spec
        To read it again from the start where a column turns out otherwise than guessed.
    verbatim : container of str
        Names of columns to keep as they stand too.

    Notes
    -----
    Time: pyarrow's, on as many threads as there are processors (4 at most). Memory: the matrix and, for each
    thread, about four chunks.
    """

    def anew() -> Iterator[bytes]:
        return clean_pieces(source.blocks(sizes.piece), spec.encoding, source.label, source.head)

    exact = {j for j in keep if layout.names[j] in verbatim}
    plan = _planned(b"".join(start), layout, keep, source.label, sizes, exact)
    size = sizes.chunk if plan.is_flat() else max(sizes.chunk, sizes.per_column * len(layout.names))
    run = _Runner(source, layout, min(size, _MAX_CHUNK_BYTES))
    first, second = _gathered(run, plan, chain(start, pieces), anew)
    settled = _settled(first, second, keep, exact)
    other = next((mark for mark in settled.marks if mark != plan.rules.decimals[0]), None)
    if other is not None:
        # The numbers of pyarrow do not tell whether they had a mark: under the other one, they show it.
        plan = plan.with_decimal(other, [j for j in keep if j in exact or layout.names[j] in settled.texts])
        seen = settled.marks[other]
        del first, second, settled
        first, second = _gathered(run, plan, anew(), anew)
        settled = _settled(first, second, keep, exact)
        settled.marks.setdefault(other, seen)
    return _table(first, second, settled, keep, source)


def _gathered(
    run: _Runner, plan: Plan, pieces: Iterator[bytes], anew: Callable[[], Iterator[bytes]]
) -> tuple[Gatherer, Gatherer]:
    """Read by a plan, and once more the columns that turned out otherwise than planned."""
    first = Gatherer(plan)
    run(pieces, plan, first)
    again = [j for j in plan.numbers if j in plan.failed or (j in plan.maybe_codes and j in first.zeros)]
    second = Gatherer(Plan(plan.layout, plan.label, plan.rules, [], again))
    if again:
        run(anew(), second.plan, second)
        if second.n_rows != first.n_rows:
            raise DataError(f"{plan.label}: changed while it was read")
    return first, second


def _settled(first: Gatherer, second: Gatherer, keep: Sequence[int], exact: Container[int]) -> Settled:
    """Settle all columns, in file order."""
    plan, names = first.plan, first.plan.layout.names
    again, texts = set(second.plan.texts), set(plan.texts)
    settled = Settled(plan.layout.rules, plan.rules.decimals[0])
    for j in keep:
        if j in again or j in texts:
            cells = (second if j in again else first).text(j)
            settled.add_coded(names[j], cells)
            if j in exact:
                settled.verbatim[names[j]] = verbatim_column(cells)
        else:
            settled.add_facts(names[j], first.facts.get(j, NumberFacts()))
    return settled


def _table(first: Gatherer, second: Gatherer, settled: Settled, keep: Sequence[int], source: Source) -> Table:
    """Put the columns together."""
    plan, names = first.plan, first.plan.layout.names
    again = set(second.plan.texts)
    kept = [k for k, j in enumerate(plan.numbers) if j not in again]
    table = make_table(
        source.typed,
        [names[j] for j in keep],
        settled,
        plan.layout.notes + Skipped(plan.layout.comments).plus(first.skipped).notes(),
        first.lines,
        first.matrix.taken(kept),
        [names[plan.numbers[k]] for k in kept],
    )
    settled.refuse_two_marks(source.label, table.place)
    settled.refuse_infinite(source.label, table.place)
    return table


class _Runner:
    """Parse all chunks of a source in a pool of threads and hand the blocks over in order."""

    def __init__(self, source: Source, layout: Layout, size: int) -> None:
        self._source = source
        self._layout = layout
        self._cutter = Cutter(layout.delimiter, source.label, size, layout.header_lines + 1)

    def __call__(self, pieces: Iterator[bytes], plan: Plan, gatherer: Gatherer) -> None:
        workers = min(_MAX_WORKERS, os.cpu_count() or 1)
        parser = ChunkParser(plan)
        waiting: deque[tuple[Chunk, Future[Block]]] = deque()
        pool = ThreadPoolExecutor(workers)
        body = WithoutTail(without_lines(pieces, self._layout.header_lines), self._layout.delimiter)
        chunks = self._cutter.chunks(iter(body), lambda: self._source.fraction_read)
        failed: DataError | None = None
        try:
            while True:
                try:
                    chunk = next(chunks, None)
                except DataError as error:
                    failed = error
                    break
                if chunk is None:
                    break
                waiting.append((chunk, pool.submit(parser.parse, chunk)))
                if len(waiting) > workers:
                    gatherer.add(*_done(waiting))
            # What is wrong further up is told first.
            while waiting:
                gatherer.add(*_done(waiting))
            if failed is not None:
                raise failed
            gatherer.skipped = gatherer.skipped.plus(Skipped(tail=body.n_lines))
        finally:
            pool.shutdown(cancel_futures=True)


def _done(waiting: deque[tuple[Chunk, Future[Block]]]) -> tuple[Block, float]:
    chunk, future = waiting.popleft()
    return future.result(), chunk.fraction


def _planned(
    start: bytes, layout: Layout, keep: Sequence[int], label: str, sizes: Sizes, exact: Container[int]
) -> Plan:
    """Guess from the first rows which columns hold numbers, with which decimal mark, and which codes.

    Columns of ``exact`` are read as text, so that their cells are at hand as they stand.
    """
    sample, whole = sample_of(start, whole=False)
    body = sample[after_lines(sample, layout.header_lines) :].decode()
    reader = RecordReader(body, layout.delimiter, label, layout.header_lines + 1, whole=whole)
    width = layout.width
    rows = list(islice((row for row in reader if len(row) == width), sizes.guessed_rows))
    columns = list(zip(*rows, strict=True)) or [()] * width
    rules = layout.rules
    if len(rules.decimals) > 1:
        # pyarrow converts with one mark; a column with the other is read as text and settled from that.
        point, comma = (rules.with_decimal(mark) for mark in ".,")
        only_comma = any(_guess(columns[j], point) is None and _guess(columns[j], comma) for j in keep)
        rules = comma if only_comma else point
    guesses = {j: None if j in exact else _guess(columns[j], rules) for j in keep}
    texts = [j for j in keep if guesses[j] is None]
    plan = Plan(layout, label, rules, [j for j in keep if guesses[j] is not None], texts)
    plan.maybe_codes, plan.flat = {j for j in keep if guesses[j] == "whole"}, sizes.flat
    return plan


def _guess(cells: Sequence[str], rules: CellRules) -> str | None:
    """Return ``number``, ``whole`` for a number of digits in every cell, None for text and codes."""
    if plain_numbers(cells, rules) is not None:
        return "whole" if only_digits(cells) else "number"
    reading = judge(set(cells), rules)
    if reading.values is None or reading.is_code:
        return None
    return "whole" if reading.digits else "number"
