"""``l2cli convert``: a lambda in the conventions of other tools."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, ClassVar

import typer

from l2cli.cli import values
from l2cli.cli.binding import OptionGroup, bind
from l2cli.cli.job import Job
from l2cli.cli.options import Columns, Output, Reading, words
from l2cli.errors import UsageError, shown
from l2cli.spec import FAMILIES, ModelSpec

EXAMPLES = """\
l2cli convert sklearn_C=0.5 --rows 455
l2cli convert glmnet_lambda=0.1 --rows 442 --target-sd 77
l2cli convert lambda=3 data.csv -t price"""

# Where the family is not said, the one that a tool is for.
_FAMILY_OF_TOOL = {"sklearn_C": "binomial", "sklearn_glm_alpha": "poisson"}

Strength = Annotated[
    str,
    typer.Argument(
        metavar="NAME=VALUE",
        help="the strength in the words of a tool, for example sklearn_C=0.5 or lambda=3",
    ),
]
MaybeData = Annotated[
    str | None, typer.Argument(metavar="[DATA]", help="file to take rows, weights and sd from")
]


class Facts(OptionGroup):
    """What the conversion takes beside the strength; a file gives the same."""

    heading: ClassVar[str] = "Model"

    family: Annotated[
        str,
        typer.Option(
            "--family", metavar=words(FAMILIES), help="auto: by the file or the tool, else gaussian"
        ),
    ] = "auto"
    l1_ratio: Annotated[
        str, typer.Option("--l1-ratio", metavar="R", help="the mix of that tool, 0 (L2) to 1 (L1)")
    ] = "0"
    intercept: Annotated[
        bool, typer.Option("--intercept/--no-intercept", help="whether the model has an intercept")
    ] = True
    rows: Annotated[str | None, typer.Option("--rows", metavar="N", help="number of rows")] = None
    weight_sum: Annotated[
        str | None, typer.Option("--weight-sum", metavar="W", help="sum of the weights (default: the rows)")
    ] = None
    target_sd: Annotated[
        str | None,
        typer.Option("--target-sd", metavar="SD", help="standard deviation of the target, divisor W"),
    ] = None


def convert(
    strength: Strength,
    facts: Facts,
    columns: Columns,
    reading: Reading,
    output: Output,
    data: MaybeData = None,
) -> int:
    """Show a lambda in the conventions of other tools.

    What a conversion needs beside the number (rows, weights, the spread of the target) is given by options
    or taken from a file. NAME is lambda, lambda_mean (--lambda-scale mean), sklearn_ridge_alpha, sklearn_C,
    sklearn_elasticnet_alpha (Lasso too), sklearn_glm_alpha, sklearn_sgd_alpha, sklearn_mlp_alpha, glum_alpha,
    statsmodels_alpha, statsmodels_glm_alpha, glmnet_lambda, torch_weight_decay, or textbook: t in deviance +
    t [q sum |w| + (1 - q) sum w^2], q being --l1-ratio.
    """
    name, equals, text = strength.partition("=")
    if not equals:
        raise UsageError(
            f"'{shown(strength)}' has no value", hint="write NAME=VALUE, for example sklearn_C=0.5"
        )
    value, mix = (
        values.number(text, shown(name)),
        values.number_between(facts.l1_ratio, "--l1-ratio", 0.0, 1.0),
    )
    family = values.choice(facts.family, "--family", FAMILIES)
    from l2cli.api.convert import convert_lambda

    state = partial(convert_lambda, value, convention=name, l1_ratio=mix)
    guess = _FAMILY_OF_TOOL.get(name, "gaussian") if family == "auto" else family
    if data is None:
        known = _given(facts, columns, reading)
        return Job(output, []).finish(state(family=guess, **known).to_dict())
    _refuse_beside_data(facts, data)
    state(
        family=guess, rows=1, target_sd=1.0
    )  # refuses a convention that does not exist, before the file is read
    job = Job(output, [data])
    dataset = job.dataset(
        data, reading.spec(), columns.spec(), ModelSpec(family=family, intercept=facts.intercept)
    )
    spread = dataset.target_sd if facts.intercept else dataset.target_rms
    result = state(
        family=dataset.family, rows=dataset.n_rows, weight_sum=dataset.weight_sum, target_sd=spread
    ).to_dict()
    target = {"target": dataset.schema.target, "target_default": dataset.target_default}
    result["data"] = {"source": dataset.source, **target, "notes": list(dataset.notes)}
    result["warnings"] += dataset.warnings
    return job.finish(result)


def _given(facts: Facts, columns: Columns, reading: Reading) -> dict[str, Any]:
    """Return what the options say where there is no file; refuse those that only a file gives a meaning."""
    if columns != Columns() or reading != Reading() or not facts.intercept:
        raise UsageError(
            "--no-intercept and the options of columns and reading need a DATA file", hint="give one"
        )
    rows, total, spread = facts.rows, facts.weight_sum, facts.target_sd
    return {
        "rows": None if rows is None else values.whole(rows, "--rows", 1),
        "weight_sum": None if total is None else values.number(total, "--weight-sum"),
        "target_sd": None if spread is None else values.number(spread, "--target-sd"),
    }


def _refuse_beside_data(facts: Facts, data: str) -> None:
    """Refuse options for what the file says itself."""
    given = {"--rows": facts.rows, "--weight-sum": facts.weight_sum, "--target-sd": facts.target_sd}
    for option, value in given.items():
        if value is not None:
            raise UsageError(f"{option} is what {shown(data)} says itself", hint="leave out one of them")


COMMAND = bind(convert, EXAMPLES)
