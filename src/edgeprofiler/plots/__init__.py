"""All pictures: static ones by matplotlib."""
