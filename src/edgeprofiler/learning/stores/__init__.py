"""Where predictors and boards are kept: a folder, or a registry. Loaded by name, as plug-ins."""
