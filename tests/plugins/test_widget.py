"""The review window on napari's model, drawn into memory: no OpenGL and no screen needed."""

import pytest

from review.small_study import MISSED_T, RUN, fate

pytest.importorskip("napari")
pytest.importorskip("pyqtgraph")

from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from livedeath.errors import StoreError
from livedeath.review.journal import ReviewJournal
from livedeath.review.strip import STRIP_FRAMES
from napari_livedeath.ahead import StripReader
from napari_livedeath.keys import SWALLOWED, VERDICT_KEYS
from napari_livedeath.source import StudySource
from napari_livedeath.widgets import ReviewWidget, describe_call

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture
def widget(application, study):
    shown = ReviewWidget(ViewerModel())
    shown.resize(860, 1000)
    shown.begin(StudySource.open(study), "Anna")
    shown.show()
    QTest.qWaitForWindowActive(shown)
    paint(application)
    yield shown
    shown.close()
    paint(application)


def paint(application):
    for _ in range(3):
        application.processEvents()


def rows(study, reviewer="Anna"):
    with ReviewJournal.in_folder(study / "reviews", reviewer) as journal:
        journal.verify()
        return journal.rows()


def press(widget, application, *keys):
    for key in keys:
        QTest.keyClick(widget, key)
        paint(application)


@pytest.mark.parametrize(("verdict", "key"), VERDICT_KEYS.items())
def test_one_key_saves_and_goes_on(widget, application, study, verdict, key):
    first = widget.session.current
    press(widget, application, key.lower())
    (row,) = rows(study)
    assert (row.verdict, row.neuron_id, row.item) == (verdict, first.neuron_id, first.item)
    assert widget.session.current != first


def test_a_button_does_the_same_as_its_key(widget, application, study):
    widget.page.verdicts.buttons["lost"].click()
    paint(application)
    assert [row.verdict for row in rows(study)] == ["lost"]


def test_five_keys_are_five_rows(widget, application, study):
    press(widget, application, *"jknhu")
    assert [row.verdict for row in rows(study)] == [
        "dead",
        "alive",
        "lost",
        "not_a_neuron",
        "unsure",
    ]
    assert len({row.neuron_id for row in rows(study)}) == 5


def test_a_key_before_the_item_is_painted_does_nothing(widget, application, study):
    widget.step(1)
    assert not widget.ready
    QTest.keyClick(widget, "j")
    assert rows(study) == []
    paint(application)
    assert widget.ready
    QTest.keyClick(widget, "j")
    assert len(rows(study)) == 1


def test_a_window_that_was_never_shown_takes_no_verdict(application, study):
    hidden = ReviewWidget(ViewerModel())
    hidden.begin(StudySource.open(study), "Anna")
    hidden.judge("dead")
    hidden.finish()
    assert rows(study) == []


def test_the_verdict_points_at_the_marked_visit_and_times_the_decision(widget, application, study):
    trace, mark = widget._view.trace, widget._view.mark
    press(widget, application, Qt.Key.Key_Left, "j")
    (row,) = rows(study)
    assert (row.t, row.time_h) == (trace.t[mark - 1], trace.time_h[mark - 1])
    assert 0 < row.duration_ms < 60_000


def test_the_mark_starts_at_the_call_and_stays_inside_the_trace(widget, application):
    item, view = widget.session.current, widget._view
    assert view.trace.time_h[view.mark] == item.event_h
    press(widget, application, *[Qt.Key.Key_Right] * 30)
    assert widget._view.mark == len(view.trace) - 1
    assert widget._view.mark in widget._view.strip.rows


def test_the_viewer_follows_the_mark(widget, application):
    press(widget, application, Qt.Key.Key_Left)
    view = widget._view
    assert widget._viewer.dims.current_step[0] == view.trace.t[view.mark]


def test_the_viewer_centres_on_the_neuron(widget):
    view, pixel_um = widget._view, 0.65
    expected = [view.trace.y_px[view.mark] * pixel_um, view.trace.x_px[view.mark] * pixel_um]
    assert list(widget._viewer.camera.center[1:]) == pytest.approx(expected)


def test_undo_takes_back_and_returns(widget, application, study):
    first = widget.session.current
    press(widget, application, "j", "w")
    assert [row.kind for row in rows(study)] == ["verdict", "undo"]
    assert widget.session.current == first
    assert widget._view.item == first


def test_comma_and_period_only_look(widget, application, study):
    queue = widget.session.queue
    press(widget, application, ".", ".", ",")
    assert widget.session.current == queue[1]
    assert rows(study) == []


@pytest.mark.parametrize("key", [Qt.Key.Key_Delete, Qt.Key.Key_Backspace, "1", "3"])
def test_keys_that_remove_layers_or_points_are_swallowed(widget, application, key):
    press(widget, application, key)
    assert "Nothing can be deleted" in widget.page.note.text()
    assert "Delete" in SWALLOWED


def test_a_standing_verdict_is_shown_when_one_comes_back(widget, application):
    press(widget, application, "k", ",")
    filled = [
        name
        for name, button in widget.page.verdicts.buttons.items()
        if "background: #2bb58c" in button.styleSheet().split("hover")[0]
    ]
    assert filled == ["alive"]


def test_the_counter_counts(widget, application):
    total = widget.session.total
    press(widget, application, "j", "k")
    assert widget.page.count.text() == f"2 of {total} judged"
    assert widget.page.progress.value() == 2


def test_the_end_is_said(widget, application, study):
    press(widget, application, *"j" * widget.session.total)
    assert widget.session.finished
    assert "Every neuron is judged" in widget.page.note.text()
    assert len(rows(study)) == widget.session.total


def test_reopening_goes_on_where_one_stopped(widget, application, study):
    press(widget, application, "j", "k")
    expected = widget.session.current
    widget.close()
    again = ReviewWidget(ViewerModel())
    again.begin(StudySource.open(study), "anna")
    assert again.session.current == expected
    again.finish()


def test_two_reviewers_do_not_see_each_others_verdicts(widget, application, study):
    press(widget, application, "j", "k")
    ben = ReviewWidget(ViewerModel())
    ben.begin(StudySource.open(study), "Ben")
    assert ben.session.n_judged == 0
    ben.finish()


def test_a_verdict_that_cannot_be_saved_says_so_and_stays(widget, application):
    first = widget.session.current
    widget.session.journal.close()
    press(widget, application, "j")
    assert widget.page.note.text().startswith("Not saved")
    assert widget.session.current == first


def test_nothing_shown_names_well_arm_or_folder(widget, study):
    said = " ".join(
        label.text() for label in (widget.page.title, widget.page.call, widget.page.note)
    )
    said += " ".join(layer.name for layer in widget._viewer.layers)
    for secret in ("B2", "C3", "plate1", "my study", "0.998"):
        assert secret not in said


def test_layers_are_added_once_and_only_their_data_change(widget, application):
    before = list(widget._viewer.layers)
    fields = {(i.vessel, i.well) for i in widget.session.queue}
    press(widget, application, *"." * (widget.session.total - 1))
    assert len(fields) == 2
    assert list(widget._viewer.layers) == before
    assert [layer.name for layer in before] == ["RFP", "GEDI", "neuron"]


def test_no_points_layer_is_selected_so_that_no_key_can_remove_points(widget):
    assert {layer.name for layer in widget._viewer.layers.selection} == {"RFP"}


def test_every_neuron_gets_a_strip_of_both_channels(original_study):
    source = StudySource.open(original_study)
    strips = StripReader(source)
    items = [item for item in _queue(source) if fate(item.neuron_id) == "dead"]
    view = strips.view(items[0])
    assert view.strip.crops.shape[:2] == (2, STRIP_FRAMES)
    assert view.mark in view.strip.rows
    sensor = view.strip.crops[1, :, 32:-32, 32:-32].mean(axis=(1, 2))
    assert sensor[-1] - 140 > 2 * (sensor[0] - 140)  # offset 100 and ground 40 lie below both
    strips.close()


def test_a_missed_image_is_drawn_as_missed(application, study):
    source = StudySource.open(study)
    strips = StripReader(source)
    item = next(i for i in _queue(source) if i.well == "B2")
    view = strips.moved(strips.view(item), MISSED_T)
    column = view.strip.t.tolist().index(MISSED_T)
    assert view.strip.present[:, column].tolist() == [True, False]
    strips.close()


def _queue(source):
    from livedeath.review.queue import build_queue

    return build_queue(source.calls, reviewer="anna", run=RUN)


def test_a_call_is_described_without_its_confidence(original_study):
    source = StudySource.open(original_study)
    said = {item.outcome: describe_call(item) for item in _queue(source)}
    assert "death began between" in said["dead"]
    assert "last seen alive" in said["lost"]
    assert said["alive"].endswith("alive")


def test_a_study_without_a_run_says_what_to_do(application, study):
    (study / "analysis").rename(study / "elsewhere")
    empty = ReviewWidget(ViewerModel())
    with pytest.raises(StoreError, match="livedeath score"):
        empty.begin(StudySource.open(study), "Anna")
    assert not (study / "reviews").exists()


def test_the_first_page_begins_a_review(application, study):
    widget = ReviewWidget(ViewerModel())
    widget.start.begun.emit(str(study), "Anna")
    assert widget.session is not None
    widget.finish()


@pytest.mark.parametrize(("folder", "reviewer"), [("nowhere", "Anna"), (None, " ")])
def test_the_first_page_says_what_is_wrong(application, study, folder, reviewer):
    widget = ReviewWidget(ViewerModel())
    widget.start.begun.emit(folder or str(study), reviewer)
    assert widget.start.problem.text()
    assert widget.session is None
