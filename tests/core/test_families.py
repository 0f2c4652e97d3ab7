"""Deviance, mean and curvature of the families, at ordinary and at extreme linear predictors."""

from __future__ import annotations

import math

import numpy as np
import pytest

from l2cli.core.families import FAMILIES, family_named
from l2cli.errors import UsageError

ETA = np.array([-700.0, -40.0, -3.0, -0.1, 0.0, 0.7, 5.0, 40.0, 700.0])


@pytest.mark.parametrize("name", list(FAMILIES))
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_the_deviance_has_the_gradient_and_curvature_the_solvers_use(name, y):
    family, eta, h = family_named(name), ETA[2:-2], 1e-5
    target = np.full_like(eta, y)
    slope = (family.deviance(target, eta + h) - family.deviance(target, eta - h)) / (2 * h)
    assert slope == pytest.approx(-2.0 * (y - family.mean(eta)), abs=1e-8)
    bend = (family.mean(eta + h) - family.mean(eta - h)) / (2 * h)
    assert bend == pytest.approx(family.curvature(family.mean(eta)), abs=1e-9)


def test_gaussian_is_the_squared_error():
    gaussian = family_named("gaussian")
    assert gaussian.deviance(np.array([3.0]), np.array([1.0])) == [4.0]
    assert gaussian.mean(ETA) is ETA
    assert gaussian.curvature(ETA) == pytest.approx(np.ones(len(ETA)))


def test_binomial_keeps_its_digits_at_both_ends():
    binomial = family_named("binomial")
    exact = [2.0 * (math.log1p(math.exp(v)) if v < 30 else v + math.exp(-v)) for v in ETA]
    assert binomial.deviance(np.zeros(len(ETA)), ETA) == pytest.approx(exact, rel=1e-15)
    assert binomial.deviance(np.ones(len(ETA)), -ETA) == pytest.approx(exact, rel=1e-15)
    mean = binomial.mean(ETA)
    assert mean == pytest.approx(
        [math.exp(v) / (1 + math.exp(v)) if v < 300 else 1.0 for v in ETA], rel=1e-14
    )
    assert mean[0] == pytest.approx(math.exp(-700.0), rel=1e-12)
    assert np.all((mean >= 0.0) & (mean <= 1.0))


def test_binomial_survives_overflow_without_a_warning():
    binomial, far = family_named("binomial"), np.array([-1e5, 1e5])
    assert binomial.mean(far) == pytest.approx([0.0, 1.0])
    assert binomial.deviance(np.array([1.0, 0.0]), far) == pytest.approx([2e5, 2e5])
    assert binomial.curvature(binomial.mean(far)) == pytest.approx([0.0, 0.0])


def test_an_unknown_family_is_named_with_those_there_are():
    with pytest.raises(UsageError, match="no family 'poison'; there are gaussian, binomial"):
        family_named("poison")
