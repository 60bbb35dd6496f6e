"""From a data set and a system to rows, figures and what they were made with."""
