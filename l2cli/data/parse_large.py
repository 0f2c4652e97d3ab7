"""Parse a large text: chunks of whole records, parsed side by side by pyarrow, gathered into one matrix.

The types of the columns are guessed from the first rows. A column in which a later chunk shows the guess to
be wrong is read again as text, and what it is follows from all its distinct cells, as for a small file.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice

from l2cli.data.arrow_chunk import Block, ChunkParser, Plan
from l2cli.data.cells import judge
from l2cli.data.chunks import Chunk, Cutter
from l2cli.data.columns import NumberFacts, Settled, make_table
from l2cli.data.dialect import Layout, sample_of
from l2cli.data.gather import Gatherer
from l2cli.data.records import RecordReader
from l2cli.data.source import Sizes, Source
from l2cli.data.table import Table
from l2cli.data.textstream import clean_pieces
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

    Notes
    -----
    Time: pyarrow's, on as many threads as there are processors (4 at most). Memory: the matrix and, for each
    thread, about four chunks.
    """
    plan = _planned(b"".join(start), layout, keep, source.label, sizes.guessed_rows)
    first = Gatherer(plan)
    size = min(max(sizes.chunk, sizes.per_column * len(layout.names)), _MAX_CHUNK_BYTES)
    run = _Runner(source, layout, size)
    run(chain(start, pieces), plan, first)
    again = [j for j in plan.numbers if j in plan.failed or (j in plan.maybe_codes and j in first.zeros)]
    second = Gatherer(Plan(layout, source.label, plan.rules, [], again))
    if again:
        run(clean_pieces(source.blocks(sizes.piece), spec.encoding, source.label), second.plan, second)
        if second.n_rows != first.n_rows:
            raise DataError(f"{source.label}: changed while it was read")
    return _table(first, second, keep, source)


def _table(first: Gatherer, second: Gatherer, keep: Sequence[int], source: Source) -> Table:
    """Settle all columns, in file order, and put them together."""
    plan, names = first.plan, first.plan.layout.names
    again, texts = set(second.plan.texts), set(plan.texts)
    settled = Settled(plan.layout.rules)
    for j in keep:
        if j in again or j in texts:
            settled.add_coded(names[j], (second if j in again else first).text(j))
        else:
            settled.add_facts(names[j], first.facts.get(j, NumberFacts()))
    kept = [k for k, j in enumerate(plan.numbers) if j not in again]
    table = make_table(
        source.typed,
        [names[j] for j in keep],
        settled,
        plan.layout.notes,
        first.lines,
        first.matrix.taken(kept),
        [names[plan.numbers[k]] for k in kept],
    )
    settled.refuse_infinite(source.label, table.place)
    return table


class _Runner:
    """Parse all chunks of a source in a pool of threads and hand the blocks over in order."""

    def __init__(self, source: Source, layout: Layout, size: int) -> None:
        self._source = source
        self._cutter = Cutter(layout.delimiter, source.label, size, layout.header_lines)

    def __call__(self, pieces: Iterator[bytes], plan: Plan, gatherer: Gatherer) -> None:
        workers = min(_MAX_WORKERS, os.cpu_count() or 1)
        parser = ChunkParser(plan)
        waiting: deque[tuple[Chunk, Future[Block]]] = deque()
        pool = ThreadPoolExecutor(workers)
        try:
            for chunk in self._cutter.chunks(pieces, lambda: self._source.fraction_read):
                waiting.append((chunk, pool.submit(parser.parse, chunk)))
                if len(waiting) > workers:
                    gatherer.add(*_done(waiting))
            while waiting:
                gatherer.add(*_done(waiting))
        finally:
            pool.shutdown(cancel_futures=True)


def _done(waiting: deque[tuple[Chunk, Future[Block]]]) -> tuple[Block, float]:
    chunk, future = waiting.popleft()
    return future.result(), chunk.fraction


def _planned(start: bytes, layout: Layout, keep: Sequence[int], label: str, guessed_rows: int) -> Plan:
    """Guess from the first rows which columns hold numbers, with which decimal mark, and which codes."""
    sample, whole = sample_of(start, whole=False)
    reader = RecordReader(sample.decode(), layout.delimiter, label, whole=whole)
    width = len(layout.names)
    data_rows = (row for row in reader if reader.start > layout.header_lines and len(row) == width)
    rows = list(islice(data_rows, guessed_rows))
    columns = list(zip(*rows, strict=True)) or [()] * width
    rules = layout.rules
    if len(rules.decimals) > 1:
        # One mark for all of pyarrow's conversions; a column with the other one is read as text and settled
        # by it.
        kinds = [judge(set(columns[j]), rules.with_decimal(".")).values is None for j in keep]
        commas = [judge(set(columns[j]), rules.with_decimal(",")).values is not None for j in keep]
        comma = any(text and number for text, number in zip(kinds, commas, strict=True))
        rules = rules.with_decimal("," if comma else ".")
    readings = {j: judge(set(columns[j]), rules) for j in keep}
    numeric = [j for j in keep if readings[j].values is not None and not readings[j].is_code]
    plan = Plan(layout, label, rules, numeric, [j for j in keep if j not in set(numeric)])
    plan.maybe_codes = {j for j in numeric if readings[j].digits}
    return plan
