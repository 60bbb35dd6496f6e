"""Results side by side: one page that says who wins, where, and by how much."""
