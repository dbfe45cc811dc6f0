"""Declarations whose parts do not fit one another."""

# ruff: noqa: E501
# fmt: off

from declarations import (
    BLOCK,
    BROUGHT,
    CHANGE,
    CHANNEL,
    CONTROL,
    DOSE,
    DRUG,
    DURATION,
    EXCLUSION,
    GEDI,
    GENOTYPES,
    INTERVAL,
    KILL,
    MIXED,
    PIXEL,
    RAT1,
    RAT2,
    ROLE,
    SESSION,
    TWO,
    UNIT,
    UNIT_UM,
    VEHICLE,
    WINDOW,
    Wrong,
    adding,
    plate,
    swap,
    with_dams,
)

CASES: list[Wrong] = []


case = adding(CASES)

# comparisons

case("unit-typo", plate(UNIT, 'unit = "anmal"'), "comparison", "anmal", "animal")
case("unit-plural", plate(UNIT, 'unit = "wells"'), "comparison", "'wells'", "'well'")
case("unit-capital", swap(GENOTYPES, 'unit = "animal"', 'unit = "Animal"'), "comparison", "animal")
case("unit-no-such-kind", plate(UNIT, 'unit = "cage"'), "comparison", "cage", "animal", "well")
case("unit-kind-without-entity", plate(UNIT, 'unit = "culture"'), "comparison", "culture", "animal")
case("unit-is-an-id", swap(GENOTYPES, 'unit = "animal"', 'unit = "m1"'), "comparison", "m1", "animal")
case("block-typo", plate(BLOCK, 'block = "aminal"'), "comparison", "aminal", "animal")
case("block-is-a-vessel", swap(TWO, 'block = "vessel"', 'block = "p1"'), "comparison", "p1", "vessel")
case("block-other-word", swap(TWO, 'block = "vessel"', 'block = "plate"'), "comparison", "plate", "vessel")
case("block-kind-without-entity", swap(TWO, 'block = "vessel"', 'block = "dam"'), "comparison", "dam", "vessel")
case("origin-typo", plate(BLOCK, BLOCK + '\norigin = "glutamate 10uM"'), "comparison", "origin", "glutamate 10um", "glutamate 10 um")
case("origin-unknown", plate(BLOCK, BLOCK + '\norigin = "dosing"'), "comparison", "origin", "dosing", "study", "glutamate 10 um")
case("covariate-typo", plate(BLOCK, BLOCK + '\ncovariates = ["fill_at_entri"]'), "comparison", "fill_at_entri", "fill_at_entry")
case("covariate-unknown", plate(BLOCK, BLOCK + '\ncovariates = ["fill_at_entry", "weight_g"]'), "comparison", "weight_g", "fill_at_entry")
case("control-typo", plate(CONTROL, 'control = "vehicel"'), "comparison", "vehicel", "vehicle")
case("control-capital", plate(CONTROL, 'control = "Vehicle"'), "comparison", "vehicle")
case("control-other-word", plate(CONTROL, 'control = "DMSO"'), "comparison", "dmso", "vehicle", "glutamate 10 um")
case("treated-no-space", plate(CONTROL, CONTROL + '\ntreated = ["glutamate 10uM"]'), "comparison", "glutamate 10um", "glutamate 10 um")
case("treated-other-dose", plate(CONTROL, CONTROL + '\ntreated = ["glutamate 100 uM"]'), "comparison", "glutamate 100 um", "glutamate 10 um")
case("treated-is-control", plate(CONTROL, CONTROL + '\ntreated = ["vehicle"]'), "comparison", "vehicle", "control")
case("treated-twice", plate(CONTROL, CONTROL + '\ntreated = ["glutamate 10 uM", "glutamate 10 uM"]'), "comparison", "glutamate 10 um", "twice")
case("factor-typo", plate(CONTROL, CONTROL + '\nfactor = "arms"'), "comparison", "factor", "arms", "'arm'")
case("factor-without-genotypes", plate(CONTROL, 'control = "wild type"\nfactor = "genotype"'), "comparison", "genotype")
case("factor-without-populations", plate(CONTROL, 'control = "mutant"\nfactor = "population"'), "comparison", "population")
case("genotype-joined", swap(GENOTYPES, 'control = "wild type"', 'control = "wildtype"'), "comparison", "wildtype", "wild type")
case("genotype-abbreviated", swap(GENOTYPES, 'control = "wild type"', 'control = "WT"'), "comparison", "'wt'", "wild type")
case("genotype-treated-typo", swap(GENOTYPES, 'treated = ["5xFAD"]', 'treated = ["5xFDA"]'), "comparison", "5xfda", "5xfad")
case("arm-without-its-genotype", swap(GENOTYPES, 'factor = "genotype"\ncontrol = "wild type"\ntreated = ["5xFAD"]', 'control = "vehicle"'), "comparison", "vehicle + wild type")
case("population-hyphen", swap(MIXED, 'control = "wild type"', 'control = "wild-type"'), "comparison", "wild-type", "wild type")
case("population-plural", swap(MIXED, 'treated = ["mutant"]', 'treated = ["mutants"]'), "comparison", "mutants", "'mutant'")
case("unit-animal-in-both-arms", plate(UNIT + "\n" + BLOCK, 'unit = "animal"'), "comparison", "animal", "rat1", "vehicle", "glutamate 10 um")
case("unit-vessel-in-both-arms", swap(TWO, 'unit = "well"\nblock = "vessel"', 'unit = "vessel"'), "comparison", "vessel", "p1", "vehicle", "drug 1 um")
case("unit-dam-in-both-genotypes", with_dams(("dam1", "dam1", "dam2", "dam1", "dam2", "dam2")), "comparison", "dam1", "wild type", "5xfad")
case("block-animal-of-one-arm", plate(RAT1, VEHICLE, RAT2, DRUG), "comparison", "animal", "rat1", "vehicle")
case("block-vessel-of-one-arm", swap(TWO, '[[interventions]]\nkind = "vehicle"\nvessel = "p2"\nwells = ["B2:B4"]\n', "", '[[interventions]]\nkind = "compound"\ncompound = "drug"\ndose = 1\nunit = "uM"\nvessel = "p1"\nwells = ["C2:C4"]\n', "", 'id = "p1"\nwells = ["B2:C4"]', 'id = "p1"\nwells = ["B2:B4"]', 'id = "p2"\nwells = ["B2:C4"]', 'id = "p2"\nwells = ["C2:C4"]'), "comparison", "vessel", "p1", "vehicle")
case("block-last-of-one-arm", plate(RAT2, 'wells = ["B5:B6", "C5:C7"]', add='\n[[entities]]\nid = "rat3"\nkind = "animal"\nwells = ["B7"]\n'), "comparison", "animal", "rat3", "vehicle", note="one block of three is lost to the pairing: a warning would do as well")
case("unit-animal-not-everywhere", swap(GENOTYPES, 'wells = ["C6:C7"]', 'wells = ["C6"]'), "comparison", "animal", "c7")
case("unit-dam-not-everywhere", with_dams(("dam1", "", "dam2", "dam3", "dam4", "dam5")), "comparison", "dam", "m2")
case("unit-dam-of-nobody", with_dams(("",) * 6, ("dam1",)), "comparison", "dam", "b2")
case("block-animal-not-everywhere", plate(RAT2, 'wells = ["B5:B7", "C5:C6"]'), "comparison", "animal", "c7")
case("block-animal-on-one-plate", swap(TWO, 'block = "vessel"', 'block = "animal"', add='\n[[entities]]\nid = "rat1"\nkind = "animal"\nvessel = "p1"\nwells = ["B2:C4"]\n'), "comparison", "animal", "p2")
case("well-in-two-animals", plate(RAT2, 'wells = ["B4:B7", "C5:C7"]'), "entit", "b4", "rat1", "rat2")
case("horizon-lost-point", plate(BLOCK, BLOCK + "\nhorizon_h = 720"), "comparison", "horizon_h", "720", "96", note="a warning would do as well")
case("horizon-zero", plate(BLOCK, BLOCK + "\nhorizon_h = 0"), "comparison", "horizon_h", "0")
case("horizon-negative", plate(BLOCK, BLOCK + "\nhorizon_h = -24"), "comparison", "horizon_h", "-24")
case("endpoint-spaced", plate(BLOCK, BLOCK + '\nendpoint = "indicator rise"'), "comparison", "endpoint", "indicator rise", "indicator_rise")
case("endpoint-without-indicator", plate(GEDI, 'name = "PI"', ROLE, 'role = "dye"'), "comparison", "indicator_rise", "loss_of_fill", note="endpoint is the default here, the study has no indicator")
case("endpoint-not-sensed", plate(BLOCK, BLOCK + '\nendpoint = "loss_of_fill"'), "comparison", "loss_of_fill", "indicator_rise", note="a warning would do: 'a run of another endpoint is refused'")


# hours

case("end-kill-after-end", plate(KILL, "at_h = 100.0"), "end_kill", "100", "96")
case("end-kill-far-after-end", plate(KILL, "at_h = 840"), "end_kill", "840", "96")
case("end-kill-negative", plate(KILL, "at_h = -12.0"), "end_kill", "-12")
case("end-kill-at-last-visit", plate(KILL, "at_h = 96.0"), "end_kill", "96", note="no visit after the kill can show a death, so there is nothing to warn of only")
case("end-kill-after-last-session", swap(BROUGHT, "at_h = 60.0", "at_h = 80.0"), "end_kill", "80", "74")
case("intervention-after-end", plate(VEHICLE, VEHICLE + "\nstart_h = 260"), "intervention", "start_h", "260", "96")
case("intervention-starts-after-end", plate(DRUG, DRUG + "\nstarts_h = { C2 = 26.0, C3 = 2602.0 }"), "intervention", "starts_h", "c3", "2602", "96")
case("intervention-reversed", plate(DRUG, DRUG + "\nstart_h = 48.0\nend_h = 24.0"), "intervention", "48", "24", "end_h")
case("intervention-really-reversed", plate(DRUG, DRUG + "\nactual_start_h = 26.0\nactual_end_h = 2.7"), "intervention", "26", "2.7", "actual_end_h")
case("intervention-planned-end-before-real-start", plate(DRUG, DRUG + "\nactual_start_h = 26.0\nend_h = 24.0"), "intervention", "26", "24")
case("intervention-starts-of-other-well", plate(DRUG, DRUG + "\nstarts_h = { D2 = 26.0 }"), "intervention", "starts_h", "d2")
case("intervention-ends-after-end", plate(DRUG, DRUG + "\nstart_h = 24.0\nend_h = 200.0"), "intervention", "end_h", "200", "96", note="accepting would do: a drug may stay on")
case("window-after-end", plate(DURATION, DURATION + "\n" + WINDOW.format('["B2:C7"]', 120.0, 144.0)), "window", "120", "96")
case("window-reversed", plate(DURATION, DURATION + "\n" + WINDOW.format('["B2:C7"]', 48.0, 24.0)), "window", "48", "24")
case("window-ends-after-end", plate(DURATION, DURATION + "\n" + WINDOW.format('["B2:C7"]', 0.0, 960.0)), "window", "960", "96", note="a warning would do as well")
case("window-without-visit", plate(DURATION, DURATION + "\n" + WINDOW.format('["B2:B7"]', 4.5, 5.5)), "window", "4.5", "5.5", note="no round falls into it: those wells are never visited; a warning would do as well")
case("exclusion-after-end", plate(add=EXCLUSION.format('["B2"]', 300)), "exclusion", "300", "96")
case("exclusion-negative", plate(add=EXCLUSION.format('["B2"]', -3.0)), "exclusion", "-3")
case("exclusion-reversed", plate(add=EXCLUSION.format('["B2"]', 48).replace("why", "to_h = 24\nwhy")), "exclusion", "to_h", note="there is no to_h yet: an unknown key; with one, 48 and 24 belong in the sentence")
case("exclusion-no-reason", plate(add='\n[[exclusions]]\nwells = ["B2"]\n'), "exclusion", "why")
case("exclusion-blank-reason", plate(add='\n[[exclusions]]\nwells = ["B2"]\nwhy = " "\n'), "exclusion", "why")
case("exclusion-of-everything", plate(add=EXCLUSION.format('["B2:C7"]', 0)), "no well", "vehicle", verdict="warn", note="an exclusion is a finding; it must not keep a study from opening")
case("session-reversed", swap(BROUGHT, "removed_h = 50.0", "removed_h = 5.0"), "session", "day2", "48", "5")
case("session-overlap", swap(BROUGHT, "removed_h = 50.0", "removed_h = 73.0"), "session", "plate1", "day2", "day3")
case("session-same-hour", swap(BROUGHT, "loaded_h = 72.0", "loaded_h = 48.0"), "session", "plate1", "day2", "day3")
case("session-inside-another", swap(BROUGHT, "loaded_h = 24.0\nremoved_h = 26.0", "loaded_h = 24.0\nremoved_h = 80.0"), "session", "plate1", "day1", "day2")
case("session-after-end", plate(add=SESSION.format("day1", "plate1", 0.0, 96.0) + SESSION.format("day9", "plate1", 200.0, 210.0)), "session", "day9", "200", "96")
case("session-negative", swap(BROUGHT, "loaded_h = 24.0\nremoved_h = 26.0", "loaded_h = -24.0\nremoved_h = -22.0"), "session", "-24")
case("session-vessel-typo", swap(BROUGHT, 'id = "day2"\nvessel = "plate1"', 'id = "day2"\nvessel = "plat1"'), "session", "plat1", "plate1")
case("session-twice", swap(BROUGHT, 'id = "day3"', 'id = "day2"'), "session", "day2")
case("session-mode-without", plate(INTERVAL + "\n" + DURATION, 'mode = "session"'), "schedule", "session")
case("session-leaves-vessel-out", TWO + SESSION.format("day1", "p1", 0.0, 96.0), "session", "p2", verdict="warn", note="p1 has sessions, p2 none and so is always on the stage, at the same time")


# wells

case("vessel-well-Z9", plate('wells = ["B2:C7"]', 'wells = ["B2:C7", "Z9"]'), "vessel", "z9", "h12")
case("vessel-well-B13", plate('wells = ["B2:C7"]', 'wells = ["B2:C7", "B13"]'), "vessel", "b13", "h12")
case("vessel-well-B0", plate('wells = ["B2:C7"]', 'wells = ["B2:C7", "B0"]'), "vessel", "b0")
case("vessel-format-24-well", plate('id = "plate1"', 'id = "plate1"\nformat = "24-well"'), "vessel", "24-well", "d6")
case("vessel-format-typo", plate('id = "plate1"', 'id = "plate1"\nformat = "96 well"'), "vessel", "format", "96 well", "96-well")
case("channel-well-Z9", plate("exposure_ms = 70", 'exposure_ms = 70\nwells = ["Z9"]'), "channel", "z9", "gedi")
case("channel-well-B13", plate("exposure_ms = 70", 'exposure_ms = 70\nwells = ["B13"]'), "channel", "b13", "h12")
case("channel-well-not-visited", swap(MIXED, 'every = 12\nwells = ["B2:C4"]', 'every = 12\nwells = ["E2:E4"]'), "channel", "bfp", "e2")
case("population-well-Z9", swap(MIXED, 'gate = "positive"\nwells = ["B2:C4"]', 'gate = "positive"\nwells = ["Z9"]'), "population", "z9", "mutant")
case("population-well-B13", swap(MIXED, 'gate = "positive"\nwells = ["B2:C4"]', 'gate = "positive"\nwells = ["B13"]'), "population", "b13", "h12")
case("population-well-not-visited", swap(MIXED, 'gate = "positive"\nwells = ["B2:C4"]', 'gate = "positive"\nwells = ["E2"]'), "population", "e2", "mutant")
case("population-marker-typo", swap(MIXED, 'marker = "BFP"\ngate = "positive"', 'marker = "BPF"\ngate = "positive"'), "population", "bpf", "bfp")
case("intervention-well-Z9", plate(VEHICLE, 'wells = ["B2:B7", "Z9"]'), "intervention", "z9", "h12")
case("intervention-well-B13", plate(VEHICLE, 'wells = ["B2:B7", "B13"]'), "intervention", "b13", "h12")
case("intervention-one-well-not-visited", plate(VEHICLE, 'wells = ["B2:B8"]'), "intervention", "b8")
case("intervention-all-not-visited", plate(VEHICLE, 'wells = ["D2:D7"]'), "intervention", "d2", "b2")
case("intervention-vessel-typo", plate(VEHICLE, VEHICLE + '\nvessel = "Plate 1"'), "intervention", "plate 1", "plate1")
case("intervention-no-wells", plate(VEHICLE, "wells = []"), "intervention", "wells")
case("entity-well-not-visited", plate(RAT2, 'wells = ["B5:B7", "C5:C7", "D5"]'), "entit", "rat2", "d5")
case("exclusion-well-not-visited", plate(add=EXCLUSION.format('["E5"]', 30)), "exclusion", "e5")
case("end-kill-well-not-visited", plate(KILL, KILL + '\nwells = ["H12"]'), "end_kill", "h12")
case("window-well-not-visited", plate(DURATION, DURATION + "\n" + WINDOW.format('["G2"]', 0.0, 24.0)), "window", "g2")
case("wells-hyphen", plate(VEHICLE, 'wells = ["B2-B7"]'), "intervention", "b2-b7", "b2:b7")
case("wells-en-dash", plate(VEHICLE, 'wells = ["B2–B7"]'), "intervention", "b2–b7", "b2:b7")
case("wells-two-points", plate(VEHICLE, 'wells = ["B2..B7"]'), "intervention", "b2..b7", "b2:b7")
case("wells-lower-case", plate(VEHICLE, 'wells = ["b2:b7"]'), "6 wells", verdict="accept", note="refusing with 'B2:B7' named would do as well")
case("wells-zeros", plate(VEHICLE, 'wells = ["B02:B07"]'), "6 wells", verdict="accept")
case("wells-zero", plate(VEHICLE, 'wells = ["B02", "B3:B7"]'), "6 wells", verdict="accept")
case("wells-blanks", plate(VEHICLE, 'wells = [" B2 ", "B3:B7"]'), "6 wells", verdict="accept", note="refusing would do as well")
case("wells-open-end", plate(VEHICLE, 'wells = ["B2:C"]'), "intervention", "b2:c")
case("wells-row", plate(VEHICLE, 'wells = ["B"]'), "intervention", "'b'", "b3")
case("wells-backwards", plate(VEHICLE, 'wells = ["B7:B2"]'), "6 wells", verdict="accept", note="it can mean only one block")
case("wells-backwards-diagonal", plate('wells = ["B2:C7"]', 'wells = ["C2:B7"]'), "6 wells", verdict="accept", note="it can mean only one block")
case("wells-comma", plate(VEHICLE, 'wells = ["B2,B3"]'), "intervention", "b2,b3", '["b2", "b3"]')
case("wells-semicolon", plate(VEHICLE, 'wells = ["B2:B3; B4:B7"]'), "intervention", "b4:b7")
case("wells-full-width", plate(VEHICLE, 'wells = ["Ｂ２：Ｂ７"]'), "intervention", "ｂ２：ｂ７", "b2:b7", note="accepting as B2:B7 would do as well")
case("wells-full-width-letter", plate(VEHICLE, 'wells = ["Ｂ2", "B3:B7"]'), "intervention", "ｂ2")
case("wells-column-first", plate(VEHICLE, 'wells = ["2B"]'), "intervention", "2b")
case("wells-text", plate(VEHICLE, 'wells = "B2:B7"'), "intervention", "wells", "b2:b7", '["b2:b7"]')
case("wells-text-vessel", plate('wells = ["B2:C7"]', 'wells = "B2:C7"'), "vessel", "wells", "b2:c7", '["b2:c7"]')
case("wells-number", plate(VEHICLE, "wells = [2]"), "intervention", "wells", "2")
case("wells-All", swap(MIXED, 'every = 12\nwells = ["B2:C4"]', 'every = 12\nwells = ["All"]'), "6 wells", verdict="accept", note="refusing with 'all' named would do as well")
case("wells-twice", plate(VEHICLE, 'wells = ["B2:B7", "B7"]'), "6 wells", verdict="accept")
case("wells-forgotten", plate(DRUG, 'wells = ["C2:C6"]'), "untreated", "c7", verdict="warn", note="C7 is forgotten and becomes an untreated arm of one well")


# optics.changes

case("change-vessel-unknown", plate(add=CHANGE.format(48.0) + 'vessel = "plat1"\n'), "optics.changes", "vessel", note="there is no such key yet: an unknown key; with one, 'plat1' and 'plate1' belong in the sentence")
case("change-vessel-unknown-two", TWO + CHANGE.format(48.0) + 'vessel = "p3"\n', "optics.changes", "vessel", note="as before, with 'p3', 'p1' and 'p2'")
case("change-channel-unknown", plate(add=CHANGE.format(48.0) + 'channel = "GFP"\n'), "optics.changes", "channel", note="there is no such key yet; with one, 'GFP', 'RFP' and 'GEDI' belong in the sentence")
case("change-channels-unknown", plate(add=CHANGE.format(48.0) + 'channels = ["GEDl"]\n'), "optics.changes", "channel", note="as before, with 'GEDI' as the nearest")
case("change-after-end", plate(add=CHANGE.format(120.0)), "optics.changes", "120", "96")
case("change-far-after-end", plate(add=CHANGE.format(4800)), "optics.changes", "4800", "96")
case("change-negative", plate(add=CHANGE.format(-1)), "optics.changes", "-1")
case("change-twice", plate(add=CHANGE.format(48.0) + CHANGE.format(48.0)), "optics.changes", "48", "twice")
case("change-twice-int", plate(add=CHANGE.format(48) + CHANGE.format(48.0)), "optics.changes", "48", "twice")
case("change-reversed", plate(add=CHANGE.format(48.0) + CHANGE.format(24.0)), "optics.changes", "48", "24")
case("change-of-nothing", plate(add="\n[[optics.changes]]\nat_h = 48.0\n"), "optics.changes", "48", note="a warning would do as well")
case("change-at-zero", plate(add=CHANGE.format(0)), "optics.changes", "at_h", "0", note="the first acquisition has no visits; a warning would do as well")


# channels

case("channels-two-fills", plate(add=CHANNEL.format("GFP", "fill")), "channel", "fill", "rfp", "gfp", note="other roles may stand several times")
case("channels-three-fills", plate(add=CHANNEL.format("GFP", "fill") + CHANNEL.format("BFP", "fill")), "channel", "fill", "rfp", "gfp")
case("channels-dyes-only", plate('name = "RFP"\nrole = "fill"', 'name = "RFP"\nrole = "marker"', ROLE, 'role = "dye"'), "channel", "fill", "indicator")
case("channels-transmitted-only", plate('name = "RFP"\nrole = "fill"', 'name = "BF"\nrole = "transmitted"', ROLE, 'role = "transmitted"'), "channel", "fill", "indicator")
case("channels-same-name", plate(GEDI, 'name = "RFP"'), "channel", "rfp")
case("channels-same-name-third", plate(add=CHANNEL.format("GEDI", "marker")), "channel", "gedi")
case("channels-same-but-case", plate(add=CHANNEL.format("Gedi", "marker")), "channel", "gedi", note="columns differ by case only; a warning would do as well")
for _name in ("well", "time_h", "flags", "neuron_id", "area_um2", "signal", "seen"):
    case(f"channel-named-{_name}", plate(GEDI, f'name = "{_name}"'), "channel", f"'{_name}'")
case("channel-named-RFP_sd", plate(GEDI, 'name = "RFP_sd"'), "channel", "rfp_sd", "rfp")
case("channel-named-GEDI_sd", plate(add=CHANNEL.format("GEDI_sd", "marker")), "channel", "gedi_sd", "gedi")
case("channel-name-slash", plate(GEDI, 'name = "GFP/RFP"'), "channel", "gfp/rfp", "/")
case("channel-name-colon", plate(GEDI, 'name = "Ex:488"'), "channel", "ex:488", note="no file may be called so on Windows")
case("channel-name-question-mark", plate(GEDI, 'name = "GEDI?"'), "channel", "gedi?")
case("channel-name-con", plate(GEDI, 'name = "CON"'), "channel", "con", note="no file may be called so on Windows")
case("channel-name-dots", plate(GEDI, 'name = ".."'), "channel", "'..'")
case("channel-name-empty", plate(GEDI, 'name = ""'), "channel", "name")
case("channel-name-blank-end", plate(GEDI, 'name = "GEDI "'), "channel", "'gedi '")
case("channel-role-typo", plate(ROLE, 'role = "indikator"'), "channel", "role", "indikator", "indicator")
case("channel-no-role", plate(ROLE + "\n", ""), "channel", "role")
case("channels-single-brackets", plate('[[channels]]\nname = "RFP"\nrole = "fill"\nexposure_ms = 75\n\n[[channels]]', "[channels]"), "channel", "[[channels]]")
case("vessels-single-brackets", plate("[[vessels]]", "[vessels]"), "vessel", "[[vessels]]")


# doses

for _unit in ("mikroM", "uMol", "foo", "uM."):
    case(f"dose-unit-{_unit}", plate(UNIT_UM, f'unit = "{_unit}"'), "intervention", "unit", _unit.lower(), "um")
case("dose-unit-missing", plate(UNIT_UM + "\n", ""), "intervention", "unit", "10")
case("dose-unit-empty", plate(UNIT_UM, 'unit = ""'), "intervention", "unit", "10")
case("unit-without-dose", plate(DOSE + "\n", ""), "intervention", "dose", "um")
for _unit in ("uM", "µM", "μM", "nM", "mM", "mg/mL", "%", "ug/mL"):
    case(f"dose-unit-ok-{ascii(_unit)[1:-1]}", plate(UNIT_UM, f'unit = "{_unit}"'), "6 wells", verdict="accept")
case("dose-negative", plate(DOSE, "dose = -10"), "intervention", "dose", "-10")
case("dose-minus-sign", plate(DOSE, "dose = -0.5"), "intervention", "dose", "-0.5")
case("dose-with-unit-inside", plate(DOSE, 'dose = "10 uM"'), "intervention", "dose", "10 um")
case("dose-infinite", plate(DOSE, "dose = inf"), "intervention", "dose", "inf")
case("dose-zero", plate(DOSE, "dose = 0"), "6 wells", verdict="accept")
case("kill-unit-unknown", plate('unit = "%"', 'unit = "procent"'), "end_kill", "unit", "procent", "%")
case("kill-unit-missing", plate('unit = "%"\n', ""), "end_kill", "unit", "0.2")
case("kill-dose-negative", plate("dose = 0.2", "dose = -0.2"), "end_kill", "dose", "-0.2")


# what else crosses, collides or would be ignored

case("comparison-name-twice", plate(add='\n[[comparisons]]\nname = "glutamate"\ncontrol = "vehicle"\n'), "comparisons", "glutamate", "own name")
case("comparison-of-one-arm", plate('\n[[interventions]]\nkind = "toxin"\ncompound = "glutamate"\ndose = 10\nunit = "uM"\nwells = ["C2:C7"]\n', '\n[[interventions]]\nkind = "vehicle"\nwells = ["C2:C7"]\n'), "comparisons", "vehicle", "only arm")
case("unit-in-two-blocks", swap(TWO, UNIT + '\nblock = "vessel"', 'unit = "animal"\nblock = "vessel"', add='\n[[entities]]\nid = "r1"\nkind = "animal"\nwells = ["B2:B4"]\n\n[[entities]]\nid = "r2"\nkind = "animal"\nwells = ["C2:C4"]\n'), "comparisons", "'r1'", "'p1'", "'p2'", "vessel")
case("covariate-twice", plate(BLOCK, BLOCK + '\ncovariates = ["RFP", "RFP"]'), "comparisons", "rfp", "twice")
case("covariate-not-everywhere", plate(BLOCK, BLOCK + '\ncovariates = ["GFP"]', add=CHANNEL.format("GFP", "payload") + 'wells = ["B2:B7"]\n'), "comparisons", "'gfp'", "c2")
case("covariate-without-fill", plate('name = "RFP"\nrole = "fill"', 'name = "RFP"\nrole = "marker"', BLOCK, BLOCK + '\ncovariates = ["fill_at_entry"]'), "comparisons", "fill_at_entry", "role 'fill'")
case("origin-is-a-genotype", swap(GENOTYPES, '\n[[interventions]]\nkind = "vehicle"\nwells = ["B2:C7"]\n', "", 'unit = "animal"', 'unit = "animal"\norigin = "5xFAD"'), "comparisons", "origin", "5xfad", "no start")
case("horizon-after-a-late-origin", plate(DRUG, DRUG + "\nstart_h = 48.0", BLOCK, BLOCK + '\norigin = "glutamate 10 uM"\nhorizon_h = 60'), "comparisons", "horizon_h", "60", "96", "48 h after")
case("population-told-apart-by-nothing", swap(MIXED, 'gate = "positive"\nwells = ["B2:C4"]', 'gate = "negative"'), "populations", "wild type", "mutant")
case("intervention-population-typo", swap(MIXED, "[end_kill]", '[[interventions]]\nkind = "compound"\ncompound = "drug"\nwells = ["B2:C4"]\npopulation = "mutnat"\n\n[end_kill]'), "interventions", "mutnat", "'mutant'")
case("intervention-kill-without-hour", plate(add='\n[[interventions]]\nkind = "kill"\nwells = ["B2"]\n'), "interventions", "kill", "start_h")
case("intervention-hours-of-some-wells", plate(DRUG, DRUG + "\nstarts_h = { C2 = 26.0, C3 = 26.02 }"), "interventions", "starts_h", "c4", "start_h", note="the others would silently count from hour 0")
case("intervention-one-well-two-hours", plate(DRUG, DRUG + "\nstarts_h = { C2 = 26.0, C02 = 27.0 }"), "interventions", "starts_h", "two hours")
case("session-mode-leaves-vessel-out", swap(BROUGHT, '[[sessions]]\nid = "day1"', '[[vessels]]\nid = "plate2"\nwells = ["B2"]\norigin_um = [1.0, 1.0]\n\n[[sessions]]\nid = "day1"'), "sessions", "plate2")
case("session-mode-with-interval", swap(BROUGHT, 'mode = "session"', 'mode = "session"\ninterval_h = 2.0'), "schedule", "interval_h", "session")
case("session-between-two-rounds", plate(add=SESSION.format("day1", "plate1", 0.0, 90.0) + SESSION.format("day2", "plate1", 90.5, 91.5)), "sessions", "day2", "90.5", "no round")
case("channel-nobody-is-found-by", plate("exposure_ms = 75", 'exposure_ms = 75\nwells = ["B2:B7"]', "exposure_ms = 70", 'exposure_ms = 70\nwells = ["B2:B7"]'), "channels", "c2")
case("focus-channel-typo", plate(add='\n[focus]\nchannel = "RPF"\n'), "focus", "rpf", "'rfp'")
case("calibration-channel-typo", plate(add='\n[[optics.files]]\nchannel = "GFDI"\nkind = "flat"\npath = "flat.tif"\nsha256 = "' + 64 * "0" + '"\n'), "optics.files", "gfdi", "'gedi'")
case("calibration-path-eaten", plate(add='\n[[optics.files]]\nchannel = "GEDI"\nkind = "flat"\npath = "D:\\new\\flat.tif"\nsha256 = "' + 64 * "0" + '"\n'), "optics.files", "path", "backslash")
case("change-binning-alone", plate(add="\n[[optics.changes]]\nat_h = 48.0\nbinning = 2\n"), "optics.changes", "binning", "pixel_size_um")
case("change-pixel-impossible", plate(add="\n[[optics.changes]]\nat_h = 48.0\npixel_size_um = 650\n"), "changes", "pixel_size_um", "100")
case("change-shape-tiny", plate(add="\n[[optics.changes]]\nat_h = 48.0\nimage_shape_px = [8, 8]\n"), "changes", "image_shape_px", "16")
case("change-before-first-visit", plate(INTERVAL + "\n" + DURATION, "times_h = [24, 48, 96]", add=CHANGE.format(12.0)), "optics.changes", "12", "24")
case("change-objective-alone", plate(PIXEL, PIXEL + '\nobjective = "20x/0.75"', add='\n[[optics.changes]]\nat_h = 48.0\nobjective = "10x/0.45"\n'), "objective", "pixel_size_um", "0.65", verdict="warn")
case("end-kill-before-first-visit", plate(INTERVAL + "\n" + DURATION, "times_h = [24, 48, 96]", KILL, "at_h = 12.0"), "end_kill", "12", "24")
case("indicators-two", plate(add=CHANNEL.format("iRFP", "indicator")), "gedi", "irfp", verdict="warn", note="deaths are called by the first")
case("origin-of-the-stage-unknown", plate("origin_um = [14380.0, 11240.0]\n", ""), "origin_um", verdict="warn")
case("arm-named-with-a-micro-sign", plate(CONTROL, CONTROL + '\ntreated = ["glutamate 10 µM"]'), "glutamate 10 um", verdict="accept", note="the micro sign and u are one")
case("arm-named-with-a-mu", plate(UNIT_UM, 'unit = "μM"', CONTROL, CONTROL + '\ntreated = ["glutamate 10 µM"]'), "glutamate 10 um", verdict="accept")
case("intervention-in-all-wells", plate(add='\n[[interventions]]\nkind = "medium_change"\nwells = ["all"]\nstart_h = 48.0\n'), "6 wells", verdict="accept", note="'all' may name more than are visited")
case("populations-in-the-same-wells", MIXED, "6 wells", verdict="accept", note="compared within each well")
case("genotypes-of-several-litters", with_dams(("d1", "d2", "d3", "d4", "d5", "d6")), "wild type", verdict="accept")
case("well-of-one-vessel-only", swap(TWO, 'id = "p2"\nwells = ["B2:C4"]', 'id = "p2"\nformat = "6-well"\nwells = ["A1"]', add=EXCLUSION.format('["C4"]', 30)).replace('vessel = "p2"\nwells = ["B2:B4"]', 'vessel = "p2"\nwells = ["A1"]').replace('vessel = "p2"\nwells = ["C2:C4"]', 'vessel = "p2"\nwells = ["A1"]'), "exclusions", "c4", "6-well", "say with vessel")
