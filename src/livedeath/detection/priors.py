"""What a study learnt goes in; the next study begins with it, and unlearns it where it differs.

Kept are the noise of living neurons, their wild values and transients, and how deaths look;
given are the last three. All of it has little weight, whatever it rests on: right priors make the
first visits sharper, wrong ones are outweighed by the new study's own. No file is opened here.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livedeath.detection.learning import (
    DRIFT_TAU_H,
    ENDPOINTS,
    OUTLIERS,
    STEPS,
    TRANSIENT_RATES,
    Learning,
)
from livedeath.errors import StoreError, StudyError
from livedeath.model.base import validate
from livedeath.model.priors import FORMAT, VERSION, Priors

WILD_DAYS = 200.0
"""Neuron-days that what is given of wild values and transients, which are rare, counts at most:
half a day of a plate of 500."""
DOUBT = 0.85
"""Probability that wild values and transients of the new study are like none before: so much
of an even law is mixed in (a robust mixture prior: Schmidli et al., Biometrics 2014), which a
few events make prevail. Found by simulation (16 plates of 500 neurons, 96 visits a day, two days,
outliers at 1 %, a transient every other day; 16 false calls asked for): 20 were made without
priors, 20 with those of a clean study at this doubt, 35 at 0.3 with the noise given too."""
LAW_DEATHS = 50.0
"""Deaths that what is given of folds and rise times counts at most."""
DIGITS = 6
"""Significant digits on disk."""


def export(state: Mapping[str, Any], endpoint: str) -> Priors:
    """Return what a state of `Learning` holds for the next study.

    Parameters
    ----------
    state : mapping of str to array
        As `Learning.state` returns it.
    endpoint : {'indicator_rise', 'loss_of_fill'}
        What was sensed.
    """
    learnt = {name: np.asarray(state[name], np.float64) for name in _LEARNT}
    for name in ("models", "outliers", "transients"):
        learnt[name] = learnt[name] - learnt[name].max(axis=-1, keepdims=True)
    days = float(state["deaths"][1]) + float(state["given_days"][0])
    return Priors(
        endpoint=endpoint,  # type: ignore[arg-type]
        neuron_days=_rounded(days),
        deaths=_rounded(float(learnt["law"].sum())),
        grids=_grids(endpoint),
        **{name: _rounded(values) for name, values in learnt.items()},
    )


def fits(state: Mapping[str, Any], endpoint: str) -> bool:
    """Tell whether a state holds what this version learns, and of the same size."""
    own = Learning(ENDPOINTS[endpoint]).state()
    return all(name in state and np.shape(state[name]) == own[name].shape for name in own)


_LEARNT = ("models", "outliers", "transients", "squares", "law")


def give(learning: Learning, priors: Priors) -> None:
    """Put priors into what has learnt nothing yet, with their weight capped.

    Parameters
    ----------
    learning : Learning
        Of the same endpoint; changed in place.
    priors : Priors
        What another study learnt.

    Notes
    -----
    The noise is not given: a study's first visits teach it, so it made no call sooner. That of a
    study half as noisy, at the weight of 5 neuron-days, made 41 false calls where without it
    there were 25.
    """
    wild = _weight(WILD_DAYS, priors.neuron_days)
    learning.outliers += _doubted(wild * np.array(priors.outliers))
    learning.transients += _doubted(wild * np.array(priors.transients))
    learning.law += _weight(LAW_DEATHS, priors.deaths) * np.array(priors.law)
    learning.given_days[0] = wild * priors.neuron_days


def _doubted(log_weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ln of a posterior mixed with an even one, along the last axis."""
    weights = np.exp(log_weights - log_weights.max(axis=-1, keepdims=True))
    share = weights / weights.sum(axis=-1, keepdims=True)
    mixed = np.log((1.0 - DOUBT) * share + DOUBT / share.shape[-1])
    return np.asarray(mixed - mixed.max(axis=-1, keepdims=True))


def _weight(most: float, rests_on: float) -> float:
    return min(1.0, most / rests_on) if rests_on > 0 else 0.0


def to_text(priors: Priors) -> str:
    """Return priors as the text of a file."""
    return json.dumps(priors.model_dump(mode="json"), indent=1, allow_nan=False) + "\n"


def from_text(text: str, *, where: str, endpoint: str | None = None) -> Priors:
    """Return the priors in the text of a file.

    Parameters
    ----------
    text : str
        What `to_text` wrote.
    where : str
        File named in a refusal.
    endpoint : str, optional
        What they must be of; default: either.

    Raises
    ------
    StoreError
        If it is damaged, something else, of another version, grid or endpoint.
    """
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise StoreError(
            f"{where}: this is no file of priors, or a damaged one; write one with "
            "'livedeath priors export DIR'."
        )
    if said.get("version") != VERSION:
        raise StoreError(
            f"{where}: its version is {said.get('version')!r}, this livedeath reads {VERSION}; "
            "write it anew with 'livedeath priors export DIR'."
        )
    try:
        priors = validate(Priors, said, where=where)
    except StudyError as error:
        raise StoreError(str(error)) from None
    _refuse_other_grids(priors, where)
    if endpoint is not None and priors.endpoint != endpoint:
        raise StoreError(
            f"{where}: these priors are of {priors.endpoint}, deaths are called by {endpoint} "
            "here; give priors of a study with the same endpoint."
        )
    return priors


def _refuse_other_grids(priors: Priors, where: str) -> None:
    """Refuse what was learnt for other candidates, or is not one number for each."""
    fresh = Learning(ENDPOINTS[priors.endpoint])
    sizes = all(
        np.shape(given) == getattr(fresh, name).shape
        for name, given in ((name, getattr(priors, name)) for name in ("models", "outliers"))
    )
    sizes &= [len(rates) for rates in priors.transients] == [TRANSIENT_RATES.size] * len(
        fresh.transients
    )
    sizes &= len(priors.squares) == fresh.squares.size and len(priors.law) == fresh.law.size
    counts = min((*priors.squares, *priors.law)) >= 0 if sizes else False
    if priors.grids != _grids(priors.endpoint) or not counts:
        raise StoreError(
            f"{where}: these priors were learnt on other grids than this livedeath uses, or are "
            "damaged; score the study again and write them with 'livedeath priors export DIR'."
        )


def _grids(endpoint: str) -> dict[str, tuple[float, ...]]:
    """Return the candidates that posteriors are kept for."""
    law = ENDPOINTS[endpoint]
    grids = {
        "noise_steps": STEPS,
        "white_and_drift": np.array([law.white, law.drift]),
        "tail_and_outlier_shares": OUTLIERS.ravel(),
        "transients_per_day": TRANSIENT_RATES,
        "transient_tau_h": law.transients.tau_h,
        "transient_height": law.transients.mean,
        "death_tau_h": law.deaths.tau_h,
        "death_height": law.deaths.mean,
    }
    return {name: _rounded(values) for name, values in grids.items()}


def _rounded(values: Any) -> Any:  # noqa: ANN401 - a number or nested tuples of numbers
    """Return numbers with `DIGITS` significant digits."""
    if np.ndim(values) > 0:
        return tuple(_rounded(value) for value in values)
    return float(f"{float(values):.{DIGITS}g}")


def described(priors: Priors) -> dict[str, Any]:
    """Return priors in units that a person knows.

    Returns
    -------
    dict
        ``endpoint``; ``noise_percent`` (beyond photons) and ``drift_percent`` (slow, memory
        ``drift_memory_h``) of the level; ``outliers_per_1000_values``;
        ``transients`` with ``height`` (share of the level), ``decay_h`` and
        ``per_neuron_day``; ``fold`` and ``rise_h``, medians over the deaths expected;
        ``neuron_days`` and ``deaths``.
    """
    learning = Learning(ENDPOINTS[priors.endpoint], 0.0)
    for name in _LEARNT:
        getattr(learning, name)[...] = np.array(getattr(priors, name))
    noise, deaths = learning.noise(), learning.deaths_expected
    shapes = learning.endpoint.transients
    tau_h = np.repeat(shapes.tau_h, shapes.mean.size // shapes.tau_h.size)
    transients = [
        {"height": _short(height), "decay_h": _short(decay), "per_neuron_day": _short(rate)}
        for height, decay, rate in zip(shapes.mean, tau_h, learning.transients_per_day, strict=True)
    ]
    rises_h = np.repeat(deaths.tau_h, deaths.mean.size // deaths.tau_h.size)
    return {
        "endpoint": priors.endpoint,
        "noise_percent": _short(100.0 * noise.white),
        "drift_percent": _short(100.0 * noise.drift),
        "drift_memory_h": DRIFT_TAU_H,
        "outliers_per_1000_values": _short(1000.0 * noise.outlier),
        "transients": transients,
        "fold": _short(1.0 + _median(deaths.mean, deaths.prior)),
        "rise_h": _short(_median(rises_h, deaths.prior)),
        "neuron_days": priors.neuron_days,
        "deaths": priors.deaths,
    }


def _short(value: float) -> float:
    return float(f"{float(value):.3g}")


def _median(values: NDArray[Any], weights: NDArray[Any]) -> float:
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][np.searchsorted(share, 0.5)])
