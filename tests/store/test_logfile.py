import logging
import re
import subprocess
import sys

import pytest

from livedeath.store import durable, logfile

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+ [a-z]+\[\d+\] [\w.]+: ")


def log_in(study):
    return study / "logs" / "livedeath.log"


def lines_in(study):
    """Return the lines of a study's log and of those put aside."""
    files = (log_in(study).parent).glob("livedeath.log*")
    texts = [p.read_text(encoding="utf-8") for p in files if p.suffix != ".lock"]
    return [line for text in texts for line in text.splitlines()]


def test_records_of_ours_are_written_from_info_on_and_others_from_warning_on(tmp_path):
    with logfile.keeping("score") as log:
        logfile.about(tmp_path)
        logging.getLogger("livedeath.run.follow").info("run %s: 日本", "abc")
        logging.getLogger("livedeath.run.follow").debug("too much")
        logging.getLogger("tifffile").warning("odd tag")
        logging.getLogger("tifffile").info("also too much")
        assert log.written == log_in(tmp_path)
    said = lines_in(tmp_path)
    assert [LINE.sub("", line) for line in said] == ["run abc: 日本", "odd tag"]
    assert " INFO score[" in said[0]


def test_what_was_said_before_the_study_was_known_is_not_lost(tmp_path):
    with logfile.keeping("score"):
        logging.getLogger("livedeath").info("early")
        logfile.about(tmp_path)
        logfile.about(tmp_path / "another")
        logging.getLogger("livedeath").info("late")
    assert [LINE.sub("", line) for line in lines_in(tmp_path)] == ["early", "late"]
    assert not (tmp_path / "another").exists()


def test_without_a_study_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with logfile.keeping("doctor") as log:
        logging.getLogger("livedeath").error("no study")
        assert log.written is None
    assert list(tmp_path.iterdir()) == []


def test_logging_is_as_before_when_the_command_has_ended(tmp_path):
    root, own = logging.getLogger(), logging.getLogger("livedeath")
    before = (list(root.handlers), own.level)
    with logfile.keeping("score"):
        assert (list(root.handlers), own.level) != before
    assert (list(root.handlers), own.level) == before
    logfile.about(tmp_path)
    logging.getLogger("livedeath").info("nobody keeps this")
    assert list(tmp_path.iterdir()) == []


def test_importing_sets_nothing_up():
    code = (
        "import logging, livedeath.store.folder, livedeath.cli.main, livedeath_acquisition.worker\n"
        "own = [logging.getLogger(n) for n in ('', 'livedeath', 'livedeath_acquisition')]\n"
        "print([(len(one.handlers), one.level) for one in own])\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == f"[(0, {logging.WARNING}), (0, 0), (0, 0)]"


def test_the_log_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(logfile, "LARGEST_BYTES", 2_000)
    with logfile.keeping("score"):
        logfile.about(tmp_path)
        for number in range(500):
            logging.getLogger("livedeath").info("line %04d", number)
    files = sorted(log_in(tmp_path).parent.glob("livedeath.log*"))
    kept = ["livedeath.log", "livedeath.log.1", "livedeath.log.2", "livedeath.log.3"]
    assert [path.name for path in files if path.suffix != ".lock"] == kept
    assert all(path.stat().st_size < 2_100 for path in files)
    ordered = [log_in(tmp_path).with_name(name).read_text() for name in reversed(kept)]
    numbers = [int(text) for text in re.findall(r"line (\d+)", "".join(ordered))]
    assert numbers == list(range(numbers[0], 500))


def test_a_record_is_cut_at_its_longest(tmp_path, monkeypatch):
    monkeypatch.setattr(logfile, "LONGEST_RECORD", 200)
    with logfile.keeping("score"):
        logfile.about(tmp_path)
        logging.getLogger("livedeath").info("x" * 10_000)
    assert log_in(tmp_path).stat().st_size == 201


SPEAKER = """
import logging, sys
from pathlib import Path
from livedeath.store import logfile
logfile.LARGEST_BYTES = 20_000
with logfile.keeping("speaker"):
    logfile.about(Path(sys.argv[1]))
    for number in range(100):
        logging.getLogger("livedeath").info("%s says %04d " + "x" * 40, sys.argv[2], number)
"""


def test_several_processes_lose_and_tear_no_line(tmp_path):
    speakers = [
        subprocess.Popen([sys.executable, "-c", SPEAKER, str(tmp_path), name]) for name in "abc"
    ]
    assert [speaker.wait(timeout=60) for speaker in speakers] == [0, 0, 0]
    said = lines_in(tmp_path)
    assert all(LINE.match(line) and line.endswith("x" * 40) for line in said)
    expected = {f"{name} says {number:04d}" for name in "abc" for number in range(100)}
    assert {line.split(": ")[1].split(" x")[0] for line in said} == expected
    assert len(list(log_in(tmp_path).parent.glob("livedeath.log.[123]"))) >= 1


def test_work_goes_on_where_the_log_cannot_be_written(tmp_path):
    (tmp_path / "logs").write_text("in the way", encoding="utf-8")
    with logfile.keeping("score") as log:
        logfile.about(tmp_path)
        logging.getLogger("livedeath").error("nowhere to go")
        assert log.written is None


def test_a_lock_that_is_not_let_go_costs_a_record_and_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr(logfile, "LOCK_WAIT_S", 0.05)
    (tmp_path / "logs").mkdir()
    with logfile.keeping("score") as log:
        logfile.about(tmp_path)
        with durable.lock(tmp_path / "logs" / "livedeath.log.lock"):
            logging.getLogger("livedeath").info("lost")
        assert log.written is None
        logging.getLogger("livedeath").info("kept")
    assert [LINE.sub("", line) for line in lines_in(tmp_path)] == ["kept"]


@pytest.mark.parametrize("named", ["livedeath", "other"])
def test_a_fault_has_its_traceback(tmp_path, named):
    with logfile.keeping("score") as log:
        logfile.about(tmp_path)
        try:
            raise KeyError(named)
        except KeyError:
            log.fault()
    assert f"KeyError: '{named}'" in "\n".join(lines_in(tmp_path))
