"""The options of the objective, of the lambdas to try, and of choosing one of them."""

# No `from __future__ import annotations` here: the annotations are what counts, and evaluating them from text
# costs a command 5 ms.
from dataclasses import replace
from typing import Annotated, ClassVar

import typer

from l2cli.cli import values
from l2cli.cli.binding import OptionGroup, repeatable
from l2cli.cli.options import words
from l2cli.errors import UsageError
from l2cli.spec import (
    FAMILIES,
    GROUP_PENALTIES,
    METRICS,
    MOST_REPEATS,
    RULES,
    SCALES,
    SELECTORS,
    GridSpec,
    GroupSpec,
    ModelSpec,
    SelectSpec,
    check_l1_ratio,
)


class Modelling(OptionGroup):
    """The objective, and the lambdas at which it is minimised."""

    heading: ClassVar[str] = "Model"

    family: Annotated[
        str,
        typer.Option(
            "--family",
            metavar=words(FAMILIES),
            help="auto: two classes binomial, words multinomial, else gaussian",
        ),
    ] = "auto"
    tweedie_power: Annotated[
        str | None,
        typer.Option("--tweedie-power", metavar="P", help="variance mu^P of tweedie, 1 < P < 2 (1.5)"),
    ] = None
    l1_ratio: Annotated[
        str,
        typer.Option("--l1-ratio", metavar="R", help="the mix: 0 L2 (default), 1 L1, between elastic net"),
    ] = "0"
    lambdas: Annotated[
        str, typer.Option("--lambdas", metavar="GRID", help="auto[:N], LO:HI[:N], a,b,c or @FILE")
    ] = "auto"
    lambda_scale: Annotated[
        str,
        typer.Option(
            "--lambda-scale", metavar=words(SCALES), help="mean: lambda is per unit of weight, as in glmnet"
        ),
    ] = "sum"
    penalty_factor: Annotated[
        list[str],
        typer.Option(
            "--penalty-factor", metavar="COLS=NUM", help="own strengths, 'age=0,gene_*=2' (0: not penalized)"
        ),
    ] = repeatable()
    bounds: Annotated[
        list[str],
        typer.Option("--bounds", metavar="COLS=LO:HI", help="bounds of coefficients, 'x=0:,y=-1:1'"),
    ] = repeatable()
    groups: Annotated[
        str | None,
        typer.Option(
            "--groups",
            metavar="G=COLS;...",
            help="groups of columns, 'g1=a,b;g2=c_*', or dummies: text columns",
        ),
    ] = None
    group_penalty: Annotated[
        str | None,
        typer.Option(
            "--group-penalty",
            metavar=words(GROUP_PENALTIES),
            help="lasso: in or out whole (default); banded: a lambda each",
        ),
    ] = None
    group_lambda: Annotated[
        list[str],
        typer.Option("--group-lambda", metavar="G=NUM", help="lambdas of a banded penalty (default: chosen)"),
    ] = repeatable()
    standardize: Annotated[
        bool,
        typer.Option("--standardize/--no-standardize", help="penalize the weights of standardized columns"),
    ] = True
    intercept: Annotated[
        bool, typer.Option("--intercept/--no-intercept", help="fit an intercept, never penalized")
    ] = True

    def spec(self) -> ModelSpec:
        """Return the checked description of the objective."""
        return ModelSpec(
            family=values.choice(self.family, "--family", FAMILIES),
            lambdas=self.grid(),
            lambda_scale=values.choice(self.lambda_scale, "--lambda-scale", SCALES),
            penalty_factor=values.penalty_factors(self.penalty_factor),
            bounds=values.bounds(self.bounds),
            groups=self.group_spec(),
            l1_ratio=check_l1_ratio(
                values.number_between(self.l1_ratio, "--l1-ratio", 0.0, 1.0), "--l1-ratio"
            ),
            standardize=self.standardize,
            intercept=self.intercept,
            tweedie_power=None
            if self.tweedie_power is None
            else values.number(self.tweedie_power, "--tweedie-power"),
        )

    def group_spec(self) -> GroupSpec | None:
        """Return the groups asked for."""
        found = values.groups(self.groups)
        lambdas = values.group_lambdas(self.group_lambda)
        if found is None:
            for option, given in (("--group-penalty", self.group_penalty), ("--group-lambda", lambdas)):
                if given:
                    raise UsageError(f"{option} needs --groups", hint="--groups 'g1=a,b;g2=c_*' or dummies")
            return None
        penalty = values.choice(
            self.group_penalty or ("banded" if lambdas else "lasso"), "--group-penalty", GROUP_PENALTIES
        )
        return GroupSpec(*found, penalty, lambdas)

    def grid(self) -> GridSpec:
        """Return the lambdas asked for."""
        return values.grid(self.lambdas)

    def files(self) -> list[str]:
        """Return the files that the options name as input."""
        return [self.lambdas[1:]] if self.lambdas.startswith("@") else []


class CertifiedModelling(Modelling):
    """The objective, its relaxed form, and how near to its optimum a reported model must be."""

    relax_gamma: Annotated[
        str | None,
        typer.Option(
            "--relax-gamma",
            metavar="G",
            help="relaxed: G of the L1 solution, 1-G of the unpenalized fit on its features",
        ),
    ] = None
    tol: Annotated[
        str | None, typer.Option("--tol", metavar="NUM", help="largest KKT residual that counts as solved")
    ] = None

    def spec(self) -> ModelSpec:
        """Return the checked description of the objective."""
        tol = None if self.tol is None else values.number(self.tol, "--tol")
        if tol is not None and tol <= 0:
            raise UsageError(f"--tol must be larger than 0, not {self.tol}")
        gamma = None
        if self.relax_gamma is not None:
            gamma = values.number_between(self.relax_gamma, "--relax-gamma", 0.0, 1.0)
        return replace(super().spec(), tol=tol, relax_gamma=gamma)


class FitModelling(CertifiedModelling):
    """The objective, with a single lambda as ``fit`` has it."""

    strength: Annotated[
        str, typer.Option("--lambda", metavar="auto|NUM", help="the strength; auto chooses it from --lambdas")
    ] = "auto"

    def grid(self) -> GridSpec:
        """Return the lambdas asked for: one from ``--lambda``, or those of ``--lambdas``."""
        value = values.single_lambda(self.strength)
        if value is None:
            return super().grid()
        if self.lambdas != "auto":
            raise UsageError(
                f"--lambda {self.strength} fixes lambda, so --lambdas has nothing to do", hint="drop one"
            )
        return GridSpec(values=(value,))

    def check_against(self, selection: "Selection") -> None:
        """Refuse options that choose lambda beside a ``--lambda`` that fixes it."""
        given = selection.given()
        if given and values.single_lambda(self.strength) is not None:
            option = given[0][0]
            raise UsageError(
                f"--lambda {self.strength} fixes lambda, so {option} has nothing to do", hint="drop one"
            )


class Choosing(OptionGroup):
    """Folds and how they are judged, as ``cv`` and ``compare`` have them."""

    heading: ClassVar[str] = "Choosing lambda"

    folds: Annotated[
        str | None, typer.Option("--folds", "-k", metavar="K", help="number of folds (default 10)")
    ] = None
    repeats: Annotated[
        str | None, typer.Option("--repeats", metavar="R", help="repeat with new folds (default 1)")
    ] = None
    fold_column: Annotated[
        str | None,
        typer.Option("--fold-column", metavar="COL", help="column with the fold of each row; no feature"),
    ] = None
    group_column: Annotated[
        str | None,
        typer.Option("--group-column", metavar="COL", help="rows of one group stay in one fold; no feature"),
    ] = None
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric",
            metavar=words(METRICS),
            help="what is compared (default: deviance, for gaussian the mse)",
        ),
    ] = None
    seed: Annotated[str, typer.Option("--seed", metavar="N", help="seed of the folds")] = "0"
    jobs: Annotated[
        str | None,
        typer.Option(
            "--jobs", "-j", metavar="N", help="processes, -1 for all cores (default: as many as help)"
        ),
    ] = None

    def spec(self) -> SelectSpec:
        """Return the checked description of how lambda is chosen."""
        self._check_folds()
        return SelectSpec(
            folds=None if self.folds is None else values.whole(self.folds, "--folds", 2),
            repeats=SelectSpec.repeats
            if self.repeats is None
            else values.whole(self.repeats, "--repeats", 1, MOST_REPEATS),
            metric=None if self.metric is None else values.choice(self.metric, "--metric", METRICS),
            seed=values.whole(self.seed, "--seed", 0),
            jobs=self._jobs(),
        )

    def _check_folds(self) -> None:
        """Refuse options that contradict one another."""
        if self.fold_column is not None:
            for option, value in (
                ("--folds", self.folds),
                ("--repeats", self.repeats),
                ("--group-column", self.group_column),
            ):
                if value is not None:
                    raise UsageError(
                        f"--fold-column gives the folds, so {option} has nothing to do", hint="drop one"
                    )

    def _jobs(self) -> int | None:
        if self.jobs is None or self.jobs.strip() == "-1":
            return None if self.jobs is None else -1
        return values.whole(self.jobs, "--jobs", 1)


class Rule(Choosing):
    """Folds, and the rule that picks lambda from the curve."""

    rule: Annotated[
        str | None,
        typer.Option("--rule", metavar=words(RULES), help="the best, or within one se of it (default min)"),
    ] = None

    def spec(self) -> SelectSpec:
        """Return the checked description of how lambda is chosen."""
        rule = "min" if self.rule is None else values.choice(self.rule, "--rule", RULES)
        return replace(super().spec(), rule=rule)


class Selection(Rule):
    """Everything about choosing lambda, as ``fit`` has it."""

    select: Annotated[
        str | None,
        typer.Option("--select", metavar=words(SELECTORS), help="how lambda is chosen (default auto)"),
    ] = None

    def spec(self) -> SelectSpec:
        """Return the checked description of how lambda is chosen."""
        select = "auto" if self.select is None else values.choice(self.select, "--select", SELECTORS)
        if select in {"loo", "gcv"}:
            for option, value in self.given():
                if option in {"--folds", "--repeats", "--fold-column", "--group-column"}:
                    raise UsageError(f"--select {select} has no folds, so {option} {value} has nothing to do")
        spec = replace(super().spec(), select=select)
        if select == "gcv" and spec.rule == "1se":
            raise UsageError(
                "--rule 1se needs a standard error, which gcv does not have", hint="use loo or cv"
            )
        return spec

    def given(self) -> list[tuple[str, str]]:
        """Return the (option, value) pairs given that only act where lambda is chosen."""
        pairs = (
            ("--select", self.select),
            ("--rule", self.rule),
            ("--metric", self.metric),
            ("--folds", self.folds),
            ("--repeats", self.repeats),
            ("--fold-column", self.fold_column),
            ("--group-column", self.group_column),
        )
        return [(option, value) for option, value in pairs if value is not None]
