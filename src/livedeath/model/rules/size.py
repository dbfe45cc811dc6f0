"""Size: how many visits there are, by arithmetic, before anything is enumerated."""

from livedeath.errors import StudyError
from livedeath.model.declaration import Declaration
from livedeath.model.rounds import n_visits, round_hours

MAX_VISITS = 2_000_000
"""Visits of one study: two a second, which no stage keeps up, for eleven days.

A 384-well plate with nine fields in each well, every hour for twenty days, has 1.7 million.
"""


def check(study: Declaration) -> None:
    """Refuse a schedule that could only be a slip."""
    visits = n_visits(study)
    if visits > MAX_VISITS:
        rounds = len(round_hours(study))
        interval = study.schedule.interval_h
        every = f" every {interval * 3600:g} s" if interval else ""
        raise StudyError(
            f"schedule: {rounds:,} rounds{every} are {visits:,} visits of fields; at most "
            f"{MAX_VISITS:,} can be planned; visit less often, shorter, or fewer fields"
        )
