"""The store: tables, migrations, and every statement that changes them.

This folder may import the standard library, Peewee and its own files. It knows no Asterisk, no HTTP and no
asyncio, and imports no other folder of ours. Everybody else speaks to the store in verbs (`calls.claim(...)`).
Times are UTC integer milliseconds, money integer micro-units, numbers E.164.
"""
