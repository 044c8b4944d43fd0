"""Cities that are made up: the demonstration city, and fillings for trials and load."""
