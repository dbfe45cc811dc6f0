"""What a notebook calls and what each command calls: one function each.

`import livedeath as ld` offers these names; nothing is computed in this room.
"""
