"""A recording as a study: names that a study can bear, and what is refused in a sentence."""

import numpy as np
import pytest
import tifffile

import small_studies
from livedeath.errors import StudyError
from livedeath.recordings.declare import study_from_recording
from livedeath.recordings.open import open_recording
from livedeath.run.score import declare_recording
from livedeath.store.declared import declared_at_start


def recording(path, *channels, visits=2):
    """Write an OME-TIFF with named channels."""
    frames = np.zeros((visits, len(channels), 32, 32), np.uint16)
    metadata = {"axes": "TCYX", "Channel": {"Name": list(channels)}}
    tifffile.imwrite(path, frames, metadata=metadata)
    return path


def declared(path, **told):
    with open_recording(path) as opened:
        return study_from_recording(opened, **({"pixel_size_um": 0.65, "fill": "0"} | told))


@pytest.mark.parametrize(
    ("written", "names"),
    [
        (("RFP", "GEDI"), ("RFP", "GEDI")),
        (("Ex:488 / GFP", "RFP"), ("Ex_488_GFP", "RFP")),
        (("RFP", "RFP_sd"), ("RFP", "channel1")),
        (("RFP", "well"), ("RFP", "channel1")),
        (("Time_H", "RFP"), ("channel0", "RFP")),
        (("CON", "RFP."), ("channel0", "RFP")),
        (("gfp", "GFP"), ("channel0", "channel1")),
    ],
)
def test_channels_get_names_that_a_study_can_bear(tmp_path, written, names):
    path = recording(tmp_path / "a.ome.tif", *written)
    assert tuple(c.name for c in declared(path, interval_h=1.0).channels) == names


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"interval_h": 1e-12}, "duration_h"),
        ({"interval_h": 1.0, "pixel_size_um": 400.0}, "400"),
        ({"interval_h": 1.0, "times_h": (0.0, 1.0)}, "both given"),
        ({"times_h": (3.0, 3.0)}, "--times-h goes from 3 to 3; hours must increase"),
    ],
)
def test_what_no_study_can_be_is_refused_in_one_sentence(tmp_path, told, said):
    path = recording(tmp_path / "a.ome.tif", "RFP")
    with pytest.raises(StudyError) as caught:
        declared(path, **told)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("well", "kind"),
    [("A1", "dish"), ("H12", "96-well"), ("B13", "384-well"), ("I2", "384-well")],
)
def test_a_plate_is_as_large_as_its_wells_say(tmp_path, well, kind):
    plate = small_studies.study().replace(
        vessels=({"id": "plate1", "format": "384-well", "wells": [well]},)
    )
    folder = small_studies.acquire(small_studies.create(tmp_path / "s", plate))
    made = declared(folder.path / "images.ome.zarr", indicator="1", interval_h=1.0)
    assert (made.vessels[0].format, made.wells(made.vessels[0].id)) == (kind, (well,))


def test_the_journal_of_a_recording_says_that_its_frames_came_first(tmp_path):
    path = recording(tmp_path / "a.ome.tif", "RFP")
    told = {"pixel_size_um": 0.65, "interval_h": 1.0}
    folder = declare_recording(path, tmp_path / "scored", told=told)
    start = declared_at_start(folder.journal.read())
    assert start.by_recording
    assert start.changes(folder.study) == []
