"""Traces that were exported go back into `livedeath score` and give the run's own calls."""

import numpy as np
import polars as pl
import pytest
import tifffile
from polars.testing import assert_frame_equal

import small_studies
from livedeath.export.csv import export_csv
from livedeath.model.flags import Flag
from livedeath.model.study import Study
from livedeath.run.score import declare_recording, score_study, score_table
from livedeath.store.folder import StudyFolder

SIDE, VISITS = 112, 26
DIES_AT = {0: 11, 1: 14, 2: 17}
"""Neuron of each field to the visit from which its indicator is bright."""
GOES_AT = {8: 13}
"""Neuron of each field to the visit from which it is not there."""

STUDY = f"""
title = "two fields in each well"
vessels = [{{ id = "plate1", wells = ["B2:B3"], fields_per_well = 2 }}]
optics = {{ pixel_size_um = 1.0, image_shape_px = [{SIDE}, {SIDE}] }}
schedule = {{ interval_h = 1, duration_h = {VISITS - 1} }}
channels = [
  {{ name = "fill", role = "fill", exposure_ms = 50 }},
"""
INDICATOR = '{ name = "GEDI", role = "indicator", exposure_ms = 50 },\n'
DYES = """  { name = "PI", role = "dye", exposure_ms = 50, every = 2 },
  { name = "dye", role = "dye", exposure_ms = 50 },
"""
DOSE_VISIT = 9


def somata(seed):
    """Return (9, Y, X) light of the neurons of a field, each alone."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE]
    centres = 20 + 36 * np.array([(k // 3, k % 3) for k in range(9)]) + rng.uniform(-3, 3, (9, 2))
    light = 500 * np.exp(rng.normal(0, 0.4, 9))
    return np.array(
        [
            a * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * 5.0**2))
            for a, (cy, cx) in zip(light, centres, strict=True)
        ]
    )


def frame(lights, t, *, indicator, seed, dosed=False, fading=False, dye=False):
    """Return one image of a field; ``fading`` is a death seen in the fill."""
    there = np.array([t < GOES_AT.get(k, VISITS) for k in range(9)], float)
    dead = np.array([t >= DIES_AT.get(k, VISITS) for k in range(9)])
    if indicator:
        there *= np.where(dead, 4.0, 1.0) * (0.3 * (1.4 if dosed and t >= DOSE_VISIT else 1.0))
    elif dye:
        there *= np.where(dead, 0.5, 0.0)
    elif fading:
        there *= np.where(dead, 0.1, 1.0)
    scene = 20.0 + np.tensordot(there, lights, 1)
    return np.random.default_rng([seed, t, indicator + 2 * dye]).poisson(scene).astype(np.uint16)


def acquired(path, *, indicator=True, missed=(), optics="", dyes=""):
    """Make a study of four fields; the dose of well B2 is in its journal."""
    text = STUDY.replace("optics = {", f"optics = {{ {optics}")
    study = Study.from_toml(text + (INDICATOR if indicator else "") + dyes + "]")
    folder = StudyFolder.create(path, study)
    folder.images.create(folder.plan)
    fields = {field: somata(number) for number, field in enumerate(folder.plan.fields)}
    for visit in folder.plan.visits:
        if (visit.t, visit.field) == (DOSE_VISIT, folder.plan.fields[0]):
            dose = {"kind": "log", "what": "dose", "vessel": "plate1", "wells": ["B2"]}
            folder.journal.append(dose | {"at_h": DOSE_VISIT - 0.5})
        for key in visit.frames():
            if (key.well, key.field, key.t, key.channel) in missed:
                entry = small_studies.entry_of(visit, key, "missed", reason="shutter")
                folder.journal.append(entry)
                continue
            image = frame(
                fields[visit.field], key.t, indicator=key.channel == "GEDI",
                seed=folder.plan.fields.index(visit.field), dosed=key.well == "B2",
                fading=not indicator, dye=key.channel in ("PI", "dye"),
            )  # fmt: skip
            folder.images.write(key, image)
            folder.journal.append(small_studies.entry_of(visit, key))
    folder.journal.append({"kind": "acquisition", "what": "finish"})
    return folder


MISSED = (
    ("B2", 0, 0, "GEDI"), ("B2", 0, 5, "GEDI"), ("B2", 1, 7, "fill"), ("B3", 0, 6, "fill"),
    ("B3", 0, 6, "GEDI"), ("B3", 1, VISITS - 1, "GEDI"),
)  # fmt: skip


def recorded(tmp_path):
    """Write a recording of two positions and declare its study."""
    path = tmp_path / "movie.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as file:
        for seed in range(2):
            lights = somata(seed)
            frames = [
                [frame(lights, t, indicator=c, seed=seed) for c in (False, True)]
                for t in range(VISITS)
            ]
            file.write(np.array(frames), metadata={"axes": "TCYX"}, photometric="minisblack")
    told = {"pixel_size_um": 1.0, "interval_h": 1.0, "fill": "0", "indicator": "1"}
    return declare_recording(path, tmp_path / "study", told=told)


CHANGED = f'changes = [{{ at_h = {VISITS - 4.5}, objective = "another" }}], '

STUDIES = {
    "indicator": lambda path: acquired(path / "study"),
    "no indicator": lambda path: acquired(path / "study", indicator=False),
    "missed visits": lambda path: acquired(path / "study", missed=MISSED),
    "changed optics": lambda path: acquired(path / "study", optics=CHANGED),
    "recorded positions": recorded,
    "dyes": lambda path: acquired(path / "study", dyes=DYES),
    "dyes beside the fill": lambda path: acquired(path / "study", indicator=False, dyes=DYES),
}


def exported(folder, out):
    out.mkdir()
    return export_csv(folder, folder.run(), out)["traces"]


@pytest.fixture(scope="module", params=STUDIES.values(), ids=STUDIES)
def scored(request, tmp_path_factory):
    """A scored study and its exported traces."""
    path = tmp_path_factory.mktemp("again")
    folder = request.param(path)
    run = score_study(folder)
    return run, exported(folder, path / "csv"), path


def test_exported_traces_give_every_call_of_the_run_to_the_last_bit(scored):
    run, traces, path = scored
    again = score_table(traces, path / "table")
    assert_frame_equal(again.calls, run.calls, check_exact=True)
    assert_frame_equal(
        again.traces.select("neuron_id", "time_h", "flags"),
        run.traces.select("neuron_id", "time_h", "flags"),
        check_exact=True,
    )
    outcomes = run.calls["outcome"].to_list()
    fields = run.calls.select("well", "field").unique().height
    assert outcomes.count("dead") >= len(DIES_AT) * fields
    assert outcomes.count("alive") >= 3 * fields


def test_the_flags_of_a_call_are_those_of_its_rows(scored):
    run, *_ = scored
    joined = run.traces.group_by("neuron_id").agg(pl.col("flags").bitwise_or().alias("joined"))
    calls = run.calls.join(joined, on="neuron_id", how="left", validate="1:1")
    assert calls["joined"].to_list() == calls["flags"].to_list()
    # Whoever lost its fill is dead too, without a value that fits no past.
    jumped = calls.filter(pl.col("flags").cast(pl.Int64) & int(Flag.OUTLIER) > 0)
    fields = calls.select("well", "field").unique().height
    assert jumped.filter(outcome="dead").height >= len(DIES_AT) * fields


def changed(table, column):
    """Return the table without what one column says."""
    if column == "time order of fields":
        return table.sort("time_h", "field", "well", descending=[False, True, True])
    return table.drop(column)


NEEDED = {
    # A step after something was done is found without `intervened` where it is as large as here.
    "indicator": ["field", "seen", "time order of fields"],
    "no indicator": ["endpoint"],
    "missed visits": ["flags", "reference"],
    "changed optics": ["acquisition"],
    "dyes": ["dye", "dye_2"],
}


@pytest.mark.parametrize(
    ("case", "column"), [(case, column) for case, names in NEEDED.items() for column in names]
)
def test_each_column_that_is_exported_is_needed(case, column, tmp_path):
    folder = STUDIES[case](tmp_path)
    run = score_study(folder)
    path = exported(folder, tmp_path / "csv")
    changed(pl.read_csv(path), column).write_csv(tmp_path / "less.csv")
    with pytest.raises(AssertionError):
        assert_frame_equal(
            score_table(tmp_path / "less.csv", tmp_path / "table").calls,
            run.calls, check_exact=True,
        )  # fmt: skip


def test_a_missed_visit_is_really_in_the_traces(tmp_path):
    run = score_study(acquired(tmp_path / "study", missed=MISSED))
    here = run.traces.filter(pl.col("well") == "B2", pl.col("t") == 5, pl.col("field") == 0)
    assert here.height > 0
    assert here["GEDI"].is_null().all()
    assert here["fill"].is_finite().all()


def test_flags_stand_in_both_tables_as_words_too(scored):
    _, traces, _ = scored
    for table in (pl.read_csv(traces), pl.read_csv(traces.with_name("calls.csv"))):
        for bits, words in table.select("flags", "flag_words").unique().iter_rows():
            assert sum(Flag[word] for word in (words or "").split(", ") if word) == bits
        assert table["flag_words"].str.contains("OUTLIER").any()
