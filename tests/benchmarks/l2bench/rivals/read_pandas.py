"""Read a CSV file with pandas and print its number of rows."""

from __future__ import annotations

import sys

import pandas as pd

print(len(pd.read_csv(sys.argv[1])))
