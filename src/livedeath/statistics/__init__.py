"""Survival statistics that hold at the level of the unit."""
