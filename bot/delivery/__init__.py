"""What we say first: to whom, when, by which route, how fast."""
