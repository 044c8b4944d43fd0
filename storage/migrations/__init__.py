"""The schema's history: every revision goes up and down on both databases with data in it."""
