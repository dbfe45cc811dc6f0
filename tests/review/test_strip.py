import numpy as np
import pytest

from livedeath.review.strip import (
    CONTRAST_FLOOR,
    TraceIndex,
    build_strip,
    contrast,
    crop,
    crop_side_px,
    montage,
    smoothed,
    strip_rows,
    to_grey,
)

CHANNELS = ("fill", "sensor")


def traces(neurons=(5, 9), visits=12):
    n = len(neurons) * visits
    t = np.tile(np.arange(visits), len(neurons))
    columns = {
        "neuron_id": np.repeat(neurons, visits),
        "t": t,
        "time_h": t * 0.5,
        "y_px": 20.0 + t,
        "x_px": np.repeat([30.0, 40.0], visits)[:n],
        "flags": np.zeros(n, np.uint32),
        "fill": 100.0 + t,
        "fill_sd": np.ones(n),
        "sensor": 10.0 + t,
    }
    order = np.random.default_rng(0).permutation(n)
    return {name: values[order] for name, values in columns.items()}


def spot(t, channel):
    """Return a frame with one bright pixel where neuron 5 is at visit t."""
    image = np.full((64, 80), 7, np.uint16)
    image[20 + t, 30] = 1000 + t + 500 * (channel == "sensor")
    return image


@pytest.fixture
def trace():
    return TraceIndex(traces(), CHANNELS).trace(5)


def test_a_trace_comes_in_time_order_with_its_channels(trace):
    assert trace.t.tolist() == list(range(12))
    assert trace.signals["sensor"].tolist() == [10.0 + t for t in range(12)]
    assert trace.signals_sd["fill"].tolist() == [1.0] * 12


def test_a_missing_column_of_errors_is_unknown(trace):
    assert np.isnan(trace.signals_sd["sensor"]).all()


def test_a_channel_without_a_column_is_left_out():
    assert TraceIndex(traces(), (*CHANNELS, "dye")).channels == CHANNELS


def test_an_unknown_neuron_has_no_visits():
    assert len(TraceIndex(traces(), CHANNELS).trace(77)) == 0


@pytest.mark.parametrize(("time_h", "row"), [(0.0, 0), (2.0, 4), (2.1, 5), (99.0, 11)])
def test_the_row_of_a_time_is_the_first_visit_not_before_it(trace, time_h, row):
    assert trace.row_at(time_h) == row


@pytest.mark.parametrize("time_h", [None, np.nan])
def test_an_unknown_time_has_no_row(trace, time_h):
    assert trace.row_at(time_h) is None


def test_a_strip_shows_all_visits_where_they_fit():
    assert strip_rows(4, 2, n_frames=9) == [0, 1, 2, 3]


def test_a_strip_is_centred_and_keeps_the_first_visit():
    assert strip_rows(100, 50, n_frames=9) == [0, *range(46, 54)]


@pytest.mark.parametrize(("centre", "last"), [(99, 99), (0, 8), (1, 8)])
def test_a_strip_stays_inside_the_trace(centre, last):
    rows = strip_rows(100, centre, n_frames=9)
    assert len(set(rows)) == 9
    assert rows[-1] == last
    assert rows == sorted(rows)


def test_without_a_centre_a_strip_spans_the_trace():
    rows = strip_rows(81, None, n_frames=9)
    assert rows == list(range(0, 81, 10))


def test_a_crop_holds_its_point_in_the_middle():
    image = np.zeros((50, 60))
    image[20, 30] = 1
    cut = crop(image, 20.2, 29.8, side_px=9)
    assert np.argwhere(cut == 1).tolist() == [[4, 4]]


def test_a_crop_over_the_border_is_unknown_outside():
    cut = crop(np.ones((50, 60)), 0, 0, side_px=10)
    assert np.isfinite(cut).sum() == 25
    assert np.isfinite(cut[5:, 5:]).all()


@pytest.mark.parametrize("point", [(-100.0, 5.0), (5.0, 500.0), (np.nan, 5.0)])
def test_a_crop_of_nothing_is_unknown(point):
    assert np.isnan(crop(np.ones((50, 60)), *point, side_px=8)).all()


def test_a_stack_is_projected_to_its_brightest_plane():
    stack = np.stack([np.zeros((20, 20)), np.ones((20, 20))])
    assert (crop(stack, 10, 10, side_px=4) == 1).all()


def test_each_crop_of_a_strip_follows_the_neuron(trace):
    strip = build_strip(trace, spot, channels=CHANNELS, side_px=11, centre=6)
    assert strip.crops.shape == (2, 9, 11, 11)
    assert strip.crops[0, :, 5, 5].tolist() == [1000 + t for t in strip.t]
    assert strip.crops[1, :, 5, 5].tolist() == [1500 + t for t in strip.t]
    assert strip.time_h.tolist() == [0.5 * t for t in strip.t]


def test_only_the_images_of_the_strip_are_read(trace):
    asked = []
    build_strip(
        trace,
        lambda t, channel: asked.append((t, channel)),
        channels=("fill",),
        side_px=8,
        centre=6,
        n_frames=4,
    )
    assert asked == [(0, "fill"), (5, "fill"), (6, "fill"), (7, "fill")]


def test_a_missing_image_is_said_and_not_black(trace):
    strip = build_strip(
        trace, lambda t, c: None if t == 3 else spot(t, c), channels=CHANNELS, side_px=8
    )
    column = strip.t.tolist().index(3)
    assert not strip.present[:, column].any()
    assert np.isnan(strip.crops[:, column]).all()
    assert strip.present.sum() == 2 * (len(strip.t) - 1)


def test_a_lost_place_is_the_last_place_known():
    table = traces()
    table["y_px"] = np.where(table["t"] > 5, np.nan, table["y_px"])
    trace = TraceIndex(table, CHANNELS).trace(5)
    strip = build_strip(trace, lambda t, c: spot(5, c), channels=("fill",), side_px=9, centre=9)
    assert strip.crops[0, -1, 4, 4] == 1005


def test_a_neuron_without_visits_has_an_empty_strip():
    trace = TraceIndex(traces(), CHANNELS).trace(77)
    strip = build_strip(trace, spot, channels=CHANNELS, side_px=9)
    assert strip.crops.shape == (2, 0, 9, 9)
    assert montage(strip).shape == (20, 0)


def test_contrast_ignores_what_is_unknown():
    crops = np.full((2, 10, 10), np.nan, np.float32)
    crops[0] = np.linspace(10, 110, 100).reshape(10, 10)
    low, high = contrast(crops)
    assert 10 <= low < 50
    assert 105 < high <= 110


def test_noise_alone_is_not_stretched_to_white():
    noise = np.random.default_rng(1).normal(100, 1, (4, 20, 20)).astype(np.float32)
    low, high = contrast(noise, study_range=(100, 1100))
    assert high - low == pytest.approx(CONTRAST_FLOOR * 1000)
    assert contrast(noise)[1] - contrast(noise)[0] < 10


@pytest.mark.parametrize("crops", [np.full((1, 4, 4), np.nan), np.full((1, 4, 4), 5.0)])
def test_contrast_has_white_above_black_in_any_case(crops):
    low, high = contrast(crops.astype(np.float32))
    assert high > low


def test_smoothing_keeps_the_mean_and_lowers_the_noise():
    noise = np.random.default_rng(2).normal(50, 5, (3, 40, 40)).astype(np.float32)
    blurred = smoothed(noise, 1.5)
    assert blurred.mean() == pytest.approx(50, abs=0.5)
    assert blurred.std() < 0.4 * noise.std()
    assert np.array_equal(smoothed(noise, 0.0), noise)


def test_smoothing_leaves_the_unknown_unknown_and_its_neighbours_unharmed():
    crops = np.full((1, 20, 20), 7.0, np.float32)
    crops[0, :, :8] = np.nan
    blurred = smoothed(crops, 2.0)
    assert np.isnan(blurred[0, :, :8]).all()
    assert blurred[0, :, 8:] == pytest.approx(7.0)


def test_smoothing_does_not_mix_visits():
    crops = np.zeros((2, 12, 12), np.float32)
    crops[1] = 100
    assert smoothed(crops, 3.0)[0].max() == 0


def test_grey_runs_from_black_to_white_and_unknown_is_black():
    values = np.array([0, 10, 15, 20, 99, np.nan], np.float32)
    assert to_grey(values, (10, 20)).tolist() == [0, 0, 128, 255, 255, 0]


def test_a_montage_has_a_line_per_channel_and_a_column_per_visit(trace):
    strip = build_strip(trace, spot, channels=CHANNELS, side_px=11, n_frames=5)
    picture = montage(strip, gap_px=2)
    assert picture.shape == (2 * 13 - 2, 5 * 13 - 2)
    assert picture[5, 5] > 250 > picture[2, 2] + 200
    assert (picture[:, 11:13] == 255).all()


@pytest.mark.parametrize(("pixel_um", "side"), [(0.325, 148), (None, 64), (10.0, 16)])
def test_a_crop_is_three_somata_wide(pixel_um, side):
    assert crop_side_px(pixel_um) == side
