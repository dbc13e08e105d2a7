"""Losses for retrieval across languages, written for sentence-transformers.

This is how a batch becomes a loss:

    features of each column
      |  columns.py    give each column its name
      v
    distinct texts
      |  texts.py      merge texts with equal token ids; form mini-batches of similar lengths
      v
    vectors [U, D]
      |  encode.py     encode with an ordinary graph, or in two passes (GradCache)
      v
    scores [B, S * N], mask of excluded candidates
      |  scores.py     compute cosines; gather.py collects the candidates of all processes
      v
    loss and its parts
         clear.py, infonce.py

`NamedColumnsLoss.forward` in `base.py` runs these steps. `named.py` is the table of losses that can be trained by name.
Shapes: B rows of this process, N rows of all processes, U distinct texts, S slots (slot 0 is the positive, slot k the
k-th negative), D dimensions.
"""
