"""The options of the objective, and of the lambdas to try."""

# No `from __future__ import annotations` here: the annotations are what counts, and evaluating them from text
# costs a command 5 ms.
from dataclasses import replace
from typing import Annotated, ClassVar

import typer

from l2cli.cli import values
from l2cli.cli.binding import OptionGroup, repeatable
from l2cli.cli.choosing import Selection
from l2cli.cli.options import words
from l2cli.errors import UsageError
from l2cli.spec import (
    FAMILIES,
    GROUP_PENALTIES,
    SCALES,
    GridSpec,
    GroupSpec,
    ModelSpec,
    family_hint,
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
        typer.Option(
            "--l1-ratio",
            metavar="R",
            help="the mix: 0 L2 (default), 1 L1, else elastic net; 0,0.5,1 tunes it",
        ),
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
        ratios = values.ratios(self.l1_ratio)
        return ModelSpec(
            family=values.choice(self.family, "--family", FAMILIES, family_hint),
            lambdas=self.grid(),
            lambda_scale=values.choice(self.lambda_scale, "--lambda-scale", SCALES),
            penalty_factor=values.penalty_factors(self.penalty_factor),
            bounds=values.bounds(self.bounds),
            groups=self.group_spec(),
            l1_ratio=ratios[0],
            l1_ratios=ratios if len(ratios) > 1 else (),
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

    def check_against(self, selection: Selection, kind: str | None) -> None:
        """Refuse options that choose lambda beside a ``--lambda`` that fixes it.

        A bootstrap (the ``kind`` of inference) draws whole groups whatever lambda.
        """
        given = [pair for pair in selection.given() if pair[0] != "--group-column" or kind != "bootstrap"]
        if given and values.single_lambda(self.strength) is not None:
            option = given[0][0]
            raise UsageError(
                f"--lambda {self.strength} fixes lambda, so {option} has nothing to do", hint="drop one"
            )
