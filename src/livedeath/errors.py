"""What can go wrong, sorted by what the user can do about it.

Every message is one sentence that says where, what was given, what is allowed and what
to do. The command line prints it and ends with the class's ``exit_status``; a traceback
is shown only for faults of the program itself.
"""


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
