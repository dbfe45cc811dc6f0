import gc
import json
import warnings

import ndstorage
import numpy as np
import pytest
import tifffile
import zarr
from ndstorage import ndtiff_file
from scipy import ndimage

import small_studies
from livedeath.errors import FrameError
from livedeath.recordings.declare import study_from_recording
from livedeath.recordings.open import open_recording

SIDE = 40


@pytest.fixture(scope="module")
def frames():
    """Return (t, c, z, y, x) frames, no two alike."""
    return np.random.default_rng(0).integers(0, 4000, (5, 2, 3, SIDE, SIDE)).astype(np.uint16)


def as_read(path):
    """Return all frames of a recording as (t, c, z, y, x), and what it says of itself."""
    with open_recording(path) as recording:
        t, c, z = recording.shape[:3]
        found = [[[recording.read(i, j, k) for k in range(z)] for j in range(c)] for i in range(t)]
        return np.array(found), recording.contents


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"compression": "zlib"},
        {"compression": "lzw"},
        {"compression": "lzw", "predictor": True},
        {"compression": "zstd", "tile": (16, 16)},
        {"contiguous": False},
        {"byteorder": ">"},
        {"bigtiff": True},
        {"metadata": None},
    ],
    ids=str,
)
def test_a_stack_without_named_axes_is_time(tmp_path, frames, how):
    stack = frames[:, 0, 0]
    path = tmp_path / "記録 a.tif"
    if how.pop("contiguous", True):
        tifffile.imwrite(path, stack, **how)
    else:
        with tifffile.TiffWriter(path) as file:
            for frame in stack:
                file.write(frame, contiguous=False)
    read, _ = as_read(path)
    np.testing.assert_array_equal(read, stack[:, None, None])


def test_an_lzw_stack_made_elsewhere_holds_its_four_somata(shared_data):
    read, _ = as_read(shared_data / "recordings" / "04_lzw_plain_stack.tif")
    assert read.shape == (8, 1, 1, 64, 64)
    first = ndimage.gaussian_filter(read[0, 0, 0].astype(float), 2)
    assert ndimage.label(first > np.median(first) + 0.25 * np.ptp(first))[1] == 4


def test_a_compression_that_nothing_decodes_is_no_damage(tmp_path, frames, monkeypatch):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, frames[:, 0, 0], compression="lzw")
    known = dict.fromkeys((1, 8))
    monkeypatch.setattr(tifffile.TIFF, "DECOMPRESSORS", known)
    with pytest.raises(FrameError, match=r"compressed as LZW.* imagecodecs") as said:
        open_recording(path)
    assert "damaged" not in str(said.value)


def test_one_image_is_one_visit(tmp_path, frames):
    tifffile.imwrite(tmp_path / "a.tif", frames[0, 0, 0])
    assert as_read(tmp_path / "a.tif")[0].shape == (1, 1, 1, SIDE, SIDE)


def test_imagej_axes_pixel_size_and_interval_are_respected(tmp_path, frames):
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        frames.transpose(0, 2, 1, 3, 4),
        imagej=True,
        resolution=(1 / 0.65, 1 / 0.65),
        metadata={"axes": "TZCYX", "unit": "um", "finterval": 1800.0, "spacing": 2.5},
    )
    read, said = as_read(path)
    np.testing.assert_array_equal(read, frames)
    assert said.pixel_size_um == pytest.approx(0.65, rel=1e-5)
    assert said.z_step_um == 2.5
    assert said.times_h == (0.0, 0.5, 1.0, 1.5, 2.0)


def test_ome_axes_channels_and_times_are_respected(tmp_path, frames):
    path = tmp_path / "a.ome.tif"
    delta = np.repeat([0.0, 1800.0, 3000.0, 7200.0, 9000.0], 6).tolist()
    metadata = {
        "axes": "TCZYX",
        "PhysicalSizeX": 650.0,
        "PhysicalSizeXUnit": "nm",
        "Channel": {"Name": ["RFP", "GEDI"]},
        "Plane": {"DeltaT": delta, "DeltaTUnit": ["s"] * 30},
    }
    tifffile.imwrite(path, frames, metadata=metadata)
    read, said = as_read(path)
    np.testing.assert_array_equal(read, frames)
    assert said.channel_names == ("RFP", "GEDI")
    assert said.pixel_size_um == pytest.approx(0.65)
    assert said.times_h == pytest.approx((0.0, 0.5, 0.8333333333, 2.0, 2.5))


def declared_ceiling(path):
    """Return the grey level at which a recording's study calls a pixel clipped."""
    told = {"pixel_size_um": 1.0, "times_h": (0.0, 1.0, 2.0, 3.0, 4.0), "fill": "0"}
    with open_recording(path) as recording:
        return study_from_recording(recording, **told).optics.camera.saturation_adu


@pytest.mark.parametrize(("said", "ceiling"), [(12, 4095), (11, 2047), (16, None), (None, None)])
def test_an_ome_tiff_says_the_bits_of_its_camera(tmp_path, frames, said, ceiling):
    metadata = {"axes": "TCZYX"} | ({} if said is None else {"SignificantBits": said})
    tifffile.imwrite(tmp_path / "a.ome.tif", frames, metadata=metadata)
    assert declared_ceiling(tmp_path / "a.ome.tif") == ceiling


def test_several_ome_images_are_positions(tmp_path, frames):
    path = tmp_path / "a.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as file:
        for position in range(2):
            file.write(frames[:, position, 0], metadata={"axes": "TYX"})
    with open_recording(path) as recording:
        assert len(recording.positions) == 2
        np.testing.assert_array_equal(recording.read(3, 0, 0, 1), frames[3, 1, 0])


def test_our_own_images_are_read_as_ome_zarr(tmp_path):
    folder = small_studies.acquire(small_studies.create(tmp_path / "study"))
    with open_recording(folder.images.path / "plate1") as recording:
        assert recording.shape == (5, 2, 1, 48, 48)
        assert [position.well for position in recording.positions] == ["B2", "B3"]
        assert recording.channel_names == ("fill", "GEDI")
        assert recording.pixel_size_um == 0.65
        for n, key in enumerate(folder.plan.frames()):
            place = (key.t, recording.channel_names.index(key.channel), key.z)
            position = ["B2", "B3"].index(key.well)
            np.testing.assert_array_equal(
                recording.read(*place, position), small_studies.image(key), err_msg=str(n)
            )


def test_a_frame_without_a_chunk_is_missed(tmp_path):
    folder = small_studies.create(tmp_path / "study")
    keys = list(folder.plan.frames())
    folder = small_studies.acquire(folder, missed=[keys[4]])
    assert (keys[4].well, keys[4].t, keys[4].channel) == ("B2", 1, "fill")
    with open_recording(folder.images.path / "plate1" / "B" / "2" / "a0f0") as recording:
        assert not recording.has(1, 0)
        assert recording.has(1, 1)
        assert recording.has(0, 0)


def test_ome_zarr_0_4_is_read(tmp_path, frames):
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2)
    group.create_array("0", data=frames[:, :, 0], chunks=(1, 1, 20, 20))
    axes = [
        {"name": "t", "type": "time", "unit": "second"},
        {"name": "c", "type": "channel"},
        {"name": "y", "type": "space", "unit": "micrometer"},
        {"name": "x", "type": "space", "unit": "micrometer"},
    ]
    scale = [{"type": "scale", "scale": [900, 1, 0.5, 0.5]}]
    dataset = {"path": "0", "coordinateTransformations": scale}
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": [dataset]}]
    read, said = as_read(tmp_path / "a.zarr")
    np.testing.assert_array_equal(read[:, :, 0], frames[:, :, 0])
    assert said.pixel_size_um == 0.5
    assert said.times_h == (0.0, 0.25, 0.5, 0.75, 1.0)


def write_ndtiff(folder, pixels):
    """Write an NDTiff with Micro-Manager's own library; one frame is left out."""
    dataset = ndstorage.NDTiffDataset(str(folder), name="nd", writable=True, summary_metadata={})
    for t, c, z in np.ndindex(*pixels.shape[:3]):
        if (t, c, z) != (2, 1, 0):
            axes = {"time": t, "channel": ("RFP", "GEDI")[c], "z": z}
            said = {"PixelSizeUm": 0.65, "ElapsedTime-ms": 3.6e6 * t * (t + 1)}
            dataset.put_image(axes, pixels[t, c, z], said)
    dataset.finish()
    dataset.close()


@pytest.fixture(params=["uint8", "uint16"])
def ndtiff(tmp_path, frames, request):
    pixels = (frames % 200).astype(request.param)
    with warnings.catch_warnings():  # the library leaves files open
        warnings.simplefilter("ignore", ResourceWarning)
        write_ndtiff(tmp_path, pixels)
        gc.collect()
    return next(path.parent for path in tmp_path.rglob("NDTiff.index")), pixels


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_an_ndtiff_says_the_bits_of_its_camera(tmp_path, frames, bits, monkeypatch):
    as_16 = ndtiff_file.SingleNDTiffWriter.write_image
    monkeypatch.setattr(
        ndtiff_file.SingleNDTiffWriter, "write_image",
        lambda *given: as_16(*given, bit_depth=bits),
    )  # fmt: skip
    with warnings.catch_warnings():  # the library leaves files open
        warnings.simplefilter("ignore", ResourceWarning)
        write_ndtiff(tmp_path, frames)
        gc.collect()
    path = next(path.parent for path in tmp_path.rglob("NDTiff.index"))
    assert declared_ceiling(path) == 2**bits - 1


def test_ndtiff_is_read_with_what_it_says(ndtiff):
    path, pixels = ndtiff
    with open_recording(path) as recording:
        assert recording.shape == pixels.shape
        assert recording.dtype == pixels.dtype
        assert recording.channel_names == ("RFP", "GEDI")
        assert recording.pixel_size_um == 0.65
        assert recording.times_h == (0.0, 2.0, 6.0, 12.0, 20.0)
        for t, c, z in np.ndindex(*pixels.shape[:3]):
            assert recording.has(t, c, z) == ((t, c, z) != (2, 1, 0))
            if recording.has(t, c, z):
                np.testing.assert_array_equal(recording.read(t, c, z), pixels[t, c, z])


def test_an_ndtiff_index_that_ends_in_a_torn_row_is_read_up_to_it(ndtiff):
    path, pixels = ndtiff
    index = path / "NDTiff.index"
    index.write_bytes(index.read_bytes()[:-7])
    with open_recording(path) as recording:
        assert not recording.has(4, 1, 2)
        np.testing.assert_array_equal(recording.read(4, 1, 1), pixels[4, 1, 1])


def test_an_ndtiff_without_its_pixels_is_refused(ndtiff):
    path, _ = ndtiff
    for file in path.glob("*.tif"):
        file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(FrameError, match="ends before its last image"):
        open_recording(path)


def bad_text(path, frames):
    path.write_text("not an image\n" * 20)


def bad_empty(path, frames):
    path.write_bytes(b"")


def bad_colour(path, frames):
    tifffile.imwrite(path, (frames[0, 0] % 256).astype(np.uint8).transpose(1, 2, 0))


def bad_nan(path, frames):
    pixels = frames[:, 0, 0].astype(np.float32)
    pixels[2, 5, 5] = np.nan
    tifffile.imwrite(path, pixels)


def bad_stack(path, frames):
    with pytest.warns(UserWarning, match="zero-size"):
        tifffile.imwrite(path, frames[:0, 0, 0])


def bad_sizes(path, frames):
    with tifffile.TiffWriter(path) as file:
        file.write(frames[0, 0, 0])
        file.write(frames[1, 0, 0, :20])


def bad_type(path, frames):
    tifffile.imwrite(path, frames[:, 0, 0].astype(np.float64))


def bad_axes(path, frames):
    tifffile.imwrite(
        path, frames.reshape(5, 2, 1, 3, SIDE, SIDE).repeat(2, axis=2), photometric="minisblack"
    )


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (bad_text, "no readable TIFF"),
        (bad_empty, "file is empty"),
        (bad_colour, "in colour"),
        (bad_nan, "not finite"),
        (bad_stack, "stack is empty"),
        (bad_sizes, "20 x 40 and 40 x 40"),
        (bad_type, "float64"),
        (bad_axes, "axes"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(tmp_path, frames, make, said):
    path = tmp_path / "bad.tif"
    make(path, frames)
    with pytest.raises(FrameError, match=said) as caught:
        open_recording(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_such_file_is_said(tmp_path):
    with pytest.raises(FrameError, match="no such file"):
        open_recording(tmp_path / "none.tif")


def test_a_folder_of_something_else_is_said(tmp_path):
    with pytest.raises(FrameError, match="neither a study nor an OME-Zarr nor an NDTiff"):
        open_recording(tmp_path)


def test_a_bare_zarr_array_is_refused(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", shape=(3, 40, 40), dtype="uint16")
    with pytest.raises(FrameError, match="bare array"):
        open_recording(tmp_path / "a.zarr")


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("imagej", [False, True])
def test_a_tiff_cut_anywhere_is_refused(tmp_path, frames, compression, imagej):
    whole = tmp_path / "whole.tif"
    tifffile.imwrite(whole, frames[:, 0, 0], compression=compression, imagej=imagej)
    data = whole.read_bytes()
    cut = tmp_path / "cut.tif"
    for part in np.linspace(0.01, 0.995, 25):
        cut.write_bytes(data[: int(part * len(data))])
        with pytest.raises(FrameError):
            open_recording(cut)
    open_recording(whole).close()


def test_labels_may_be_wide_integers_and_images_may_not(tmp_path, frames):
    path = tmp_path / "labels.tif"
    tifffile.imwrite(path, frames[:, 0, 0].astype(np.int32))
    open_recording(path, labels=True).close()
    with pytest.raises(FrameError, match="int32"):
        open_recording(path)


def test_a_negative_label_is_refused(tmp_path, frames):
    path = tmp_path / "labels.tif"
    tifffile.imwrite(path, -frames[:, 0, 0].astype(np.int32))
    with pytest.raises(FrameError, match="label -"):
        open_recording(path, labels=True)


def test_a_label_beyond_31_bits_is_refused_at_once(tmp_path, frames):
    path = tmp_path / "labels.tif"
    labels = frames[:, 0, 0].astype(np.uint32)
    labels[-1] += np.uint32(2**31)
    tifffile.imwrite(path, labels)
    with pytest.raises(FrameError, match="at most 2147483647"):
        open_recording(path, labels=True)


def test_real_recordings_are_read(shared_data):
    with open_recording(shared_data / "mitocheck_movie.tif") as recording:
        assert recording.shape == (30, 1, 1, 190, 211)
        expected = tifffile.imread(shared_data / "mitocheck_movie.tif")
        for t in range(30):
            np.testing.assert_array_equal(recording.read(t, 0), expected[t])


def test_metadata_of_the_plate_alone_is_no_image(tmp_path):
    (tmp_path / "zarr.json").write_text(
        json.dumps({"zarr_format": 3, "node_type": "group", "attributes": {}})
    )
    with pytest.raises(FrameError, match="no readable OME-Zarr"):
        open_recording(tmp_path)
