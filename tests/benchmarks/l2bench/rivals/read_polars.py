"""Read a CSV file with polars and print its number of rows."""

from __future__ import annotations

import sys

import polars as pl

print(pl.read_csv(sys.argv[1]).height)
