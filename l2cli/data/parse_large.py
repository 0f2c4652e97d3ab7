"""Parse large texts: chunks of whole records, parsed side by side by pyarrow, gathered into one matrix.

The parts of a table are cut one after the other, a part never sharing a chunk with the next, and their blocks
follow one another in one gatherer: from there on nothing tells them from one file but where a row stands.
The types of the columns are guessed from the first rows. A column in which a later chunk shows the guess to
be wrong is read again as text, and what it is follows from all its distinct cells, as for a small file.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Container, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple

from l2cli.data.arrow_chunk import ChunkParser
from l2cli.data.cells import CellRules, judge, mark_shown, only_digits, plain_numbers, read_under
from l2cli.data.chunks import Chunk, Cutter
from l2cli.data.columns import NumberFacts
from l2cli.data.dialect import sample_of
from l2cli.data.gather import Gatherer
from l2cli.data.parse_small import Skipped
from l2cli.data.plan import Block, Plan
from l2cli.data.records import RecordReader
from l2cli.data.settle import Marks, Settled, make_table
from l2cli.data.sizes import Sizes
from l2cli.data.source import changed, label_of
from l2cli.data.table import Table
from l2cli.data.text_parts import TextPart, Texts
from l2cli.data.textstream import WithoutTail, after_lines, clean_pieces, without_lines
from l2cli.errors import DataError
from l2cli.spec import ReadSpec

_MAX_CHUNK_BYTES = 64 << 20
_MAX_WORKERS = 4


def read_large(
    texts: Texts,
    keep: Sequence[int],
    typed: str,
    spec: ReadSpec,
    sizes: Sizes,
    verbatim: Container[str] = (),
) -> Table:
    """Return the table of texts that are too large for the standard library.

    Parameters
    ----------
    texts : Texts
        One file, or the parts of a table; read again where a column turns out otherwise than guessed.
    keep : sequence of int
        Positions of the columns to keep.
    typed : str
        What the user typed.
    verbatim : container of str
        Names of columns to keep as they stand too.

    Notes
    -----
    Time: pyarrow's, on as many threads as there are processors (4 at most). Memory: the matrix and, for each
    thread, about four chunks.
    """
    layout = texts.layout
    exact = {j for j in keep if layout.names[j] in verbatim}
    plan = _planned(texts, keep, label_of(typed), sizes, exact)
    size = sizes.chunk if plan.is_flat() else max(sizes.chunk, sizes.per_column * len(layout.names))
    run = _Runner(texts.parts, spec.encoding, sizes.piece, min(size, _MAX_CHUNK_BYTES))
    first, second = _gathered(run, plan)
    seen: Marks = {}
    while True:
        settled = _settled(first, second, keep, verbatim, seen)
        wanted = _wanted_mark(settled, plan.rules.decimals[0], seen)
        if wanted is None:
            return _table(first, second, settled, keep, typed)
        as_text = [j for j in keep if j in exact or layout.names[j] in settled.texts]
        plan = plan.with_decimal(wanted, as_text)
        del first, second, settled
        first, second = _gathered(run, plan)


def _wanted_mark(settled: Settled, mark: str, seen: Marks) -> str | None:
    """Return the decimal mark to read the file with again, None where ``mark`` was right or both are shown.

    The numbers of pyarrow do not tell whether they had the mark that they were read with; the other one shows
    itself whole, and is added to ``seen``.
    """
    other = next((each for each in settled.marks if each != mark), None)
    if other is not None:
        seen[other] = settled.marks[other]
    if len(settled.marks) > 1:
        return None if mark in seen else other
    return None if settled.decimal == mark else settled.decimal


def _gathered(run: _Runner, plan: Plan) -> tuple[Gatherer, Gatherer]:
    """Read by a plan, and once more the columns that turned out otherwise than planned."""
    first = Gatherer(plan)
    run(plan, first)
    again = [j for j in plan.numbers if j in plan.failed or (j in plan.maybe_codes and j in first.zeros)]
    second = Gatherer(Plan(plan.layout, plan.label, plan.rules, [], again))
    if again:
        run(second.plan, second)
        if second.n_rows != first.n_rows:
            raise changed(plan.label)
    return first, second


def _settled(
    first: Gatherer,
    second: Gatherer,
    keep: Sequence[int],
    verbatim: Container[str],
    seen: Marks,
) -> Settled:
    """Settle all columns, in file order; ``seen`` are decimal marks that were found in an earlier reading."""
    plan, names = first.plan, first.plan.layout.names
    again, texts = set(second.plan.texts), set(plan.texts)
    settled = Settled(plan.layout.rules, verbatim)
    settled.marks.update(seen)
    marks = first.marks - sum(facts.uncertain[plan.rules.decimals[0]] for facts in first.facts.values())
    for j in keep:
        if j in again or j in texts:
            cells = (second if j in again else first).text(j)
            settled.add_coded(names[j], cells)
            marks -= cells.times(plan.rules.decimals[0]) if j in again and marks > 0 else 0
        else:
            settled.add_facts(names[j], first.facts.get(j, NumberFacts()))
    marked = marks > 0
    # Marks may stand in columns that were not read.
    if marked and (len(keep) < len(names) or not plan.layout.rules.mark_is_sure):
        marked = first.matrix.has_fractions([k for k, j in enumerate(plan.numbers) if j not in again])
    shown = any(j not in again for j in plan.shows_mark)
    bare = plan.skips_blanks or second.plan.skips_blanks
    settled.finish(plan.rules.decimals[0] if shown else None, marked=marked, bare=bare)
    return settled


def _table(first: Gatherer, second: Gatherer, settled: Settled, keep: Sequence[int], typed: str) -> Table:
    """Put the columns together."""
    plan, names = first.plan, first.plan.layout.names
    again = set(second.plan.texts)
    kept = [k for k, j in enumerate(plan.numbers) if j not in again]
    return make_table(
        typed,
        [names[j] for j in keep],
        settled,
        plan.layout.notes + Skipped(plan.layout.comments).plus(first.skipped).notes(),
        first.lines,
        first.parts(),
        first.matrix.taken(kept),
        [names[plan.numbers[k]] for k in kept],
        file_names=names,
    )


class _Runner(NamedTuple):
    """Parse all chunks of the parts in a pool of threads and hand the blocks over in order.

    encoding : the one asked for. piece : bytes read at a time. size : bytes of a chunk.
    """

    parts: Sequence[TextPart]
    encoding: str | None
    piece: int
    size: int

    def __call__(self, plan: Plan, gatherer: Gatherer) -> None:
        workers = min(_MAX_WORKERS, os.cpu_count() or 1)
        waiting: deque[tuple[Future[Block], TextPart, float]] = deque()
        pool = ThreadPoolExecutor(workers)
        try:
            for submitted in self._submitted(pool, plan, gatherer):
                waiting.append(submitted)
                if len(waiting) > workers:
                    gatherer.add(*_done(waiting, gatherer))
            while waiting:
                gatherer.add(*_done(waiting, gatherer))
        finally:
            pool.shutdown(cancel_futures=True)

    def _submitted(
        self, pool: ThreadPoolExecutor, plan: Plan, gatherer: Gatherer
    ) -> Iterator[tuple[Future[Block], TextPart, float]]:
        """Yield the blocks to be, each with its part and the fraction of all parts read with it.

        What is wrong with a text where it is cut comes as a last block, so that what is wrong further up is
        told first.
        """
        read, total = 0, max(1, sum(part.size for part in self.parts))
        for part in self.parts:
            parser = ChunkParser(plan, part)
            try:
                for chunk in self._chunks(part, gatherer):
                    yield pool.submit(parser.parse, chunk), part, (read + chunk.fraction * part.size) / total
            except DataError as error:
                failed: Future[Block] = Future()
                failed.set_exception(error)
                yield failed, part, 1.0
                return
            read += part.size

    def _chunks(self, part: TextPart, gatherer: Gatherer) -> Iterator[Chunk]:
        """Yield the chunks of a part, which is open only so long."""
        layout = part.layout
        cutter = Cutter(layout.delimiter, part.label, self.size, layout.header_lines + 1)
        with part.opened() as source:
            if source.size != part.size:
                raise changed(part.label)
            pieces = clean_pieces(source.blocks(self.piece), self.encoding, part.label, source.head)
            body = WithoutTail(without_lines(pieces, layout.header_lines), layout.delimiter)
            yield from cutter.chunks(iter(body), lambda: source.fraction_read)
        gatherer.skipped = gatherer.skipped.plus(Skipped(tail=body.n_lines))


def _done(
    waiting: deque[tuple[Future[Block], TextPart, float]], gatherer: Gatherer
) -> tuple[Block, TextPart, float]:
    future, part, fraction = waiting.popleft()
    try:
        return future.result(), part, fraction
    except DataError as error:
        if error.code in ("blank_line", "ragged"):
            gatherer.refuse_blank(part)  # it is further up
        raise


def _planned(texts: Texts, keep: Sequence[int], label: str, sizes: Sizes, exact: Container[int]) -> Plan:
    """Guess from the first rows which columns hold numbers, with which decimal mark, and which codes.

    Columns of ``exact`` are read as text, so that their cells are at hand as they stand.
    """
    base, layout = texts.base, texts.base.layout
    sample, whole = sample_of(base.start, whole=False)
    body = sample[after_lines(sample, layout.header_lines) :].decode()
    reader = RecordReader(body, layout.delimiter, base.label, layout.header_lines + 1, whole=whole)
    width = layout.width
    rows = list(islice((row for row in reader if len(row) == width), sizes.guessed_rows))
    columns = list(zip(*rows, strict=True)) or [()] * width
    rules, guesses, shows = _guesses({j: columns[j] for j in keep}, layout.rules)
    guesses = {j: None if j in exact else kind for j, kind in guesses.items()}
    as_text = [j for j in keep if guesses[j] is None]
    numbers = [j for j in keep if guesses[j] is not None]
    plan = Plan(texts.layout, label, rules, numbers, as_text, shows_mark=shows.intersection(numbers))
    plan.maybe_codes, plan.flat = {j for j in keep if guesses[j] == "whole"}, sizes.flat
    return plan


def _guesses(
    columns: dict[int, Sequence[str]], rules: CellRules
) -> tuple[CellRules, dict[int, str | None], set[int]]:
    """Return the rules with the decimal mark that columns speak for, what they are, and which show the mark.

    pyarrow converts with one mark; a column with the other is read as text and settled from that.
    """
    first = rules.with_decimal(rules.decimals[0])
    if len(rules.decimals) == 1:
        return first, {j: _guess(cells, first) for j, cells in columns.items()}, set()
    guesses: dict[int, str | None] = {}
    shows: dict[str, set[int]] = {mark: set() for mark in rules.decimals}
    for j, cells in columns.items():
        guesses[j], mark = _guess_both(cells, rules, first)
        if mark is not None:
            shows[mark].add(j)
    found = [mark for mark in shows if shows[mark]]
    mark = found[0] if len(found) == 1 else rules.likely
    if mark != first.likely:
        first = rules.with_decimal(mark)
        guesses = {j: _guess(cells, first) for j, cells in columns.items()}
    return first, guesses, shows[mark]


def _guess_both(cells: Sequence[str], rules: CellRules, points: CellRules) -> tuple[str | None, str | None]:
    """Return what cells are with decimal points, and the decimal mark that they show."""
    kind = _guess_plain(cells, points)
    if kind is None and _guess_plain(cells, rules.with_decimal(",")) is not None:
        return None, None if mark_shown(cells, ",", rules) is None else ","
    kind = kind or _guess(cells, points)
    if kind is None:
        reading = judge(set(cells), points)
        under = [mark for mark in rules.decimals if read_under(reading, rules, mark) is not None]
        return None, under[0] if len(under) == 1 else None
    doubtful = rules.doubtful or rules.likely == ","
    return kind, None if not doubtful or mark_shown(cells, ".", rules) is None else "."


def _guess(cells: Sequence[str], rules: CellRules) -> str | None:
    """Return ``number``, ``whole`` for a number of digits in every cell, None for text and codes."""
    kind = _guess_plain(cells, rules)
    if kind is not None:
        return kind
    reading = judge(set(cells), rules)
    if reading.values is None or reading.is_code:
        return None
    return "whole" if reading.digits else "number"


def _guess_plain(cells: Sequence[str], rules: CellRules) -> str | None:
    """Return the same for numbers without exception, None for everything else."""
    if plain_numbers(cells, rules) is None:
        return None
    return "whole" if only_digits(cells) else "number"
