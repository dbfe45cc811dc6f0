"""A material becomes one page and the tables behind it.

The page is one file: figures and pictures lie inside it and nothing is fetched. The tables
are those that its curves and rows were drawn from.
"""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from livedeath.errors import OptionalDependencyError
from livedeath.reporting import examples, fields, figures, living, sections
from livedeath.reporting.from_table import gather_table, is_table_run
from livedeath.reporting.material import Material, gather
from livedeath.reporting.style import (
    ALIVE_ON_DARK,
    DEAD_ON_DARK,
    UNKNOWN_ON_DARK,
    arm_colours,
    to_svg,
)
from livedeath.reporting.truth import never_found, truth_figures, truth_rows
from livedeath.statistics import quality
from livedeath.statistics.estimate import ArmEstimate
from livedeath.statistics.survival import Survival, of_calls
from livedeath.store import durable
from livedeath.store.tables import write_table

logger = logging.getLogger(__name__)

TEMPLATE = "report.html.jinja"

NOTHING = "–"

Step = Callable[[str], None]


@dataclass(frozen=True)
class Findings:
    """What is computed once for the page, the tables and the command's answer."""

    survival: Survival
    sensitivity: quality.Sensitivity | None
    false_alarms: quality.FalseAlarms
    truth: dict[str, Any] | None

    @property
    def arms(self) -> tuple[ArmEstimate, ...]:
        """Survival per arm, control first."""
        return self.survival.groups


def find(material: Material) -> Findings:
    """Compute survival, comparisons, sensitivity and false alarms of a study."""
    unit = "as the table says" if material.from_table else "well"
    survival = of_calls(material.called, material.entries, unit=unit)
    alarms = quality.false_alarms(material.called, living.asked(material), living.null(material))
    found = quality.sensitivity(material.called)
    return Findings(survival, found, alarms, truth_figures(material))


def render(material: Material, findings: Findings, *, step: Step = lambda said: None) -> str:
    """Return the report as the text of one HTML page.

    Parameters
    ----------
    material : Material
        From `livedeath.reporting.material.gather`.
    findings : Findings
        From `find`.
    step : callable
        Called with a word before each part is made, for a progress bar.
    """
    step("figures")
    context = _numbers(material, findings)
    context["figures"] = _figures(material, findings.arms)
    step("examples")
    context["examples"] = examples.examples(material)
    context["trace_legend"] = examples.legend(material)
    step("fields")
    context["fields"] = fields.shown_fields(material)
    step("page")
    return str(_environment().get_template(TEMPLATE).render(**context))


def _environment() -> Any:  # noqa: ANN401 (jinja2 is optional)
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError:
        raise OptionalDependencyError("The report", "report") from None
    environment = Environment(
        loader=PackageLoader("livedeath.reporting", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(pct=percent, num=number, count=count, p=p_value, range=span)
    return environment


def _numbers(material: Material, findings: Findings) -> dict[str, Any]:
    arms = findings.arms
    flags, _, _ = sections.flag_shares(material)
    control = arms[0].group if arms else ""
    return {
        "study": material.study,
        "endpoint": material.endpoint.replace("_", " "),
        "further": sections.further(material),
        "other_endpoints": material.called.other_endpoints,
        "dates": sections.dates(material),
        "optics": sections.optics_line(material),
        "declaration_changes": sections.declaration_changes(material),
        "optics_changes": sections.optics_changes(material),
        "summary": sections.summary(material, arms),
        "arms": arms,
        "marks": _marks(arms),
        "control": control,
        "colours": arm_colours([arm.group for arm in arms], control),
        "states": {
            "alive": ALIVE_ON_DARK,
            "dead": DEAD_ON_DARK,
            "unknown": UNKNOWN_ON_DARK,
        },
        "sensitivity": findings.sensitivity,
        "never_found": never_found(findings.truth),
        "false_alarms": findings.false_alarms,
        "comparisons": findings.survival.comparisons,
        "whereabouts": sections.whereabouts(material, arms),
        "missed": sections.missed(material),
        "warnings": material.provenance.get("warnings", []),
        "unscored": sections.unscored(material),
        "flags": flags,
        "reviews": sections.reviews(material),
        "truth": truth_rows(findings.truth),
        "provenance": sections.provenance(material),
    }


def _marks(arms: tuple[ArmEstimate, ...]) -> list[float]:
    """Return the hours at which the arms' table states survival, at most three."""
    hours = [mark.hours for mark in arms[0].landmarks] if arms else []
    return hours if len(hours) <= 3 else [hours[0], hours[len(hours) // 2], hours[-1]]


def _figures(material: Material, arms: tuple[ArmEstimate, ...]) -> dict[str, Any]:
    names = [arm.group for arm in arms]
    colours = arm_colours(names, names[0] if names else "")
    watched = [arm for arm in arms if arm.n_neurons]
    made: dict[str, Any] = {"curves": "", "deaths": "", "plates": [], "flags": ""}
    if watched:
        made["curves"] = to_svg(
            figures.survival_curves(watched, material.table, colours),
            name="km",
            says=f"Survival over time of {', '.join(names)}",
        )
        made["deaths"] = to_svg(
            figures.deaths_per_hour(material.table, [a.group for a in watched], colours),
            name="deaths",
            says="Death rate over time, per arm",
        )
        made["plates"] = _plates(material, arms[0].horizon_h, colours)
    made["scale"] = to_svg(figures.survival_scale(), name="scale", says="Colour scale of survival")
    made["flags"] = _flag_figure(material)
    return made


def _plates(material: Material, horizon_h: float, colours: dict[str, str]) -> list[dict[str, Any]]:
    plates = []
    for vessel, found in sections.wells(material, horizon_h).items():
        shape = sections.plate_shape(material, vessel)
        if len(found) < 2 or shape == (1, 1):
            continue
        figure = figures.plate_map(found, shape, colours)
        says = f"Plate map of {vessel}: survival per well"
        plates.append(
            {
                "vessel": vessel,
                "hours": horizon_h,
                "svg": to_svg(figure, name=f"plate-{vessel}", says=says),
            }
        )
    return plates


def _flag_figure(material: Material) -> str:
    flags, hours, share = sections.flag_shares(material)
    varying = [i for i in range(len(flags)) if np.ptp(share[i]) > 0]
    if not varying or len(hours) < 2:
        return ""
    names = [flags[i]["name"] for i in varying]
    figure = figures.flag_map(names, hours, share[varying])
    return to_svg(figure, name="flags", says="Share of measurements with each flag over time")


def percent(value: float | None, digits: int = 1) -> str:
    """Write a share as percent; a dash where it is unknown."""
    return NOTHING if value is None or not np.isfinite(value) else f"{100 * value:.{digits}f} %"


def number(value: float | None, digits: int = 1) -> str:
    """Write a number with so many digits behind the point, thousands apart."""
    return (
        NOTHING
        if value is None or not np.isfinite(value)
        else f"{value:,.{digits}f}".replace("-", "−")
    )


def count(value: float | None) -> str:
    """Write a whole number, thousands apart."""
    return number(value, 0)


def p_value(value: float | None) -> str:
    """Write a p-value; below 0.001 only that."""
    if value is None or not np.isfinite(value):
        return NOTHING
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def span(low: float | None, high: float | None, digits: int = 1, scale: float = 1.0) -> str:
    """Write an interval; a dash where it is unknown."""
    if low is None or high is None or not (np.isfinite(low) and np.isfinite(high)):
        return NOTHING
    return f"{low * scale:.{digits}f} to {high * scale:.{digits}f}".replace("-", "−")


def report(
    folder: Path | str,
    *,
    out: Path | str | None = None,
    run: str | None = None,
    step: Step = lambda said: None,
) -> dict[str, Any]:
    """Report the study, or the scored table of traces, in a folder.

    Parameters
    ----------
    folder : path
        Folder of a study, or one written by ``livedeath score TRACES.csv``.
    out : path, optional
        Where to write; default: ``reports/<run>`` in the study, or beside the scored table.
    run : str, optional
        Name of the analysis; default: the latest.
    step : callable
        Called with a word before each part is made.

    Returns
    -------
    dict
        ``report``, the path of ``report.html``; ``tables``, the paths of ``arms.csv`` and
        ``survival.csv``; and the headline figures, with ``groups`` and ``comparisons`` as in
        ``livedeath survival --json``.

    Raises
    ------
    StoreError
        If there is no such folder or run.
    """
    path = Path(folder)
    target = None if out is None else durable.new_folder(Path(out))
    material = gather_table(path) if is_table_run(path) else gather(path, run=run)
    study = material.folder
    own = study.path if material.from_table else study.reports_dir / material.run.name
    made = write_report(material, own if target is None else target, step=step)
    logger.info("report of run %s: %s", material.run.name, made["report"])
    return made


def write_report(
    material: Material, out: Path, *, step: Step = lambda said: None
) -> dict[str, Any]:
    """Write ``report.html``, ``arms.csv`` and ``survival.csv`` into a folder.

    Parameters
    ----------
    material : Material
        From `livedeath.reporting.material.gather`.
    out : Path
        Folder; made if missing, files of these names are replaced.
    step : callable
        See `render`.

    Returns
    -------
    dict
        Paths and the headline figures.
    """
    step("survival")
    findings = find(material)
    page = render(material, findings, step=step)
    out.mkdir(parents=True, exist_ok=True)
    durable.write_text(out / "report.html", page)
    write_table(findings.survival.arms, out / "arms.csv")
    write_table(findings.survival.curves, out / "survival.csv")
    return _result(material, findings, out)


def _result(material: Material, findings: Findings, out: Path) -> dict[str, Any]:
    found, alarms = findings.sensitivity, findings.false_alarms
    return {
        "study": material.folder.path,
        "run": material.run.name,
        "report": out / "report.html",
        "tables": [out / "arms.csv", out / "survival.csv"],
        "endpoint": material.endpoint,
        **sections.summary(material, findings.arms),
        "sensitivity": None if found is None else found.share,
        "sensitivity_low": None if found is None else found.low,
        "sensitivity_high": None if found is None else found.high,
        "median_delay_h": None if found is None else found.delay_h,
        "found_so_far": None if found is None else found.found_so_far,
        "alarms": alarms.alarms,
        "taken_back": alarms.taken_back,
        "null": None if alarms.null is None else asdict(alarms.null),
        **findings.survival.to_dict(),
        "reviews": sections.reviews(material)["total"],
    }
