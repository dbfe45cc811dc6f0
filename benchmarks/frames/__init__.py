"""The parts of `bench_frames.py`.

``truth`` says where the true neurons stand and how soon a death could be known, ``faults``
what happens to the frames of every field.
"""
