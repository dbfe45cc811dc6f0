import csv
from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
import tifffile

from livedeath.analysis import segment, track
from livedeath.model.measures import Detections
from livedeath.model.settings import AnalysisSettings

BARMADA_H = (24, 47, 71, 107, 131, 143, 167, 191, 215, 239)


def at(points, *, strong=True, area=200.0, snr=50.0, border=False):
    points = np.asarray(points, float).reshape(-1, 2)
    n = len(points)
    return Detections(
        label=np.arange(1, n + 1, dtype=np.int32),
        y=points[:, 0].copy(),
        x=points[:, 1].copy(),
        area=np.full(n, area),
        light=np.full(n, 1e4),
        snr=np.full(n, snr),
        strong=np.full(n, strong),
        border=np.full(n, border),
    )


def tracker(**more):
    return track.Tracker(AnalysisSettings(**more), soma_px=16.0, pixel_um=1.0)


GRID = np.array([(y, x) for y in range(30, 300, 45) for x in range(30, 300, 45)], float)


def test_neurons_that_move_a_little_keep_their_numbers():
    rng = np.random.default_rng(1)
    follower, places = tracker(), GRID.copy()
    first = follower.push(at(places), time_h=0.0).neuron
    for visit in range(1, 30):
        places += rng.normal(0, 0.6, places.shape)
        order = rng.permutation(len(places))
        seen = follower.push(at(places[order]), time_h=4.0 * visit).neuron
        np.testing.assert_array_equal(seen, first[order])


def test_a_number_is_on_one_detection_and_a_detection_has_one_number():
    rng = np.random.default_rng(2)
    follower, given = tracker(), []
    for visit in range(25):
        points = rng.uniform(0, 200, (rng.integers(0, 60), 2))
        neurons = follower.push(at(points), time_h=6.0 * visit, trusted=True).neuron
        assert (neurons >= 0).all()
        assert len(set(neurons.tolist())) == neurons.size
        given.append(neurons)
    assert np.concatenate(given).max() == len(follower.tracks) - 1


@pytest.mark.parametrize(("missed", "same"), [(2, True), (6, False)], ids=["short", "long"])
def test_a_gap_is_closed_if_it_is_short(missed, same):
    follower = tracker(gap_visits=3)
    follower.push(at(GRID), time_h=0.0)
    for visit in range(1, missed + 1):
        follower.push(at(GRID[1:]), time_h=24.0 * visit)
    moved = GRID.copy()
    moved[0] += 9.0
    seen = follower.push(at(moved), time_h=24.0 * (missed + 1), trusted=True)
    assert (seen.neuron[0] == 0) == same
    assert seen.gap[0] == same


def test_who_was_unseen_for_long_is_the_same_at_the_same_place():
    follower = tracker(gap_visits=1)
    follower.push(at(GRID), time_h=0.0)
    for visit in range(1, 5):
        follower.push(at(GRID[1:]), time_h=4.0 * visit)
    assert follower.push(at(GRID + 1.0), time_h=20.0).neuron[0] == 0


@pytest.mark.parametrize(("hours", "same"), [(24.0, True), (0.25, False)], ids=["day", "quarter"])
def test_the_gate_grows_with_the_time_between_visits(hours, same):
    follower = tracker()
    follower.push(at(GRID), time_h=0.0)
    moved = GRID.copy()
    moved[0] += (20.0, 0.0)
    seen = follower.push(at(moved), time_h=hours, trusted=True)
    assert (seen.neuron[0] == 0) == same


def test_neighbours_that_move_together_are_not_confused():
    pair = np.array([(50.0, 50.0), (50.0, 66.0), (50.0, 82.0), (200.0, 200.0)])
    follower = tracker()
    follower.push(at(pair), time_h=0.0)
    seen = follower.push(at(pair + np.array([0.0, 9.0])), time_h=24.0)
    assert seen.neuron.tolist() == [0, 1, 2, 3]


def test_what_appears_later_must_be_seen_twice():
    follower = tracker()
    follower.push(at(GRID), time_h=0.0)
    new = np.vstack([GRID, [(52.0, 52.0)]])
    assert follower.push(at(new), time_h=4.0).neuron[-1] == -1
    assert follower.push(at(new), time_h=8.0).neuron[-1] == len(GRID)


@pytest.mark.parametrize(
    "more", [{"strong": False}, {"border": True}, {"area": 4000.0}], ids=["weak", "border", "near"]
)
def test_what_is_doubtful_never_begins_a_neuron_later(more):
    follower = tracker()
    follower.push(at(GRID), time_h=0.0)
    for visit in range(1, 5):
        seen = follower.push(at([(52.0, 52.0)], **more), time_h=4.0 * visit)
        assert seen.neuron.tolist() == [-1]


def test_half_of_a_neuron_is_no_new_neuron():
    follower = tracker()
    follower.push(at(GRID), time_h=0.0)
    halves = np.vstack([GRID[1:], GRID[:1] - [4.0, 0.0], GRID[0] + np.array([4.0, 0.0])])
    for visit in range(1, 6):
        seen = follower.push(at(halves, area=100.0), time_h=float(visit))
    assert len(follower.tracks) == len(GRID)
    assert sorted(seen.neuron.tolist())[0] == -1


def test_a_visit_without_detections_loses_nobody():
    follower = tracker()
    follower.push(at(GRID), time_h=0.0)
    assert (follower.push(at([]), time_h=4.0).detection == -1).all()
    np.testing.assert_array_equal(follower.push(at(GRID), time_h=8.0).neuron, range(len(GRID)))


def test_a_restart_changes_nothing():
    rng = np.random.default_rng(5)
    visits = [at(rng.uniform(0, 200, (30, 2))) for _ in range(8)]
    whole, half, rest = tracker(), tracker(), tracker()
    for visit, found in enumerate(visits[:4]):
        whole.push(found, time_h=6.0 * visit)
        half.push(found, time_h=6.0 * visit)
    rest.restore(half.state())
    for visit, found in enumerate(visits[4:], start=4):
        one = whole.push(found, time_h=6.0 * visit)
        other = rest.push(found, time_h=6.0 * visit)
        np.testing.assert_array_equal(one.neuron, other.neuron)
        np.testing.assert_array_equal(whole.tracks.points, rest.tracks.points)


def outlines_drawn_once(labels, rows):
    """Return the ids whose outline shares its place with no other in the visit."""
    once = set()
    for name, (y, x, area) in rows.items():
        near = [
            other
            for other, (v, u, size) in rows.items()
            if other != name and np.hypot(y - v, x - u) < 0.5 * np.sqrt(max(area, size) / np.pi)
        ]
        if not near and (labels == name).sum() >= 0.8 * area:
            once.add(name)
    return once


@pytest.mark.parametrize("well", ["A01", "A02"])
def test_real_neurons_are_linked_as_their_source_links_them(shared_data, well):
    movie = tifffile.imread(shared_data / f"barmada_{well}_labels.tif")
    table = defaultdict(dict)
    with (shared_data / "barmada_tracks_A01_A02.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["well"] == well:
                place = tuple(float(row[name]) for name in ("y", "x", "area"))
                table[int(row["t"])][int(row["id"])] = place
    follower = track.Tracker(AnalysisSettings(), soma_px=16 / 1.3, pixel_um=1.3)
    numbers = []
    for labels, time_h in zip(movie, BARMADA_H, strict=True):
        seen = segment.from_labels(labels)
        neurons = follower.push(seen.detections, time_h=float(time_h), trusted=True).neuron
        assert len(set(neurons.tolist())) == neurons.size
        numbers.append(
            {n: neurons[seen.labels[labels == n][0] - 1] for n in np.unique(labels) if n}
        )
    good = total = 0
    for t in range(len(movie) - 1):
        both = outlines_drawn_once(movie[t], table[t]) & outlines_drawn_once(
            movie[t + 1], table[t + 1]
        )
        total += len(both)
        good += sum(numbers[t][n] == numbers[t + 1][n] for n in both)
    assert total > 200
    assert good >= 0.95 * total
    ids = sorted(set(numbers[0]) & set(numbers[5]))
    shuffled = sum(numbers[0][n] == numbers[5][m] for n, m in pairwise(ids))
    assert shuffled < 5


@pytest.mark.parametrize("trusted", [False, True], ids=["found", "given"])
def test_a_soma_cut_by_the_border_begins_no_neuron_unless_it_was_given(trusted):
    follower = tracker()
    found = at(GRID)
    found.border[0] = True
    assert (follower.push(found, time_h=0.0, trusted=trusted).neuron[0] >= 0) == trusted
    assert len(follower.tracks) == len(GRID) - (not trusted)


@pytest.mark.parametrize(("depth", "begins"), [(6.0, False), (10.0, True)])
def test_who_begins_later_is_well_inside_the_frame(depth, begins):
    follower = tracker()
    follower.push(at(GRID), time_h=0.0, shape=(300, 300))
    new = np.vstack([GRID, [(299.0 - depth, 150.0)]])
    for visit in range(1, 4):
        seen = follower.push(at(new), time_h=float(visit), shape=(300, 300))
    assert (seen.neuron[-1] >= 0) == begins


def test_a_region_seven_times_as_large_is_something_else():
    follower = tracker()
    follower.push(at(GRID), time_h=0.0)
    haze = at(GRID)
    haze.area[0] *= 7.0
    haze.area[1] *= 2.5
    seen = follower.push(haze, time_h=0.5)
    assert seen.neuron[:2].tolist() == [-1, 1]


def doubt(pattern, **more):
    """Return after each visit whether the first neuron is doubted; others are always there."""
    follower, said = tracker(**more), []
    for visit, shown in enumerate(pattern):
        follower.push(at(GRID if shown == "1" else GRID[1:]), time_h=0.5 * visit)
        assert not follower.doubted()[1:].any()
        said.append("?" if follower.doubted()[0] else ".")
    return "".join(said)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("1111111100000011", ".............." + ".."),
        ("11111111000000000011", "..............?????."),
        ("1100000", "....???"),
        ("10001000100", "..??????" + "???"),
        ("1101101101101", "............."),
    ],
    ids=["vanishes as it dies", "away for long", "hardly seen", "a flickering piece", "faint"],
)
def test_who_is_unseen_for_long_or_more_often_than_seen_is_doubted(pattern, said):
    assert doubt(pattern) == said


def test_visits_that_show_nobody_make_nobody_doubtful_for_good():
    follower = tracker()
    follower.push(at(GRID), time_h=0.0)
    for visit in range(1, 9):
        follower.push(at([]), time_h=float(visit))
    assert follower.doubted().all()
    follower.push(at(GRID), time_h=9.0)
    assert not follower.doubted().any()


PAIR = np.array([(60.0, 60.0), (60.0, 82.0), (200.0, 60.0), (200.0, 200.0)])


def both(points, areas, lights=None):
    found = at(points)
    found.area[:] = areas
    found.light[:] = 1e4 if lights is None else lights
    return found


def test_an_outline_over_two_neurons_is_neithers():
    follower = tracker()
    follower.push(both(PAIR, 200.0), time_h=0.0)
    assert not follower.doubted().any()
    blob = both([(60.0, 70.0), *PAIR[2:]], [420.0, 200.0, 200.0])
    follower.push(blob, time_h=0.5)
    assert follower.doubted().tolist()[2:] == [False, False]
    assert (follower.doubted() | follower.hidden())[:2].all()
    np.testing.assert_allclose(follower.tracks.points, PAIR, atol=0.1)


def test_a_neuron_whose_outline_comes_back_is_believed_again():
    follower = tracker()
    follower.push(both(PAIR, 200.0), time_h=0.0)
    follower.push(both([(60.0, 70.0), *PAIR[2:]], [420.0, 200.0, 200.0]), time_h=0.5)
    follower.push(both(PAIR, 200.0), time_h=1.0)
    assert not (follower.doubted() | follower.hidden()).any()


def test_a_neuron_found_at_its_lost_neighbours_place_is_doubted_until_it_is_back():
    follower = tracker()
    follower.push(both(PAIR, 200.0), time_h=0.0)
    swapped = both([(60.0, 71.0), *PAIR[2:]], 200.0)
    for visit in range(1, 6):
        follower.push(swapped, time_h=0.5 * visit)
        assert (follower.doubted() | follower.hidden())[:2].all()


def test_a_step_without_a_lost_neighbour_is_a_move():
    follower = tracker()
    follower.push(both(PAIR, 200.0), time_h=0.0)
    moved = PAIR.copy()
    moved[3] += (8.0, 0.0)
    follower.push(both(moved, 200.0), time_h=0.5)
    assert not follower.doubted().any()
    assert follower.tracks.y[3] == pytest.approx(208.0, abs=0.5)


@pytest.mark.parametrize(("neighbour_is_lost", "doubted"), [(True, True), (False, False)])
def test_a_neuron_three_times_as_bright_beside_a_lost_neighbour_shows_it(
    neighbour_is_lost, doubted
):
    follower = tracker()
    follower.push(both(PAIR, 200.0), time_h=0.0)
    shown = PAIR if not neighbour_is_lost else PAIR[[0, 2, 3]]
    lights = np.full(len(shown), 1e4)
    lights[0] = 3e4
    follower.push(both(shown, 200.0, lights), time_h=0.5)
    assert follower.doubted()[0] == doubted
    follower.push(both(PAIR, 200.0), time_h=1.0)
    assert not follower.doubted().any()


@pytest.mark.parametrize(("area", "doubted"), [(450.0, True), (200.0, False)])
def test_an_outline_that_takes_in_what_never_was_a_neuron_is_doubted(area, doubted):
    follower = tracker()
    follower.push(both(PAIR, 200.0), time_h=0.0)
    moved = PAIR + np.array([[0.0, -6.0], *np.zeros((3, 2))])
    follower.push(both(moved, [area, 200.0, 200.0, 200.0]), time_h=0.5)
    assert follower.doubted().tolist() == [doubted, False, False, False]


@pytest.mark.parametrize(("area", "hidden"), [(1200.0, True), (100.0, False)])
def test_a_lost_neuron_that_a_large_outline_of_nobody_touches_lies_under_it(area, hidden):
    follower = tracker()
    follower.push(both(PAIR, 200.0), time_h=0.0)
    beside = [(200.0, 200.0 + 14.0), *PAIR[:3]]
    follower.push(both(beside, [area, 200.0, 200.0, 200.0]), time_h=0.5)
    assert follower.hidden().tolist() == [False, False, False, hidden]


def test_whoever_vanishes_while_its_like_turns_up_may_have_moved():
    follower = tracker()
    follower.push(both(PAIR, 200.0), time_h=0.0)
    follower.push(both([*PAIR[:3], (200.0, 235.0)], 200.0), time_h=0.5)
    assert follower.doubted().tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    ("newcomers", "areas", "lights"),
    [
        ([], [], []),
        ([(200.0, 400.0)], [200.0], [1e4]),
        ([(200.0, 235.0)], [40.0], [1e4]),
        ([(200.0, 235.0)], [200.0], [1e3]),
    ],
    ids=["nobody", "far", "small", "faint"],
)
def test_whoever_vanishes_in_a_quiet_field_is_not_doubted(newcomers, areas, lights):
    follower = tracker()
    follower.push(both(PAIR, 200.0), time_h=0.0)
    found = both([*PAIR[:3], *newcomers], [200.0] * 3 + areas, [1e4] * 3 + lights)
    follower.push(found, time_h=0.5, shape=(500, 500))
    assert not (follower.doubted() | follower.hidden())[3]


def test_whoever_vanishes_at_the_border_may_have_left():
    follower = tracker()
    follower.push(both(PAIR, 200.0), time_h=0.0, shape=(500, 210))
    follower.push(both(PAIR[:3], 200.0), time_h=0.5, shape=(500, 210))
    assert follower.doubted().tolist() == [False, False, False, True]


def test_what_shines_otherwise_elsewhere_is_another():
    follower = tracker()
    follower.push(both(PAIR, 200.0), time_h=0.0)
    step = [*PAIR[:3], (207.0, 200.0)]
    fainter = both(step, 200.0, [1e4] * 3 + [2e3])
    assert follower.push(fainter, time_h=0.5).neuron[3] == -1
    alike = tracker()
    alike.push(both(PAIR, 200.0), time_h=0.0)
    assert alike.push(both(step, 200.0), time_h=0.5).neuron[3] == 3


def test_whoever_fades_where_it_stands_is_the_same():
    follower = tracker()
    follower.push(both(PAIR, 200.0), time_h=0.0)
    faded = both(PAIR, 200.0, [1e4] * 3 + [1e3])
    assert follower.push(faded, time_h=0.5).neuron[3] == 3
