"""A small scored study, made without microscope or analyser, for the tests of the report."""

import json

import numpy as np
import polars as pl

from livedeath.model.flags import Flag
from livedeath.model.frame import FrameKey
from livedeath.model.study import Study
from livedeath.store.folder import StudyFolder
from livedeath.store.journal import frame_entry
from livedeath.store.labels import LabelStore

SIDE = 160
INTERVAL_H = 0.5
KILL_H = 12.25

TOML = """
title = "Glutamate and a rescue"
description = "Cortical neurons of one culture, glutamate with and without the rescue."

[[vessels]]
id = "plate1"

[optics]
objective = "20x/0.75"
pixel_size_um = 1.3
image_shape_px = [160, 160]
camera = { offset_adu = 100.0, gain_e_per_adu = 0.46, read_noise_e = 1.6 }

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
duration_h = 15.0

[[interventions]]
kind = "vehicle"
wells = ["B2:B3"]
[[interventions]]
kind = "toxin"
compound = "glutamate"
dose = 50
unit = "uM"
wells = ["C2:C3"]
[[interventions]]
kind = "toxin"
compound = "glutamate"
arm = "glutamate + rescue"
wells = ["D2:D3"]
"""

KILL = """
[end_kill]
at_h = 12.25
compound = "sodium azide"
"""

COMPARISON = """
[[comparisons]]
name = "glutamate"
control = "vehicle"
treated = ["glutamate 50 uM"]
"""

RATES = {"B": 0.01, "C": 0.08, "D": 0.03}


def make_study(path, *, kill=True, compared=True, images=True, extra="", per_well=9, seed=3):
    """Write a study whose neurons die at the rates of their arms, and a run that says so."""
    text = TOML + (KILL if kill else "") + (COMPARISON if compared else "") + extra
    study = Study.from_toml(text)
    folder = StudyFolder.create(path, study, text=text)
    rng = np.random.default_rng(seed)
    neurons = _neurons(rng, folder, per_well, kill)
    folder.images.create(folder.plan)
    _journal(folder)
    traces = _traces(rng, folder, neurons)
    run = path / "analysis" / "made00"
    run.mkdir(parents=True)
    if images:
        _images(rng, folder, neurons, run)
    traces.write_parquet(run / "traces.parquet")
    _calls(neurons, traces).write_parquet(run / "calls.parquet")
    (run / "settings.json").write_text("{}", encoding="utf-8")
    made = {
        "livedeath": "0",
        "complete": True,
        "visits": len(folder.plan.visits),
        "started": "2026-11-20T10:00:00.000+00:00",
        "settings": {"false_alarms_per_1000_neuron_days": 1.0},
        "libraries": {"numpy": "2"},
    }
    (run / "provenance.json").write_text(json.dumps(made), encoding="utf-8")
    return folder


def _neurons(rng, folder, per_well, kill):
    end = 15.0
    rows = []
    for field in folder.plan.fields:
        places = _apart(rng, per_well)
        for y, x in places:
            death = rng.exponential(1 / RATES[field.well[0]])
            if kill:
                death = min(death, KILL_H + rng.gamma(2.0, 0.15))
            lost = rng.random() < 0.06
            loss = rng.uniform(2, 10) if lost else np.inf
            rows.append(
                {
                    "id": len(rows) + 1,
                    "field": field,
                    "y": y,
                    "x": x,
                    "brightness": float(np.exp(rng.normal(7, 0.5))),
                    "death": death if death < min(loss, end - 1) else np.inf,
                    "loss": loss if death > loss else np.inf,
                }
            )
    return rows


def _apart(rng, n):
    places = []
    while len(places) < n:
        y, x = rng.uniform(14, SIDE - 14, 2)
        if all(np.hypot(y - a, x - b) > 24 for a, b in places):
            places.append((y, x))
    return places


def _hours(folder, field):
    return np.array([v.planned_h for v in folder.plan.visits if v.field == field])


def _journal(folder):
    entries = [
        {
            "kind": "acquisition",
            "what": "start",
            **folder.declaration_entry(),
            "wall": "2026-11-18T09:00:00+00:00",
        }
    ]
    for visit in folder.plan.visits:
        for key in visit.frames():
            bad = key.well == "C3" and key.t == 9 and key.channel == "GEDI"
            reason = {"reason": "the camera did not answer within 30 s"} if bad else {}
            entries.append(
                frame_entry(
                    key,
                    "missed" if bad else "saved",
                    time_h=visit.planned_h,
                    planned_h=visit.planned_h,
                    wall="2026-11-19T09:00:00+00:00",
                    **reason,
                )
            )
    entries.append(
        {
            "kind": "log",
            "what": "note",
            "vessel": "plate1",
            "wells": [],
            "at_h": 3.0,
            "why": "door of the incubator was open for a minute",
        }
    )
    folder.journal.append_all(entries)


def _signal(neuron, hours):
    rise = 1 + 2.2 * (1 - np.exp(-np.clip(hours - neuron["death"], 0, None) / 0.6))
    return np.where(np.isfinite(neuron["death"]), rise, 1.0)


def _traces(rng, folder, neurons):
    parts = []
    for neuron in neurons:
        hours = _hours(folder, neuron["field"])
        n, field = len(hours), neuron["field"]
        fill = neuron["brightness"] * (1 + 0.03 * rng.normal(size=n))
        gone = hours >= neuron["loss"]
        flags = np.where(gone, int(Flag.MASK_LOST), 0) | np.where(
            rng.random(n) < 0.02, int(Flag.OUTLIER), 0
        )
        ratio = 0.25 * _signal(neuron, hours) * (1 + 0.05 * rng.normal(size=n))
        parts.append(
            pl.DataFrame(
                {
                    "vessel": [field.vessel] * n,
                    "well": [field.well] * n,
                    "field": np.full(n, field.field),
                    "session": [""] * n,
                    "population": ["all"] * n,
                    "neuron_id": np.full(n, neuron["id"]),
                    "t": np.arange(n),
                    "time_h": hours,
                    "y_px": np.full(n, neuron["y"]),
                    "x_px": np.full(n, neuron["x"]),
                    "area_um2": np.where(gone, np.nan, 200.0),
                    "RFP": fill,
                    "RFP_sd": fill * 0.02,
                    "GEDI": fill * ratio,
                    "GEDI_sd": fill * 0.01,
                    "flags": flags.astype(np.uint32),
                }
            )
        )
    return pl.concat(parts).sort("time_h", "neuron_id")


def _calls(neurons, traces):
    rows = []
    flags = dict(traces.group_by("neuron_id").agg(pl.col("flags").bitwise_or()).iter_rows())
    for neuron in neurons:
        death, loss, field = neuron["death"], neuron["loss"], neuron["field"]
        dead, lost = np.isfinite(death), np.isfinite(loss)
        low = np.floor((death if dead else min(loss, 15.0)) / INTERVAL_H) * INTERVAL_H
        rows.append(
            {
                "vessel": field.vessel,
                "well": field.well,
                "field": field.field,
                "neuron_id": neuron["id"],
                "population": "all",
                "endpoint": "indicator_rise",
                "outcome": "dead" if dead else "lost" if lost else "alive",
                "p_alive": float(not dead),
                "p_dead": 1.0 if dead else 0.2 if lost else 0.0,
                "p_lost": 0.8 if lost else 0.0,
                "entry_h": 0.0,
                "last_alive_h": float(low),
                "first_dead_h": float(low + INTERVAL_H) if dead else None,
                "death_h": float(death) if dead else None,
                "death_low_h": float(death - 0.2) if dead else None,
                "death_high_h": float(death + 0.2) if dead else None,
                "called_at_h": float(low + 2 * INTERVAL_H) if dead else None,
                "revoked_at_h": None,
                "evidence": 20.0 + neuron["id"] % 7,
                "loss_reason": "mask_lost" if lost else "",
                "flags": flags[neuron["id"]],
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(
        pl.col("flags").cast(pl.UInt32)
    )


def _images(rng, folder, neurons, run):
    store = LabelStore(run / "labels.zarr", folder.study)
    store.create(folder.plan)
    yy, xx = np.mgrid[:SIDE, :SIDE]
    for visit in folder.plan.visits:
        own = [n for n in neurons if n["field"] == visit.field and n["loss"] > visit.planned_h]
        labels = np.zeros((SIDE, SIDE), np.int32)
        shapes = []
        for neuron in own:
            r2 = ((yy - neuron["y"]) / 6.0) ** 2 + ((xx - neuron["x"]) / 5.0) ** 2
            labels[r2 < 1] = neuron["id"]
            shapes.append((np.exp(-2 * r2), neuron))
        store.write(visit.field, visit.t, labels)
        for key in visit.frames():
            _frame(rng, folder, key, shapes, visit.planned_h)


def _frame(rng, folder, key: FrameKey, shapes, hour):
    image = np.full((SIDE, SIDE), 40.0)
    for shape, neuron in shapes:
        factor = 1.0
        if key.channel == "GEDI":
            factor = 0.25 * float(_signal(neuron, np.array([hour]))[0])
        image += shape * neuron["brightness"] * factor / 4
    folder.images.write(key, (100 + rng.poisson(image)).astype(np.uint16))
