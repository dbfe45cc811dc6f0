"""Where a field lies below a store of images or labels: a name goes in, a path comes out."""

from livedeath.model.frame import FieldKey
from livedeath.model.plate import row_column, row_name


def well_path(well: str) -> str:
    """Return the path of a well inside its plate, like ``B/3``."""
    row, column = row_column(well)
    return f"{row_name(row)}/{column + 1}"


def image_path(acquisition: int, field: int) -> str:
    """Return the path of a field inside its well, like ``a0f2``."""
    return f"a{acquisition}f{field}"


def field_path(field: FieldKey) -> str:
    """Return the path of a field below a store, like ``plate1/B/3/a0f0``."""
    image = image_path(field.acquisition, field.field)
    return f"{field.vessel}/{well_path(field.well)}/{image}"
