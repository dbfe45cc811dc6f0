import numpy as np
import polars as pl
import pytest
import tifffile

import livedeath as ld
import small_studies
from livedeath.errors import StoreError, StudyError
from livedeath.review.journal import ReviewJournal
from livedeath.review.strip import montage
from made_study import KILL_H, make_study


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("api") / "a study", per_well=5)


@pytest.fixture
def study(made):
    return ld.open_study(made.path)


def test_a_study_says_what_it_is(study):
    assert study.study.title == "Glutamate and a rescue"
    assert study.runs == ("made00",)
    assert "Glutamate and a rescue" in repr(study)
    assert study.run().name == "made00"


def test_joined_calls_have_what_was_declared_and_stop_at_the_kill(study):
    calls = study.calls()
    assert {"arm", "unit", "block", "dose", "entry_h", "ended_h", "ended_by"} <= set(calls.columns)
    assert calls.filter(pl.col("death_h") > KILL_H).height == 0
    assert study.calls(joined=False).filter(pl.col("death_h") > KILL_H).height > 0


def test_what_is_unknown_is_null_and_flags_are_words(study):
    for table in (study.calls(), study.calls(joined=False), study.traces()):
        floats = table.select(pl.selectors.float())
        assert not any(floats[name].is_nan().any() for name in floats.columns)
        marked = (table["flags"] > 0).to_list()
        assert [bool(words) for words in table["flag_words"]] == marked
    doubtful = study.traces().filter(pl.col("flags") > 0)
    assert doubtful.filter(pl.col("flag_words").str.contains("MASK_LOST")).height == sum(
        bits & 32 > 0 for bits in doubtful["flags"]
    )
    assert study.calls(joined=False)["death_h"].null_count() > 0


def test_a_neuron_has_a_trace_and_a_strip(study):
    calls = study.calls()
    neuron = calls.filter(pl.col("outcome") == "dead")["neuron_id"][0]
    trace = study.trace(neuron)
    assert trace["time_h"].is_sorted()
    assert set(trace["neuron_id"]) == {neuron}
    strip = study.strip(neuron)
    assert strip.channels == ("RFP", "GEDI")
    assert montage(strip).ndim == 2
    death_h = calls.filter(pl.col("neuron_id") == neuron)["death_h"][0]
    assert strip.time_h.min() <= death_h <= strip.time_h.max()


def test_an_image_is_the_frame_that_was_saved(study, made):
    key = next(visit for visit in made.plan.visits if visit.field.well == "C2")
    frame = next(key.frames())
    np.testing.assert_array_equal(study.image("C2", 0, 0, frame.channel), made.images.read(frame))
    assert study.image("C2").dtype == np.uint16


def test_labels_are_of_one_visit_or_all(study, made):
    whole = study.labels("C2")
    assert whole.shape[0] == made.plan.n_visits(study.field("C2"))
    np.testing.assert_array_equal(whole[1], study.labels("C2", t=1))


def test_what_is_not_there_is_said_in_one_sentence(study):
    with pytest.raises(StudyError, match="there is no field plate1/H9/0; the wells are B2"):
        study.image("H9")
    for t in (-1, 31):
        with pytest.raises(StudyError, match=f"no visit {t} of plate1/C2/0; its visits are"):
            study.image("C2", 0, t)
    with pytest.raises(StudyError, match="no channel 'YFP'"):
        study.image("C2", channel="YFP")
    with pytest.raises(StoreError, match="no neuron 4711"):
        study.trace(4711)
    with pytest.raises(StoreError, match="its runs are made00"):
        study.calls(run="other")
    with pytest.raises(StoreError, match="not simulated"):
        study.truth()


def test_a_missed_frame_is_no_black_image(study, made):
    missed = [k for k, e in made.journal.frames().items() if e["status"] == "missed"]
    assert missed
    with pytest.raises(StoreError, match="has no saved image"):
        study.image(missed[0].well, missed[0].field, missed[0].t, missed[0].channel)


def test_the_journal_is_a_table(study):
    journal = study.journal()
    assert journal.filter(pl.col("kind") == "frame").height > 100
    assert journal["wall"].null_count() == 0


def test_reviews_are_a_table_also_without_any(made, tmp_path):
    study = ld.open_study(make_study(tmp_path / "s", images=False).path)
    assert study.reviews().height == 0
    with ReviewJournal.in_folder(study.folder.reviews_dir, "Ines") as journal:
        journal.record(run="made00", neuron_id=3, item="x", verdict="alive", time_h=2.0)
    assert study.reviews().select("reviewer", "neuron_id", "verdict").rows() == [
        ("Ines", 3, "alive")
    ]


def test_survival_of_an_open_study_is_that_of_its_folder(study):
    assert study.survival().to_dict() == ld.survival(study.path).to_dict()


def test_a_movie_is_scored_and_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tifffile.imwrite("m.tif", small_studies.blobs(), photometric="minisblack")
    found = ld.score("m.tif", pixel_size_um=0.65, interval_h=1.0)
    assert found.calls.height == 4
    opened = ld.open_study("m-livedeath")
    assert opened.run().name == found.run.name
    assert opened.image("A1", t=2).shape == (96, 96)


def test_a_table_of_traces_in_memory_gives_survival():
    table = pl.DataFrame(
        {"arm": ["a", "a", "b", "b"], "unit": ["1", "2", "3", "4"], "time_h": [5.0, 9, 3, 9]}
    ).with_columns(event=pl.Series([1, 0, 1, 0]))
    found = ld.survival(table)
    assert [group.n_dead for group in found.groups] == [1, 1]
    assert found.arms["arm"].to_list() == ["a", "b"]


def test_options_that_mean_nothing_are_refused_before_anything_is_written(made, tmp_path):
    with pytest.raises(StudyError, match="--pixel-size-um has no meaning here"):
        ld.score(made.path, pixel_size_um=0.5)
    (tmp_path / "t.csv").write_text("neuron_id,time_h,signal\n1,0,5\n")
    with pytest.raises(StudyError, match="--labels has no meaning here"):
        ld.score(tmp_path / "t.csv", labels="l.tif", out=tmp_path / "out")
    with pytest.raises(StudyError, match="'xlsx' is no format; it can be csv, ctc"):
        ld.export_study(made.path, tmp_path / "out", to="xlsx")
    assert not (tmp_path / "out").exists()


def test_a_study_is_made_checked_logged_and_asked_how_it_stands(tmp_path):
    study = ld.new(tmp_path / "mine")
    assert study.study == ld.Study.from_file(tmp_path / "mine" / "study.toml")
    found = ld.check(study.path)
    assert found.cost.frames > 0
    assert set(found.arms) == set(found.study.arms().values())
    well = found.study.places()[0][1]
    done = ld.log(study.path, "exclude", wells=well, at=0.0, why="bubble")
    undone = ld.log(study.path, "retract", entry=done.entry["id"], why="it went away")
    log = study.log()
    assert log["retracted_by"].to_list() == [undone.entry["id"], None]
    assert ld.status(study.path).state == "never begun"
    with pytest.raises(StudyError, match="'retract' needs the entry"):
        ld.log(study.path, "retract", why="x")


def test_the_doctor_finds_the_program_itself():
    assert any(finding.what == "livedeath" for finding in ld.doctor())
