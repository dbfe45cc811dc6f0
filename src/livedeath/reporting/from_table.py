"""A scored table of traces, which has no study, as the material of a report.

The folder that ``livedeath score TRACES.csv`` writes goes in; out comes the same material
as of a study, with a declaration that says no more than the table does.
"""

from pathlib import Path

import polars as pl

from livedeath.errors import StoreError
from livedeath.model.events import Events
from livedeath.model.study import Study
from livedeath.model.tables import MEASURED, PLACE
from livedeath.reporting.material import Material
from livedeath.statistics.study import StudyCalls, grouped, one_endpoint
from livedeath.store.folder import Run, StudyFolder

CHANNELS = {
    "indicator_rise": {"reference": "fill", "signal": "indicator"},
    "loss_of_fill": {"reference": "marker", "signal": "fill"},
}
"""Columns of a table of traces and the roles they play, by what was sensed.

As channels of a study they are called by their roles: no channel is named like a column.
"""


def is_table_run(path: Path) -> bool:
    """Say whether a folder holds a scored table of traces and no study."""
    names = ("calls.parquet", "traces.parquet", "provenance.json")
    return not (path / "study.toml").is_file() and all((path / n).is_file() for n in names)


def gather_table(path: Path) -> Material:
    """Read what a report needs from a scored table of traces.

    Parameters
    ----------
    path : Path
        Folder written by ``livedeath score TRACES.csv --out``.

    Raises
    ------
    StoreError
        If its tables cannot be read or hold no neuron.
    """
    run = Run(path.absolute())
    calls, others = one_endpoint(run.calls())
    if not calls.height:
        raise StoreError(f"{path}: the table of calls holds no neuron; there is nothing to report.")
    endpoint = str(calls["endpoint"][0])
    traces = _as_channels(_placed(run.traces(), calls), endpoint)
    made = run.provenance()
    study = _study(str(made.get("input") or path.name), traces, endpoint)
    return Material(
        folder=StudyFolder(run.path, study),
        run=run,
        called=StudyCalls(study, Events(study), grouped(calls), traces, others),
        entries=[],
        reviews={},
        review_trouble="",
        truth=None,
        provenance=made,
        from_table=True,
    )


def _study(source: str, traces: pl.DataFrame, endpoint: str) -> Study:
    title = source.replace("\\", "/").rsplit("/", 1)[-1]
    channels = [
        {"name": role, "role": role, "exposure_ms": 1.0}
        for role in CHANNELS[endpoint].values()
        if role in traces.columns
    ]
    return Study.model_validate(
        {
            "title": title,
            "description": "Scored from a table of traces; there are no images.",
            "vessels": [{"id": "table", "wells": ["A1"]}],
            "optics": {"pixel_size_um": 1.0},
            "channels": channels,
            "schedule": {"times_h": [0.0]},
        }
    )


def _as_channels(traces: pl.DataFrame, endpoint: str) -> pl.DataFrame:
    """Name the columns of each channel, value and deviation, by its role."""
    named = {
        f"{old}{end}": f"{new}{end}" for old, new in CHANNELS[endpoint].items() for end in MEASURED
    }
    return traces.rename(named, strict=False)


def _placed(traces: pl.DataFrame, calls: pl.DataFrame) -> pl.DataFrame:
    """Give every row of the traces the place that its neuron's call names."""
    own = [name for name in PLACE if name in traces.columns]
    places = calls.select("neuron_id", *PLACE)
    unknown = [name for name in ("y_px", "x_px") if name not in traces.columns]
    placed = traces.drop(own).join(places, on="neuron_id", how="inner", maintain_order="left")
    return placed.with_columns(pl.lit(float("nan")).alias(name) for name in unknown)
