import math
import shutil

import numpy as np
import polars as pl
import pytest

from livedeath.model.tables import CALLS
from livedeath.review.queue import build_queue, uncertainty
from livedeath.statistics.study import read_calls
from livedeath.store.folder import StudyFolder
from made_study import make_study

ALIVE, DEAD, LOST = (0.999, 0.001, 0.0), (0.001, 0.999, 0.0), (0.1, 0.3, 0.6)


def calls(outcomes, probabilities):
    n = len(outcomes)
    p = np.asarray(probabilities, float)
    return pl.DataFrame(
        {
            "vessel": ["plate1"] * n,
            "well": [f"A{1 + i % 12}" for i in range(n)],
            "field": [0] * n,
            "acquisition": [0] * n,
            "neuron_id": list(range(100, 100 + n)),
            "outcome": outcomes,
            "p_alive": p[:, 0],
            "p_dead": p[:, 1],
            "p_lost": p[:, 2],
            "entry_h": [0.0] * n,
            "last_alive_h": [4.0] * n,
            "first_dead_h": [5.0 if o == "dead" else None for o in outcomes],
            "death_h": [4.6 if o == "dead" else None for o in outcomes],
            "death_low_h": [4.1 if o == "dead" else None for o in outcomes],
            "death_high_h": [4.9 if o == "dead" else None for o in outcomes],
            "called_at_h": [5.5 if o == "dead" else None for o in outcomes],
            "revoked_at_h": [None] * n,
        }
    )


@pytest.fixture
def mixed():
    outcomes = ["alive"] * 100 + ["dead"] * 8 + ["lost"] * 2
    return calls(outcomes, [ALIVE] * 100 + [DEAD] * 8 + [LOST] * 2)


def ids(queue):
    return [item.neuron_id for item in queue]


def test_every_death_and_loss_is_in_the_queue(mixed):
    assert set(range(200, 210)) <= set(ids(build_queue(mixed, reviewer="anna")))


def test_a_call_that_was_taken_back_is_in_the_queue_and_shown_where_it_was_made(mixed):
    at = pl.col("neuron_id") == 107
    taken_back = mixed.with_columns(
        called_at_h=pl.when(at).then(2.5).otherwise("called_at_h"),
        revoked_at_h=pl.when(at).then(3.5).otherwise(None),
    )
    least = {"reviewer": "anna", "audit_share": 0.0, "audit_minimum": 0}
    (item,) = [one for one in build_queue(taken_back, **least) if one.neuron_id == 107]
    assert (item.outcome, item.event_h, item.audit) == ("alive", 2.5, False)
    assert 107 not in ids(build_queue(mixed, **least))


def test_an_audit_sample_of_the_living_is_in_the_queue(mixed):
    queue = build_queue(mixed, reviewer="anna", audit_share=0.3)
    audited = [item for item in queue if item.audit]
    assert len(audited) == 30
    assert {item.outcome for item in audited} == {"alive"}


def test_without_an_audit_the_living_are_left_out(mixed):
    queue = build_queue(mixed, reviewer="anna", audit_share=0.0, audit_minimum=0)
    assert len(queue) == 10


def test_the_audit_sample_is_never_larger_than_the_living(mixed):
    assert len(build_queue(mixed, reviewer="anna", audit_minimum=10_000)) == 110


def test_the_most_uncertain_come_first(mixed):
    queue = build_queue(mixed, reviewer="anna", audit_share=0.0, audit_minimum=0)
    unsure = [item.uncertainty for item in queue]
    assert unsure == sorted(unsure, reverse=True)
    assert {item.outcome for item in queue[:2]} == {"lost"}


def test_an_undecided_neuron_called_alive_is_reviewed_without_being_drawn():
    table = calls(["alive", "alive"], [ALIVE, (0.6, 0.4, 0.0)])
    queue = build_queue(table, reviewer="anna", audit_share=0.0, audit_minimum=0)
    assert ids(queue) == [101]
    assert not queue[0].audit


def test_the_audit_is_spread_over_the_queue(mixed):
    queue = build_queue(mixed, reviewer="anna", audit_minimum=10)
    halves = [sum(item.audit for item in half) for half in (queue[:10], queue[10:])]
    assert halves == [5, 5]


def test_no_neuron_comes_twice(mixed):
    queue = build_queue(mixed, reviewer="anna")
    assert len(set(ids(queue))) == len(queue)


def test_the_same_reviewer_gets_the_same_queue(mixed):
    assert build_queue(mixed, reviewer="anna") == build_queue(mixed, reviewer="anna")


def test_the_order_does_not_depend_on_the_order_of_the_table(mixed):
    shuffled = mixed.sample(fraction=1.0, shuffle=True, seed=3)
    assert build_queue(shuffled, reviewer="anna") == build_queue(mixed, reviewer="anna")


def test_two_reviewers_get_the_same_neurons_in_another_order_under_other_names(mixed):
    anna, ben = (build_queue(mixed, reviewer=name) for name in ("anna", "ben"))
    assert set(ids(anna)) == set(ids(ben))
    assert ids(anna) != ids(ben)
    assert not {item.item for item in anna} & {item.item for item in ben}


def test_another_run_draws_another_sample(mixed):
    one, two = (set(ids(build_queue(mixed, reviewer="anna", run=run))) for run in ("a", "b"))
    assert one != two


def test_item_names_are_opaque_and_distinct(mixed):
    queue = build_queue(mixed, reviewer="anna")
    names = {item.item for item in queue}
    assert len(names) == len(queue)
    assert not any(str(item.neuron_id) == item.item for item in queue)


def test_a_death_is_centred_on_the_first_visit_seen_dead(mixed):
    events = {item.outcome: item.event_h for item in build_queue(mixed, reviewer="anna")}
    assert (events["dead"], events["lost"]) == (5.0, 4.0)
    assert events["alive"] is None


def test_a_death_without_an_onset_is_centred_on_the_visit_of_its_call(mixed):
    unknown = mixed.with_columns(
        pl.lit(float("nan")).alias(name) for name in ("first_dead_h", "death_h", "death_low_h")
    )
    events = {item.outcome: item.event_h for item in build_queue(unknown, reviewer="anna")}
    assert events["dead"] == 5.5


def test_an_empty_table_is_an_empty_queue():
    assert build_queue(calls([], np.empty((0, 3))), reviewer="anna") == ()


def test_a_table_of_plain_arrays_will_do(mixed):
    columns = {name: mixed[name].to_numpy() for name in mixed.columns}
    assert build_queue(columns, reviewer="anna") == build_queue(mixed, reviewer="anna")


def test_the_queue_needs_only_promised_columns(mixed):
    assert set(mixed.columns) <= {column.name for column in CALLS}


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        ((1, 0, 0), 0.0),
        ((1 / 3, 1 / 3, 1 / 3), 1.0),
        ((0.5, 0.5, 0.0), math.log(2) / math.log(3)),
        ((math.nan, 0.5, 0.5), 1.0),
    ],
)
def test_uncertainty_runs_from_sure_to_undecided(p, expected):
    arrays = [np.array([value], float) for value in p]
    assert uncertainty(*arrays)[0] == pytest.approx(expected)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("queue") / "s", images=False, kill=False)


def deaths(folder, *, after=0.0, wells=None):
    dead = folder.run().calls().filter(pl.col("outcome") == "dead", pl.col("death_h") > after)
    return set(dead.filter(pl.col("well").is_in(wells) if wells else pl.lit(True))["neuron_id"])


def queued(folder):
    joined = read_calls(folder, folder.run()).joined
    return set(ids(build_queue(joined, reviewer="anna", audit_share=0.0, audit_minimum=0)))


def test_without_a_kill_every_death_is_in_the_queue(study):
    assert deaths(study) <= queued(study)


def test_a_logged_kill_of_one_well_leaves_the_other_wells_deaths_in_the_queue(study, tmp_path):
    folder = StudyFolder.open(shutil.copytree(study.path, tmp_path / "s"))
    kill = {"kind": "log", "what": "kill", "vessel": "plate1", "wells": ["C2"], "at_h": 2.0}
    folder.journal.append(kill)
    spared = deaths(folder, after=2.5, wells=["C2"])
    assert spared
    assert not spared & queued(folder)
    assert deaths(folder) - deaths(folder, wells=["C2"]) <= queued(folder)
