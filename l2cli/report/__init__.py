"""Results as text: tables, curves and machine formats."""
