"""Declarations and log entries as tired people write them: each is valid but for one planted fault.

`verdict` says what the program does: "refuse" (exit status 2, one sentence), "warn" (exit status
0 and a note), "accept" (exit status 0 and no note). `says` are pieces, whatever their case, that
the sentence must hold (of "accept": the printed summary). The unmodified `BASES` are valid and give
no note. `note` says why where another verdict could be defended.
"""

# ruff: noqa: E501
# fmt: off

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Wrong:
    """A declaration with one fault."""

    id: str
    toml: str
    says: tuple[str, ...]
    verdict: str
    encoding: str = "utf-8"
    note: str = ""

    @property
    def content(self) -> bytes:
        """What stands in study.toml."""
        return self.toml.encode(self.encoding)


@dataclass(frozen=True)
class WrongLog:
    """A call of ``livedeath log DIR``; ``{1}`` stands for the id of the first entry made before."""

    id: str
    args: tuple[str, ...]
    says: tuple[str, ...]
    verdict: str
    base: str = "plate"
    before: tuple[tuple[str, ...], ...] = ()  # commands that succeed and come first
    note: str = ""


# ---------------------------------------------------------------- valid declarations

_OPTICS = """
[optics]
pixel_size_um = 0.65
image_shape_px = [1024, 1024]
bit_depth = 16

[optics.camera]
offset_adu = 100
gain_e_per_adu = 0.46

[[channels]]
name = "RFP"
role = "fill"
exposure_ms = 75

[[channels]]
name = "GEDI"
role = "indicator"
exposure_ms = 70
"""

_END = """
[end_kill]
at_h = 84.0
compound = "sodium azide"
dose = 0.2
unit = "%"
"""

# Two rats, each divided over both arms.
PLATE = f"""title = "Glutamate against vehicle"

[[vessels]]
id = "plate1"
wells = ["B2:C7"]
origin_um = [14380.0, 11240.0]

[[entities]]
id = "rat1"
kind = "animal"
wells = ["B2:B4", "C2:C4"]

[[entities]]
id = "rat2"
kind = "animal"
wells = ["B5:B7", "C5:C7"]
{_OPTICS}
[schedule]
interval_h = 2.0
duration_h = 96.0

[[interventions]]
kind = "vehicle"
wells = ["B2:B7"]

[[interventions]]
kind = "toxin"
compound = "glutamate"
dose = 10
unit = "uM"
wells = ["C2:C7"]
{_END}
[[comparisons]]
name = "glutamate"
control = "vehicle"
unit = "well"
block = "animal"
"""

# Two plates, each with both arms; a plate is a block.
TWO = f"""title = "Two plates"

[[vessels]]
id = "p1"
wells = ["B2:C4"]
origin_um = [14380.0, 11240.0]

[[vessels]]
id = "p2"
wells = ["B2:C4"]
origin_um = [14380.0, 131240.0]
{_OPTICS}
[schedule]
interval_h = 4.0
duration_h = 96.0

[[interventions]]
kind = "vehicle"
vessel = "p1"
wells = ["B2:B4"]

[[interventions]]
kind = "vehicle"
vessel = "p2"
wells = ["B2:B4"]

[[interventions]]
kind = "compound"
compound = "drug"
dose = 1
unit = "uM"
vessel = "p1"
wells = ["C2:C4"]

[[interventions]]
kind = "compound"
compound = "drug"
dose = 1
unit = "uM"
vessel = "p2"
wells = ["C2:C4"]
{_END}
[[comparisons]]
control = "vehicle"
treated = ["drug 1 uM"]
unit = "well"
block = "vessel"
"""

# Three animals of either genotype; the animal is the unit.
GENOTYPES = f"""title = "5xFAD against wild type"

[[vessels]]
id = "plate1"
wells = ["B2:C7"]
origin_um = [14380.0, 11240.0]

[[entities]]
id = "m1"
kind = "animal"
genotype = "wild type"
wells = ["B2:B3"]

[[entities]]
id = "m2"
kind = "animal"
genotype = "wild type"
wells = ["B4:B5"]

[[entities]]
id = "m3"
kind = "animal"
genotype = "wild type"
wells = ["B6:B7"]

[[entities]]
id = "m4"
kind = "animal"
genotype = "5xFAD"
wells = ["C2:C3"]

[[entities]]
id = "m5"
kind = "animal"
genotype = "5xFAD"
wells = ["C4:C5"]

[[entities]]
id = "m6"
kind = "animal"
genotype = "5xFAD"
wells = ["C6:C7"]
{_OPTICS}
[schedule]
interval_h = 2.0
duration_h = 96.0

[[interventions]]
kind = "vehicle"
wells = ["B2:C7"]
{_END}
[[comparisons]]
factor = "genotype"
control = "wild type"
treated = ["5xFAD"]
unit = "animal"
"""

# Mutant and wild-type neurons in the same wells.
MIXED = f"""title = "Co-culture"

[[vessels]]
id = "plate1"
wells = ["B2:C4"]
origin_um = [14380.0, 11240.0]

[[populations]]
name = "mutant"
marker = "BFP"
gate = "positive"
wells = ["B2:C4"]

[[populations]]
name = "wild type"
marker = "BFP"
gate = "negative"
{_OPTICS}
[[channels]]
name = "BFP"
role = "marker"
exposure_ms = 40
every = 12
wells = ["B2:C4"]

[schedule]
interval_h = 2.0
duration_h = 96.0
{_END}
[[comparisons]]
factor = "population"
control = "wild type"
treated = ["mutant"]
unit = "well"
"""

# The plate is brought to the microscope once a day.
BROUGHT = f"""title = "Brought once a day"

[[vessels]]
id = "plate1"
wells = ["B2:C4"]
origin_um = [14380.0, 11240.0]

[[sessions]]
id = "day1"
vessel = "plate1"
loaded_h = 24.0
removed_h = 26.0

[[sessions]]
id = "day2"
vessel = "plate1"
loaded_h = 48.0
removed_h = 50.0

[[sessions]]
id = "day3"
vessel = "plate1"
loaded_h = 72.0
removed_h = 74.0
{_OPTICS}
[schedule]
mode = "session"
start = 2026-03-02T09:00:00+01:00

[[interventions]]
kind = "vehicle"
wells = ["B2:B4"]

[[interventions]]
kind = "toxin"
compound = "glutamate"
dose = 10
unit = "uM"
wells = ["C2:C4"]

[end_kill]
at_h = 60.0

[[comparisons]]
control = "vehicle"
"""


def swap(base: str, *pairs: str, add: str = "") -> str:
    """The base with old, new, old, new … replaced (each old stands in it once) and text added."""
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        assert base.count(old) == 1, (base.count(old), old)
        base = base.replace(old, new)
    return base + add


def line(text: str, piece: str) -> str:
    """'line N' of the first line that holds the piece."""
    return f"line {text[: text.index(piece)].count(chr(10)) + 1}"


def plate(*pairs: str, add: str = "") -> str:
    return swap(PLATE, *pairs, add=add)


# Long-lived landmarks of the bases.
UNIT, BLOCK, CONTROL = 'unit = "well"', 'block = "animal"', 'control = "vehicle"'
INTERVAL, DURATION = "interval_h = 2.0", "duration_h = 96.0"
VEHICLE, DRUG = 'wells = ["B2:B7"]', 'wells = ["C2:C7"]'
RAT1, RAT2 = 'wells = ["B2:B4", "C2:C4"]', 'wells = ["B5:B7", "C5:C7"]'
GEDI, ROLE = 'name = "GEDI"', 'role = "indicator"'
DOSE, UNIT_UM = "dose = 10", 'unit = "uM"'
KILL = "at_h = 84.0"
PIXEL = "pixel_size_um = 0.65"
TITLE = 'title = "Glutamate against vehicle"'

WINDOW = "\n[[schedule.windows]]\nwells = {}\nfrom_h = {}\nto_h = {}\n"
EXCLUSION = '\n[[exclusions]]\nwells = {}\nfrom_h = {}\nwhy = "bubble"\n'
SESSION = '\n[[sessions]]\nid = "{}"\nvessel = "{}"\nloaded_h = {}\nremoved_h = {}\n'
CHANGE = '\n[[optics.changes]]\nat_h = {}\nobjective = "10x"\npixel_size_um = 1.3\n'
CHANNEL = '\n[[channels]]\nname = "{}"\nrole = "{}"\nexposure_ms = 40\n'


def adding(cases: list[Wrong]) -> Callable[..., None]:
    """Return what adds a case to a list: id, declaration, pieces of the sentence, verdict, note."""

    def case(id: str, toml: str, *says: str, verdict: str = "refuse", **more: str) -> None:
        cases.append(Wrong(id, toml, tuple(says), verdict, **more))

    return case


def with_dams(parents: tuple[str, ...], dams: tuple[str, ...] = ()) -> str:
    """GENOTYPES whose animals m1 to m6 have these dams, with the dam as the unit."""
    text = swap(GENOTYPES, 'unit = "animal"', 'unit = "dam"')
    for number, parent in enumerate(parents, 1):
        if parent:
            text = swap(text, f'id = "m{number}"', f'id = "m{number}"\nparent = "{parent}"')
    for dam in dams or sorted(set(parents) - {""}):
        text += f'\n[[entities]]\nid = "{dam}"\nkind = "dam"\n'
    return text


LOG_BASES = {
    "plate": PLATE,  # no clock: no schedule.start, never acquired
    "two": TWO,
    "past": plate(INTERVAL, INTERVAL + "\nstart = 2020-03-02T09:00:00+01:00"),
    "future": plate(INTERVAL, INTERVAL + "\nstart = 2099-03-02T09:00:00+01:00"),
}

# What the cases start from, and what they add, without a fault.
BASES = {
    "plate": PLATE,
    "two": TWO,
    "genotypes": GENOTYPES,
    "mixed": MIXED,
    "brought": BROUGHT,
    "past": LOG_BASES["past"],
    "future": LOG_BASES["future"],
    "window": plate(DURATION, DURATION + "\n" + WINDOW.format('["B2:C7"]', 0.0, 96.0)),
    "exclusion": plate(add=EXCLUSION.format('["B2"]', 30)),
    "session": plate(add=SESSION.format("day1", "plate1", 0.0, 96.0)),
    "change": plate(add=CHANGE.format(24.0) + CHANGE.format(48.0)),
    "channel": plate(add=CHANNEL.format("GFP", "marker")),
    "starts": plate(DRUG, DRUG + "\nstarts_h = { C2 = 26.0, C03 = 26.02 }\nstart_h = 26.5\nend_h = 50.0"),
    "actual": plate(DRUG, DRUG + "\nactual_start_h = 26.0\nactual_end_h = 50.0"),
    "origin": plate(BLOCK, BLOCK + '\norigin = "glutamate 10 uM"\ncovariates = ["fill_at_entry"]\nhorizon_h = 50'),
    "dams": with_dams(("d1", "d2", "d3", "d4", "d5", "d6")),
    "times": plate(INTERVAL + "\n" + DURATION, "times_h = [0, 24, 48, 96]"),
}
