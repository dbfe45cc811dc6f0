"""What the documents say must exist: commands, options, links, columns, flags and keys."""

import re
import shlex
import tomllib
import typing
from functools import cache
from pathlib import Path, PureWindowsPath

import pytest
import typer
from pydantic import BaseModel

from livedeath.cli.main import USAGE_ERROR, build_app
from livedeath.model.doses import UNITS
from livedeath.model.flags import DESCRIPTIONS, Flag
from livedeath.model.study import Study
from livedeath.model.tables import CALLS, OUTCOMES, TRACES
from livedeath.recordings import traces as traces_input
from livedeath.review.chain import COLUMNS, VERDICTS
from livedeath.simulation.census import TRUTH
from livedeath.simulation.parameters import WorldParameters

ROOT = Path(__file__).resolve().parents[1]
FORMATS = ROOT / "docs/file-formats.md"
DOCUMENTS = sorted(
    [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "benchmarks").glob("*.md")]
)
PROGRAM = "livedeath"
PLAIN_COMMANDS = {"--version", "--help", "--install-completion", "COMMAND", "--show-completion"}

FENCE = re.compile(r"^ *```([^\n]*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
NAMED = re.compile(rf"`{PROGRAM} ([^`]+)`")
PARTS = re.compile(r"&&|[;|{}]")


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def read(path):
    return path.read_text(encoding="utf-8")


@cache
def program():
    return typer.main.get_command(build_app())


# Commands and options


def code_blocks(text):
    """Return the blocks of a document that may hold commands."""
    return [body for language, body in FENCE.findall(text) if language.strip() in ("", "bash")]


def words_of(line):
    """Split a command as a shell does, but leave the backslashes of Windows alone."""
    lexer = shlex.shlex(line, posix=True)
    lexer.whitespace_split, lexer.escape, lexer.commenters = True, "", "#"
    try:
        return list(lexer)
    except ValueError:  # a line that is no command, such as a sentence with an apostrophe
        return []


def invocations(text):
    """Return what stands behind ``livedeath`` in each line that calls it."""
    found = []
    for block in code_blocks(text):
        for line in block.splitlines():
            for part in PARTS.split(line) if '"' not in line else [line]:
                words = words_of(part)
                if words and PureWindowsPath(words[0]).stem == PROGRAM and len(words) > 1:
                    found.append(words[1:])
    return found


def fault_of(words):
    """Say what is wrong with a call, or return an empty text; nothing is run."""
    if words[0] in PLAIN_COMMANDS:
        return ""
    command = program().commands.get(words[0])
    if command is None:
        return f"no command {words[0]!r}"
    try:
        command.make_context(words[0], list(words[1:]))
    except USAGE_ERROR as error:
        return f"{' '.join(words)}: {error.format_message()}"
    return ""


def faulty_calls(text):
    return [fault for words in invocations(text) if (fault := fault_of(words))]


def unknown_names(text):
    """Return commands and options named in running text that do not exist."""
    unknown = []
    for said in NAMED.findall(FENCE.sub("", text)):
        name, *rest = said.split()
        command = program().commands.get(name)
        if command is None:
            unknown += [] if name in PLAIN_COMMANDS else [name]
            continue
        options = {option for parameter in command.params for option in parameter.opts}
        given = [word.split("=")[0] for word in rest if word.startswith("--")]
        unknown += [f"{name} {word}" for word in given if word not in {*options, "--help"}]
    return unknown


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_command_in_a_code_block_can_be_parsed(path):
    assert faulty_calls(read(path)) == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_command_named_in_the_text_exists(path):
    assert unknown_names(read(path)) == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("livedeath frobnicate demo", "no command 'frobnicate'"),
        ("livedeath score demo --quickly", "--quickly"),
        ("livedeath export demo out --to pdf", "pdf"),
        ("livedeath export demo out", "--to"),
        ("livedeath log demo shout", "shout"),
        (r"if ($?) { .venv\Scripts\livedeath sccore demo }", "no command 'sccore'"),
        (".venv/bin/python -m pip install x && .venv/bin/livedeath dmo", "no command 'dmo'"),
    ],
)
def test_a_wrong_call_is_found_out(line, fault):
    (found,) = faulty_calls(f"```\n{line}   # a remark\n```\n")
    assert fault in found


@pytest.mark.parametrize("said", ["frobnicate", "score --quickly"])
def test_a_wrong_name_in_the_text_is_found_out(said):
    assert unknown_names(f"Use `livedeath {said}` then.") == [said]


def test_commands_are_found_at_all():
    called = {words[0] for path in DOCUMENTS for words in invocations(read(path))}
    assert called >= set(program().commands)


# Links


def anchors_of(text):
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    plain = [re.sub(r"&\w+;", "", heading).strip().lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


def broken_links(text, folder, own=""):
    """Return the relative links of a document that lead nowhere."""
    broken = []
    for target in LINK.findall(FENCE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        there = folder / name
        if not there.exists():
            broken.append(target)
        elif anchor and anchor not in anchors_of(read(there) if name else own):
            broken.append(target)
    return broken


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_relative_link_leads_somewhere(path):
    assert broken_links(read(path), path.parent, own=read(path)) == []


@pytest.mark.parametrize("target", ["nowhere.md", "file-formats.md#nothing", "#nothing"])
def test_a_broken_link_is_found_out(target):
    assert broken_links(f"See [there]({target}).", FORMATS.parent, own="# Here") == [target]


def test_a_good_link_passes():
    text = "[a](file-formats.md#a-run-analysisrun) [b](#here) [c](https://example.org/x)"
    assert broken_links(text, FORMATS.parent, own="## Here") == []


def reached_from(index):
    """Return the documents that links lead to, from one page to the next."""
    found, waiting = set(), [index]
    while waiting:
        page = waiting.pop()
        found.add(page)
        links = LINK.findall(FENCE.sub("", read(page))) if page.suffix == ".md" else []
        there = {(page.parent / link.partition("#")[0]).resolve() for link in links}
        waiting += [p for p in there if p.suffix in {".md", ".ipynb"} and p not in found]
    return found


def test_every_document_is_reached_from_the_index():
    pages = {path for kind in ("md", "ipynb") for path in (ROOT / "docs").rglob(f"*.{kind}")}
    assert pages <= reached_from(FORMATS.parent / "README.md")


def test_a_document_that_nothing_links_to_is_not_reached(tmp_path):
    (tmp_path / "README.md").write_text("[a](a.md)", encoding="utf-8")
    (tmp_path / "a.md").write_text("[b](b.md#x)", encoding="utf-8")
    (tmp_path / "b.md").write_text("[a](a.md)", encoding="utf-8")
    (tmp_path / "c.md").write_text("[a](a.md)", encoding="utf-8")
    found = {path.name for path in reached_from(tmp_path / "README.md")}
    assert found == {"README.md", "a.md", "b.md"}


# Columns, flags, verdicts


def section(text, heading):
    """Return the text below a heading, up to the next one of any level."""
    found = re.search(rf"^#+ {re.escape(heading)}$(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def rows(text):
    """Return the cells of every row of the tables in a text."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def first_cells(text):
    return {name for row in rows(text) for name in re.findall(r"`([^`]+)`", row[0])}


NAMES = {
    "traces": [column.name for column in TRACES],
    "calls": [column.name for column in CALLS] + list(OUTCOMES),
    "truth.parquet": [column.name for column in TRUTH],
    "Reviews": list(COLUMNS),
    "Traces as input": [
        *traces_input.NEEDED,
        *traces_input.MEASURED,
        *traces_input.PER_NEURON,
        *traces_input.SWITCHES,
        "session",
        "flags",
        "endpoint",
    ],
}


def wrong_names(text, heading):
    """Return names that one of table and program has and the other has not."""
    return first_cells(section(text, heading)) ^ set(NAMES[heading])


@pytest.mark.parametrize("heading", NAMES)
def test_every_column_is_in_the_file_formats_and_no_other(heading):
    assert wrong_names(read(FORMATS), heading) == set()


@pytest.mark.parametrize("heading", NAMES)
def test_a_missing_or_invented_column_is_found_out(heading):
    last = NAMES[heading][-1]
    assert wrong_names(read(FORMATS).replace(f"`{last}`", "`invented`"), heading) >= {last}
    assert "invented" in wrong_names(read(FORMATS).replace(f"`{last}`", "`invented`"), heading)


def flags_in(text):
    return {(row[0], row[1].strip("`")): row[2] for row in rows(section(text, "Flags"))[2:]}


def flags_of_the_program():
    return {(str(int(flag)), flag.name): DESCRIPTIONS[flag] for flag in Flag}


def test_every_flag_stands_in_the_file_formats_with_its_bit():
    assert flags_in(read(FORMATS)) == flags_of_the_program()


def test_a_wrong_flag_is_found_out():
    wrong = read(FORMATS).replace("| 2048 | `OUTLIER`", "| 2049 | `OUTLIER`")
    assert flags_in(wrong) != flags_of_the_program()


def units_in(text):
    """Return the units of doses, and their other spellings, that a document names."""
    cells = [row[:2] for row in rows(section(text, "Units of doses"))[2:]]
    return tuple(
        {name for row in cells for name in re.findall(r"`([^`]+)`", row[k])} for k in (0, 1)
    )


def test_every_unit_of_a_dose_stands_in_the_file_formats():
    units, others = units_in(read(FORMATS))
    assert units == set(UNITS)
    assert others == {other for spellings in UNITS.values() for other in spellings}


def test_an_invented_unit_is_found_out():
    units, _ = units_in(read(FORMATS).replace("`MOI`", "`MOO`"))
    assert units ^ set(UNITS) == {"MOI", "MOO"}


def missing_verdicts(text):
    return [verdict for verdict in VERDICTS if f"`{verdict}`" not in section(text, "Reviews")]


def test_every_verdict_is_named():
    assert missing_verdicts(read(FORMATS)) == []


def test_a_missing_verdict_is_found_out():
    assert missing_verdicts(read(FORMATS).replace("`unsure`", "`?`")) == ["unsure"]


# Keys of study.toml and simulation.toml


def model_in(annotation):
    """Return the declared model inside a type, such as that of ``tuple[Vessel, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (model_in(part) for part in typing.get_args(annotation))
    return next((model for model in inner if model is not None), None)


def is_list(annotation):
    return typing.get_origin(annotation) is tuple


def tables_of(model, top, path=(), brackets="{}", tail=""):
    """Yield (heading, model) of a declaration and everything declared inside it."""
    yield (f"`{brackets.format('.'.join(path))}`{tail}" if path else top), model
    for name, field in model.model_fields.items():
        inner = model_in(field.annotation)
        if inner is not None:
            marks = "[[{}]]" if is_list(field.annotation) else "[{}]"
            yield from tables_of(inner, top, (*path, name), marks, tail)


TABLES = dict(
    [
        *tables_of(Study, "Top level"),
        *tables_of(WorldParameters, "Top level of `simulation.toml`", tail=" of `simulation.toml`"),
    ]
)


def default_of(field):
    """Return a key's default as it is written in a table."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "none"
    if isinstance(value, BaseModel):
        return "see below"
    return list(value) if isinstance(value, tuple) else value


def written_default(cell):
    return tomllib.loads(f"x = {cell.strip('`')}")["x"] if cell.startswith("`") else cell


def keys_in(text, heading):
    found = rows(section(text, heading))[2:]
    return {row[0].strip("`"): written_default(row[1]) for row in found}


def keys_of(model):
    return {name: default_of(field) for name, field in model.model_fields.items()}


@pytest.mark.parametrize("heading", TABLES)
def test_every_key_stands_in_the_file_formats_with_its_default(heading):
    assert keys_in(read(FORMATS), heading) == keys_of(TABLES[heading])


@pytest.mark.parametrize("heading", TABLES)
def test_a_missing_key_is_found_out(heading):
    key = next(iter(TABLES[heading].model_fields))
    wrong = read(FORMATS).replace(f"| `{key}` |", "| `invented` |")
    assert keys_in(wrong, heading) != keys_of(TABLES[heading])


def test_a_wrong_default_is_found_out():
    wrong = read(FORMATS).replace("| `tries` | `3` |", "| `tries` | `4` |")
    assert keys_in(wrong, "`[policies]`") != keys_of(TABLES["`[policies]`"])


def studies_in(text):
    return [
        body for language, body in FENCE.findall(text) if language == "toml" and "title" in body
    ]


def test_the_simple_study_of_the_file_formats_is_one():
    (said,) = studies_in(read(FORMATS))
    assert set(Study.from_toml(said).arms().values()) == {"vehicle", "drug 10 uM"}
