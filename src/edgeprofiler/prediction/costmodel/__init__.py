"""What a kernel costs on a board: the formulas, and the numbers in them."""
