"""What the distribution says of itself is so, and the same in each place."""

import re
import tomllib

import pytest

import livedeath
import rooms

CITATION = (rooms.ROOT / "CITATION.cff").read_text(encoding="utf-8")
PROJECT = tomllib.loads((rooms.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def said(key, text=CITATION):
    (found,) = re.findall(rf"^{key}: (.+)$", text, re.MULTILINE)
    return found


def test_the_citation_names_the_version_and_licence_of_the_distribution():
    assert said("version") == livedeath.__version__
    assert said("license") == PROJECT["license"]
    assert said("title") == PROJECT["name"]


def test_the_authors_are_the_same_in_both_places():
    (author,) = PROJECT["authors"]
    assert f"authors:\n  - name: {author['name']}\n" in CITATION


def test_the_citations_keywords_are_among_the_distributions():
    (block,) = re.findall(r"^keywords:\n((?:  - .+\n)+)", CITATION, re.MULTILINE)
    keywords = set(re.findall(r"  - (.+)", block))
    assert len(keywords) >= 5
    assert keywords <= set(PROJECT["keywords"])


@pytest.mark.parametrize("package", rooms.FOLDERS)
def test_every_package_says_that_it_is_typed(package):
    assert (rooms.FOLDERS[package] / package / "py.typed").is_file()
    assert "Typing :: Typed" in PROJECT["classifiers"]


def test_every_python_that_is_allowed_is_named():
    assert PROJECT["requires-python"] == ">=3.11"
    assert "Programming Language :: Python :: 3.11" in PROJECT["classifiers"]
