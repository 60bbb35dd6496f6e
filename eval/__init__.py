"""How Satchel is judged: datasets, metrics, systems, reports."""
