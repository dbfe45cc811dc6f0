"""How the pages of the site are made: markers, links, and lists from the program."""

import re

import pytest
import typer

import livedeath
import pages
import program_pages
from livedeath.cli.main import build_app
from livedeath.model.flags import Flag


@pytest.fixture(scope="module")
def commands():
    try:
        return program_pages.commands()
    except RuntimeError as error:
        pytest.skip(f"{error}")


def test_every_command_has_a_heading_and_its_options(commands):
    program = typer.main.get_command(build_app())
    assert re.findall(r"^## `livedeath (\w+)`$", commands, re.M) == list(program.commands)
    for name in ("score", "survival"):
        part = commands.partition(f"## `livedeath {name}`")[2].partition("\n## ")[0]
        for parameter in program.commands[name].params:
            assert any(f"`{option}" in part for option in parameter.opts) or (
                f"`{parameter.metavar}" in part
            )


def test_a_command_that_cannot_be_loaded_is_no_page(monkeypatch):
    def broken():
        app = typer.Typer()
        app.callback()(lambda: None)
        app.command("look", help="Not available here: it is broken.")(lambda: None)
        return app

    monkeypatch.setattr(program_pages, "build_app", broken)
    with pytest.raises(RuntimeError, match="cannot be loaded"):
        program_pages.commands()


def test_every_name_of_the_api_has_its_directive():
    said = re.findall(
        r"^::: (\S+)\n    options:\n      heading: (\S+)$", program_pages.names(), re.M
    )
    told = {heading: path for path, heading in said}
    for name in set(livedeath.__all__) - {"__version__"}:
        assert told[f"livedeath.{name}"] == f"{getattr(livedeath, name).__module__}.{name}"
    for path in program_pages.RECORDS:
        assert told[path.rpartition(".")[2]] == path


def test_a_new_name_appears_by_itself(monkeypatch):
    def tell():
        """Tell."""

    monkeypatch.setattr(livedeath, "tell", tell, raising=False)
    monkeypatch.setattr(livedeath, "__all__", [*livedeath.__all__, "tell"])
    functions = program_pages.names().partition("## Classes")[0]
    assert "heading: livedeath.tell" in functions


def test_every_flag_is_in_the_table():
    assert re.findall(r"^\| (\d+) \| `(\w+)` \|", program_pages.flags(), re.M) == [
        (str(int(flag)), flag.name) for flag in Flag
    ]


def test_a_marker_is_filled_and_an_unknown_one_refused():
    text = "before\n\n<!-- made from the program: flags -->\n\nafter"
    assert "| 32 | `MASK_LOST` |" in pages.filled(text)
    assert pages.filled(text).endswith("after")
    with pytest.raises(KeyError):
        pages.filled("<!-- made from the program: weather -->")


@pytest.mark.parametrize(
    ("source", "link", "there"),
    [
        ("tutorials/engineer.md", "../../CONTRIBUTING.md", "../contributing.md"),
        ("README.md", "../CHANGELOG.md#core", "changes.md#core"),
        ("contributing.md", "docs/architecture.md", "architecture.md"),
        ("changes.md", "docs/reference/words.md#words", "reference/words.md#words"),
        ("reference/python.md", "../tutorials/a-b.ipynb", "../tutorials/a-b.md"),
        ("how-to/x.md", "y.md", "y.md"),
        ("how-to/x.md", "https://example.org/docs/z.ipynb", "https://example.org/docs/z.ipynb"),
        ("contributing.md", "LICENSE", "LICENSE"),
    ],
)
def test_a_link_of_the_checkout_becomes_one_of_the_site(source, link, there):
    assert pages.site_links(f"See [it]({link}).", source) == f"See [it]({there})."


def test_a_picture_is_found_from_where_the_page_lies():
    text = "![A curve](docs/pictures/a.png)"
    assert pages.site_links(text, "changes.md") == "![A curve](pictures/a.png)"
