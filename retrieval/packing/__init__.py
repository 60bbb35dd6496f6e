"""From weighed candidates to what goes into a budget, and why."""
