"""From a model to a `Network`: front ends, engines, and the lowering to an engine's layers."""
