"""The scripts of a call, and the server that runs them without a process per call.

This folder may import `sql` and nothing else of ours; pyst2 is known to `session.py` alone. Scripts record facts and conclude
nothing; they work with the engine dead. Each script is an executable file with a `main` that Asterisk can also run itself.
"""
