"""From measured profiles to a data set, and from a data set to a predictor."""
