"""Entries of the log as tired people type them, one fault each."""

# ruff: noqa: E501
# fmt: off

from declarations import (
    WrongLog,
)

LOG_CASES: list[WrongLog] = []


def retract(entry: str) -> list[str]:
    return ["retract", "--entry", entry, "--why", "typed into the wrong study"]


def log(id: str, args: list[str], *says: str, verdict: str = "refuse", base: str = "plate", before: list[list[str]] | None = None, note: str = "") -> None:
    LOG_CASES.append(WrongLog(id, tuple(args), tuple(says), verdict, base, tuple(tuple(one) for one in before or []), note))


def dose(wells: str = "C2:C7", at: str = "10", unit: str = "uM", amount: str = "10") -> list[str]:
    return ["dose", "--wells", wells, "--compound", "glutamate", "--dose", amount, "--unit", unit, "--at", at]


EXCLUDE = ["exclude", "--wells", "B2", "--why", "bubble", "--at"]

log("log-now-without-clock", dose(at="now"), "--at", "now", "start")
log("log-nothing-said-without-clock", ["note", "--why", "door open"], "--at", "start")
log("log-NOW", dose(at="NOW"), "--at", "now", note="without a clock 'NOW' is as wrong as 'now'")
log("log-now-after-end", dose(at="now"), "96", base="past")
log("log-now-before-start", dose(at="now"), "2099", base="future")
log("log-hour-after-end", [*EXCLUDE, "1000"], "1000", "96")
log("log-dose-hour-after-end", dose(at="96.5"), "96.5", "96")
log("log-hour-negative", [*EXCLUDE, "-3"], "--at", "-3")
log("log-hour-negative-equals", [*EXCLUDE[:-1], "--at=-0.5"], "--at", "-0.5")
log("log-hour-6h", [*EXCLUDE, "6h"], "--at", "6h")
log("log-hour-comma", [*EXCLUDE, "12,5"], "--at", "12,5")
log("log-hour-nan", [*EXCLUDE, "nan"], "--at", "nan")
log("log-hour-inf", [*EXCLUDE, "inf"], "--at", "inf")
log("log-hour-clock", [*EXCLUDE, "14:30"], "--at", "14:30")
log("log-hour-word", [*EXCLUDE, "yesterday"], "--at", "yesterday", "now")
log("log-hour-empty", [*EXCLUDE, ""], "--at")
for _unit in ("foo", "mikroM", "uMol"):
    log(f"log-unit-{_unit}", dose(unit=_unit), "--unit", _unit.lower(), "um")
for _unit in ("µM", "mg/mL", "%"):
    log(f"log-unit-ok-{ascii(_unit)[1:-1]}", dose(unit=_unit), verdict="accept")
log("log-unit-empty", dose(unit=""), "--unit")
log("log-dose-without-dose", ["dose", "--wells", "C2:C7", "--compound", "glutamate", "--at", "10"], "--dose")
log("log-dose-only-unit", ["dose", "--wells", "C2:C7", "--compound", "glutamate", "--unit", "uM", "--at", "10"], "--dose")
log("log-dose-without-unit", ["dose", "--wells", "C2:C7", "--compound", "glutamate", "--dose", "10", "--at", "10"], "--unit")
log("log-dose-without-compound", ["dose", "--wells", "C2:C7", "--dose", "10", "--unit", "uM", "--at", "10"], "--compound")
log("log-dose-blank-compound", ["dose", "--wells", "C2", "--compound", " ", "--dose", "10", "--unit", "uM", "--at", "10"], "--compound")
log("log-dose-without-wells", ["dose", "--compound", "glutamate", "--dose", "10", "--unit", "uM", "--at", "10"], "--wells")
log("log-dose-negative", dose(amount="-10"), "--dose", "-10")
log("log-dose-text", dose(amount="10uM"), "--dose", "10um")
log("log-dose-comma", dose(amount="0,5"), "--dose", "0,5")
log("log-dose-nan", dose(amount="nan"), "--dose", "nan")
log("log-dose-inf", dose(amount="inf"), "--dose", "inf")
log("log-compound-typo", ["dose", "--wells", "C2:C7", "--compound", "glutamat", "--dose", "10", "--unit", "uM", "--at", "10"], "glutamat", "glutamate", verdict="warn", note="a new compound is allowed, but this one is nearly a declared one")
log("log-kill-without-wells", ["kill", "--at", "80"], "--wells")
log("log-kill-only-why", ["kill", "--compound", "sodium azide", "--why", "end", "--at", "80"], "--wells")
log("log-kill-dose-without-unit", ["kill", "--wells", "B2", "--compound", "azide", "--dose", "0.2", "--at", "80"], "--unit")
log("log-exclude-without-wells", ["exclude", "--why", "bubble", "--at", "10"], "--wells")
log("log-exclude-without-why", ["exclude", "--wells", "B2", "--at", "10"], "--why")
log("log-exclude-blank-why", ["exclude", "--wells", "B2", "--at", "10", "--why", "  "], "--why")
log("log-exclude-reversed", [*EXCLUDE, "48", "--until", "24"], "--until", note="an exclusion has no end")
log("log-exclude-reversed-from-to", [*EXCLUDE[:-1], "--from", "48", "--to", "24"], "--from", note="an exclusion has no end")
log("log-exclude-twice", [*EXCLUDE, "20"], "b2", "10", verdict="warn", before=[[*EXCLUDE, "10"]])
log("log-exclude-with-dose", [*EXCLUDE, "10", "--dose", "5", "--unit", "uM"], "--dose", "exclude")
log("log-note-empty", ["note", "--at", "10"], "--why")
log("log-note-blank", ["note", "--at", "10", "--why", ""], "--why")
log("log-note-japanese", ["note", "--at", "10", "--why", "インキュベータの扉が開いていた"], verdict="accept")
log("log-wells-not-visited", dose(wells="D2"), "d2", "b2")
log("log-wells-partly-visited", dose(wells="C2:C8"), "c8")
log("log-wells-Z9", dose(wells="Z9"), "--wells", "z9", "h12")
log("log-wells-B13", dose(wells="B13"), "--wells", "b13", "h12")
log("log-wells-hyphen", dose(wells="C2-C7"), "--wells", "c2-c7", "c2:c7")
log("log-wells-comma", dose(wells="C2,C3"), "c2 c3", verdict="accept")
log("log-wells-semicolon", dose(wells="C2;C3"), "--wells", "c2;c3")
log("log-wells-backwards", dose(wells="C7:C2"), "c2", verdict="accept", note="it can mean only one block")
log("log-wells-full-width", dose(wells="Ｃ２"), "--wells", "ｃ２")
log("log-wells-zero", dose(wells="C02:C07"), verdict="accept")
log("log-wells-lower-case", dose(wells="c2:c7"), verdict="accept", note="refusing with C2:C7 named would do as well")
log("log-wells-repeated", [*EXCLUDE, "10", "--wells", "B3"], verdict="accept")
log("log-wells-after-blank", ["exclude", "--wells", "B2", "B3", "--at", "10", "--why", "bubble"], "b3", note="what follows a blank is no value of --wells")
log("log-vessel-missing", dose(wells="C2:C4"), "--vessel", "p1", "p2", base="two")
log("log-vessel-typo", [*dose(wells="C2:C4"), "--vessel", "P1"], "--vessel", "p1", base="two")
log("log-vessel-unknown", [*dose(), "--vessel", "plate2"], "--vessel", "plate2", "plate1")
log("log-what-typo", ["exlude", *EXCLUDE[1:], "10"], "exlude", "exclude")
log("log-what-other-word", ["medium", "--wells", "B2:C7", "--at", "48"], "medium", "media")
log("log-option-typo", ["dose", "--well", "C2", "--compound", "glutamate", "--dose", "10", "--unit", "uM", "--at", "10"], "--well", "--wells")
log("log-media-with-dose", ["media", "--wells", "B2", "--dose", "10", "--unit", "uM", "--compound", "glutamate", "--at", "10"], "media", "dose")
log("log-unload-twice", ["unload", "--at", "20", "--why", "to the incubator"], "plate1", "10", verdict="warn", before=[["unload", "--at", "10", "--why", "to the incubator"]], note="it is away already; refusing would do as well")
log("log-load-while-there", ["load", "--at", "20", "--why", "back"], "plate1", verdict="warn", note="it was never taken away; refusing would do as well")
log("log-same-entry-twice", dose(), "10", verdict="warn", before=[dose()], note="an impatient second Enter")
log("log-retract-unknown", retract("99"), "--entry", "99", "'{1}'", "list", before=[dose()])
log("log-retract-of-nothing", retract("1"), "--entry", "'1'", "none yet")
log("log-retract-nearly", retract("{1}0"), "--entry", "'{1}'", before=[dose()])
log("log-retract-without-entry", ["retract", "--why", "wrong"], "--entry", "list")
log("log-retract-twice", retract("{1}"), "{1}", "retracted", before=[dose(), retract("{1}")])
log("log-retract-a-retraction", retract("{2}"), "{2}", "retraction", before=[dose(), retract("{1}")])
log("log-retract-without-why", retract("{1}")[:-2], "--why", before=[dose()])
log("log-retract-with-wells", [*retract("{1}"), "--wells", "C2"], "--wells", "retract", before=[dose()])
log("log-retract", retract("{1}"), "{1}", "wrong study", verdict="accept", before=[dose()])
log("log-after-a-retraction", dose(), "glutamate", verdict="accept", before=[dose(), retract("{1}")])
log("log-list-of-nothing", ["list"], "nothing", verdict="accept")
log("log-list-with-wells", ["list", "--wells", "B2"], "--wells", "list")
log("log-entry-of-a-dose", [*dose(), "--entry", "{1}"], "--entry", "retract", before=[dose(at="5")])
log("log-note-after-end", ["note", "--at", "120", "--why", "fungus seen when it was discarded"], "120", verdict="accept", note="no measurement depends on it")
log("log-unload-after-end", ["unload", "--at", "97", "--why", "done"], "97", verdict="accept")
log("log-wells-all", ["media", "--wells", "all", "--at", "48"], "b2", verdict="accept")
log("log-dose-of-another-unit", ["dose", "--wells", "C2", "--compound", "debris", "--at", "10", "--why", "two passages"], "two passages", verdict="accept", note="a unit that is not known is said in words")
