"""What can go wrong, sorted by what the user can do about it.

Every message is one sentence that says where, what was given, what is allowed and what
to do. The command line prints it and ends with the class's ``exit_status``; a traceback
is shown only for faults of the program itself.
"""

import os
import re

_PLAIN_WORD = re.compile(r"[\w./:\\+-]+" if os.name == "nt" else r"[\w./:+-]+")
"""What every shell takes as it stands, letters of any language among it."""

_SPECIAL_IN_QUOTES = frozenset('"$`\\!')
"""What a POSIX shell does not take as it stands between double quotes."""


def command(name: str, *rest: object) -> str:
    """Return a command as it can be copied from a message and pasted into a terminal.

    Parameters
    ----------
    name : str
        Of the command, like ``score``.
    *rest : object
        What follows it, folders among it; each is one word for the shell.

    Returns
    -------
    str
        Like ``livedeath log "my plate 1" list``. Double quotes mean the same to a POSIX shell,
        to PowerShell and to the Windows prompt.
    """
    return " ".join(["livedeath", name, *(_word(str(part)) for part in rest)])


def _word(said: str) -> str:
    if _PLAIN_WORD.fullmatch(said):
        return said
    if os.name != "nt" and _SPECIAL_IN_QUOTES & set(said):
        import shlex

        return shlex.quote(said)
    return f'"{said}"'


class LivedeathError(Exception):
    """Root of all errors that livedeath raises on purpose."""

    exit_status = 2


class StudyError(LivedeathError):
    """The declaration of a study is at fault."""


class FrameError(LivedeathError):
    """A frame, an image or a recording is at fault."""


class TableError(LivedeathError):
    """A table given as input is at fault."""


class StoreError(LivedeathError):
    """A file or folder is missing, unreadable, in the way, or of another version."""


class OptionalDependencyError(LivedeathError):
    """A part of livedeath was asked for that is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} needs packages that are not installed; install them with: "
            f"pip install 'livedeath[{extra}]'"
        )


class HardwareError(LivedeathError):
    """The microscope gave up, by the policy that the study declares."""

    exit_status = 3
