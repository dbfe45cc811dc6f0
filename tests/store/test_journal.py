import json
import subprocess
import sys

import pytest

from livedeath.model.frame import FrameKey
from livedeath.store.journal import Journal, frame_entry, frame_key

KEY = FrameKey("plate1", 0, "B3", 1, 7, "fill", 0)


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "journal 日誌.jsonl")


def test_what_is_appended_is_read_in_order(journal):
    for n in range(3):
        journal.append({"kind": "log", "what": "note", "why": f"{n} 細胞\nnext"})
    assert [entry["why"] for entry in journal.read()] == [f"{n} 細胞\nnext" for n in range(3)]


def test_an_unwritten_journal_is_empty(journal):
    assert journal.read() == []
    assert journal.tail(0) == ([], 0)


def test_a_torn_last_line_is_no_entry_and_does_not_swallow_the_next(journal):
    journal.append({"kind": "a"})
    with journal.path.open("ab") as handle:
        handle.write(b'{"kind":"torn","x"')
    assert [entry["kind"] for entry in journal.read()] == ["a"]
    journal.append({"kind": "b"})
    assert [entry["kind"] for entry in journal.read()] == ["a", "b"]


def test_a_follower_gets_a_line_only_when_it_is_whole(journal):
    journal.append({"kind": "a"})
    _, offset = journal.tail(0)
    with journal.path.open("ab") as handle:
        handle.write(b'{"kind":')
    assert journal.tail(offset) == ([], offset)
    with journal.path.open("ab") as handle:
        handle.write(b'"b"}\n')
    entries, later = journal.tail(offset)
    assert entries == [{"kind": "b"}]
    assert later > offset


def test_not_a_number_is_refused(journal):
    with pytest.raises(ValueError, match="JSON"):
        journal.append({"kind": "log", "at_h": float("nan")})
    assert journal.read() == []


def test_a_frame_entry_names_its_frame():
    entry = json.loads(json.dumps(frame_entry(KEY, "saved", time_h=1.5)))
    assert frame_key(entry) == KEY


def test_the_last_line_of_the_latest_attempt_counts(journal):
    journal.append(frame_entry(KEY, "missed", attempt=1, reason="timeout"))
    journal.append(frame_entry(KEY, "saved", attempt=2))
    journal.append(frame_entry(KEY, "superseded", attempt=1))
    assert journal.frames()[KEY]["status"] == "saved"


WRITE = """
import sys
from pathlib import Path
from livedeath.store.journal import Journal
journal = Journal(Path(sys.argv[1]))
n = 0
while n < int(sys.argv[3]):
    journal.append({"kind": "log", "who": sys.argv[2], "n": n, "pad": "x" * 500})
    print(n, flush=True)
    n += 1
"""


def writer(journal, who, count):
    command = [sys.executable, "-c", WRITE, str(journal.path), who, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_writers_do_not_mix_their_lines(journal):
    writers = [writer(journal, who, 40) for who in "ab"]
    for process in writers:
        process.communicate()
    entries = journal.read()
    assert len(entries) == 80
    for who in "ab":
        assert [e["n"] for e in entries if e["who"] == who] == list(range(40))


def test_every_acknowledged_line_survives_a_kill(journal):
    process = writer(journal, "a", 10**6)
    acknowledged = [int(process.stdout.readline()) for _ in range(25)]
    process.kill()
    process.wait()
    process.stdout.close()
    assert [e["n"] for e in journal.read()][:25] == acknowledged


def test_a_line_for_which_the_disk_has_no_room_is_no_entry_also_when_there_is_room_again(tmp_path):
    resource = pytest.importorskip("resource")
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append({"kind": "log", "what": "note"})
    before, size = journal.read(), journal.path.stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, hard))
    try:
        with pytest.raises(OSError, match="too large") as caught:
            journal.append({"kind": "log", "what": "exclude"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.filename == str(journal.path)
    assert journal.path.stat().st_size == size + 20  # a torn line
    assert journal.read() == before
    journal.append({"kind": "log", "what": "media"})
    assert [entry["what"] for entry in journal.read()] == ["note", "media"]
