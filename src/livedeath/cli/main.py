"""The command ``livedeath``: finds its commands, runs one, turns errors into sentences.

``livedeath --help`` answers at once: of the core's commands only the one that is called is
imported, and those of other packages import what they work with only when they run.

Exit status: 0 done; 2 the input is at fault; 3 the hardware gave up by the declared
policy; 130 interrupted and resumable; 1 a fault of the program itself.
"""

import importlib
import os
import sys
import traceback
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any, NoReturn

import typer

from livedeath._version import __version__
from livedeath.errors import HardwareError, LivedeathError, StoreError
from livedeath.store import durable, logfile

CORE_COMMANDS = {
    "new": "Make DIR with a commented study.toml.",
    "check": "Validate DIR/study.toml and make a dry run.",
    "log": "Say what was done to a study; nothing already written is changed.",
    "score": "Find neurons, follow them and say when each died.",
    "status": "Say how a study stands and what comes next.",
    "survival": "Survival per group with intervals and p-values that come from the units.",
    "report": "Write report.html, self-contained, and its tables.",
    "simulate": "Render a study with known deaths into DIR, its truth in truth.parquet.",
    "priors": "Write what a study learnt to a file for the next one, or show it.",
    "export": "Write the results of a study for other programs.",
    "doctor": "Say what is installed, what fits together and what is missing.",
}
"""Commands of the core, in the order of ``--help``, each with the first sentence of its help.

Each is a module of this package, which is imported when its command is called.
"""

COMMAND_GROUP = "livedeath.commands"
"""Entry-point group by which the other packages add theirs."""

COMPLETION = "_LIVEDEATH_COMPLETE"
"""Environment variable by which a shell asks what could come next."""

INTERRUPTED = 130

# Typer brings its own copy of Click in some versions and uses the installed one in others.
USAGE_ERROR: type[Any] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)
"""What Typer raises when the command line itself is wrong."""


def build_app(called: str | None = None) -> typer.Typer:
    """Return the application with every command that is installed.

    Parameters
    ----------
    called : str, optional
        The command that will be called; of the core's others only names and first sentences
        are known then. Default: all of them are loaded.
    """
    app = typer.Typer(
        name="livedeath",
        help="Measures the death of single neurons while it happens.",
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback(invoke_without_command=True)(_options)
    for name, sentence in CORE_COMMANDS.items():
        if called in (None, name):
            importlib.import_module(f"livedeath.cli.{name}").register(app)
        else:
            app.command(name, help=sentence)(_not_loaded)
    for entry in sorted(entry_points(group=COMMAND_GROUP), key=lambda entry: entry.name):
        _register(entry, app)
    return app


def _not_loaded() -> None:
    """Stand for a command that is only listed."""
    raise AssertionError("a command was called that was not loaded")


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its exit status."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    arguments : list of str, optional
        What follows ``livedeath``; default: the process's own.
    """
    given = sys.argv[1:] if arguments is None else arguments
    with logfile.keeping(next(iter(given), "livedeath")) as log:
        return _run(given or ["--help"], log)


def _run(given: list[str], log: logfile.StudyLog) -> int:
    try:
        app = build_app(_called(given))
        status = app(given, prog_name="livedeath", standalone_mode=False)
    except HardwareError as error:
        log.refused(error)
        return _say(f"{error}{_where(log)}", error.exit_status)
    except LivedeathError as error:
        log.refused(error)
        return _say(str(error), error.exit_status)
    except USAGE_ERROR as error:
        return _say(_usage(error, given), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except OSError as error:
        said = durable.complaint(error)
        log.fault() if said is None else log.refused(StoreError(said))
        return _say(_fault(error, log), 1) if said is None else _say(said, StoreError.exit_status)
    except Exception as error:  # noqa: BLE001 - the last line of defence; says whose fault it is
        log.fault()
        return _say(_fault(error, log), 1)
    if status == INTERRUPTED:  # also how typer itself answers Ctrl-C
        return _say("interrupted; the same command goes on from here.", INTERRUPTED)
    return status if isinstance(status, int) else 0


def _called(given: list[str]) -> str | None:
    """Return the word that names the command; None where a shell asks for completions."""
    if COMPLETION in os.environ:
        return None
    return next((word for word in given if not word.startswith("-")), "")


def _fault(error: Exception, log: logfile.StudyLog) -> str:
    """Say whose fault it is, and where its traceback stands: in the study, else above."""
    if log.written is None:
        traceback.print_exc()
        return "this is a fault of livedeath, please report it with the lines above."
    said = traceback.format_exception_only(error)[-1].strip()
    return f"this is a fault of livedeath ({said}), please report it with {log.written}."


def _where(log: logfile.StudyLog) -> str:
    return "" if log.written is None else f" (more in {log.written})"


def _say(sentence: str, status: int) -> int:
    sys.stderr.write(f"livedeath: {sentence}\n")
    return status


def _usage(error: Any, given: list[str]) -> str:  # noqa: ANN401 - see USAGE_ERROR
    """Return what is wrong with the command line in one sentence."""
    from livedeath.cli.usage import sentence

    return sentence(error, given)


def _options(
    version: Annotated[bool, typer.Option("--version", help="Say the version and end.")] = False,
) -> None:
    if version:
        sys.stdout.write(f"livedeath {__version__}\n")
        raise typer.Exit


def _register(entry: EntryPoint, app: typer.Typer) -> None:
    """Add another package's command; one that cannot load says so when it is called."""
    try:
        register: Callable[[typer.Typer], None] = entry.load()
    except (ImportError, AttributeError) as error:
        _register_broken(entry.name, f"{error}", app)
    else:
        register(app)


def _register_broken(name: str, reason: str, app: typer.Typer) -> None:
    @app.command(name, help=f"Not available here: {reason}.")
    def broken() -> None:
        raise LivedeathError(
            f"'livedeath {name}' cannot be loaded ({reason}); "
            f"install everything with: pip install 'livedeath[all]'"
        )
