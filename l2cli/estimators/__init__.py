"""The scikit-learn face: estimators over the core of the command line; the only importer of scikit-learn."""

from l2cli.estimators.linear import L2Classifier, L2ClassifierCV, L2Regressor, L2RegressorCV

__all__ = ["L2Classifier", "L2ClassifierCV", "L2Regressor", "L2RegressorCV"]
