"""Makes every picture of the documentation, from one run of the demonstration.

    python tools/make_pictures.py [--study DIR] [NAME ...]

Runs ``livedeath demo`` into a temporary folder (two minutes), or takes the study of an earlier
run, and writes ``docs/pictures``. Needs livedeath with all extras and a Qt binding, Chromium
for the pages, and a display or Xvfb for the window. Look at what it makes before it is kept.
"""

import argparse
import html
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

import livedeath as ld

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs/pictures"

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
PAGE_WIDTH = 1000
SHARPNESS = 2.0
"""Pixels per CSS pixel of a page's picture."""
COARSER = 1.4
"""The same where the page shows images, whose noise takes room."""
WATCHED_S = 25
"""How long a study is acquired before it is asked how it stands, seconds."""

MARGIN = 24
"""White around a page's picture, CSS pixels."""

TERMINAL_COLUMNS = 96
TERMINAL = TerminalTheme(
    (27, 32, 38),
    (222, 226, 230),
    [
        (60, 66, 74),
        (232, 105, 80),
        (87, 171, 90),
        (214, 170, 70),
        (94, 150, 214),
        (181, 126, 200),
        (86, 182, 194),
        (222, 226, 230),
    ],
)
# Without the fonts that rich would have a reader load from elsewhere.
TERMINAL_PAGE = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<style>
.{unique_id}-matrix {{
    font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
    font-size: {char_height}px; line-height: {line_height}px;
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""

REVIEW = """
import sys
from pathlib import Path

import napari
from qtpy.QtTest import QTest

from napari_livedeath.source import StudySource
from napari_livedeath.widgets import ReviewWidget, arrange

study, picture = map(Path, sys.argv[1:3])
viewer = napari.Viewer(title="livedeath review", show=False)
widget = ReviewWidget(viewer)
viewer.window.add_dock_widget(widget, name="Review death calls", area="right")
widget.begin(StudySource.open(study), "Anna")
viewer.show()
window = widget.window()
window.resize(1500, 860)
window.activateWindow()
QTest.qWaitForWindowActive(window)
arrange(widget)

def wait_until_painted():
    for _ in range(200):
        QTest.qWait(50)
        if widget.ready:
            return

for key in "jnjjkjuj":
    wait_until_painted()
    QTest.keyClick(window, key)
wait_until_painted()
shown = [item.neuron_id for item in widget.session.queue].index(int(sys.argv[3]))
widget.step(shown - widget.session.position)
wait_until_painted()
QTest.qWait(1500)
window.grab().save(str(picture))
viewer.close()
"""


Take = Callable[[ld.OpenStudy, Path], None]
"""Makes one picture from the study, into a file."""


def a_dead_neuron(study: ld.OpenStudy) -> int:
    """Return the neuron that is shown: bright, well inside its field, died in the first half."""
    first = study.traces().filter(pl.col("t") == 0)
    side = study.study.optics.image_shape_px[0]
    inside = pl.all_horizontal(pl.col("y_px", "x_px").is_between(0.3 * side, 0.7 * side))
    shown = study.calls().join(first.filter(inside).select("neuron_id"), on="neuron_id")
    dead = shown.filter((pl.col("outcome") == "dead") & pl.col("death_h").is_between(5, 9))
    return int(dead.sort("fill")["neuron_id"][-1])


def survival_curve(study: ld.OpenStudy, out: Path) -> None:
    """Draw survival per arm, as a notebook does."""
    ld.plot_survival(study.survival()).savefig(out, dpi=150)


def neuron(study: ld.OpenStudy, out: Path) -> None:
    """Draw a neuron's strip over its trace, as a notebook does."""
    study.plot_neuron(a_dead_neuron(study)).savefig(out, dpi=130)
    smaller(out, rare=True)


def strip(study: ld.OpenStudy, out: Path) -> None:
    """Write a neuron's strip alone, each pixel twice as wide."""
    picture = study.strip(a_dead_neuron(study)).picture()
    Image.fromarray(picture.repeat(2, axis=0).repeat(2, axis=1)).save(out, optimize=True)


def report_part(*headings: str, of: int | None = None, images: bool = False) -> Take:
    """Return what takes a picture of a report.

    Parameters
    ----------
    headings : str
        Its sections that are shown; "" is its head.
    of : int, optional
        How many examples or fields of a section are shown; default: all.
    images : bool
        Whether it shows images beside words and lines.
    """

    def take(study: ld.OpenStudy, out: Path) -> None:
        said = ld.report(study.path)
        page = Path(said["report"]).read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            part = Path(folder) / "part.html"
            part.write_text(only(page, headings, of), encoding="utf-8")
            photograph(part, out, sharpness=COARSER if images else SHARPNESS)
        smaller(out, rare=images)

    return take


def only(page: str, headings: tuple[str, ...], of: int | None) -> str:
    """Return a report with nothing but some of its sections."""

    def kept(section: re.Match[str]) -> str:
        title = re.search(r"<h2[^>]*>\s*([^<]*?)\s*<", section[0])
        return section[0] if title and html.unescape(title[1]) in headings else ""

    found = re.sub(r"<section.*?</section>", kept, page, flags=re.DOTALL)
    missing = [heading for heading in headings if heading and heading not in html.unescape(found)]
    if missing:
        raise SystemExit(f"the report has no section {missing[0]!r}; change make_pictures.py.")
    hidden = ["footer"] + ([] if "" in headings else ["header"])
    hidden += [f".{kind}:nth-of-type(n+{of + 1})" for kind in ("neuron", "field") if of]
    rules = f"{', '.join(hidden)} {{ display: none }} body {{ padding-top: {2 * MARGIN}px }}"
    if "" not in headings:
        rules += " h2 { border-top: 0; padding-top: 0 }"
    return found.replace("</head>", f"<style>{rules}</style></head>")


def photograph(page: Path, out: Path, *, sharpness: float, height: int = 3000) -> None:
    """Take a picture of a page by a browser without a window, cut where the page ends."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise SystemExit(f"no browser is installed; one of {', '.join(BROWSERS)} is needed.")
    said = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    said += [f"--window-size={PAGE_WIDTH},{height}", f"--force-device-scale-factor={sharpness}"]
    subprocess.run(
        [*said, f"--screenshot={out}", page.as_uri()], check=True, capture_output=True, timeout=120
    )
    cut(Image.open(out).convert("RGB"), round(MARGIN * sharpness)).save(out)


def cut(picture: Image.Image, margin: int) -> Image.Image:
    """Cut a picture to what differs from its lower right corner, and a margin."""
    pixels = np.asarray(picture).astype(int)
    drawn = np.abs(pixels - pixels[-1, -1]).max(axis=2) > 4
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    return picture.crop(
        (
            max(columns[0] - margin, 0),
            max(rows[0] - margin, 0),
            min(columns[-1] + margin, picture.width),
            min(rows[-1] + margin, picture.height),
        )
    )


def smaller(picture: Path, *, rare: bool = False) -> None:
    """Keep 256 colours of a picture: the common ones, or also the rare ones among greys."""
    method = Image.Quantize.FASTOCTREE if rare else Image.Quantize.MEDIANCUT
    few = Image.open(picture).convert("RGB").quantize(256, method, dither=Image.Dither.NONE)
    few.save(picture, optimize=True)


def window(study: ld.OpenStudy, out: Path) -> None:
    """Take a picture of the review window, on a display of its own where there is none."""
    own = [] if os.environ.get("DISPLAY") or os.name == "nt" else ["xvfb-run", "-a", "-s"]
    own += ["-screen 0 1600x1000x24"] if own else []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(study.path, Path(folder) / "demo"))
        settings = {"NAPARI_CONFIG": str(Path(folder) / "napari.yaml")}
        screen = {"QT_QPA_PLATFORM": "xcb"} if sys.platform.startswith("linux") else {}
        subprocess.run(
            [*own, sys.executable, "-c", REVIEW, str(copy), str(out), f"{a_dead_neuron(study)}"],
            check=True,
            capture_output=True,
            timeout=300,
            env=os.environ | settings | screen,
        )
    smaller(out, rare=True)


def terminal(*words: str) -> Take:
    """Return what takes a picture of a command in a terminal, run beside the study."""

    def take(study: ld.OpenStudy, out: Path) -> None:
        said = subprocess.run(
            [sys.executable, "-m", "livedeath", *words],
            check=True,
            capture_output=True,
            text=True,
            cwd=study.path.parent,
            env=os.environ | {"COLUMNS": str(TERMINAL_COLUMNS)},
        )
        console = Console(record=True, width=TERMINAL_COLUMNS, file=open(os.devnull, "w"))
        console.print(Text(f"$ livedeath {' '.join(words)}", style="bold green"))
        # The name of the machine is nobody's business.
        console.print(Text.from_ansi(said.stdout.replace(platform.node(), "scope-pc").rstrip()))
        console.save_svg(str(out), title="", theme=TERMINAL, code_format=TERMINAL_PAGE)

    return take


def status(study: ld.OpenStudy, out: Path) -> None:
    """Take a picture of how a study stands that is being acquired."""
    running = study.path.parent / "myplate"
    running.mkdir()
    shutil.copy(study.path / "study.toml", running)
    acquiring = subprocess.Popen(
        [sys.executable, "-m", "livedeath", "acquire", str(running)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(WATCHED_S)
        terminal("status", "myplate")(study, out)
    finally:
        acquiring.send_signal(signal.SIGINT)
        acquiring.wait(60)
        shutil.rmtree(running, ignore_errors=True)


MADE: dict[str, Take] = {
    "survival.png": survival_curve,
    "neuron.png": neuron,
    "strip.png": strip,
    "report-head.png": report_part("", "Can these calls be trusted?"),
    "report-survival.png": report_part("Survival"),
    "report-plate.png": report_part("Where on the plate"),
    "report-dying.png": report_part("Neurons dying", of=4, images=True),
    "report-found.png": report_part("Neurons found and followed", of=1, images=True),
    "review.png": window,
    "check.svg": terminal("check", "demo"),
    "status.svg": status,
}
"""Every picture by its name."""


def main() -> None:
    """Make all pictures, or those that are named."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--study", type=Path, help="a study that 'livedeath demo' left")
    asked.add_argument("names", nargs="*", choices=[*MADE, []], metavar="NAME")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        demo = Path(folder) / "demo"
        if given.study:
            shutil.copytree(given.study, demo)
        else:
            subprocess.run(
                [sys.executable, "-m", "livedeath", "demo", "--out", str(demo)], check=True
            )
        study = ld.open_study(demo)
        PICTURES.mkdir(exist_ok=True)
        for name in given.names or MADE:
            MADE[name](study, PICTURES / name)
            sys.stdout.write(f"{name}: {(PICTURES / name).stat().st_size / 1e3:.0f} kB\n")


if __name__ == "__main__":
    main()
