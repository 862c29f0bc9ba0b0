"""The same invented records as different systems would write them; one module a layout.

Each module has `carry`, which keeps of the records what the layout can hold, and `write`. What a
reader makes of the written files must be what `canonical.write` of the same records says.
"""
