import pytest

from livedeath.errors import StudyError
from livedeath_acquisition import choose


def begun(microscope):
    return [{"kind": "acquisition", "what": "start", "microscope": microscope}]


def test_simulated_is_read():
    assert choose.parse("simulated").text == "simulated"


def test_a_recording_is_read_with_its_absolute_path(tmp_path, monkeypatch):
    (tmp_path / "a film.tif").touch()
    monkeypatch.chdir(tmp_path)
    choice = choose.parse("replay:a film.tif")
    assert choice.text == f"replay:{tmp_path / 'a film.tif'}"
    assert not choice.is_real


def test_a_configuration_and_a_port_are_told_apart(tmp_path):
    (tmp_path / "scope.cfg").touch()
    assert choose.parse(f"micromanager:{tmp_path / 'scope.cfg'}").kind == "config"
    assert choose.parse("micromanager:4827") == choose.Choice("port", "4827")


@pytest.mark.parametrize(
    "text", ["", "foo", "simulated:x", "replay:", "replay", "micromanager", "micromanager:"]
)
def test_other_words_are_refused_with_those_allowed(text):
    with pytest.raises(StudyError, match="allowed are simulated, replay:FILE"):
        choose.parse(text)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(StudyError, match="there is no such file"):
        choose.parse(f"replay:{tmp_path / 'nothing.tif'}")


def test_a_port_out_of_range_is_refused():
    with pytest.raises(StudyError, match="between 1 and 65535"):
        choose.parse("micromanager:99999")


def test_a_new_study_is_simulated_unless_told_otherwise():
    assert choose.resume(None, []).kind == "simulated"
    assert choose.resume("micromanager:4827", []).kind == "port"


def test_a_begun_study_goes_on_with_its_own_microscope():
    assert choose.resume(None, begun("micromanager:4827")).text == "micromanager:4827"


@pytest.mark.parametrize(
    ("before", "asked"), [("micromanager:4827", "simulated"), ("simulated", "micromanager:4827")]
)
def test_real_and_simulated_frames_do_not_mix(before, asked):
    with pytest.raises(StudyError, match=f"begun on {before}"):
        choose.resume(asked, begun(before))


def test_another_port_of_a_real_microscope_is_allowed():
    assert choose.resume("micromanager:4828", begun("micromanager:4827")).target == "4828"
