"""Qdrant's REST interface over Qdrant's own engine: a server of one process, for tests to use and to break.

The engine is the server's: segments, indexes, graphs, quantisation, half precision, log. What a server adds
is not here: copies, shards, consensus, optimizing in the background, and a log that is cut.
"""
