"""What speaks for a candidate turn, as numbers: scores, form, words, sessions, neighbours."""
