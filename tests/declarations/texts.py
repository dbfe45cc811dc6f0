"""Declarations that are no TOML, hold no numbers, or say what no schedule can be."""

# ruff: noqa: E501
# fmt: off

from declarations import (
    CONTROL,
    DRUG,
    DURATION,
    GEDI,
    GENOTYPES,
    INTERVAL,
    KILL,
    PIXEL,
    PLATE,
    TITLE,
    TWO,
    UNIT_UM,
    VEHICLE,
    Wrong,
    adding,
    line,
    plate,
    swap,
)

CASES: list[Wrong] = []


case = adding(CASES)

# schedule

case("duration-below-interval", plate(DURATION, "duration_h = 1.5", KILL, "at_h = 1.0"), "schedule", "1.5", "2")
case("duration-and-interval-swapped", plate(INTERVAL, "interval_h = 96.0", DURATION, "duration_h = 2.0", KILL, "at_h = 1.0"), "schedule", "96", "2")
case("interval-zero", plate(INTERVAL, "interval_h = 0"), "interval_h", "0")
case("interval-zero-float", plate(INTERVAL, "interval_h = 0.0"), "interval_h", "0")
case("interval-negative", plate(INTERVAL, "interval_h = -2.0"), "interval_h", "-2")
case("interval-missing", plate(INTERVAL + "\n", ""), "schedule", "interval_h")
case("duration-missing", plate(DURATION + "\n", ""), "schedule", "duration_h")
case("times-and-interval", plate(DURATION, "times_h = [0, 24, 96]"), "schedule", "times_h", "interval_h")
case("times-and-interval-and-duration", plate(DURATION, DURATION + "\ntimes_h = [0, 24, 96]"), "schedule", "times_h", "interval_h")
case("times-and-duration", plate(INTERVAL, "times_h = [0, 24, 96]"), "schedule", "times_h", "duration_h", note="both end at 96: accepting would do as well")
case("times-decreasing", plate(INTERVAL + "\n" + DURATION, "times_h = [0, 24, 12, 48, 96]"), "times_h", "24", "12")
case("times-equal", plate(INTERVAL + "\n" + DURATION, "times_h = [0, 24, 24, 96]"), "times_h", "24")
case("times-negative", plate(INTERVAL + "\n" + DURATION, "times_h = [-2, 0, 24, 96]"), "times_h", "-2")
case("times-empty", plate(INTERVAL + "\n" + DURATION, "times_h = []"), "schedule", "times_h")
case("times-as-text", plate(INTERVAL + "\n" + DURATION, 'times_h = "0,24,96"'), "schedule", "times_h", "0,24,96")
case("visits-twenty-million", plate(INTERVAL, "interval_h = 0.0001", DURATION, "duration_h = 2000.0"), "schedule", "0.0001", "2000")
case("visits-hours-for-seconds", plate(INTERVAL, "interval_h = 0.001", DURATION, "duration_h = 8760"), "schedule", "0.001", "8760")
case("visits-minute-interval-tiny", plate(INTERVAL, "interval_h = 1e-300"), "schedule", "1e-300")
case("duration-huge", plate(DURATION, "duration_h = 1e300"), "schedule", "1e+300")
case("round-longer-than-interval", plate(INTERVAL, "interval_h = 0.0025", DURATION, "duration_h = 10", KILL, "at_h = 9.0"), "round", "9 s")
case("mode-typo", plate(INTERVAL, INTERVAL + '\nmode = "intervall"'), "schedule", "mode", "intervall", "'interval'")
case("start-without-zone", plate(INTERVAL, INTERVAL + "\nstart = 2026-03-02T09:00:00"), "schedule", "start", "zone")
case("start-date-only", plate(INTERVAL, INTERVAL + "\nstart = 2026-03-02"), "schedule", "start", "2026-03-02")
case("start-german", plate(INTERVAL, INTERVAL + '\nstart = "02.03.2026 9:00"'), "schedule", "start", "02.03.2026 9:00")
case("start-number", plate(INTERVAL, INTERVAL + "\nstart = 9.5"), "schedule", "start", "9.5")


# TOML

_T = plate(INTERVAL, "interval_h = 0,5")
case("toml-decimal-comma", _T, line(_T, "0,5"), "0,5", "0.5")
_T = plate(PIXEL, "pixel_size_um = 0,65")
case("toml-decimal-comma-pixel", _T, line(_T, "0,65"), "0,65", "0.65")
_T = plate("[1024, 1024]", "[1.024,0; 1.024,0]")
case("toml-semicolon", _T, line(_T, "1.024"))
_T = plate(GEDI, "name = “GEDI”")
case("toml-curly-quotes", _T, line(_T, "“"), "“", "quote")
_T = plate(TITLE, "title = „Glutamat“")
case("toml-german-quotes", _T, line(_T, "„"), "„", "quote")
_T = plate(TITLE, 'title = "Glutamate”')
case("toml-one-curly-quote", _T, line(_T, "”"))
_T = plate(TITLE, TITLE + '\ndescription = "C:\\Users\\x"')
case("toml-windows-path", _T, line(_T, "C:"), "backslash")
_T = plate(TITLE, TITLE + '\ndescription = "D:\\data\\plate1"')
case("toml-windows-path-escape", _T, line(_T, "D:"), "backslash")
_T = plate(TITLE, TITLE + '\ndescription = "D:\\new\\test"')
case("toml-windows-path-silent", _T, "description", verdict="warn", note="\\n and \\t are valid escapes: a new line and a tab get into the text unseen")
_T = plate(VEHICLE, 'wells = ["B2:B7"')
case("toml-bracket-missing", _T, "line", "]")
_T = plate("[schedule]", "[schedule")
case("toml-table-bracket-missing", _T, line(_T, "[schedule"), "]")
_T = plate("[[vessels]]", "[[vessels]")
case("toml-table-brackets-uneven", _T, line(_T, "[[vessels]"), "[[vessels]]")
_T = plate(add="\n[optics]\nobjective = '20x'\n")
case("toml-table-twice", _T, "line", "optics")
_T = plate(add="\n[schedule]\ninterval_h = 1.0\n")
case("toml-table-twice-schedule", _T, "line", "schedule")
_T = plate(INTERVAL, "interval_h = 2.0\ninterval_h = 4.0")
case("toml-key-twice", _T, line(_T, "interval_h = 4.0"), "interval_h")
_T = plate(GEDI, 'name = "GEDI"\nname = "GFP"')
case("toml-key-twice-name", _T, line(_T, "GFP"), "name")
_T = plate("bit_depth = 16", "bit_depth = True")
case("toml-True", _T, line(_T, "True"), "true")
_T = plate("bit_depth = 16", "bit_depth = None")
case("toml-None", _T, line(_T, "None"), "none")
_T = plate("exposure_ms = 75", "exposure_ms: 75")
case("toml-colon", _T, line(_T, "exposure_ms: 75"), "=")
_T = plate('role = "fill"', "role = fill")
case("toml-no-quotes", _T, line(_T, "= fill"), "fill", "quote")
_T = plate(TITLE, "title = Glutamate against vehicle")
case("toml-no-quotes-title", _T, "line 1", "quote")
_T = plate(TITLE, 'title = "Glutamate against vehicle')
case("toml-quote-not-closed", _T, "line 1", "quote")
_T = plate(INTERVAL, "interval_h = 6h")
case("toml-hours-6h", _T, line(_T, "6h"), "6h")
_T = plate(INTERVAL, "interval_h = .5")
case("toml-no-leading-zero", _T, line(_T, ".5"), "0.5")
_T = plate(INTERVAL, "interval_h =")
case("toml-no-value", _T, line(_T, "interval_h ="), "interval_h")
_T = plate(INTERVAL, "interval_h = 2.0 // hours")
case("toml-slashes", _T, line(_T, "//"), "#")
_T = plate(INTERVAL, "interval_h =　2.0")
case("toml-full-width-space", _T, line(_T, "　"))
_T = plate("exposure_ms = 75", "exposure_ms = ７５")
case("toml-full-width-digits", _T, line(_T, "７５"), "７５")
_T = plate("exposure_ms = 75", "exposure_ms\u00a0= 75")
case("toml-hard-space", _T, line(_T, "\u00a0"))
case("toml-empty", "", "empty")
case("toml-blank", "\n  \n# study\n", "empty")
case("toml-binary", "PK\x03\x04\x14\x00\x06\x00", "toml", note="an Excel file saved as study.toml")
case("toml-utf16", PLATE, "utf-8", encoding="utf-16")
case("toml-utf16-japanese", plate(TITLE, 'title = "グルタミン酸"'), "utf-8", encoding="utf-16-le")
case("toml-cp932", plate(TITLE, 'title = "グルタミン酸"'), "utf-8", encoding="cp932")
case("toml-latin1", plate(UNIT_UM, 'unit = "µM"'), "utf-8", encoding="latin-1")
case("toml-bom", "\ufeff" + PLATE, "6 wells", verdict="accept")
case("toml-crlf", PLATE.replace("\n", "\r\n"), "6 wells", verdict="accept")
case("toml-bom-crlf", "\ufeff" + PLATE.replace("\n", "\r\n"), "6 wells", verdict="accept")
case("toml-tabs", PLATE.replace(" = ", "\t=\t"), "6 wells", verdict="accept")
case("toml-no-last-newline", PLATE.rstrip("\n"), "6 wells", verdict="accept")
case("toml-cr-only", PLATE.replace("\n", "\r"), "6 wells", verdict="accept", note="line ends of an old Macintosh; refusing would do as well")
case("toml-json", '{"title": "x"}', "line 1")


# numbers

case("number-text", plate(INTERVAL, 'interval_h = "0.5"'), "interval_h", "0.5", note="the quotes are the fault: a text, not a number")
case("number-text-pixel", plate(PIXEL, 'pixel_size_um = "0.65"'), "pixel_size_um", "0.65")
case("number-text-exposure", plate("exposure_ms = 75", 'exposure_ms = "75 ms"'), "channel", "exposure_ms", "75 ms")
case("number-text-comma", plate(INTERVAL, 'interval_h = "0,5"'), "interval_h", "0,5")
case("number-hours-h", plate(INTERVAL, 'interval_h = "6h"'), "interval_h", "6h")
case("number-hours-h-kill", plate(KILL, 'at_h = "72 h"'), "end_kill", "at_h", "72 h")
case("number-clock", plate(INTERVAL, "interval_h = 02:00:00"), "interval_h", "02:00", note="a valid TOML time")
case("number-true", plate('wells = ["B2:C7"]', 'wells = ["B2:C7"]\nfields_per_well = true'), "fields_per_well", "true")
case("number-true-exposure", plate("exposure_ms = 75", "exposure_ms = true"), "exposure_ms", "true")
case("number-nan-interval", plate(INTERVAL, "interval_h = nan"), "interval_h", "nan")
case("number-inf-duration", plate(DURATION, "duration_h = inf"), "duration_h", "inf")
case("number-nan-pixel", plate(PIXEL, "pixel_size_um = nan"), "pixel_size_um", "nan")
case("number-inf-times", plate(INTERVAL + "\n" + DURATION, "times_h = [0, 24, 96, inf]"), "times_h", "inf")
case("number-nan-origin", plate("[14380.0, 11240.0]", "[14380.0, nan]"), "origin_um", "nan")
case("pixel-zero", plate(PIXEL, "pixel_size_um = 0"), "pixel_size_um", "0")
case("pixel-negative", plate(PIXEL, "pixel_size_um = -0.65"), "pixel_size_um", "-0.65")
case("pixel-nanometres", plate(PIXEL, "pixel_size_um = 650"), "pixel_size_um", "650", "100")
case("pixel-of-the-camera", plate(PIXEL, "pixel_size_um = 6.5"), "pixel", "6.5", verdict="warn", note="a soma of 16 um is 2.5 pixels: the pixel of the chip, not of the specimen; refusing would do as well")
case("exposure-zero", plate("exposure_ms = 75", "exposure_ms = 0"), "channel", "exposure_ms", "0")
case("exposure-negative", plate("exposure_ms = 75", "exposure_ms = -75"), "channel", "exposure_ms", "-75")
case("gain-negative", plate("gain_e_per_adu = 0.46", "gain_e_per_adu = -0.46"), "gain_e_per_adu", "-0.46")
case("gain-zero", plate("gain_e_per_adu = 0.46", "gain_e_per_adu = 0"), "gain_e_per_adu", "0")
case("offset-above-depth", plate("offset_adu = 100", "offset_adu = 70000"), "offset_adu", "70000", "65535")
case("offset-negative", plate("offset_adu = 100", "offset_adu = -100"), "offset_adu", "-100")
case("saturation-above-depth", plate("offset_adu = 100", "offset_adu = 100\nsaturation_adu = 100000"), "saturation_adu", "100000", "65535")
case("saturation-below-offset", plate("offset_adu = 100", "offset_adu = 100\nsaturation_adu = 50"), "saturation_adu", "50", "100")
case("bit-depth-40", plate("bit_depth = 16", "bit_depth = 40"), "bit_depth", "40", "16")
case("bit-depth-10", plate("bit_depth = 16", "bit_depth = 10"), "bit_depth", "10", "12")
case("shape-one-number", plate("image_shape_px = [1024, 1024]", "image_shape_px = 1024"), "image_shape_px", "1024")
case("shape-three", plate("[1024, 1024]", "[2, 1024, 1024]"), "image_shape_px", "2")
case("shape-fraction", plate("[1024, 1024]", "[1024.5, 1024]"), "image_shape_px", "1024.5")
case("shape-tiny", plate("[1024, 1024]", "[10, 1024]"), "image_shape_px", "10", "16")
case("shape-huge", plate("[1024, 1024]", "[1024000, 1024000]"), "image_shape_px", "1024000")
case("fields-zero", plate('wells = ["B2:C7"]', 'wells = ["B2:C7"]\nfields_per_well = 0'), "fields_per_well", "0")
case("fields-half", plate('wells = ["B2:C7"]', 'wells = ["B2:C7"]\nfields_per_well = 2.5'), "fields_per_well", "2.5")
case("overlap-percent", plate('wells = ["B2:C7"]', 'wells = ["B2:C7"]\nfield_overlap = 10'), "field_overlap", "10", "0.9")
case("every-zero", plate("exposure_ms = 70", "exposure_ms = 70\nevery = 0"), "channel", "every", "0")
case("light-percent-120", plate("exposure_ms = 70", "exposure_ms = 70\nlight_percent = 120"), "channel", "light_percent", "120")
case("planes-falling", plate(add="\n[focus]\nplanes_um = [2.0, 0.0, -2.0]\n"), "planes_um", "2")


# keys and names

case("key-exposure", plate("exposure_ms = 75", "exposure = 75"), "channel", "'exposure'", "'exposure_ms'")
case("key-interval", plate(INTERVAL, "interval = 2.0"), "schedule", "'interval'", "'interval_h'")
case("key-pixel-micro", plate(PIXEL, '"pixel_size_µm" = 0.65'), "optics", "pixel_size_µm", "'pixel_size_um'")
case("key-table", plate("[schedule]", "[schedul]"), "'schedul'", "'schedule'")
case("key-table-singular", plate("[[vessels]]", "[[vessel]]"), "'vessel'", "'vessels'")
case("key-below-wrong-table", plate(add="duration_h = 96.0\n"), "comparison", "duration_h", "schedule", note="a key added at the end of the file belongs to the last table; 'schedule' is where it is known")
case("title-missing", plate(TITLE + "\n", ""), "title")
case("schema-version-2", plate(TITLE, TITLE + "\nschema_version = 2"), "schema_version", "2", "1")
case("entity-parent-unknown", plate('id = "rat2"', 'id = "rat2"\nparent = "dam1"'), "entit", "rat2", "dam1")
case("entity-own-parent", plate('id = "rat2"', 'id = "rat2"\nparent = "rat2"'), "entit", "rat2")
case("entity-twice", plate('id = "rat2"', 'id = "rat1"'), "rat1")
case("entity-kind-typo", plate('id = "rat2"\nkind = "animal"', 'id = "rat2"\nkind = "rat"'), "entit", "kind", "'rat'", "animal")
case("vessel-twice", swap(TWO, 'id = "p2"', 'id = "p1"'), "vessel", "p1")
case("light-budget-below-visit", plate(add="\n[light]\nbudget_ms_per_field = 100\n"), "budget", "100", "145", verdict="warn", note="the light is counted when it is given")


# Japanese and the like

case("japanese-title", plate(TITLE, 'title = "グルタミン酸と対照"'), "グルタミン酸と対照", verdict="accept")
case("japanese-compound", plate('compound = "glutamate"', 'compound = "グルタミン酸"'), "グルタミン酸 10 um", verdict="accept")
case("japanese-arm", plate(VEHICLE, VEHICLE + '\narm = "対照"', CONTROL, 'control = "対照"'), "対照", verdict="accept")
case("japanese-entities", plate('id = "rat1"', 'id = "ラット１"', 'id = "rat2"', 'id = "ラット２"'), "ラット２", verdict="accept")
case("japanese-channel", plate(GEDI, 'name = "緑"'), "緑", verdict="accept")
case("japanese-note", plate(DRUG, DRUG + '\nnote = "佐藤が手で加えた"'), "6 wells", verdict="accept")
case("japanese-control-typo", plate(VEHICLE, VEHICLE + '\narm = "対照群"', CONTROL, 'control = "対照"'), "comparison", "対照", "対照群")
case("french-genotype", GENOTYPES.replace('"wild type"', '"type sauvage (été)"'), "type sauvage (été)", verdict="accept")
case("table-once-with-two-brackets", plate("[schedule]", "[[schedule]]"), "schedule", "[schedule]")
case("key-known-elsewhere", plate("exposure_ms = 75", "exposure_ms = 75\npixel_size_um = 0.65"), "channels", "pixel_size_um", "[optics]")
case("hours-well-by-well-as-text", plate(DRUG, DRUG + '\nstarts_h = { C2 = "26.0" }'), "interventions", "starts_h", "'26.0'")
case("number-date", plate(INTERVAL, "interval_h = 2026-03-02"), "interval_h", "2026-03-02")
case("visits-two-million", plate(INTERVAL, "interval_h = 0.0005", KILL, "at_h = 9.0"), "schedule", "visits", "2,000,000")
