"""The built site fetches nothing and says of the program what the program says.

The checks read ``site/``, which ``mkdocs build --strict`` writes (a step of .ci/run); their
twins run without it.
"""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import typer

import livedeath
from livedeath.cli.main import build_app

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "site"

LOADS = {
    ("link", "href"),
    ("script", "src"),
    ("img", "src"),
    ("img", "srcset"),
    ("source", "src"),
    ("source", "srcset"),
    ("iframe", "src"),
    ("iframe", "srcdoc"),
    ("video", "src"),
    ("audio", "src"),
    ("embed", "src"),
    ("object", "data"),
    ("image", "href"),
    ("image", "xlink:href"),
    ("use", "href"),
    ("use", "xlink:href"),
    ("form", "action"),
}
"""Attributes from which a browser loads something, or sends something, by itself."""

ELSEWHERE = re.compile(r"(?:https?:|wss?:)?//", re.IGNORECASE)
STYLE_LOADS = re.compile(r"(?:@import\s+|url\()\s*(?:url\()?['\"]?([^'\")\s;]+)", re.IGNORECASE)
MACHINE = re.compile(r"(?<![\w.])/(?:root|home|tmp|work|Users)/[\w.-]+")

needs_site = pytest.mark.skipif(
    not (SITE / "index.html").is_file(),
    reason="no site is built here: pip install -e '.[docs]' && mkdocs build --strict",
)


class Loads(HTMLParser):
    """Collects what a page makes a browser load."""

    def __init__(self):
        super().__init__()
        self.found = []
        self._in_style = False

    def handle_starttag(self, tag, attributes):
        self._in_style = tag == "style"
        for name, value in attributes:
            if (tag, name) in LOADS:
                self.found.append(value or "")
            if name == "style":
                self.found += STYLE_LOADS.findall(value or "")

    def handle_endtag(self, tag):
        self._in_style = False

    def handle_data(self, text):
        if self._in_style:
            self.found += STYLE_LOADS.findall(text)


def fetched(name, text):
    """Return what a file of the site would load from elsewhere."""
    if name.endswith(".css"):
        found = STYLE_LOADS.findall(text)
    else:
        parser = Loads()
        parser.feed(text)
        found = parser.found
    return [target for target in found if ELSEWHERE.match(target.strip())]


def files(*endings):
    return [path for ending in endings for path in sorted(SITE.rglob(f"*{ending}"))]


def read(path):
    return path.read_text(encoding="utf-8")


@needs_site
def test_no_page_style_or_drawing_loads_anything_from_elsewhere():
    looked_at = files(".html", ".css", ".svg")
    assert len(looked_at) > 30
    found = {str(path): fetched(path.name, read(path)) for path in looked_at}
    assert {name: targets for name, targets in found.items() if targets} == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", '<script src="https://cdn.example/x.js"></script>'),
        ("a.html", '<link rel="stylesheet" href="//fonts.example/css">'),
        ("a.html", '<link rel="preconnect" href="https://fonts.example" crossorigin>'),
        ("a.html", '<img alt="x" src="http://example.org/badge.svg">'),
        ("a.html", '<p style="background: url(https://example.org/x.png)">'),
        ("a.html", "<style>@import 'https://example.org/x.css';</style>"),
        ("a.html", '<iframe src="https://example.org/player"></iframe>'),
        ("a.css", "@font-face { src: url('https://example.org/f.woff2') }"),
        ("a.css", '@import "https://example.org/x.css";'),
        ("a.svg", '<svg><image href="https://example.org/x.png"/></svg>'),
        ("a.svg", "<svg><style>@font-face{src:url(https://example.org/f)}</style></svg>"),
    ],
)
def test_what_would_be_fetched_is_found_out(name, text):
    assert len(fetched(name, text)) == 1


def test_a_link_to_elsewhere_is_no_load():
    page = '<a href="https://example.org/">there</a><img src="../x.png"><script src="a.js">'
    assert fetched("a.html", page) == []


@needs_site
def test_no_script_of_the_search_comes_from_elsewhere():
    page = read(SITE / "index.html")
    assert 'src="assets/iframe-worker.js"' in page
    assert 'class="mermaid"' not in "".join(map(read, files(".html")))


@needs_site
def test_the_search_works_from_files_and_finds_words():
    index = read(SITE / "search/search_index.js")
    assert index.startswith("var __index = ")
    found = json.loads(index.removeprefix("var __index = "))
    pages = {one["location"] for one in found["docs"] if "Otsu" in one["text"]}
    assert any(page.startswith("how-to/compare-with-otsu.html") for page in pages)


@needs_site
def test_no_page_names_a_folder_of_the_machine_that_built_it():
    found = {str(path): MACHINE.findall(read(path)) for path in files(".html", ".svg")}
    assert {name: places for name, places in found.items() if places} == {}


def test_a_folder_of_the_machine_is_found_out():
    assert MACHINE.findall("<b>in '/tmp/x1/movie'</b>") == ["/tmp/x1"]
    assert MACHINE.findall("how-to/home/x, https://example.org/home/x") == []


def missing_options(text):
    """Return the commands and options of the program that a text does not hold."""
    program = typer.main.get_command(build_app())
    missing = []
    for name, command in program.commands.items():
        part = re.search(rf"<h2[^>]*><code>livedeath {name}</code>.*?(?=<h2|\Z)", text, re.DOTALL)
        options = {o for p in command.params for o in p.opts if o.startswith("--")} - {"--help"}
        missing += [f"{name} {o}" for o in sorted(options) if not part or o not in part[0]]
    return missing


@needs_site
def test_the_reference_has_every_command_and_option():
    assert missing_options(read(SITE / "reference/command-line.html")) == []


def test_a_missing_option_is_found_out():
    page = "<h2 id='x'><code>livedeath report</code></h2> --out --run <h2>"
    assert "report --json" in missing_options(page)
    assert "report --out" not in missing_options(page)


@needs_site
def test_the_reference_has_every_python_name_with_its_words():
    page = read(SITE / "reference/python.html")
    for name in set(livedeath.__all__) - {"__version__"}:
        assert f"livedeath.{name}" in page
        assert getattr(livedeath, name).__doc__.split(".")[0].split("`")[0][:30] in page


@needs_site
def test_the_notebook_is_shown_with_its_results():
    page = read(SITE / "tutorials/movie-to-survival.html")
    assert page.count("<img") >= 2
    assert "neurons scored: " in page
    assert "Traceback" not in page
