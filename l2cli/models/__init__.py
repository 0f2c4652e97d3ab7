"""The saved model and what it is applied to."""
