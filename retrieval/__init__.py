"""What is recalled: index, candidates, relevance, packing, quality."""
