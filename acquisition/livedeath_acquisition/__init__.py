"""Drives microscopes through Micro-Manager."""
