"""The HTTP methods: operations declared once, and thin faces over them.

This folder may import `sql`, and of the engine only its pure rules, so that "why is nothing dialled" is answered by the rules that
dial. Flask is known here alone. It never speaks to Asterisk: what has to happen there, the engine and the provisioner read from
the store.
"""
