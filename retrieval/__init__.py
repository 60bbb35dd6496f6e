"""What is recalled, in the order in which it happens.

- `passages`, `indexing`: turns made ready, and an index kept equal to the ledger
- `index`: the port; `embedded`, `qdrant`: its adapters; `scoring`: what they share
- `query`, `finder`, `fallback`: from the turn that asks to candidates
- `evidence`, `relevance`, `models`: what speaks for each, and how much
- `packing`, `rendering`: what goes into the budget, and how it is delivered
- `recall`, `search`: the two faces of it all
"""
