"""Deviance, mean, residual and curvature of the families, at ordinary and at extreme linear predictors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import logsumexp, softmax
from sklearn.metrics import mean_tweedie_deviance

from l2cli.core.families import FAMILIES, family_named
from l2cli.errors import UsageError

ETA = np.array([-700.0, -40.0, -3.0, -0.1, 0.0, 0.7, 5.0, 40.0, 700.0])
NEAR = np.linspace(-3.0, 2.0, 11)
EACH = [*((n, None) for n in FAMILIES if n != "multinomial"), ("tweedie", 1.05), ("tweedie", 1.9)]
POWERS = [("poisson", None, 1.0), ("gamma", None, 2.0), ("tweedie", 1.5, 1.5), ("tweedie", 1.2, 1.2)]


def responses(name):
    """Return values that a family can have."""
    return {"binomial": (0.0, 1.0), "gamma": (0.2, 3.0), "gaussian": (-1.0, 2.5)}.get(name, (0.0, 0.4, 3.0))


@pytest.mark.parametrize(("name", "power"), EACH)
def test_residual_and_curvature_are_the_derivatives_of_half_the_deviance(name, power):
    family, h = family_named(name, power), 1e-4
    for y in responses(name):
        target = np.full_like(NEAR, y)
        low, here, high = (0.5 * family.deviance(target, NEAR + d) for d in (-h, 0.0, h))
        mu = family.mean(NEAR)
        assert -(high - low) / (2 * h) == pytest.approx(family.residual(target, mu), rel=1e-6, abs=1e-7)
        bend = (high - 2 * here + low) / h**2
        assert bend == pytest.approx(family.curvature(target, mu), rel=1e-6, abs=1e-6)
        terms = np.abs(family.residual(target, mu))
        assert np.all(family.terms(target, mu) >= terms * (1 - 1e-14))


@pytest.mark.parametrize(("name", "power"), EACH)
def test_the_information_is_the_curvature_at_the_mean(name, power):
    family = family_named(name, power)
    mu = family.mean(NEAR)
    assert family.information(mu) == pytest.approx(family.curvature(mu, mu), rel=1e-13)


@pytest.mark.parametrize(("name", "power"), EACH)
def test_the_residual_may_take_the_place_of_the_means(name, power):
    family, y = family_named(name, power), np.full_like(NEAR, 1.0)
    mu = family.mean(NEAR).copy()
    expected = family.residual(y, mu).copy()
    assert family.residual(y, mu, out=mu) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(("name", "power"), EACH)
@pytest.mark.parametrize("offset", [False, True])
def test_the_null_intercept_leaves_no_residual(name, power, offset):
    rng, family = np.random.default_rng(1), family_named(name, power)
    y, s = rng.choice(responses(name), 50), rng.uniform(0.1, 3.0, 50)
    o = 2.0 * rng.standard_normal(50) if offset else None
    b = family.null_intercept(y, s, o)
    mu = family.mean(np.full(50, b) if o is None else o + b)
    assert abs(s @ family.residual(y, mu)) <= 1e-12 * (s @ family.terms(y, mu))


@pytest.mark.parametrize(("name", "power", "p"), POWERS)
def test_the_deviance_is_that_of_scikit_learn(name, power, p):
    rng = np.random.default_rng(0)
    y, eta = rng.gamma(1.0, 2.0, 60), rng.standard_normal(60)
    if p < 2.0:
        y[:20] = 0.0
    found = family_named(name, power).deviance(y, eta)
    expected = [mean_tweedie_deviance([a], [math.exp(b)], power=p) for a, b in zip(y, eta, strict=True)]
    assert found == pytest.approx(expected, rel=1e-11, abs=1e-14)


@pytest.mark.parametrize(("name", "power", "p"), POWERS)
def test_log_link_deviances_keep_their_digits_at_a_near_perfect_fit(name, power, p):
    y = np.array([0.5, 3.0, 1e4])
    for t in (1e-3, 1e-6):
        found = family_named(name, power).deviance(y, np.log(y) + t)
        # the leading terms of the expansion in t
        expected = y ** (2.0 - p) * t**2 * (1.0 + (3.0 - 2.0 * p) * t / 3.0)
        assert found == pytest.approx(expected, rel=1e-5 if t == 1e-3 else 1e-3)


@pytest.mark.parametrize(("name", "power"), EACH[2:])
def test_far_predictors_of_a_log_link_are_infinite_without_a_warning(name, power):
    family, far = family_named(name, power), np.array([-1e4, 1e4])
    assert family.mean(far) == pytest.approx([0.0, math.inf])
    assert np.isinf(family.deviance(np.array([2.0, 2.0]), far)).any()


def test_gaussian_is_the_squared_error():
    gaussian = family_named("gaussian")
    assert gaussian.deviance(np.array([3.0]), np.array([1.0])) == [4.0]
    assert gaussian.mean(ETA) is ETA
    assert gaussian.curvature(ETA, ETA) == pytest.approx(np.ones(len(ETA)))


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
    assert binomial.information(binomial.mean(far)) == pytest.approx([0.0, 0.0])


def test_an_unknown_family_is_named_with_those_there_are():
    with pytest.raises(
        UsageError, match="no family 'poison'; there are gaussian, binomial, multinomial, poisson"
    ):
        family_named("poison")


def classes_of(rng, n=40, c=4):
    """Return classes as rows of 0 and 1 and linear predictors, some of them far apart."""
    return np.eye(c)[rng.integers(0, c, n)], rng.normal(size=(n, c)) * rng.choice(
        [0.1, 1.0, 20.0, 300.0], (n, 1)
    )


def test_multinomial_is_the_log_loss_of_softmax_with_its_derivatives():
    rng, multinomial, h = np.random.default_rng(5), family_named("multinomial"), 1e-4
    y, eta = classes_of(rng)
    mu = multinomial.mean(eta)
    assert mu == pytest.approx(softmax(eta, axis=1), rel=1e-13)
    assert multinomial.deviance(y, eta) == pytest.approx(
        2.0 * (logsumexp(eta, axis=1) - (y * eta).sum(axis=1)), rel=1e-9, abs=1e-9
    )
    near = eta / 100.0
    mu = multinomial.mean(near)
    for k in range(4):
        step = h * np.eye(4)[k]
        low, here, high = (0.5 * multinomial.deviance(y, near + d * step / h) for d in (-h, 0.0, h))
        assert -(high - low) / (2 * h) == pytest.approx(multinomial.residual(y, mu)[:, k], abs=1e-6)
        assert (high - 2 * here + low) / h**2 == pytest.approx(multinomial.curvature(y, mu)[:, k], abs=1e-6)


def test_multinomial_takes_many_predictors_at_once():
    rng, multinomial = np.random.default_rng(6), family_named("multinomial")
    y, eta = classes_of(rng)
    stack = np.stack([eta, 0.5 * eta], axis=2)
    assert multinomial.mean(stack)[..., 1] == pytest.approx(multinomial.mean(0.5 * eta))
    assert multinomial.deviance(y[..., None], stack)[:, 1] == pytest.approx(
        multinomial.deviance(y, 0.5 * eta)
    )


def test_multinomial_keeps_its_digits_where_a_class_is_all_but_certain():
    multinomial = family_named("multinomial")
    eta = np.array([[60.0, 0.0, 1.0], [800.0, 0.0, -800.0]])
    found = multinomial.deviance(np.eye(3)[[0, 0]], eta)
    assert found[0] == pytest.approx(2.0 * (math.exp(-60.0) + math.exp(-59.0)), rel=1e-14)
    assert found[1] == pytest.approx(2.0 * math.exp(-700.0) * math.exp(-100.0), abs=1e-300)
    assert multinomial.deviance(np.eye(3)[[2]], eta[1:]) == pytest.approx([3200.0])


def test_the_null_intercepts_of_classes_leave_no_residual():
    rng, multinomial = np.random.default_rng(7), family_named("multinomial")
    y, s = classes_of(rng)[0], rng.uniform(0.5, 2.0, 40)
    b = multinomial.null_intercept(y, s, None)
    assert np.sum(b) == pytest.approx(0.0, abs=1e-14)
    assert s @ multinomial.residual(y, multinomial.mean(np.tile(b, (40, 1)))) == pytest.approx(
        np.zeros(4), abs=1e-12
    )
