"""Losses of sentence-transformers for retrieval across languages, and how a batch becomes a loss and a gradient.

    features of each column
      |  columns.py    known by name, in the order that the loss was told
      v
    distinct texts
      |  texts.py      equal token ids are one text; mini-batches of nearly equal length
      v
    vectors [U, D]
      |  encode.py     with an ordinary graph, or in two passes (GradCache)
      v
    scores [B, S * N], candidates that are left out
      |  scores.py     cosines; gather.py: candidates of all processes
      v
    loss and its parts
         clear.py, infonce.py

`base.py` walks this way in `NamedColumnsLoss.forward`; the gradient takes it back. `named.py` is the table of losses
that can be trained by name. Shapes: B rows of this process, N rows of all processes, U distinct texts, S slots (slot 0
is the positive, slot k the k-th negative), D dimensions.
"""
