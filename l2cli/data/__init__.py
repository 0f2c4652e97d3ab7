"""Files to tables, tables to datasets, rows to folds."""
