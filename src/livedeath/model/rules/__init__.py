"""The rules of a study: what contradicts itself is refused before the first frame.

A declaration whose parts are right by themselves goes in; the first contradiction between
them is raised in one sentence: where, what was given, what is allowed, what to do.
"""

from livedeath.model.declaration import Declaration
from livedeath.model.rules import channels, compared, hours, names, size, wells


def refuse_contradictions(study: Declaration) -> None:
    """Check every rule, those first on which others rest.

    Parameters
    ----------
    study : Declaration
        Its parts are valid by themselves.

    Raises
    ------
    StudyError
        With the first contradiction.
    """
    names.check(study)
    channels.check(study)
    wells.check(study)
    hours.check(study)
    size.check(study)
    compared.check(study)
