"""The decisions: facts, limits and the time in, a small frozen value out.

Pure: the standard library and `sql.states` only. No clock, no randomness, no store. Tested by tables; read these first.
"""
