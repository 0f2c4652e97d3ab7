"""The version, in the one place that the package, the saved models and the build all read."""

__version__ = "0.1.0"
