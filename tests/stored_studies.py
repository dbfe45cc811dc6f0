"""The studies kept in ``data/studies``: unpacked, and what a version of livedeath reads in them."""

import hashlib
import json
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl

import livedeath as ld
from livedeath.store.folder import SOURCE_FILE

STUDIES = Path(__file__).parent / "data" / "studies"
RECORDING = "recording.tif"
"""The linked file of a study made from a recording; in the zip it lies beside the study."""


def unpack(name, target):
    """Unpack a stored study into a new folder and return the study's own folder."""
    with zipfile.ZipFile(STUDIES / f"{name}.zip") as packed:
        packed.extractall(target)
    study = target / name
    if (target / RECORDING).is_file():
        relink(study, str(target / RECORDING))
    return study


def relink(study, path):
    """Say where the recording of a study lies now; what it holds is known by its digest."""
    source = json.loads((study / SOURCE_FILE).read_text(encoding="utf-8"))
    text = json.dumps(source | {"path": path}, indent=2)
    (study / SOURCE_FILE).write_text(text, encoding="utf-8")


def facts(path):
    """Return what can be read in a study: counts, sums and digests, as JSON takes them."""
    study = ld.open_study(path)
    return {
        "title": study.study.title,
        "arms": {"/".join(place): arm for place, arm in study.study.arms().items()},
        "journal": _journal(study),
        "images": _images(study),
        "runs": list(study.runs),
        "calls": _counts(study.calls(joined=False), "outcome"),
        "joined": _counts(study.calls(), "arm", "outcome"),
        "deaths": _deaths(study.calls()),
        "traces": _traces(study),
        "labels": _labels(study),
        "reviews": _counts(study.reviews(), "reviewer", "verdict"),
        "survival": _survival(study),
    }


def columns(path):
    """Return the names of the columns of a study's tables, as they lie on the disk."""
    run = ld.open_study(path).run()
    tables = {"traces": run.traces_path, "calls": run.calls_path}
    return {name: list(pl.read_parquet_schema(file)) for name, file in tables.items()}


def _counts(table, *names):
    rows = table.select(names).iter_rows()
    return dict(sorted(Counter("/".join(row) for row in rows).items()))


def _journal(study):
    entries = study.folder.journal.read()
    said = (e.get("status") or e.get("what") or "" for e in entries)
    kinds = (f"{e['kind']} {word}".strip() for e, word in zip(entries, said, strict=True))
    return dict(sorted(Counter(kinds).items()))


def _images(study):
    """Return, per channel, the number of saved frames and a digest of all their pixels."""
    saved = {k for k, e in study.folder.journal.frames().items() if e.get("status") == "saved"}
    found = {}
    for channel in (one.name for one in study.study.channels):
        keys = [key for key in study.folder.plan.frames() if key.channel == channel]
        digest, n = hashlib.sha256(), 0
        for key in (key for key in keys if key in saved):
            pixels = np.ascontiguousarray(study.folder.images.read(key))
            digest.update(str((pixels.dtype.name, pixels.shape)).encode())
            digest.update(pixels.tobytes())
            n += 1
        found[channel] = {"frames": n, "pixels": digest.hexdigest()[:16]}
    return found


def _deaths(calls):
    """Return onset and call of every death, hours, by neuron."""
    dead = calls.filter(pl.col("outcome") == "dead").sort("neuron_id")
    hours = dead.select("neuron_id", pl.col("death_h", "called_at_h").round(4))
    return [list(row) for row in hours.iter_rows()]


def _traces(study):
    traces = study.traces()
    light = {
        channel.name: round(float(traces[channel.name].drop_nulls().sum()), 1)
        for channel in study.study.channels
    }
    bits = int(np.bitwise_or.reduce(traces["flags"].to_numpy()))
    neurons = traces["neuron_id"].n_unique()
    return {"rows": traces.height, "neurons": neurons, "flags": bits, "light": light}


def _labels(study):
    """Return how many pixels of each field are labelled, over all visits."""
    arrays = {field.name: study.run().labels(field) for field in study.folder.plan.fields}
    return {name: int((np.asarray(array[:]) > 0).sum()) for name, array in arrays.items()}


def _survival(study):
    groups = study.survival().to_dict()["groups"]
    return {one["name"]: {key: one[key] for key in ("units", "n", "deaths")} for one in groups}
