"""Figures that are committed, and the page that is made of them."""
