"""The usual script: pandas reads, scikit-learn scales and chooses alpha by leave-one-out."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import StandardScaler

frame = pd.read_csv(sys.argv[1])
X, y = frame.iloc[:, :-1], frame.iloc[:, -1]
scaler = StandardScaler().fit(X)
model = RidgeCV(alphas=np.logspace(-3, 5, 100)).fit(scaler.transform(X), y)
coef = model.coef_ / scaler.scale_
print("lambda", repr(float(model.alpha_)))
print("intercept", repr(float(model.intercept_ - coef @ scaler.mean_)))
for name, value in zip(X.columns, coef, strict=True):
    print("coef", name, repr(float(value)))
