"""The supervisor over small stand-ins for a worker: it dies, hangs, refuses, or finishes."""

import sys
import textwrap
import time

import pytest

from livedeath_acquisition import heartbeats, supervisor
from livedeath_acquisition.supervisor import Companion, Supervisor, end_process

TELL = """
import json, os, sys, time
restarts, deaths, how = int(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3]
def tell(**heartbeat):
    os.write(1, (json.dumps(heartbeat) + "\\n").encode())
def ready(frame_s=5.0):
    tell(what="ready", planned=4, settled=0, frame_s=frame_s)
def save(n):
    tell(what="next", frame=["p1", n])
    tell(what="saved", frame=["p1", n])
"""


@pytest.fixture
def supervise(tmp_path, monkeypatch):
    """Return what runs a supervisor over the text of a worker."""
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(supervisor, "_END_S", 1.0)

    def run(text, *, start_s=20.0, on_heartbeat=None):
        import json

        script = tmp_path / "worker.py"
        script.write_text(TELL + textwrap.dedent(text), encoding="utf-8")

        def command(restarts, deaths, how):
            return [sys.executable, "-S", str(script), str(restarts), json.dumps(deaths), how]

        return Supervisor(command, start_s=start_s, on_heartbeat=on_heartbeat).run()

    return run


def test_a_worker_that_finishes_is_started_once(supervise):
    outcome = supervise("ready(); save(0); save(1); tell(what='finished')")
    assert (outcome.status, outcome.planned, outcome.saved, outcome.restarts) == (0, 4, 2, 0)


def test_a_worker_that_refuses_is_not_started_again(supervise):
    outcome = supervise("tell(what='error', sentence='no such channel', status=2); sys.exit(2)")
    assert (outcome.status, outcome.sentence, outcome.restarts) == (2, "no such channel", 0)


def test_a_worker_that_dies_is_started_again(supervise):
    outcome = supervise(
        """
        ready(); save(restarts)
        if restarts < 2: os._exit(139)
        tell(what='finished')
        """
    )
    assert (outcome.status, outcome.saved, outcome.restarts) == (0, 3, 2)


def test_the_frame_at_which_workers_died_is_told_to_the_next(supervise):
    heard = []
    supervise(
        """
        ready(); save(0)
        if restarts < 2:
            tell(what='next', frame=['p1', 7]); os._exit(139)
        tell(what='missed', frame=['p1', 7], reason=json.dumps([deaths, how]))
        tell(what='finished')
        """,
        on_heartbeat=heard.append,
    )
    reasons = [heartbeat["reason"] for heartbeat in heard if heartbeat["what"] == "missed"]
    assert reasons == ['[[[["p1", 7], 2]], "its process ended with status 139"]']


def test_a_worker_that_hangs_is_killed_and_started_again(supervise):
    start = time.monotonic()
    outcome = supervise(
        """
        ready(frame_s=0.3); save(0)
        if restarts == 0: time.sleep(3600)
        tell(what='finished')
        """
    )
    assert (outcome.status, outcome.restarts) == (0, 1)
    assert time.monotonic() - start < 10.0


def test_attempts_alone_do_not_keep_a_worker_alive(supervise):
    outcome = supervise(
        """
        ready(frame_s=0.5)
        while restarts == 0:
            tell(what='next', frame=['p1', 0]); time.sleep(0.05)
        save(0); tell(what='finished')
        """
    )
    assert (outcome.status, outcome.restarts) == (0, 1)


def test_an_announced_wait_is_no_hang(supervise):
    outcome = supervise(
        """
        ready(frame_s=0.2)
        tell(what='waiting', until_h=1.0, for_s=1.0); time.sleep(1.0)
        save(0); tell(what='finished')
        """
    )
    assert (outcome.status, outcome.restarts) == (0, 0)


def test_a_worker_that_never_says_ready_is_killed(supervise):
    outcome = supervise(
        "time.sleep(3600 if restarts == 0 else 0); tell(what='finished')", start_s=1
    )
    assert (outcome.status, outcome.restarts) == (0, 1)


def test_starts_without_a_saved_frame_end_with_the_last_complaint(supervise):
    outcome = supervise("ready(); print('the driver is gone', file=sys.stderr); os._exit(1)")
    assert outcome.status == heartbeats.GAVE_UP
    assert "without saving a frame" in outcome.sentence
    assert "the driver is gone" in outcome.sentence


def test_missed_frames_are_no_progress(supervise):
    outcome = supervise("ready(); tell(what='missed', frame=['p1', restarts]); os._exit(1)")
    assert outcome.status == heartbeats.GAVE_UP


def test_what_drivers_print_is_no_beat(supervise):
    outcome = supervise("print('Retry #0 in 5 ms', flush=True); ready(); tell(what='finished')")
    assert outcome.status == 0


def test_the_worker_ends_when_something_breaks_the_supervisor(supervise, tmp_path):
    mark = tmp_path / "ended"

    def fall(heartbeat):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        supervise(
            f"ready(); sys.stdin.read(); open({str(mark)!r}, 'w').close()",
            on_heartbeat=fall,
        )
    assert mark.exists()


HEARS = """
    ready(frame_s=0.3); save(0)
    if restarts: tell(what='finished'); sys.exit()
    heard = sys.stdin.buffer.read(); open({mark!r}, 'wb').write(heard)
"""


def test_a_worker_is_told_that_another_follows_before_it_is_ended(supervise, tmp_path):
    mark = tmp_path / "heard"
    assert supervise(HEARS.format(mark=str(mark))).restarts == 1
    assert mark.read_bytes() == heartbeats.ANOTHER_FOLLOWS


def test_a_worker_is_told_nothing_when_a_person_stops(supervise, tmp_path):
    mark = tmp_path / "heard"

    def fall(heartbeat):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        supervise(HEARS.format(mark=str(mark)), on_heartbeat=fall)
    assert mark.read_bytes() == b""


def test_a_wait_is_over_when_a_frame_is_begun(supervise):
    start = time.monotonic()
    outcome = supervise(
        """
        ready(frame_s=0.3); save(0)
        if restarts == 0:
            tell(what='waiting', until_h=1.0, for_s=3600.0); tell(what='next', frame=['p1', 1])
            time.sleep(3600)
        tell(what='finished')
        """
    )
    assert (outcome.status, outcome.restarts) == (0, 1)
    assert time.monotonic() - start < 10.0


def test_a_process_that_ignores_its_watchdog_is_killed():
    import subprocess

    process = subprocess.Popen(
        [sys.executable, "-S", "-c", "import time; time.sleep(3600)"], stdin=subprocess.PIPE
    )
    end_process(process, patience_s=0.3)
    assert process.returncode not in (None, 0)


def companion(text, monkeypatch):
    one = Companion(["-c", text])
    monkeypatch.setattr(Companion, "PAUSE_S", 0.0)
    monkeypatch.setattr(
        supervisor.subprocess, "Popen", _without_watchdog(supervisor.subprocess.Popen)
    )
    return one


def _without_watchdog(popen):
    """Return a Popen that runs plain Python where the companion would run livedeath."""

    def start(command, **options):
        return popen([command[0], "-S", *command[3:]], **options)

    return start


def test_a_companion_that_ends_well_is_not_started_again(monkeypatch):
    one = companion("print('{}')", monkeypatch)
    one.keep_alive()
    assert one.finish() == (0, "{}", "")
    assert one.starts == 1
    one.end()


def test_a_companion_that_left_early_is_started_again(monkeypatch):
    one = companion("print('{}')", monkeypatch)
    one.keep_alive()
    one._process.wait()
    one.keep_alive()
    assert one.starts == 2
    assert one.finish() == (0, "{}", "")
    assert one.finish(anew=True) == (0, "{}", "")
    assert one.starts == 3
    one.end()


def test_a_companion_that_dies_is_started_a_bounded_number_of_times(monkeypatch):
    one = companion("import sys; sys.exit('gone')", monkeypatch)
    for _ in range(40):
        one.keep_alive()
        time.sleep(0.05)
    assert one.starts == Companion.MAX_STARTS
    status, _, complaint = one.finish()
    assert (status, complaint, one.starts) == (1, "gone", Companion.MAX_STARTS + 1)
    one.end()


def test_heartbeats_survive_the_pipe():
    heartbeat = {"what": "saved", "frame": ["p1", 0, "B2", 0, 3, "Kanal ä", 0]}
    assert heartbeats.read(heartbeats.line(heartbeat)) == heartbeat


@pytest.mark.parametrize("text", [b"", b"Retry #0\n", b"[1, 2]\n", b'{"other": 1}\n', b"\xff\n"])
def test_anything_else_is_no_beat(text):
    assert heartbeats.read(text) is None


def test_what_the_user_set_for_threads_stays(monkeypatch):
    monkeypatch.setenv("MKL_NUM_THREADS", "7")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    environment = supervisor.one_thread_each()
    assert environment["MKL_NUM_THREADS"] == "7"
    assert environment["OPENBLAS_NUM_THREADS"] == "1"
