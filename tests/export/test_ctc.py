import numpy as np
import polars as pl
import pytest
import tifffile
from ctc_metrics.scripts.validate import validate_sequence

import small_studies
from livedeath.errors import StoreError
from livedeath.export import ctc as module
from livedeath.export.ctc import export_ctc
from livedeath.store import tables
from livedeath.store.folder import Run
from livedeath.store.labels import LabelStore

# Visits in which each neuron is found, per field: 3 has gaps, 9 comes late, t=2 of B3 is empty.
FOUND = {
    "B2": {3: (0, 1, 3, 4), 70000: (0, 1, 2, 3, 4), 9: (2, 3)},
    "B3": {12: (0, 1, 3, 4)},
}


@pytest.fixture
def study(tmp_path):
    return small_studies.acquire(small_studies.create(tmp_path / "study"))


@pytest.fixture
def run(study):
    made = Run(study.analysis_dir / "r1")
    made.path.mkdir(parents=True)
    store = LabelStore(made.path / "labels.zarr", study.study)
    store.create(study.plan)
    rows = []
    for field in study.plan.fields:
        for t in range(5):
            frame = np.zeros((small_studies.SIDE, small_studies.SIDE), np.int32)
            for k, (neuron, visits) in enumerate(FOUND[field.well].items()):
                if t in visits:
                    frame[2 + 10 * k : 9 + 10 * k, 5:12] = neuron
                rows.append((field.vessel, field.well, field.field, neuron, t, float(t)))
            store.write(field, t, frame)
    columns = ["vessel", "well", "field", "neuron_id", "t", "time_h"]
    table = pl.DataFrame(rows, schema=columns, orient="row")
    tables.write_table(table, made.traces_path)
    tables.write_table(table.select("neuron_id").unique(), made.calls_path)
    return made


@pytest.fixture
def exported(study, run, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    export_ctc(study, run, out)
    return out


def valid(sequence):
    return validate_sequence(str(sequence), threads=1)["Valid"]


@pytest.mark.filterwarnings("ignore:Empty frame:UserWarning")
def test_the_challenge_finds_the_result_valid(exported):
    assert valid(exported / "01_RES") == 1
    assert valid(exported / "02_RES") == 1


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_challenge_sees_a_mask_without_its_label(exported):
    mask = exported / "01_RES" / "mask003.tif"
    pixels = tifffile.imread(mask)
    pixels[pixels == pixels.max()] = 0
    tifffile.imwrite(mask, pixels)
    assert valid(exported / "01_RES") == 0


def tracks(sequence):
    text = (sequence / "res_track.txt").read_text()
    return [tuple(int(n) for n in line.split()) for line in text.splitlines()]


def test_a_gap_starts_a_new_label_with_its_parent(exported):
    labels = tables.read_table(exported / "labels.csv").filter(pl.col("well") == "B2")
    of_three = labels.filter(pl.col("neuron_id") == 3)
    assert of_three.select("begin", "end").rows() == [(0, 1), (3, 4)]
    first, second = of_three["label"]
    assert of_three["parent"].to_list() == [0, first]
    assert (second, 3, 4, first) in tracks(exported / "01_RES")


def test_masks_hold_the_neurons_where_they_were(exported):
    labels = tables.read_table(exported / "labels.csv").filter(pl.col("well") == "B2")
    label = labels.filter(pl.col("neuron_id") == 70000)["label"][0]
    for t in range(5):
        mask = tifffile.imread(exported / "01_RES" / f"mask{t:03d}.tif")
        assert mask.dtype == np.uint16
        expected = np.zeros_like(mask, dtype=bool)
        expected[12:19, 5:12] = True
        np.testing.assert_array_equal(mask == label, expected)


def test_every_visit_has_a_mask_also_without_neurons(exported):
    masks = sorted(path.name for path in (exported / "02_RES").glob("mask*.tif"))
    assert masks == [f"mask{t:03d}.tif" for t in range(5)]
    assert not tifffile.imread(exported / "02_RES" / "mask002.tif").any()


def test_more_tracks_than_sixteen_bits_hold_are_refused(study, run, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LARGEST_LABEL", 3)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(StoreError, match="more than 3 tracks"):
        export_ctc(study, run, out)


def test_daughters_have_their_parent(study, run, tmp_path):
    traces = run.traces()
    parents = pl.when(pl.col("neuron_id") == 9).then(70000).otherwise(0)
    tables.write_table(traces.with_columns(parent_id=parents), run.traces_path)
    out = tmp_path / "divided"
    out.mkdir()
    export_ctc(study, run, out)
    lines = np.loadtxt(out / "01_RES" / "res_track.txt", dtype=int)
    labels = pl.read_csv(out / "labels.csv").filter(pl.col("sequence").cast(pl.Int64) == 1)
    label_of = dict(zip(labels["neuron_id"], labels["label"], strict=True))
    assert lines[lines[:, 0] == label_of[9], 3].tolist() == [label_of[70000]]
