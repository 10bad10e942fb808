"""A comparison of repairs, for people.

To add a figure, add its line to `COLUMNS` in `table.py`, which every format shows.
"""
