"""Predicted beside measured: errors, intervals and what they were counted on."""
