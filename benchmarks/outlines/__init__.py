"""Images with true outlines, and how outlines are judged, for `bench_segment.py`.

Reads files and draws images; nothing here knows how livedeath finds somata.
"""
