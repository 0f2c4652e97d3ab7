"""Read a CSV file with l2cli's reader and print its number of rows."""

from __future__ import annotations

import sys

from l2cli.data.read import read_table

print(read_table(sys.argv[1]).n_rows)
