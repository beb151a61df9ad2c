"""From profiles to what to change: compare, sweep, advise, check, impact."""
