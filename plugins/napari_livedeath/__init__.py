"""Opens studies and reviews death calls in napari.

What is decided and how it is kept lives in `livedeath.review`, which knows no window. Here
are the window, its keys and the layers; layers only show, the truth is in the journal.
"""
