"""Sandwich error of a Cox model clustered on units: Efron ties, late entry, weights, strata."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def clustered_error(
    x: Floats,
    entry_h: Floats,
    exit_h: Floats,
    event: NDArray[np.bool_],
    weight: Floats,
    unit: NDArray[np.object_],
    stratum: NDArray[np.object_],
    coefficients: Floats,
    variance: Floats,
) -> Floats:
    """Return the standard error of each coefficient, from residuals summed within units.

    Parameters
    ----------
    x : (n, k) float64
        Covariates as fitted.
    entry_h, exit_h, event, weight, unit, stratum : (n,)
        Rows as fitted.
    coefficients, variance : (k,) and (k, k) float64
        Of the fit, the variance that of independent rows.

    Notes
    -----
    Lin & Wei 1989, doi:10.1080/01621459.1989.10478874. Of d deaths at one hour, Efron takes
    the r-th out of a risk set in which each of the d counts 1 - r/d.
    """
    risk = weight * np.exp((x - x.mean(axis=0)) @ coefficients)
    residual = np.zeros_like(x)
    for name in dict.fromkeys(stratum):
        within = stratum == name
        for hour in np.unique(exit_h[within & event]):
            under = np.flatnonzero(within & (entry_h < hour) & (exit_h >= hour))
            _add_hour(residual, x, risk, weight, under, event[under] & (exit_h[under] == hour))
    influence = residual @ variance
    _, which = np.unique(unit, return_inverse=True)
    by_unit = np.stack([np.bincount(which, column) for column in influence.T])
    return np.asarray(np.sqrt((by_unit**2).sum(axis=1)))


def _add_hour(
    residual: Floats,
    x: Floats,
    risk: Floats,
    weight: Floats,
    under: NDArray[np.intp],
    dies: NDArray[np.bool_],
) -> None:
    """Add what one hour of death gives to the weighted score residuals of those at risk."""
    dead = under[dies]
    share = np.arange(len(dead)) / len(dead)
    total = risk[under].sum() - share * risk[dead].sum()
    mean = (risk[under] @ x[under] - np.outer(share, risk[dead] @ x[dead])) / total[:, None]
    hazard = weight[dead].mean() / total
    for part, rows in ((hazard, under[~dies]), (hazard * (1 - share), dead)):
        residual[rows] -= risk[rows, None] * (x[rows] * part.sum() - part @ mean)
    residual[dead] += weight[dead, None] * (x[dead] - mean.mean(axis=0))
