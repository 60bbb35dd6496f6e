"""The turn that asks: its views, dates, and how memory is being asked."""
