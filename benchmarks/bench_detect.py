"""How soon and how reliably deaths are called from traces, beside what is practised.

Simulated traces with known onsets (two channels, photons and read noise, neurons that
differ, drift, trend, focus; optionally outliers and transients) go through livedeath's
detector and three peers. Parameters follow published figures where there are any: the
live ratio's log sd 0.31 and the threshold at the 99th percentile of the first visit are
those of a public GEDI log; fold 3 and a rise of 30 min are chosen.

The information bound of an onset is the first visit at which a detector that knows the
neuron's baseline noise, fold and rise time could have ln(1 / (rate * interval)) of
evidence. A missed death counts as 24 h (five days for visits 4 h apart or more).
"""

import argparse
import json
import platform
import sys
import time
from dataclasses import asdict, dataclass, replace

import numba
import numpy as np
from numpy.typing import NDArray

import livedeath
from livedeath.detection import Scorer
from livedeath.model.settings import AnalysisSettings

Floats = NDArray[np.float64]
RATE = 1e-3
"""False alarms asked for, per neuron-day."""


@dataclass(frozen=True)
class Case:
    """One simulated experiment."""

    name: str
    electrons: float = 300.0
    interval_min: float = 15.0
    neurons: int = 400
    days: float = 4.0
    dying: float = 0.5
    fold: float = 3.0
    fold_sd: float = 0.35
    rise_min: float = 30.0
    rise_sd: float = 0.7
    ratio_sd: float = 0.31
    white: float = 0.05
    drift: float = 0.08
    trend_per_day: float = 0.02
    read_e: float = 26.0
    brightness_sd: float = 0.7
    first_onset: float = 0.25
    outliers: float = 0.0
    transients_per_day: float = 0.0
    heavy_tails: bool = False
    sd_given: bool = True
    reference_given: bool = True

    @property
    def horizon_h(self) -> float:
        """Delay counted for a missed death."""
        return 24.0 if self.interval_min < 240 else 120.0


@dataclass(frozen=True)
class Traces:
    """Traces of one case: (neuron, visit) arrays and the truth."""

    time_h: Floats
    signal: Floats
    signal_sd: Floats
    reference: Floats
    reference_sd: Floats
    onset_h: Floats
    fold: Floats
    rise_h: Floats
    photon_sd: Floats


def simulate(case: Case, seed: int) -> Traces:
    """Return one experiment of ``case``."""
    rng = np.random.default_rng(seed)
    n, dt = case.neurons, case.interval_min / 60.0
    time_h = np.arange(0.0, case.days * 24.0 + 1e-9, dt)
    m = time_h.size
    onset = np.full(n, np.nan)
    dying = rng.permutation(n) < round(case.dying * n)
    last = case.days * 24.0 - min(case.horizon_h, 0.5 * case.days * 24.0)
    onset[dying] = rng.uniform(case.first_onset * last, last, int(dying.sum()))
    fold = 1.0 + (case.fold - 1.0) * np.exp(rng.normal(0.0, case.fold_sd, n))
    rise_h = np.exp(rng.normal(np.log(case.rise_min / 60.0), case.rise_sd, n))
    ln = rng.normal(0.0, case.ratio_sd, n)[:, None] + np.zeros(m)
    ln += rng.normal(0.0, case.trend_per_day, n)[:, None] * time_h / 24.0
    ln += _drift(rng, n, time_h, case.drift)
    shock = rng.normal(size=(n, m))
    if case.heavy_tails:
        shock = rng.standard_t(4, (n, m)) / np.sqrt(2.0)
    ln += case.white * shock
    ln += _transients(rng, n, time_h, case.transients_per_day)
    hit = rng.random((n, m)) < case.outliers
    ln += np.where(hit, rng.normal(0.0, 0.7, (n, m)), 0.0)
    age = np.clip(time_h - np.nan_to_num(onset, nan=1e9)[:, None], 0.0, None)
    ratio = np.exp(ln) * (1.0 + (fold[:, None] - 1.0) * (1.0 - np.exp(-age / rise_h[:, None])))
    fill = case.electrons * np.exp(rng.normal(0.0, case.brightness_sd, n))[:, None]
    focus = np.exp(rng.normal(0.0, 0.1, (n, m)))
    signal, signal_sd = _counted(rng, fill * focus * ratio, case.read_e)
    reference, reference_sd = _counted(rng, fill * focus, case.read_e)
    base = np.exp(ln[:, :1])
    var = (fill * base + case.read_e**2) + base**2 * (fill + case.read_e**2)
    return Traces(
        time_h, signal, signal_sd, reference, reference_sd, onset, fold, rise_h,
        np.sqrt(var[:, 0]) / (fill * base)[:, 0],
    )  # fmt: skip


def _drift(rng: np.random.Generator, n: int, time_h: Floats, sd: float) -> Floats:
    """Return AR(1) drift with a memory of 12 h."""
    phi = np.exp(-np.diff(time_h, prepend=time_h[0]) / 12.0)
    out = np.empty((n, time_h.size))
    now = rng.normal(0.0, sd, n)
    for k in range(time_h.size):
        now = phi[k] * now + rng.normal(0.0, sd, n) * np.sqrt(1.0 - phi[k] ** 2)
        out[:, k] = now
    return out


def _transients(rng: np.random.Generator, n: int, time_h: Floats, per_day: float) -> Floats:
    """Return rises that decay with 30 min; heights exponential, mean 0.3 in ln."""
    out = np.zeros((n, time_h.size))
    for i in range(n):
        for start in rng.uniform(0.0, time_h[-1], rng.poisson(per_day * time_h[-1] / 24.0)):
            age = time_h - start
            out[i] += np.where(age >= 0, rng.exponential(0.3) * np.exp(-np.abs(age) / 0.5), 0.0)
    return out


def _counted(rng: np.random.Generator, mean: Floats, read_e: float) -> tuple[Floats, Floats]:
    """Return what a camera counts, and the standard deviation it would state."""
    counts = rng.poisson(mean) + rng.normal(0.0, read_e, mean.shape)
    return counts, np.sqrt(np.maximum(counts, 1.0) + read_e**2)


def information_bound(case: Case, traces: Traces) -> Floats:
    """Return, per dying neuron, the delay in hours of a detector that knows its laws."""
    who = np.flatnonzero(np.isfinite(traces.onset_h))
    dt = case.interval_min / 60.0
    phi = np.exp(-dt / 12.0)
    q = case.drift**2 * (1.0 - phi**2)
    r = case.white**2 + traces.photon_sd[who] ** 2
    f = np.array([[1.0, 0.0], [0.0, phi]])
    c = np.ones(2)
    needed = np.log(1.0 / (RATE * dt / 24.0))
    p = np.zeros((who.size, 2, 2))
    p[:, 0, 0], p[:, 1, 1] = case.ratio_sd**2, case.drift**2
    response = np.zeros((who.size, 2))
    evidence = np.zeros(who.size)
    delay = np.full(who.size, case.horizon_h)
    found = np.zeros(who.size, np.bool_)
    amplitude = traces.fold[who] - 1.0
    for k, now in enumerate(traces.time_h):
        if k:
            p = f @ p @ f.T
            p[:, 1, 1] += q
            response = response @ f.T
        s = (p @ c) @ c + r
        age = np.clip(now - traces.onset_h[who], 0.0, None)
        g = amplitude * (1.0 - np.exp(-age / traces.rise_h[who])) - response @ c
        evidence += np.where(age > 0, g * g / (2.0 * s), 0.0)
        gain = (p @ c) / s[:, None]
        response = response + gain * np.where(age > 0, g, 0.0)[:, None]
        p = p - gain[:, :, None] * (p @ c)[:, None, :]
        hit = ~found & (evidence >= needed) & (age > 0)
        delay[hit] = np.minimum(now - traces.onset_h[who][hit], case.horizon_h)
        found |= hit
    return delay


def livedeath_calls(case: Case, traces: Traces) -> tuple[Floats, Scorer, float]:
    """Return the times called by livedeath, its scorer, and seconds per neuron-visit."""
    scorer = Scorer(AnalysisSettings(false_alarms_per_1000_neuron_days=1000.0 * RATE))
    n = traces.signal.shape[0]
    ids = np.arange(n)
    called = np.full(n, np.nan)
    start = time.perf_counter()
    for k, now in enumerate(traces.time_h):
        optional = {}
        if case.sd_given:
            optional["signal_sd"] = traces.signal_sd[:, k]
        if case.reference_given:
            optional["reference"] = traces.reference[:, k]
            if case.sd_given:
                optional["reference_sd"] = traces.reference_sd[:, k]
        called[scorer.push(float(now), ids, traces.signal[:, k], **optional)] = now
    return called, scorer, (time.perf_counter() - start) / traces.signal.size


def _ratio(traces: Traces) -> Floats:
    return traces.signal / np.maximum(traces.reference, 1.0)


def threshold_calls(traces: Traces) -> Floats:
    """Call at the first value above the first visit's 99th percentile, as practised."""
    ratio = _ratio(traces)
    return _first(ratio > np.quantile(ratio[:, 0], 0.99), traces.time_h)


def own_fold_calls(traces: Traces) -> Floats:
    """Call at the first value above 1.8 times the mean of the neuron's first eight."""
    ratio = _ratio(traces)
    above = ratio > 1.8 * ratio[:, :8].mean(axis=1, keepdims=True)
    above[:, :8] = False
    return _first(above, traces.time_h)


def cusum_calls(case: Case, traces: Traces) -> Floats:
    """Call by a plain CUSUM on values scaled by a running mean and deviation."""
    ratio = _ratio(traces)
    mean, var = ratio[:, 0].copy(), np.full(ratio.shape[0], 0.04) * ratio[:, 0] ** 2
    total = np.zeros(ratio.shape[0])
    above = np.zeros(ratio.shape, np.bool_)
    needed = np.log(1.0 / (RATE * case.interval_min / 1440.0))
    for k in range(1, ratio.shape[1]):
        z = (ratio[:, k] - mean) / np.sqrt(var)
        total = np.maximum(total + 1.0 * z - 0.5, 0.0)
        above[:, k] = total > needed
        calm = np.abs(z) < 3.0
        mean += np.where(calm, 0.05 * (ratio[:, k] - mean), 0.0)
        var += np.where(calm, 0.05 * ((ratio[:, k] - mean) ** 2 - var), 0.0)
    return _first(above, traces.time_h)


def _first(above: NDArray[np.bool_], time_h: Floats) -> Floats:
    return np.where(above.any(axis=1), time_h[above.argmax(axis=1)], np.nan)


def judge(case: Case, traces: Traces, called: Floats, bound: Floats) -> dict[str, float]:
    """Return sensitivity, false alarms per 1,000 neuron-days and delays of one detector."""
    dying = np.isfinite(traces.onset_h)
    alive_until = np.where(dying, traces.onset_h, traces.time_h[-1])
    early = called < alive_until
    alive_until = np.where(early, called, alive_until)
    delay = called - traces.onset_h
    found = dying & (delay >= 0) & (delay <= case.horizon_h)
    counted = dying & ~early
    spent = np.where(found, delay, case.horizon_h)[counted]
    ratio = spent.mean() / bound[~early[dying]].mean() if spent.size else np.nan
    return {
        "sensitivity": float(found[counted].mean()) if counted.any() else float("nan"),
        "false_alarms": int(early.sum()),
        "neuron_days": float(alive_until.sum() / 24.0),
        "false_per_1000_neuron_days": float(1000.0 * early.sum() / (alive_until.sum() / 24.0)),
        "mean_delay_min": float(60.0 * spent.mean()) if spent.size else float("nan"),
        "ratio_to_bound": float(ratio),
    }


def date_figures(case: Case, traces: Traces, called: Floats, scorer: Scorer) -> dict[str, float]:
    """Return how well livedeath dates the deaths it found."""
    n, m = traces.signal.shape
    columns = {
        "neuron_id": np.repeat(np.arange(n), m),
        "time_h": np.tile(traces.time_h, n),
        "signal": traces.signal.ravel(),
    }
    if case.sd_given:
        columns["signal_sd"] = traces.signal_sd.ravel()
    if case.reference_given:
        columns["reference"] = traces.reference.ravel()
        if case.sd_given:
            columns["reference_sd"] = traces.reference_sd.ravel()
    start = time.perf_counter()
    calls = scorer.calls(columns)
    elapsed = time.perf_counter() - start
    good = called >= traces.onset_h
    if not good.any():
        return {}
    error = (calls["death_h"] - traces.onset_h)[good] * 60.0
    inside = (calls["death_low_h"] <= traces.onset_h) & (traces.onset_h <= calls["death_high_h"])
    return {
        "onset_rmse_min": float(np.sqrt(np.mean(error**2))),
        "onset_bias_min": float(error.mean()),
        "onset_median_error_min": float(np.median(np.abs(error))),
        "interval_coverage": float(inside[good].mean()),
        "dating_ms_per_death": 1000.0 * elapsed / max(int(good.sum()), 1),
    }


CASES = {
    case.name: case
    for case in (
        Case("reference"),
        Case("reference-learnt", days=8.0, neurons=600, first_onset=0.7),
        Case("dating", fold_sd=0.0, rise_sd=0.0, brightness_sd=0.0),
        Case("dating-n1000", electrons=1000.0, fold_sd=0.0, rise_sd=0.0, brightness_sd=0.0),
        Case("n100", electrons=100.0),
        Case("n50", electrons=50.0),
        Case("5min", interval_min=5.0, days=3.0, neurons=250),
        Case("1h", interval_min=60.0, days=6.0),
        Case("4h", interval_min=240.0, days=14.0),
        Case("12h", interval_min=720.0, days=14.0, neurons=800),
        Case("fold2", fold=2.0),
        Case("rise4h", rise_min=240.0, days=5.0),
        Case("contaminated", outliers=0.002, transients_per_day=0.2),
        Case("no-sd", sd_given=False),
        Case("signal-only", sd_given=False, reference_given=False, electrons=1000.0),
        Case("null", dying=0.0, days=7.0),
        Case("null-n50", dying=0.0, days=7.0, electrons=50.0),
        Case("null-tails", dying=0.0, days=7.0, heavy_tails=True),
        Case("null-contaminated", dying=0.0, days=7.0, outliers=0.002, transients_per_day=0.2),
        Case("null-drift", dying=0.0, days=7.0, drift=0.16),
        Case("null-white", dying=0.0, days=7.0, white=0.1),
        Case("null-no-sd", dying=0.0, days=7.0, sd_given=False),
        Case("null-1h", dying=0.0, days=14.0, interval_min=60.0),
        Case("null-12h", dying=0.0, days=30.0, interval_min=720.0, neurons=800),
    )
}  # fmt: skip


def run(case: Case, seed: int) -> dict[str, object]:
    """Run all detectors on one experiment."""
    traces = simulate(case, seed)
    bound = information_bound(case, traces)
    called, scorer, per_visit = livedeath_calls(case, traces)
    peers = {
        "threshold (T0 99th percentile)": threshold_calls(traces),
        "own-baseline fold 1.8": own_fold_calls(traces),
        "plain CUSUM": cusum_calls(case, traces),
    }
    ours = judge(case, traces, called, bound) | date_figures(case, traces, called, scorer)
    ours["us_per_neuron_visit"] = 1e6 * per_visit
    result: dict[str, object] = {
        "case": asdict(case),
        "seed": seed,
        "bound_min": float(60.0 * bound.mean()) if bound.size else None,
        "livedeath": ours,
    }
    result |= {name: judge(case, traces, calls, bound) for name, calls in peers.items()}
    return result


def header() -> dict[str, object]:
    """Return what the figures were measured on."""
    return {
        "livedeath": livedeath.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
        "machine": platform.machine(),
        "system": platform.platform(),
        "threads": 1,
    }


def show(result: dict[str, object]) -> None:
    """Print one experiment as text."""
    case = result["case"]
    bound = result["bound_min"]
    print(f"\n{case['name']}: information bound "
          f"{'-' if bound is None else format(bound, '.1f')} min")  # fmt: skip
    for name, figures in result.items():
        if isinstance(figures, dict) and "sensitivity" in figures:
            print(
                f"  {name:32s} sensitivity {figures['sensitivity']:.3f}  false/1000 nd "
                f"{figures['false_per_1000_neuron_days']:7.2f} ({figures['false_alarms']} in "
                f"{figures['neuron_days']:.0f})  delay {figures['mean_delay_min']:7.1f} min = "
                f"{figures['ratio_to_bound']:.2f} x bound"
            )
    ours = result["livedeath"]
    if "onset_rmse_min" in ours:
        print(
            f"  onset: RMSE {ours['onset_rmse_min']:.2f} min, bias {ours['onset_bias_min']:+.2f}, "
            f"95 % interval covers {ours['interval_coverage']:.3f}, "
            f"{ours['dating_ms_per_death']:.1f} ms per death"
        )
    print(f"  time: {ours['us_per_neuron_visit']:.2f} us per neuron and visit")


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--case", action="append", choices=list(CASES), help="default: all")
    parser.add_argument("--neurons", type=int, help="neurons per case")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--smoke", action="store_true", help="toy size, a few seconds")
    chosen = parser.parse_args(arguments)
    names = chosen.case or (["reference", "null"] if chosen.smoke else list(CASES))
    cases = [CASES[name] for name in names]
    if chosen.neurons:
        cases = [replace(case, neurons=chosen.neurons) for case in cases]
    if chosen.smoke:
        cases = [replace(case, neurons=40, days=2.0) for case in cases]
    run(replace(CASES["reference"], neurons=12, days=0.5), 0)  # compiles, untimed
    top = header()
    if not chosen.json:
        print("  ".join(f"{k} {v}" for k, v in top.items()))
    results = []
    for case in cases:
        results.append(run(case, chosen.seed))
        if not chosen.json:
            show(results[-1])
    if chosen.json:
        json.dump({"header": top, "results": results}, sys.stdout, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
