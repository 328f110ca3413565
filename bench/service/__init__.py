"""Measurements of the running service: its API, its functions, its cold starts, and whether anything grows.

``load`` sends requests, ``api``, ``functions``, ``cold_start``, ``growth`` and ``old_way`` are the parts of the page
docs/benchmarks.md. ``python -m bench.service [PART …]`` runs them.
"""
