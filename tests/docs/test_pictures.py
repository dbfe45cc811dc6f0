"""Every picture is made by the one script, shown by a page, small, and fetches nothing."""

import re
from pathlib import Path

import pytest

pytest.importorskip("PIL")

import make_pictures

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs/pictures"
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])
SHOWN = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
MOST_BYTES = 2_000_000


def shown(path, text=None):
    """Return (words, file) of each picture that a page shows."""
    said = SHOWN.findall(path.read_text(encoding="utf-8") if text is None else text)
    return [(words, (path.parent / target).resolve()) for words, target in said]


def broken(path, text=None):
    return [(words, file) for words, file in shown(path, text) if not (words and file.is_file())]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_picture_that_a_page_shows_is_there_and_told_in_words(path):
    assert broken(path) == []


def test_a_missing_picture_and_one_without_words_are_found_out():
    page = ROOT / "docs/README.md"
    assert len(broken(page, "![a](pictures/none.png) ![](pictures/strip.png)")) == 2
    assert broken(page, "![a strip](pictures/strip.png)") == []


def test_the_script_makes_what_is_there_and_pages_show_it():
    there = {path.name for path in PICTURES.iterdir()}
    assert there == set(make_pictures.MADE)
    on_pages = {file.name for path in PAGES for _, file in shown(path)}
    assert there == {name for name in on_pages if (PICTURES / name).is_file()}


def test_pictures_are_of_modest_size():
    assert sum(path.stat().st_size for path in PICTURES.iterdir()) < MOST_BYTES


def test_only_the_asked_for_sections_of_a_report_are_kept():
    page = "<head></head><header>h</header>" + "".join(
        f"<section><h2>{name}</h2>{name.lower()}</section>" for name in ("Survival", "Reviews")
    )
    kept = make_pictures.only(page, ("Survival",), None)
    assert "survival" in kept
    assert "reviews" not in kept
    with pytest.raises(SystemExit, match="no section 'Deaths'"):
        make_pictures.only(page, ("Deaths",), None)


@pytest.mark.parametrize("path", sorted(PICTURES.glob("*.svg")), ids=lambda path: path.name)
def test_a_drawing_is_whole_and_names_no_machine(path):
    text = path.read_text(encoding="utf-8")
    assert text.lstrip().startswith("<svg")
    assert "@font-face" not in text
    assert not re.search(r"/(?:tmp|root|home)/", text)
