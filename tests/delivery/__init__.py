"""What we say first: rules, planner, sender, and what is left of them when they are killed."""
