"""When which fields are visited: stretches against counting hour by hour."""

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livedeath import templates
from livedeath.errors import StudyError
from livedeath.model.dry_run import OVERHEAD_S_PER_FRAME, dry_run
from livedeath.model.light import LightLedger
from livedeath.model.plan import plan
from livedeath.model.rounds import end_h, n_visits
from livedeath.model.study import Study
from livedeath.model.timing import EvenHours

BASE = """
title = "two plates"
optics = { pixel_size_um = 0.65, image_shape_px = [64, 48] }
[[vessels]]
id = "p1"
wells = ["A1:A3"]
fields_per_well = 2
[[vessels]]
id = "p2"
format = "dish"
sites = [{ x_um = 0.0, y_um = 0.0 }, { x_um = 99.0, y_um = 0.0 }, { x_um = 0.0, y_um = 99.0 }]
[[channels]]
name = "fill"
role = "fill"
exposure_ms = 50
[[channels]]
name = "GEDI"
role = "indicator"
exposure_ms = 200
light_percent = 50
every = 2
[[channels]]
name = "BFP"
role = "marker"
exposure_ms = 30
every = 4
"""

HOURS = st.integers(0, 24).map(lambda k: k / 2)


def even(interval, rounds):
    return {"interval_h": interval, "duration_h": interval * (rounds - 1)}


SCHEDULES = st.one_of(
    st.builds(even, st.sampled_from([0.5, 1.0, 2.5]), st.integers(2, 9)),
    st.lists(HOURS, min_size=1, max_size=6, unique=True).map(
        lambda hours: {"times_h": sorted(hours)}
    ),
)


def sessions_of(vessel):
    """Return sessions of one vessel that do not overlap, some without an end."""
    bounds = st.lists(HOURS, min_size=2, max_size=6, unique=True).map(sorted)
    return st.tuples(bounds, st.lists(st.booleans(), min_size=3, max_size=3)).map(
        lambda drawn: [
            {"id": f"{vessel}-{k}", "vessel": vessel, "loaded_h": on}
            | ({"removed_h": off} if closed else {})
            for k, (on, off, closed) in enumerate(
                zip(drawn[0][::2], drawn[0][1::2], drawn[1], strict=False)
            )
        ]
    )


WINDOWS = st.lists(
    st.tuples(st.sampled_from(["A1", "A2", "A1:A2"]), HOURS, st.one_of(st.none(), HOURS)).map(
        lambda drawn: (
            {"vessel": "p1", "wells": [drawn[0]], "from_h": drawn[1]}
            | ({} if drawn[2] is None else {"to_h": drawn[2]})
        )
    ),
    max_size=3,
)
CHANGES = st.lists(HOURS.filter(bool), max_size=2, unique=True).map(
    lambda hours: [{"at_h": h, "pixel_size_um": 0.7 + h} for h in sorted(hours)]
)


@st.composite
def studies(draw):
    """Return a study whose vessels come and go, wells open and close, and optics change."""
    study = Study.from_toml(BASE + "[schedule]\ntimes_h = [0]\n")
    sessions = draw(st.one_of(st.just([]), sessions_of("p1")))
    schedule = draw(st.one_of(SCHEDULES, st.just({"mode": "session"})))
    if schedule == {"mode": "session"}:
        sessions = [*draw(sessions_of("p1")), *draw(sessions_of("p2"))]
        study = with_part(study, {"schedule": schedule, "sessions": sessions})
    else:
        study = with_part(study, {"schedule": schedule})
        for session in sessions:
            study = with_part(study, {"sessions": (*dumped(study.sessions), session)})
    for window in draw(WINDOWS):
        windows = (*dumped(study.schedule.windows), window)
        study = with_part(study, {"schedule": study.schedule.model_dump() | {"windows": windows}})
    for change in draw(CHANGES):
        changes = (*dumped(study.optics.changes), change)
        study = with_part(study, {"optics": study.optics.model_dump() | {"changes": changes}})
    return study


def dumped(parts):
    return [part.model_dump() for part in parts]


def with_part(study, part):
    """Return the study with a part changed, unless the rules refuse it."""
    try:
        return study.replace(**part)
    except StudyError:
        return study


def on_stage(study, vessel, hour):
    """Return the session a vessel is there for at an hour; None while it is away."""
    own = sorted((s for s in study.sessions if s.vessel == vessel), key=lambda s: s.loaded_h)
    if not own:
        return ""
    for k, session in enumerate(own):
        end = session.removed_h
        if end is None and k + 1 < len(own):
            end = own[k + 1].loaded_h
        if session.loaded_h <= hour and (end is None or hour < end):
            return session.id
    return None


def rounds(study):
    """Yield (hour, vessel, session), counted one by one."""
    if study.schedule.mode == "session":
        for hour in sorted({session.loaded_h for session in study.sessions}):
            for vessel in study.vessels:
                for session in study.sessions:
                    if session.vessel == vessel.id and session.loaded_h == hour:
                        yield hour, vessel, session.id
        return
    for hour in study.schedule.hours():
        for vessel in study.vessels:
            session = on_stage(study, vessel.id, hour)
            if session is not None:
                yield hour, vessel, session


def is_open(study, vessel, well, hour):
    own = [
        w
        for w in study.schedule.windows
        if w.vessel in (None, vessel.id) and well in vessel.expand(w.wells)
    ]
    return not own or any(w.from_h <= hour and (w.to_h is None or hour <= w.to_h) for w in own)


def readable_plan(study):
    """Return (field, t, hour, session, channels) of every visit, counted one by one."""
    found, seen = [], {}
    for hour, vessel, session in rounds(study):
        acquisition = sum(change.at_h <= hour for change in study.optics.changes)
        for well in study.wells(vessel.id):
            for index in range(len(vessel.sites) or vessel.fields_per_well):
                if is_open(study, vessel, well, hour):
                    field = (vessel.id, acquisition, well, index)
                    t = seen.get(field, 0)
                    seen[field] = t + 1
                    due = tuple(c.name for c in study.channels if t % c.every == 0)
                    found.append((field, t, hour, session, due))
    return found


@given(studies())
@settings(max_examples=60, deadline=None)
def test_the_plan_is_what_counting_hour_by_hour_gives(study):
    made = [(v.field, v.t, v.planned_h, v.session, v.channels) for v in plan(study).visits]
    assert made == readable_plan(study)
    assert n_visits(study) == len(made)


@given(studies())
@settings(max_examples=60, deadline=None)
def test_the_dry_run_is_the_sum_over_the_visits(study):
    visits, cost = readable_plan(study), dry_run(study)
    hours = sorted({hour for _, _, hour, _, _ in visits})
    shown = {c.name: c for c in study.channels}
    assert cost.frames == sum(len(due) for *_, due in visits)
    assert cost.fields == len({field for field, *_ in visits})
    assert cost.rounds == len(hours)
    assert cost.hours == pytest.approx(hours[-1] - hours[0])
    assert cost.gigabytes == pytest.approx(cost.frames * 64 * 48 * 2 / 1e9)
    gaps = [after - before for before, after in pairwise(hours)]
    assert cost.interval_s == (pytest.approx(min(gaps) * 3600) if gaps else None)
    light, seconds = {}, {}
    for (vessel, _, well, index), _, hour, _, due in visits:
        field = (vessel, well, index)  # whose neurons stay the same when the optics change
        dose = sum(shown[name].exposure_ms * shown[name].light_percent / 100 for name in due)
        light[field] = light.get(field, 0.0) + dose
        one = 0.5 + sum(shown[name].exposure_ms / 1000 + OVERHEAD_S_PER_FRAME for name in due)
        seconds[hour] = seconds.get(hour, 0.0) + one
    assert cost.light_ms_per_field == pytest.approx(max(light.values()))
    assert cost.round_s >= max(seconds.values()) - 1e-9


@given(studies(), st.integers(1, 1500), st.integers(1, 2))
@settings(max_examples=60, deadline=None)
def test_the_frames_beyond_the_light_budget_are_those_that_a_ledger_refuses(study, budget, planes):
    study = study.replace(
        light={"budget_ms_per_field": budget}, focus={"planes_um": [2.0 * k for k in range(planes)]}
    )
    ledger, refused = LightLedger(study), 0
    for frame in plan(study).frames():
        if ledger.allows(frame):
            ledger.add(frame)
        else:
            refused += 1
    assert dry_run(study).frames_beyond_light == refused


def test_the_longest_round_is_the_first_of_all_channels():
    study = Study.from_toml(BASE + "[schedule]\ninterval_h = 1\nduration_h = 8\n")
    three = 0.05 + 0.2 + 0.03 + 3 * OVERHEAD_S_PER_FRAME
    assert dry_run(study).round_s == pytest.approx(9 * (0.5 + three))


def test_a_session_without_an_end_lasts_until_the_next():
    away = '[[sessions]]\nid = "a"\nvessel = "p1"\nloaded_h = 0\n'
    again = '[[sessions]]\nid = "b"\nvessel = "p1"\nloaded_h = 3\nremoved_h = 5\n'
    study = Study.from_toml(BASE + away + again + "[schedule]\ninterval_h = 1\nduration_h = 8\n")
    found = {(v.planned_h, v.session) for v in plan(study).visits if v.field.vessel == "p1"}
    assert found == {(0.0, "a"), (1.0, "a"), (2.0, "a"), (3.0, "b"), (4.0, "b")}


@pytest.mark.parametrize(
    ("schedule", "hour"),
    [
        ("interval_h = 2\nduration_h = 7", 7.0),
        ("times_h = [1, 5]", 5.0),
        ('mode = "session"', 30.0),
    ],
)
def test_the_end_is_as_declared(schedule, hour):
    text = BASE + "".join(
        f'[[sessions]]\nid = "{v}"\nvessel = "{v}"\nloaded_h = 0\nremoved_h = 30\n'
        for v in ("p1", "p2")
    )
    if "session" not in schedule:
        text = BASE
    assert end_h(Study.from_toml(f"{text}[schedule]\n{schedule}\n")) == hour


def test_even_hours_are_a_sequence_of_which_nothing_is_kept():
    hours = EvenHours(0.1, 2_000_000)
    assert (len(hours), hours[0], hours[3], hours[-1]) == (2_000_000, 0.0, 0.3, 199_999.9)
    assert hours[1:4] == (0.1, 0.2, 0.3)
    assert list(EvenHours(0.5, 3)) == [0.0, 0.5, 1.0]
    with pytest.raises(IndexError):
        hours[2_000_000]


@pytest.mark.parametrize("more", ["", "\n[light]\nbudget_ms_per_field = 5000000\n"])
def test_a_study_just_below_the_limit_is_weighed_at_once(more):
    text = templates.text("plate").replace("interval_h = 2.0", "interval_h = 0.0012") + more
    begun = time.process_time()
    study = Study.from_toml(text)
    cost = dry_run(study)
    assert time.process_time() - begun < 1.0
    assert cost.frames == 80_001 * 24 * 2
    assert not cost.kept
