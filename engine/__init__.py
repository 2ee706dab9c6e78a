"""Dials, watches, settles, recovers; and the push worker.

This folder may import `sql` and nothing else of ours. panoramisk is known to `ami.py` alone, requests to `deliver.py` alone. What can be
decided from facts and the time lies in `rules/`, which is pure. Loops are steps that can be killed at any line: all they know
lies in the store.
"""
