"""Studies that earlier versions wrote are opened by this one, with the numbers they had."""

import json
import re
import zipfile

import polars as pl
import pytest

import livedeath as ld
import stored_studies
from livedeath.cli.main import run as command
from livedeath.errors import StoreError
from livedeath.model.tables import CALLS, TRACES
from livedeath.store.folder import StudyFolder

NAMES = sorted(path.stem for path in stored_studies.STUDIES.glob("*.zip"))
MOST_BYTES = 300_000


@pytest.fixture(scope="module", params=NAMES)
def stored(request, tmp_path_factory):
    """Return the folder of each stored study and what its writer read in it; change neither."""
    folder = stored_studies.unpack(request.param, tmp_path_factory.mktemp("古い study"))
    said = (stored_studies.STUDIES / f"{request.param}.json").read_text(encoding="utf-8")
    return folder, json.loads(said)


@pytest.fixture
def own(tmp_path):
    """Return a function that unpacks a study of one's own."""
    return lambda name: stored_studies.unpack(name, tmp_path)


def test_there_are_studies():
    assert {"plate", "recording"} <= set(NAMES)


def test_everything_in_it_reads_as_it_was_written(stored):
    folder, said = stored
    found = json.loads(json.dumps(stored_studies.facts(folder)))
    for name, value in said["facts"].items():
        assert found[name] == value, name


def test_reading_it_changes_nothing(stored):
    folder, _ = stored
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    stored_studies.facts(folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_its_tables_have_the_promised_columns(stored):
    folder, said = stored
    run = ld.open_study(folder).run()
    for name, table, promised in (("traces", run.traces(), TRACES), ("calls", run.calls(), CALLS)):
        assert set(said["columns"][name]) <= set(table.columns)
        assert {column.name for column in promised} <= set(table.columns)


def test_no_call_of_an_earlier_version_was_taken_back(stored):
    calls = ld.open_study(stored[0]).run().calls()
    assert calls["revoked_at_h"].null_count() == calls.height > 0
    assert calls["revoked_at_h"].dtype == pl.Float64


def test_what_was_done_and_said_is_in_force(own):
    study = ld.open_study(own("plate"))
    ends = dict(study.calls().select("well", "ended_by").iter_rows())
    assert (ends["B2"], ends["B3"]) == ("kill", "exclusion")
    assert study.calls(joined=True).filter(study.calls()["well"] == "B3")["ended_h"].max() < 4.5
    assert study.reviews().height == 5  # six verdicts, one taken back


def test_it_can_be_reported(own, capsys):
    for name in ("plate", "recording"):
        study = own(name)
        assert command(["report", str(study), "--json"]) == 0
        said = json.loads(capsys.readouterr().out)
        facts = json.loads((stored_studies.STUDIES / f"{name}.json").read_text(encoding="utf-8"))
        groups = {one["name"]: one for one in said["groups"]}
        for arm, numbers in facts["facts"]["survival"].items():
            assert {key: groups[arm][key] for key in numbers} == numbers


def test_it_opens_in_the_viewer(own):
    pytest.importorskip("napari")
    from napari_livedeath.layers import study_layers
    from napari_livedeath.source import StudySource

    for name in ("plate", "recording"):
        source = StudySource.open(own(name))
        kinds = [kind for _, _, kind in study_layers(source, source.fields[0])]
        assert kinds == ["image", "image", "labels", "tracks", "points"]


def test_other_pixels_other_calls_or_another_verdict_would_be_noticed(own):
    study = own("plate")
    before = stored_studies.facts(study)
    chunks = sorted((study / "images.ome.zarr").rglob("c.*"))
    first, second = (path.read_bytes() for path in chunks[:2])
    chunks[0].write_bytes(second)
    assert stored_studies.facts(study)["images"] != before["images"]
    chunks[0].write_bytes(first[:-1] + bytes([first[-1] ^ 1]))
    with pytest.raises(StoreError, match="damaged"):
        stored_studies.facts(study)
    chunks[0].write_bytes(first)
    journal = study / "journal.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    journal.write_text("".join(x for x in lines if '"exclude"' not in x), encoding="utf-8")
    assert stored_studies.facts(study)["journal"] != before["journal"]


def test_a_recording_that_was_changed_is_refused(own):
    study = own("recording")
    recording = study.parent / stored_studies.RECORDING
    recording.write_bytes(recording.read_bytes()[:-1] + b"\x00\x01")
    folder = StudyFolder.open(study)
    with pytest.raises(StoreError, match="was changed"):
        folder.images.read(next(folder.plan.frames()))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_is_small_and_names_no_folder_of_its_writer(name):
    path = stored_studies.STUDIES / f"{name}.zip"
    assert path.stat().st_size <= MOST_BYTES
    somewhere = re.compile(rb"/(tmp|home|root|Users|work)/|[A-Z]:\\\\")
    with zipfile.ZipFile(path) as packed:
        texts = {entry: packed.read(entry) for entry in packed.namelist()}
    assert not [entry for entry, text in texts.items() if somewhere.search(text)]
