"""The mathematics: NumPy only (SciPy inside functions that need it); no files, no printing, no workers."""
