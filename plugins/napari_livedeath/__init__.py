"""Reviews death calls in napari."""
