"""Commented studies to start from; each is a file ``<name>.toml`` beside this one."""

from importlib import resources

from livedeath.errors import StudyError

DEFAULT = "plate"


def names() -> list[str]:
    """Return the names of the templates, the default first."""
    files = (entry.name for entry in resources.files(__name__).iterdir())
    found = sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml"))
    return [DEFAULT, *(name for name in found if name != DEFAULT)]


def text(name: str) -> str:
    """Return a template's TOML text, comments included.

    Raises
    ------
    StudyError
        If there is no template of that name.
    """
    if name not in names():
        raise StudyError(f"there is no template {name!r}; there are {', '.join(names())}")
    return (resources.files(__name__) / f"{name}.toml").read_text(encoding="utf-8")


def summary(name: str) -> str:
    """Return the first comment of a template, which says what it is for."""
    return text(name).splitlines()[0].removeprefix("# ")
