"""From a data set to a trained predictor, its errors, and back from disk."""
