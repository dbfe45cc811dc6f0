"""The parts of `bench_detect.py`.

``traces`` makes traces with known onsets, ``faults`` what happens to a whole field,
``bound`` says how soon and how exactly a death could be known, ``judge`` compares.
"""
