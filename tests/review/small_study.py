"""A small scored study with known deaths, for tests that need images, traces and calls.

Neurons are bright spots on a noisy ground. In every field neurons 1, 4, 7 ... die: their
indicator rises fourfold within three visits. Neurons 2, 8, 14 ... are lost: their spot
vanishes. The others live.
"""

from pathlib import Path

import numpy as np
import polars as pl
import zarr

from livedeath.model.frame import FrameKey
from livedeath.model.study import Study
from livedeath.store.folder import StudyFolder
from livedeath.store.journal import frame_entry
from livedeath.store.paths import field_path

STUDY = """
title = "A small culture"

[[vessels]]
id = "plate1"
wells = [{wells}]

[optics]
pixel_size_um = 0.65
image_shape_px = [{size}, {size}]

[[channels]]
name = "RFP"
role = "fill"
exposure_ms = 75

[[channels]]
name = "GEDI"
role = "indicator"
exposure_ms = 75

[schedule]
interval_h = 0.5
duration_h = {duration_h}
"""
RUN = "run-5f0c"
MISSED_T = 3  # this visit of the first field has no indicator image


def make_study(path, *, wells=("B2", "C3"), size=128, visits=14, neurons=9, seed=4):
    """Write a study with images, journal and one complete run; return its folder."""
    names = ", ".join(f'"{well}"' for well in wells)
    text = STUDY.format(wells=names, size=size, duration_h=(visits - 1) * 0.5)
    folder = StudyFolder.create(Path(path), Study.from_toml(text))
    folder.images.create(folder.plan)
    rng = np.random.default_rng(seed)
    tables = [
        _field(folder, field, number, neurons=neurons, rng=rng)
        for number, field in enumerate(folder.plan.fields)
    ]
    run = folder.path / "analysis" / RUN
    run.mkdir(parents=True)
    for number, name in enumerate(("traces", "calls")):
        pl.concat([pl.DataFrame(pair[number]) for pair in tables]).write_parquet(
            run / f"{name}.parquet"
        )
    for field, (_, _, labels) in zip(folder.plan.fields, tables, strict=True):
        target = run / "labels.zarr" / field_path(field) / "0"
        array = zarr.create_array(target, shape=labels.shape, chunks=(1, size, size), dtype="int32")
        array[:] = labels
    (run / "provenance.json").write_text(
        '{"complete": true, "started": "2026-01-01T00:00:00+00:00"}', encoding="utf-8"
    )
    return folder


def _field(folder, field, number, *, neurons, rng):
    size = folder.study.optics.image_shape_px[0]
    visits = folder.plan.n_visits(field)
    places = _places(rng, neurons, size)
    brightness = rng.lognormal(0, 0.45, neurons) * 900
    onset = rng.integers(visits // 3, visits - 4, neurons)
    first_id = number * neurons + 1
    labels = np.zeros((visits, size, size), np.int32)
    traces, entries = [], []
    for t in range(visits):
        levels = [_levels(first_id + n, t, int(onset[n])) for n in range(neurons)]
        drift = places + rng.normal(0, 0.4, places.shape)
        for c, channel in enumerate(("RFP", "GEDI")):
            image = _render(drift, brightness * [level[c] for level in levels], size, rng)
            key = FrameKey(*field, t, channel, 0)
            if number == 0 and t == MISSED_T and channel == "GEDI":
                entries.append(frame_entry(key, "missed", reason="no answer in 5 s"))
                continue
            folder.images.write(key, image)
            entries.append(frame_entry(key, "saved", time_h=0.5 * t))
        labels[t] = _draw(drift, first_id, levels, size)
        traces += [
            _trace(field, first_id + n, t, drift[n], brightness[n] * 40, levels[n], rng)
            for n in range(neurons)
        ]
    folder.journal.append_all(entries)
    calls = [_call(field, first_id + n, int(onset[n]), visits) for n in range(neurons)]
    return traces, calls, labels


def fate(neuron):
    """Return what becomes of a neuron, by its id."""
    return {1: "dead", 2: "lost" if neuron % 6 == 2 else "alive"}.get(neuron % 3, "alive")


def _levels(neuron, t, onset):
    fill, sensor = 1.0, 0.15
    if fate(neuron) == "dead" and t > onset:
        sensor *= 1 + 3 * (1 - np.exp(-(t - onset) / 1.0))
        fill *= np.exp(-(t - onset) / 12)
    if fate(neuron) == "lost" and t > onset:
        fill = sensor = 0.02
    return fill, sensor


def _places(rng, count, size):
    side = int(np.ceil(np.sqrt(count)))
    pitch = size / side
    chosen = rng.permutation(side * side)[:count]
    places = np.stack([chosen // side + 0.5, chosen % side + 0.5], axis=1) * pitch
    return places + rng.uniform(-0.15, 0.15, places.shape) * pitch


def _render(places, heights, size, rng):
    image = np.full((size, size), 40.0)
    for (cy, cx), height in zip(places, heights, strict=True):
        window, y, x = _around(cy, cx, size)
        squared = ((y - cy) / 9.0) ** 2 + ((x - cx) / 7.5) ** 2
        neurite = np.exp(-(((y - cy - 0.5 * (x - cx)) / 2.0) ** 2)) * (np.abs(x - cx) < 22)
        image[window] += height * (np.exp(-(squared**1.5)) + 0.12 * neurite)
    noisy = rng.poisson(image) + rng.normal(100, 3, image.shape)
    return np.clip(noisy, 0, 65535).astype(np.uint16)


def _around(cy, cx, size, reach=28):
    y0, x0 = max(0, int(cy) - reach), max(0, int(cx) - reach)
    window = slice(y0, min(size, y0 + 2 * reach)), slice(x0, min(size, x0 + 2 * reach))
    return window, *np.mgrid[window]


def _draw(places, first_id, levels, size):
    drawn = np.zeros((size, size), np.int32)
    for n, (cy, cx) in enumerate(places):
        window, y, x = _around(cy, cx, size)
        if levels[n][0] > 0.1:
            drawn[window][((y - cy) / 9.0) ** 2 + ((x - cx) / 7.5) ** 2 < 1] = first_id + n
    return drawn


def _trace(field, neuron, t, place, scale, level, rng):
    return {
        "vessel": field.vessel,
        "well": field.well,
        "field": field.field,
        "session": "s1",
        "population": "all",
        "neuron_id": neuron,
        "t": t,
        "time_h": 0.5 * t,
        "y_px": float(place[0]),
        "x_px": float(place[1]),
        "RFP": scale * level[0] * rng.normal(1, 0.04),
        "RFP_sd": 0.04 * scale,
        "GEDI": scale * level[1] * rng.normal(1, 0.06),
        "GEDI_sd": 0.01 * scale,
        "flags": 0,
    }


def _call(field, neuron, onset, visits):
    outcome = fate(neuron)
    p = {"alive": (0.998, 0.002, 0.0), "dead": (0.001, 0.998, 0.001), "lost": (0.1, 0.3, 0.6)}
    dead = outcome == "dead"
    end = (visits - 1) * 0.5
    return {
        "vessel": field.vessel,
        "well": field.well,
        "field": field.field,
        "neuron_id": neuron,
        "population": "all",
        "endpoint": "indicator_rise",
        "outcome": outcome,
        "p_alive": p[outcome][0],
        "p_dead": p[outcome][1],
        "p_lost": p[outcome][2],
        "entry_h": 0.0,
        "last_alive_h": end if outcome == "alive" else onset * 0.5,
        "first_dead_h": (onset + 1) * 0.5 if dead else float("nan"),
        "death_h": onset * 0.5 + 0.2 if dead else float("nan"),
        "death_low_h": onset * 0.5 - 0.3 if dead else float("nan"),
        "death_high_h": onset * 0.5 + 0.6 if dead else float("nan"),
        "called_at_h": (onset + 2) * 0.5 if dead else float("nan"),
        "revoked_at_h": float("nan"),
        "evidence": 20.0 if dead else 0.0,
        "loss_reason": "vanished" if outcome == "lost" else "",
        "flags": 0,
    }
