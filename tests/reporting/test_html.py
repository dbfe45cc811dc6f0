import json
import re
from dataclasses import replace

import polars as pl
import pytest

from livedeath.api.log import log, logged
from livedeath.reporting.from_table import is_table_run
from livedeath.reporting.html import find, number, p_value, percent, render, report, span
from livedeath.reporting.living import living_traces
from livedeath.reporting.material import gather
from livedeath.reporting.sections import summary
from livedeath.reporting.truth import never_found
from livedeath.review.journal import ReviewJournal
from livedeath.statistics.declared import shown_comparisons
from made_study import KILL_H, make_study


def words(page):
    """Return the text of a page, without pictures and style."""
    text = re.sub(r"<(style|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def with_called(material, **changes):
    """Return the material with another declaration or other calls."""
    return replace(material, called=replace(material.called, **changes))


@pytest.fixture(scope="module")
def made(illustrated):
    folder = illustrated
    with ReviewJournal.in_folder(folder.reviews_dir, "Ines") as journal:
        journal.record(run="made00", neuron_id=1, item="a", verdict="alive")
    result = report(folder.path)
    return folder, result, result["report"].read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A study without kill, comparison, images or a second unit in one arm."""
    path = tmp_path_factory.mktemp("bare") / "s"
    make_study(path, kill=False, compared=False, images=False)
    return gather(path)


def test_visits_count_where_no_neuron_was_found_and_a_well_that_was_excluded(bare):
    elsewhere = pl.col("well") != "C3"
    called = bare.called
    empty = with_called(
        bare, calls=called.calls.filter(elsewhere), traces=called.traces.filter(elsewhere)
    )
    # Six wells with a field each, every half hour from 0 to 15 h.
    for material in (bare, empty):
        found = summary(material, ())
        assert (found["fields"], found["visits"], found["rounds"]) == (6, 186, 31)


def test_the_page_is_one_file_that_fetches_nothing(made):
    page = made[2]
    assert not re.search(r'(href|src)="(?!#|data:)', page)
    assert "@import" not in page
    assert "<script" not in page


def test_the_page_is_well_formed(made):
    from html.parser import HTMLParser

    open_tags, void = [], {"meta", "img", "br", "link", "image", "rect", "use", "path", "polygon"}

    class Checker(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in void:
                open_tags.append(tag)

        def handle_endtag(self, tag):
            if tag not in void:
                assert open_tags.pop() == tag

    Checker().feed(made[2])
    assert open_tags == []


@pytest.mark.parametrize(
    "said",
    [
        "Glutamate and a rescue",
        "Deaths found after the end-kill",
        "95 % interval",
        "Survival",
        "pre-specified: declared before the first frame",
        "Where on the plate",
        "When they died",
        "Neurons dying",
        "Neurons found and followed",
        "the camera did not answer within 30 s",
        "door of the incubator",
        "Quality of the measurements",
        "outlier",
        "Ines",
        "made00",
        "1.0 per 1,000 neuron-days",
        "Fingerprint of study.toml",
    ],
)
def test_the_page_says(made, said):
    assert said in words(made[2])


def test_the_tables_lie_beside_the_page_and_agree_with_it(made):
    folder, result, page = made
    arms = pl.read_csv(result["report"].parent / "arms.csv")
    curves = pl.read_csv(result["report"].parent / "survival.csv")
    assert result["report"].parent == folder.reports_dir / "made00"
    assert arms["neurons"].sum() + arms["dead_on_arrival"].sum() <= 30
    assert set(curves["arm"]) == set(arms["arm"])
    assert f"{100 * arms['survival'][0]:.1f} %" in words(page)
    assert result["dead"] == arms["dead"].sum()


def test_a_call_that_was_taken_back_is_an_alarm_and_no_death(bare):
    arm = pl.col("neuron_id") == bare.calls.filter(pl.col("outcome") == "alive")["neuron_id"][0]
    calls = bare.called.calls.with_columns(
        called_at_h=pl.when(arm).then(4.0).otherwise("called_at_h"),
        revoked_at_h=pl.when(arm).then(7.0).otherwise("revoked_at_h"),
    )
    taken_back = with_called(bare, calls=calls)
    before, after = find(bare), find(taken_back)
    assert after.false_alarms.alarms == before.false_alarms.alarms + 1
    assert after.false_alarms.taken_back == 1
    text = words(render(taken_back, after))
    assert "of them called once, and taken back" in text
    assert f"{after.false_alarms.alarms} · 1" in text
    assert "of them called once" not in words(render(bare, before))


def test_the_null_of_the_living_stands_beside_the_rate_asked_for(bare):
    found = find(bare).false_alarms
    alive = bare.calls.filter(pl.col("outcome") == "alive").height
    assert found.null_neurons == alive
    rows = living_traces(bare)
    assert set(rows["neuron_id"]) == set(
        bare.calls.filter(pl.col("outcome") == "alive")["neuron_id"]
    )
    assert {"signal", "signal_sd", "seen", "intervened"} <= set(rows.columns)
    text = words(render(bare, find(bare)))
    assert f"{found.null.low:.1f} to {found.null.high:.1f}" in text


def test_what_follows_the_kill_is_not_in_the_null(made):
    material = gather(made[0].path)
    assert living_traces(material)["time_h"].max() < KILL_H < material.traces["time_h"].max()


def test_without_truth_the_share_never_found_is_not_known(made):
    assert "Neurons never found not known here" in words(made[2])
    assert never_found({"neurons": 40, "neurons_found": 37}) == (3, 40)
    assert never_found(None) is None


def test_a_section_without_data_says_so(bare):
    text = words(render(bare, find(bare)))
    assert "No well was killed at the end" in text
    assert "This run keeps no images with outlines" in text
    assert "post hoc: the study declares no comparison" in text
    assert "Nobody has reviewed these calls" in text
    assert "Against the simulated truth" not in text


def test_a_run_without_any_death_still_reports(bare):
    names = ("first_dead_h", "death_h", "death_low_h", "death_high_h", "called_at_h")
    calls = bare.called.calls.with_columns(
        outcome=pl.lit("alive"), **{n: pl.lit(None, dtype=pl.Float64) for n in names}
    )
    quiet = with_called(bare, calls=calls)
    text = words(render(quiet, find(quiet)))
    assert "No death was called, so there is no rate to draw." in text
    assert "nobody died in either arm" in text


def test_a_comparison_of_another_endpoint_is_refused(made):
    material = gather(made[0].path)
    calls = material.called.calls.with_columns(endpoint=pl.lit("loss_of_fill"))
    other = with_called(material, calls=calls)
    shown = shown_comparisons(other.called, other.entries)[0]
    assert shown.results == ()
    assert "this run sensed loss_of_fill" in shown.refused
    assert "endpoints are not exchanged" in words(render(other, find(other)))


def test_one_unit_per_arm_gives_no_p_value(made):
    material = gather(made[0].path)
    calls = material.called.calls.filter(pl.col("well").is_in(["B2", "C2"]))
    result = find(with_called(material, calls=calls)).survival.comparisons[0].results[0]
    assert result.p is None
    assert "neurons of one unit are not independent; at least 2 units per arm" in result.refused


def test_text_from_outside_cannot_become_markup_and_broken_reviews_are_told(bare):
    evil = replace(
        with_called(bare, study=bare.study.replace(title="<script>alert(1)</script>")),
        review_trouble="reviews/x.sqlite: row 3 was changed.",
    )
    page = render(evil, find(evil))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "row 3 was changed" in words(page)


def test_a_scored_table_is_reported_without_images(tmp_path):
    folder = make_study(tmp_path / "s", images=False, kill=False)
    run, out = folder.run(), tmp_path / "scored"
    out.mkdir()
    run.calls().with_columns(arm=pl.col("well").str.slice(0, 1), unit=pl.col("well")).write_parquet(
        out / "calls.parquet"
    )
    run.traces().select(
        "neuron_id",
        "time_h",
        "t",
        "flags",
        pl.col("GEDI").alias("signal"),
        pl.col("RFP").alias("reference"),
        pl.lit(0.0).alias("dye"),
    ).write_parquet(out / "traces.parquet")
    made_of = {"run": "abc", "input": "C:\\tables\\day 1.csv", "settings": {}}
    (out / "provenance.json").write_text(json.dumps(made_of), encoding="utf-8")
    assert is_table_run(out)
    assert not is_table_run(folder.path)
    result = report(out)
    assert result["report"] == out / "report.html"
    text = words(result["report"].read_text(encoding="utf-8"))
    assert "day 1.csv" in text
    assert "The traces came as a table, without images" in text
    assert "what was sensed: indicator rise, weighed with dye" in text


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (percent(0.12345), "12.3 %"),
        (percent(None), "–"),
        (percent(float("nan")), "–"),
        (number(-1234.56, 1), "−1,234.6"),
        (p_value(0.0001), "< 0.001"),
        (p_value(0.04), "0.040"),
        (p_value(None), "–"),
        (span(0.1, 0.2, 0, 100), "10 to 20"),
        (span(None, 1.0), "–"),
    ],
)
def test_numbers_are_written_for_people(said, expected):
    assert said == expected


def test_what_is_not_scored_is_said_in_red(tmp_path):
    folder = make_study(tmp_path / "s", images=False)
    material = gather(folder.path)
    assert "not in this report" not in words(render(material, find(material)))
    path = folder.run().path / "provenance.json"
    said = json.loads(path.read_text(encoding="utf-8"))
    # Six fields are visited 31 times; the last round but one and the last are not scored.
    assert said["visits"] == 6 * 31
    path.write_text(json.dumps(said | {"visits": 6 * 29}), encoding="utf-8")
    material = gather(folder.path)
    page = render(material, find(material))
    (line,) = (line for line in page.splitlines() if "not in this report" in line)
    assert 'class="empty unscored"' in line
    colour = re.search(r"[.]unscored { color: #(..)(..)(..);", page)
    red, green, blue = (int(part, 16) for part in colour.groups())
    assert red > 128 > 64 > max(green, blue)
    assert "12 visits of 6 fields (plate1/B2/0, plate1/B3/0" in line
    assert "made from 14.5 to 15.0 h" in line
    assert "Run ‘livedeath score’" in line


def test_what_was_changed_since_the_first_frame_and_what_was_retracted_is_told(tmp_path):
    folder = make_study(tmp_path / "s", images=False)
    start = {"kind": "acquisition", "what": "start", **folder.declaration_entry()}
    lines = folder.journal.path.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if '"kind":"acquisition"' not in line]
    folder.journal.path.write_text("\n".join([json.dumps(start), *kept]) + "\n", encoding="utf-8")
    log(folder.path, "exclude", wells="C2", at=2.0, why="not this one")
    entry = logged(folder)[-1]
    log(folder.path, "retract", entry=entry["id"], why="wrong well")
    toml = folder.path / "study.toml"
    said = toml.read_text(encoding="utf-8").replace("Glutamate and a rescue", "Glutamate, rescued")
    toml.write_text(said, encoding="utf-8")
    text = words(report(folder.path)["report"].read_text(encoding="utf-8"))
    assert "What was changed in study.toml since the first frame title" in text
    assert "pre-specified: declared before the first frame" in text
    assert f"exclude retracted C2 not this one {entry['id']}" in text
    assert f"wrong well (voids {entry['id']})" in text


def test_a_study_without_further_channels_names_none(made):
    assert "weighed with" not in words(made[2])


def test_an_unchanged_study_says_nothing_of_changes(made):
    assert "What was changed in study.toml" not in words(made[2])


def unshown(material, n):
    """Return the material in which the first neurons were never shown to be any."""
    first = pl.int_range(pl.len()) < n
    calls = material.called.calls.with_columns(
        outcome=pl.when(first).then(pl.lit("lost")).otherwise("outcome"),
        loss_reason=pl.when(first).then(pl.lit("not_shown_a_neuron")).otherwise("loss_reason"),
        last_alive_h=pl.when(first).then("entry_h").otherwise("last_alive_h"),
        **{
            name: pl.when(first).then(None).otherwise(name)
            for name in ("first_dead_h", "called_at_h", "death_h")
        },
    )
    return with_called(material, calls=calls)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_what_was_never_shown_to_be_a_neuron_is_counted_and_not_at_risk(bare, n):
    material = unshown(bare, n)
    page = words(render(material, find(material)))
    said = re.search(r"(\d+) things? found and never shown to be (a neuron|neurons)", page)
    assert (int(said.group(1)) if said else 0) == n
    rows = dict(re.findall(r"(not shown to be a neuron|found|followed) ((?:\d+ )+)", page))
    total = {name: int(numbers.split()[-1]) for name, numbers in rows.items()}
    assert total.get("not shown to be a neuron", 0) == n
    assert total["followed"] <= total["found"] - n
