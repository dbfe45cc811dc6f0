"""The parts of `bench_link.py`.

``peers`` links with other trackers, ``btrack_peer`` with btrack in an environment of its own.
"""
