"""Notebooks without a front end: one, several after another, or a grid of them on many processes or machines.

The commands ``dckit lessons`` and ``dckit grid``. Imports `dckit.results` and what lies below it.
"""
