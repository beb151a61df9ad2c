"""How sure a number is: conformal intervals chosen by the distance from the calibration."""
