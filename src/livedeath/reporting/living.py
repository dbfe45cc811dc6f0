"""The traces of a study's living neurons, as the detector takes them: its own null."""

import polars as pl

from livedeath.detection.null import Null, null_of
from livedeath.export.csv import scorable
from livedeath.reporting.material import Material
from livedeath.store.tables import to_columns


def asked(material: Material) -> float:
    """Return the false deaths per 1,000 neuron-days that the run was scored with."""
    settings = material.provenance.get("settings") or {}
    given = settings.get("false_alarms_per_1000_neuron_days")
    return float(given or material.study.analysis.false_alarms_per_1000_neuron_days)


def null(material: Material) -> Null | None:
    """Score the study's living neurons turned round; see `livedeath.detection.null`."""
    settings = material.study.analysis.replace(false_alarms_per_1000_neuron_days=asked(material))
    columns = to_columns(living_traces(material))
    return null_of(columns, settings, endpoint=material.endpoint)


def living_traces(material: Material) -> pl.DataFrame:
    """Return the rows of neurons that lived to the end, up to the end of their watch.

    A neuron whose call was taken back lives, too.
    """
    alive = material.calls.filter(pl.col("outcome") == "alive").select("neuron_id", "ended_h")
    traces = material.run.traces()
    rows = traces if material.from_table else scorable(material.folder, traces)
    kept = rows.join(alive, on="neuron_id", how="inner", maintain_order="left")
    until = pl.col("ended_h").fill_null(float("inf"))
    return kept.filter(pl.col("time_h") <= until).drop("ended_h")
