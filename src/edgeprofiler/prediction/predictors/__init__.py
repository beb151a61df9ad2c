"""Predictors: from a network's layers to their time, power and energy on a device."""
