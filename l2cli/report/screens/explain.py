"""The screen of ``l2cli explain``: the answer in a few lines, then features, rows and cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from l2cli.report.bars import bar_scale, signed_bar
from l2cli.report.escape import visible
from l2cli.report.layout import (
    GAP,
    INDENT,
    Column,
    Line,
    Page,
    Span,
    cells,
    column_width,
    decimal_cells,
    flowed,
    line,
    table,
)
from l2cli.report.numerals import comparable, percent, significant, trimmed
from l2cli.report.screens.features import LEAST_NAME, coefficient_lines, shown_count
from l2cli.report.screens.fit import inference_lines, lambda_text, method_text
from l2cli.report.screens.heading import data_lines, kept_text, model_lines
from l2cli.report.screens.metrics import label_of, metric_value
from l2cli.report.screens.targets import each, target_title

LEAST_BAR, WIDEST_BAR = 6, 16
MOST_ROWS = 5
LABEL_WIDTH = 17
SMALL_SHARE = 0.05


class _Row(NamedTuple):
    """A row of the table: a feature, or a group of them whose members follow."""

    name: str
    values: Mapping[str, Any]


def screen(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return the verdicts, the table of features, the rows with influence and the cost."""
    parts = list(each(result)) if "targets" in result else [(None, result)]
    lines = data_lines(result["data"], page)
    for name, part in parts:
        title = [] if name is None else [(), target_title(name)]
        unpenalized = part["lambda"]["value"] == 0
        lines += [
            *title,
            *model_lines(part["settings"], method_text(part), page, unpenalized=unpenalized),
            (),
        ]
        lines += _part_lines(part, page)
    return [*lines, (), *_legend(parts[0][1], page)]


def _part_lines(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return what is told of one target."""
    lines: list[Line] = []
    for verdict in result["verdicts"]:
        lines += flowed([Span(" "), Span(visible(verdict), "value")], page, indent=3)
    return [
        *lines, (),
        *_feature_lines(result, page), (),
        *_interval_lines(result, page),
        *_influence_lines(result, page),
        *_closing_lines(result, page),
    ]  # fmt: skip


def _rows_of(result: Mapping[str, Any]) -> list[_Row]:
    """Return the rows, the most important unit first, the members of a group below it."""
    groups = result["importance"]["groups"]
    members: dict[str, list[Mapping[str, Any]]] = {group["name"]: [] for group in groups}
    for row in result["features"]:
        members[row["group"]].append(row)

    def weight(group: Mapping[str, Any]) -> tuple[float, float]:
        size = max((abs(row["coef_standardized"] or 0.0) for row in members[group["name"]]), default=0.0)
        share = group["importance"] if group["importance"] is not None else group["marginal"]
        return (-(share or 0.0), -size)

    rows: list[_Row] = []
    for group in sorted(groups, key=weight):
        own = members[group["name"]]
        if len(own) == 1:
            rows.append(_Row(visible(own[0]["feature"]), own[0]))
            continue
        vif, rank = group["vif"], group["rank"] or 1
        rows.append(
            _Row(
                visible(group["name"]),
                {
                    "importance": group["importance"],
                    "importance_marginal": group["marginal"],
                    "effective_df": group["effective_df"],
                    "vif": None if vif is None else vif ** (1.0 / rank),
                },
            )
        )
        own = sorted(own, key=lambda row: -abs(row["coef_standardized"] or 0.0))
        # Below its column a level says enough: the whole name would be cut where levels differ.
        prefix = f"{group['name']}="
        rows += [_Row(f"  {visible(row['feature'].removeprefix(prefix))}", row) for row in own]
    return rows


def _feature_lines(result: Mapping[str, Any], page: Page) -> list[Line]:
    rows = _rows_of(result)
    if not rows:
        return [line(" no feature: the intercept alone")]
    top = rows[: shown_count(len(rows), page)]
    columns = _columns(result, top)
    shares = [row.values.get(_importance_key(result)) or 0.0 for row in top]
    room = _bar_room(columns, page)
    if room >= LEAST_BAR and any(shares):
        scale = bar_scale(shares, room, page.unicode)
        blank: Line = (Span(""),)
        bars = [signed_bar(share, scale, page.unicode) if share else blank for share in shares]
        columns.insert(2, Column("", bars, rank=0))
    lines = table(columns, page)
    if len(top) < len(rows):
        text = f" and {len(rows) - len(top)} more (all: --verbose or --format csv)"
        lines += flowed([Span(text, "hint")], page, indent=1)
    return lines


def _importance_key(result: Mapping[str, Any]) -> str:
    known = any(group["importance"] is not None for group in result["importance"]["groups"])
    return "importance" if known else "importance_marginal"


def _columns(result: Mapping[str, Any], rows: Sequence[_Row]) -> list[Column]:
    """Return the columns that have something to tell."""
    values = [row.values for row in rows]
    key, names = _importance_key(result), [row.name for row in rows]
    columns = [Column("feature", cells(names, "name"), least=LEAST_NAME)]
    columns.append(_shares("importance", [v.get(key) for v in values], 8))
    if key == "importance":
        columns.append(_shares("alone", [v.get("importance_marginal") for v in values], 3))
    sizes = [v.get("coef_standardized") for v in values]
    columns.append(Column("per sd", _numbers(sizes), "right", 7))
    if (result["lambda"]["value"] or 0) != 0:
        bare = [v.get("coef_unpenalized_standardized") for v in values]
        columns.append(Column("at 0", _numbers(bare), "right", 5))
        columns.append(_shares("shrunk", [v.get("shrinkage") for v in values], 6))
    columns.append(Column("df", decimal_cells([_short(v.get("effective_df")) for v in values]), "right", 2))
    columns.append(Column("VIF", decimal_cells([_short(v.get("vif")) for v in values]), "right", 4))
    after = [v.get("vif_penalized") for v in values]
    if (result["lambda"]["value"] or 0) != 0:
        columns.append(Column("after", decimal_cells([_short(v) for v in after]), "right", 1))
    if result.get("beside"):
        columns.append(_beside_column(result["beside"], values))
    return [
        column
        for column in columns
        if column.head == "feature" or any(c[0].text.strip() for c in column.cells)
    ]


def _beside_column(beside: Mapping[str, Any], values: Sequence[Mapping[str, Any]]) -> Column:
    """Return what the other penalty leaves of the unpenalized coefficient; per sd where that is unknown."""
    lasso = beside["l1_ratio"] > 0
    texts = []
    for row in values:
        other, bare = row.get("beside"), row.get("coef_unpenalized_standardized")
        if other is None:
            texts.append("")
        elif lasso and other == 0:
            texts.append("out")
        else:
            texts.append(percent(other / bare) if bare else significant(other))
    return Column("lasso" if lasso else "ridge", decimal_cells(texts), "right", 3)


def _shares(head: str, values: Sequence[float | None], rank: int) -> Column:
    """Return a column of shares, finer where all are small."""
    decimals = 1 if 0.0 < max((abs(v) for v in values if v is not None), default=0.0) < SMALL_SHARE else 0
    texts = ["" if v is None else percent(v, decimals) for v in values]
    return Column(head, decimal_cells(texts), "right", rank)


def _numbers(values: Sequence[float | None]) -> list[Line]:
    known = iter(comparable([v for v in values if v is not None]))
    return decimal_cells(["" if v is None else next(known) for v in values])


def _short(value: float | None) -> str:
    return "" if value is None else trimmed(value, 2)


def _bar_room(columns: Sequence[Column], page: Page) -> int:
    widths = [column_width(column) for column in columns]
    return min(page.width - INDENT - sum(widths) - GAP * len(widths), WIDEST_BAR)


def _interval_lines(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return the coefficients with their standard errors and intervals, where there are any."""
    if all(row.get("se") is None for row in result["features"]) and "inference" not in result:
        return []
    view = {"coefficients": result["features"], **result}
    return [*coefficient_lines(view, page), *inference_lines(result, page), ()]


def _influence_lines(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return the rows that move the fit most, and the one that lies farthest out."""
    found = result["influence"]
    if not found or not found["rows"]:
        return []
    rows = [row for row in found["rows"] if row["cooks_distance"] is not None][:MOST_ROWS]
    if not rows:
        return []
    moved = [
        f"{visible(row['feature'])} {_signed(row['coef_change_standardized'])}" if row["feature"] else ""
        for row in rows
    ]
    columns = [
        Column("row", cells([_row_name(row) for row in rows], "name"), least=LEAST_NAME),
        Column("leverage", decimal_cells([significant(row["leverage"], 2) for row in rows]), "right", 6),
        Column("residual", _numbers([row["residual"] for row in rows]), "right", 5),
        Column(
            "Cook's D", decimal_cells([significant(row["cooks_distance"], 2) for row in rows]), "right", 7
        ),
        Column("moves itself", decimal_cells([_signed(row["change"]) for row in rows]), "right", 4),
        Column("and most", cells(moved), "left", 3, LEAST_NAME),
    ]
    far = max(found["rows"], key=lambda row: row["leverage"])
    text = (
        f" highest leverage: {_row_name(far)}, {significant(far['leverage'], 2)}"
        f" (mean {significant(found['mean_leverage'], 2)});"
        f" above three times the mean: {found['high_leverage']}"
    )
    return [*table(columns, page), *flowed([Span(text, "hint")], page, indent=1), ()]


def _row_name(row: Mapping[str, Any]) -> str:
    return visible(row["place"] if row["id"] is None else f"{row['id']} ({row['place']})")


def _signed(value: float | None) -> str:
    text = significant(value, 2)
    return f"+{text}" if value is not None and value > 0 else text


def _closing_lines(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return lambda and what is left, the other penalty, the errors, and what a solve costs."""
    lines = _labelled(
        f"lambda {lambda_text(result['lambda'])}",
        kept_text({"coefficients": result["features"], **result}),
        page,
    )
    if beside := result.get("beside"):
        name = "lasso" if beside["l1_ratio"] > 0 else "ridge"
        count = len(result["features"])
        kept = f"keeps {beside['kept']} of {count} features, " if name == "lasso" else "keeps "
        df, own = trimmed(beside["effective_df"]), trimmed(beside["lambda"])
        lines += _labelled(f"{name} beside", f"{kept}{df} degrees of freedom at its own lambda, {own}", page)
    error, cost = result["cost"]["error"], result["cost"]
    metric = error["metric"]
    both = [(error[key] or {}).get(metric) for key in ("penalized", "unpenalized")]
    if both[0] is not None and both[1] is not None and result["lambda"]["value"] != 0:
        how = "leave-one-out" if error["method"] == "loo" else "cross-validation"
        first, second = (metric_value(metric, value) for value in both)
        text = f"{label_of(metric)} {first} with the penalty, {second} without ({how})"
        lines += _labelled("unseen rows", text, page)
    with_it, without = cost["penalized"], cost["unpenalized"]
    text = f"{_spent(with_it)} to solve"
    if without is not None and result["lambda"]["value"] != 0:
        text += f", {_spent(without)} without the penalty"
    return lines + _labelled("cost", text, page)


def _spent(cost: Mapping[str, Any]) -> str:
    seconds, memory = cost["seconds"], cost["memory_bytes"]
    time = f"{significant(seconds * 1e3, 2)} ms" if seconds < 1.0 else f"{significant(seconds, 2)} s"
    return f"{time} and {significant(memory / 1e6, 2)} MB"


def _labelled(label: str, text: str, page: Page) -> list[Line]:
    width = max(LABEL_WIDTH, len(label) + 3)
    return flowed([Span(f" {label}".ljust(width), "value"), Span(text)], page, indent=width)


def _legend(result: Mapping[str, Any], page: Page) -> list[Line]:
    """Return what the columns mean."""
    importance = result["importance"]
    words = []
    if importance["method"]:
        what = (
            "variance of the model's predictor"
            if result["settings"]["family"] != "gaussian"
            else "model's variance"
        )
        words.append(f"importance: share of the {what}, averaged over all orders of the features (Shapley)")
        if importance["method"] == "orders":
            worst = max((group["se"] or 0.0 for group in importance["groups"]), default=0.0)
            words.append(f"by {importance['orders']} random orders, +- {percent(worst, 1)} at most")
        words.append("alone: were they not correlated")
    else:
        words.append("importance: share of the variance, were features not correlated")
    words += _legend_of_columns(result)
    if result["influence"]:
        how = "exact" if result["influence"]["exact"] else "one step from the fit"
        own = "prediction" if result["settings"]["family"] == "gaussian" else "linear predictor"
        words.append(f"moves: by being there, its own {own} and the coefficient most moved, per sd ({how})")
    return flowed([Span("; ".join(words) + ". Next: l2cli compare, l2cli path", "hint")], page)


def _odd_shares(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what shares below 0 and above 100 % mean, where there are any."""
    known = [share for values in rows if (share := values.get("shrinkage")) is not None]
    parts = ["above 100 %: the sign flips"] * (max(known) >= 1.005)
    parts += ["negative: it grew"] * (min(known) <= -0.005)
    return f" ({', '.join(parts)})" if parts else ""


def _legend_of_columns(result: Mapping[str, Any]) -> list[str]:
    """Return what the columns behind the shares mean, of those that have something to tell."""
    rows: list[Mapping[str, Any]] = [row.values for row in _rows_of(result)]

    def told(key: str) -> bool:
        return any(values.get(key) is not None for values in rows)

    bare, words = told("coef_unpenalized_standardized"), []
    if result["settings"]["family"] == "multinomial":
        words.append("per sd: root of the sum of squares over the classes")
    if result["lambda"]["value"] != 0 and bare:
        words.append("at 0: per sd without the penalty")
        words += [f"shrunk: what of that it takes{_odd_shares(rows)}"] if told("shrinkage") else []
    words += ["df: degrees of freedom of each"] if told("effective_df") else []
    if told("vif"):
        after = told("vif_penalized") and result["lambda"]["value"] != 0
        words.append("VIF: variance inflation" + (", and after the penalty" if after else ""))
    if told("beside"):
        name, kind = ("lasso", "L1") if result["beside"]["l1_ratio"] > 0 else ("ridge", "L2")
        words.append(f"{name}: what {kind} keeps" if bare else f"{name}: per sd with {kind}")
    return words
