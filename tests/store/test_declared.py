"""The declaration of the first frame, kept in the journal."""

import pytest

import small_studies
from livedeath.model.study import Study
from livedeath.store.declared import declaration_entry, declared_at_start

COMPARED = """
interventions = [
  { kind = "vehicle", wells = ["B2"] },
  { kind = "compound", compound = "drug", wells = ["B3"] },
]
comparisons = [{ control = "vehicle" }]
"""


def declared(extra=COMPARED):
    return small_studies.study(extra)


def start(study, text=None, **more):
    said = declaration_entry(study, study.to_toml() if text is None else text)
    return {"kind": "acquisition", "what": "start"} | said | more


def test_the_whole_text_is_kept_and_read_back():
    text = small_studies.STUDY + COMPARED + "# a remark\n"
    found = declared_at_start([{"kind": "log"}, start(declared(), text)])
    assert "# a remark" in start(declared(), text)["declared"]
    assert Study.from_toml(start(declared(), text)["declared"]) == declared()
    assert found.declared.title == "two wells"
    assert found.changes(declared()) == []


def test_a_comparison_is_known_from_the_declaration_that_was_kept():
    found = declared_at_start([start(declared())])
    corrected = declared().replace(title="Another")
    post_hoc = declared().replace(comparisons=({"control": "drug"},))
    assert found.compared(corrected, corrected.comparisons[0])
    assert not found.compared(post_hoc, post_hoc.comparisons[0])
    assert found.changes(corrected) == ["title: 'two wells' became 'Another'"]


def test_the_first_acquisition_counts_and_not_the_resumed_one():
    later = start(declared().replace(comparisons=()), what="resume")
    found = declared_at_start([start(declared()), later])
    assert found.compared(declared(), declared().comparisons[0])


def test_a_journal_of_before_knows_only_whether_anything_changed():
    old = {"kind": "acquisition", "what": "start", "fingerprint": declared().fingerprint}
    found = declared_at_start([old])
    changed = declared().replace(title="Another")
    assert found.compared(declared(), declared().comparisons[0])
    assert found.changes(declared()) == []
    assert not found.compared(changed, changed.comparisons[0])
    assert "was changed" in found.changes(changed)[0]


@pytest.mark.parametrize("text", ["title = ", 'title = "x"\nunheard_of = 1\n'])
def test_a_declaration_that_cannot_be_read_any_more_leaves_its_fingerprints(text):
    found = declared_at_start([start(declared(), text)])
    changed = declared().replace(title="Another")
    assert found.declared is None
    assert found.compared(changed, changed.comparisons[0])
    assert found.changes(changed)


def test_a_declaration_that_todays_rules_refuse_is_read_all_the_same():
    text = declared().to_toml() + "\n[end_kill]\nat_h = 900.0\n"
    found = declared_at_start([start(declared(), text)])
    assert found.changes(declared()) == ["end_kill: at_h 900.0 was taken out"]


def test_nobody_wrote_it_down():
    assert declared_at_start([{"kind": "acquisition", "what": "start"}]) is None
