"""TOML as people type it: a file or text goes in, plain values come out.

What is no TOML is refused with its line and, where it can be told, with what was meant: a
decimal comma, curly quotes, the backslashes of a Windows path, a word of another language.
"""

import re
import tomllib
import unicodedata
from pathlib import Path
from typing import Any

from livedeath.errors import StoreError, StudyError

_AT = re.compile(r"(?:at line (\d+), column \d+|at end of document)\)?\.?$")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")

_CURLY = "“”„‟‘’‚‛«»「」『』＂"
"""Quotation marks that word processors and phones put in place of the straight one."""

_WORDS = {
    "True": "true",
    "False": "false",
    "TRUE": "true",
    "FALSE": "false",
    "yes": "true",
    "no": "false",
    "None": "",
    "none": "",
    "null": "",
    "nil": "",
    "NaN": "nan",
    "Inf": "inf",
}
"""Values of other languages, and what TOML calls them; nothing: the key is left out."""


def read_toml_file(path: Path | str, *, missing: str) -> str:
    """Return the text of a declaration.

    Parameters
    ----------
    path : Path or str
        A UTF-8 file.
    missing : str
        What to do when there is no such file.

    Raises
    ------
    StoreError
        If there is no such file or it cannot be read.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise StoreError(f"{path}: there is no such file; {missing}.") from None
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror}).") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise StoreError(f"{path}: {_encoding_fault(data, error)}; save it as UTF-8.") from None
    if "\0" in text:
        raise StoreError(f"{path}: {_encoding_fault(data, None)}; save it as plain UTF-8 text.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _encoding_fault(data: bytes, error: UnicodeDecodeError | None) -> str:
    every_second = max(data[0::2].count(0), data[1::2].count(0)) > len(data) // 8
    if data.startswith(_UTF16_MARKS) or (every_second and not data.startswith(b"PK")):
        return "the file is UTF-16 text"
    if error is None:
        return "the file is no TOML, it holds bytes that no text has"
    return f"the file is not UTF-8 text (line {1 + data.count(10, 0, error.start)})"


def parse_toml(text: str, *, where: str) -> dict[str, Any]:
    """Read TOML text.

    Parameters
    ----------
    text : str
        What a person wrote.
    where : str
        File or place named in the message.

    Raises
    ------
    StudyError
        If it is no TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{where}: {_fault(str(error), text)}.") from None


def _fault(said: str, text: str) -> str:
    """Say which line is no TOML, and what was probably meant."""
    found = _AT.search(said)
    what = said[: found.start()].rstrip(" (") if found else said
    lines = text.split("\n")
    number = _line_at_fault(what, lines, int(found[1]) if found and found[1] else len(lines))
    line = lines[number - 1].strip()
    told = f"line {number} is not valid TOML, {_shown(line)}"
    meant = likely_meant(line) or _of_the_fault(what, line)
    return f"{told}; {meant}" if meant else f"{told} ({what[:1].lower()}{what[1:]})"


def _line_at_fault(what: str, lines: list[str], number: int) -> int:
    """Return the line where a person has to mend; the parser names where it gave up."""
    while number > 1 and not lines[number - 1].strip():
        number -= 1
    if "array" in what and "table" not in what and "declaration" not in what:
        opened = [k for k in range(1, number + 1) if re.search(r"=\s*\[[^\]]*$", lines[k - 1])]
        return opened[-1] if opened else number
    return number


def _shown(line: str) -> str:
    short = line if len(line) <= 60 else f"{line[:57]}..."
    return f"'{short}'" if short else "an empty line"


def _of_the_fault(what: str, line: str) -> str:
    """Say what to do where the parser's own words tell more than the line."""
    if "twice" in what:
        return "this table stands there already; put its keys under the first one"
    if "overwrite" in what:
        return f"keep one value of {line.partition('=')[0].strip()}; it has one already"
    if "array" in what.lower():
        return "close the list with ]"
    if "statement" in what or "key/value" in what:
        return "write a key, =, and a value, like interval_h = 2.0"
    if "string" in what.lower() or "Illegal character '\\n'" in what:
        return 'end the text with the quote " that it began with'
    return ""


def likely_meant(line: str) -> str:
    """Say what a line that is no TOML was probably meant to be; empty if nobody can tell.

    Parameters
    ----------
    line : str
        One line of a declaration, without blanks around it.
    """
    for hint in (
        _json,
        _curly_quotes,
        _strange_character,
        _brackets,
        _backslashes,
        _colon,
        _remark,
        _word,
        _decimal_comma,
        _number,
        _no_value,
        _no_quotes,
    ):
        meant = hint(line)
        if meant:
            return meant
    return ""


def _json(line: str) -> str:
    found = re.match(r"\{\s*(?:\"([\w.-]+)\"\s*:\s*([^\s,{}\[\]][^,{}\[\]]*))?", line)
    if found is None:
        return ""
    like = f"{found[1]} = {found[2].strip()}" if found[1] else "interval_h = 2.0"
    return f"this is JSON; write each key on a line of its own without braces, like {like}"


def _curly_quotes(line: str) -> str:
    found = [mark for mark in line if mark in _CURLY]
    return f'use straight quotes " in place of {found[0]}' if found else ""


def _strange_character(line: str) -> str:
    """Find a blank, digit or sign that only looks like the plain one."""
    outside = re.sub(r'"[^"]*"|\'[^\']*\'|#.*', "", line)
    for mark in outside:
        plain = unicodedata.normalize("NFKC", mark)
        if ord(mark) > 127 and plain.isascii():
            name = unicodedata.name(mark, "another character").lower()
            shown = f"{mark!r} ({name})" if mark.strip() else f"the {name}"
            return f"{shown} only looks like {plain!r}; type the plain one"
    return ""


def _brackets(line: str) -> str:
    found = re.fullmatch(r"(\[+)\s*([\w.-]+)\s*(\]*)\s*(#.*)?", line)
    if found is None or len(found[1]) == len(found[3]):
        return ""
    count = min(2, max(len(found[1]), len(found[3])))
    return f"write {'[' * count}{found[2]}{']' * count}"


def _backslashes(line: str) -> str:
    found = re.search(r'"([^"]*\\[^"]*)"?', line)
    if found is None:
        return ""
    return f"a backslash has a meaning in \" quotes; write the path as '{found[1]}'"


def _colon(line: str) -> str:
    found = re.match(r"([\w.-]+)\s*:\s*(.+)", line)
    return f"write = in place of the colon: {found[1]} = {found[2]}" if found else ""


def _remark(line: str) -> str:
    found = re.search(r"(//|;|%|--)", re.sub(r'"[^"]*"|\'[^\']*\'', "", line))
    if found is None:
        return ""
    if "[" in line:
        return "between the items of a list stand commas" if found[1] == ";" else ""
    return f"a remark begins with #, not with {found[1]}"


def _word(line: str) -> str:
    found = re.match(r"([\w.-]+)\s*=\s*([A-Za-z]+)\s*(#.*)?$", line)
    if found is None or found[2] not in _WORDS:
        return ""
    meant = _WORDS[found[2]]
    if not meant:
        return f"TOML has no {found[2]}; leave the key {found[1]} out"
    return f"write {found[1]} = {meant}"


def _decimal_comma(line: str) -> str:
    found = re.match(r"([\w.-]+)\s*=\s*([+-]?\d+),(\d+)\s*(#.*)?$", line)
    if found is None:
        return ""
    return f"write a decimal point: {found[1]} = {found[2]}.{found[3]}"


def _number(line: str) -> str:
    found = re.match(r"([\w.-]+)\s*=\s*([+-]?)(\d*\.?\d*)\s*([A-Za-zµμ%/°]*\d?)\s*(#.*)?$", line)
    if found is None or not found[3].strip("."):
        return ""
    digits = found[3].lstrip("0") or "0"
    digits = f"0{digits}" if digits.startswith(".") else digits
    plain = f"{found[2]}{digits}0" if digits.endswith(".") else f"{found[2]}{digits}"
    if found[4]:
        return f"write the number without its unit {found[4]}: {found[1]} = {plain}"
    return f"write {found[1]} = {plain}" if plain != found[2] + found[3] else ""


def _no_value(line: str) -> str:
    found = re.match(r"([\w.-]+)\s*=\s*(#.*)?$", line)
    return f"give {found[1]} a value, or leave the line out" if found else ""


def _no_quotes(line: str) -> str:
    found = re.match(r"([\w.-]+)\s*=\s*([^\W\d][^\"'\[\]{}=#]*?)\s*(#.*)?$", line)
    return f'put a text in quotes: {found[1]} = "{found[2]}"' if found else ""
