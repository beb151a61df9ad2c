"""Recipes: functions that return a scikit-learn estimator for one kind of layer and quantity."""
