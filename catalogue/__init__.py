"""Reference data: produce with its shelf lives, places with their seats, distances on the globe.

Nothing here reads anything but its own files in ``data/``; how they came about: ``data/PROVENANCE.md``.
"""
