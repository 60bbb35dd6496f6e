"""The fitted models at run time: which turns are needed, what is known, how good a choice is."""
