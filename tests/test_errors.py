"""A command in a message can be copied and pasted."""

import json
import os
import subprocess
import sys

import pytest

from livedeath.errors import command

ECHO = f'"{sys.executable}" -c "import sys, json; print(json.dumps(sys.argv[1:]))"'


def pasted(shown):
    """Return the words that this machine's shell makes of a command."""
    said = subprocess.run(
        shown.replace("livedeath", ECHO, 1), shell=True, check=True, capture_output=True
    )
    return json.loads(said.stdout)


FOLDERS = [
    "plate7",
    "my plate 1",
    "細胞 プレート 1",
    "全角　空白",
    "a&b",
    "Anna's (new)",
    "5 % x",
]
ON_POSIX = ["$HOME", "a`b`", 'say "hi"', "back\\slash", "wow!", "~"]


@pytest.mark.parametrize("folder", FOLDERS + (ON_POSIX if os.name == "posix" else []))
def test_a_folder_is_one_word_to_the_shell(folder, tmp_path):
    path = tmp_path / folder
    assert pasted(command("log", path, "list")) == ["log", str(path), "list"]
    assert pasted(command("score", folder)) == ["score", folder]


def test_what_needs_no_quotes_has_none_and_blanks_have_double_ones():
    assert command("score", "細胞/plate_7") == "livedeath score 細胞/plate_7"
    assert command("log", "my plate 1", "list") == 'livedeath log "my plate 1" list'


def test_without_quotes_the_shell_would_see_more_words():
    assert pasted("livedeath log my plate 1 list") == ["log", "my", "plate", "1", "list"]
