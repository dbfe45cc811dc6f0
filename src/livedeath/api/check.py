"""A declaration read over: a folder goes in, what it will cost and what is doubtful come out."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

from livedeath.model.doubts import disk_doubt, doubts
from livedeath.model.dry_run import DryRun, dry_run, refuse_what_cannot_be_kept
from livedeath.model.study import Study
from livedeath.run.priors import declared_in
from livedeath.store.declared import OTHER_FRAMES, takes_other_frames
from livedeath.store.journal import JOURNAL_FILE, Journal


@dataclasses.dataclass(frozen=True)
class Checked:
    """What a declaration comes to, before the first frame.

    Attributes
    ----------
    path : Path
        The ``study.toml``.
    study : Study
        What it declares.
    cost : DryRun
        Frames, hours, gigabytes, light and expected errors.
    disk_free_gb : float
        Free where the frames will be written.
    warnings : tuple of str
        What is allowed and doubtful, a sentence each.
    """

    path: Path
    study: Study
    cost: DryRun
    disk_free_gb: float
    warnings: tuple[str, ...]

    @property
    def arms(self) -> dict[str, dict[str, list[str]]]:
        """The wells and the units of each arm."""
        units = self.study.units()
        arms: dict[str, dict[str, list[str]]] = {}
        for place, arm in self.study.arms().items():
            entry = arms.setdefault(arm, {"wells": [], "units": []})
            entry["wells"].append("/".join(place))
            if units[place] not in entry["units"]:
                entry["units"].append(units[place])
        return arms

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "study": self.path.parent,
            "title": self.study.title,
            "fingerprint": self.study.fingerprint,
            **dataclasses.asdict(self.cost),
            "kept": self.cost.kept,
            "arms": self.arms,
            "declared": self.study.model_dump(mode="json"),
            "disk_free_gb": self.disk_free_gb,
            "warnings": list(self.warnings),
        }


def check(folder: Path | str) -> Checked:
    """Validate a declaration and make a dry run.

    Parameters
    ----------
    folder : path
        Of the study, or its ``study.toml``.

    Raises
    ------
    StoreError
        If there is no such file, or the priors it names cannot be read.
    StudyError
        If what is declared is not allowed, or its schedule cannot be kept.
    """
    path = Path(folder)
    path = path / "study.toml" if path.is_dir() else path
    study = Study.from_file(path)
    declared_in(path.parent, study.analysis.priors, study.endpoint)
    cost = dry_run(study)
    refuse_what_cannot_be_kept(cost, where=str(path))
    free_gb = shutil.disk_usage(path.absolute().parent).free / 1e9
    disk = disk_doubt(cost, free_gb, study.policies.disk_floor_gb)
    warnings = (*doubts(study, cost), *([disk] if disk else []), *_begun_otherwise(path, study))
    return Checked(path, study, cost, free_gb, warnings)


def _begun_otherwise(path: Path, study: Study) -> list[str]:
    """Say that frames were already taken of another declaration; nothing if they were not."""
    entries = Journal(path.parent / JOURNAL_FILE).read() if path.name == "study.toml" else []
    if not takes_other_frames(study, entries):
        return []
    return [
        f"{OTHER_FRAMES}, so 'livedeath acquire' will not go on with it; take the change back, or "
        "declare a new study in another folder"
    ]
