import pytest
from pydantic import ValidationError

from livedeath.errors import StoreError, StudyError
from livedeath.simulation.demo import demo_parameters
from livedeath.simulation.parameters import WorldParameters


def test_toml_out_and_in_gives_the_same():
    given = demo_parameters()
    assert WorldParameters.from_toml(given.to_toml()) == given


def test_defaults_are_written_so_that_later_defaults_change_nothing():
    assert "read_noise_e = 1.6" in WorldParameters().to_toml()


def test_a_file_with_a_japanese_name_is_read(tmp_path):
    path = tmp_path / "模擬 world.toml"
    path.write_text(demo_parameters().to_toml(), encoding="utf-8")
    assert WorldParameters.from_file(path) == demo_parameters()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sead = 1", "'seed'"),
        ("[culture]\ndensity = 3", "density_per_mm2"),
        ("[camera]\nquantum_efficiency = 1.5", "quantum_efficiency is 1.5"),
        ("[death]\nhazard_per_day = nan", "hazard_per_day"),
        ("seed = -1", "seed is -1"),
        ("= 3", "not valid TOML"),
    ],
)
def test_what_is_not_allowed_is_refused_in_one_sentence(text, said):
    with pytest.raises(StudyError, match=r"simulation\.toml") as refused:
        WorldParameters.from_toml(text)
    assert said in str(refused.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"nowhere\.toml"):
        WorldParameters.from_file(tmp_path / "nowhere.toml")


def test_parameters_are_frozen():
    with pytest.raises(ValidationError):
        WorldParameters().seed = 2


def test_every_parameter_says_what_it_is():
    for group in ("culture", "signal", "death", "stage", "light", "camera"):
        fields = type(getattr(WorldParameters(), group)).model_fields
        assert [name for name, field in fields.items() if not field.description] == []
