"""Batches for losses, CLEAR as literal loops over pairs, and a worker for runs of two processes."""

import os

import torch

NEGATIVES = 2
PLAIN_TOKENS = 64
"""Tokens in a mini-batch of a loss without limits of its own."""
COLUMNS = (
    "query", "passage", "target_query",
    *(f"passage_negative_{k}" for k in (1, 2)), *(f"target_query_negative_{k}" for k in (1, 2)),
)  # fmt: skip


def make_rows(size, negatives=NEGATIVES, seed=0, longest=24):
    """Rows of random letters; lengths differ, so padding differs."""
    generator = torch.Generator().manual_seed(seed)

    def text(most):
        length = int(torch.randint(3, most, (1,), generator=generator))
        letters = torch.randint(0, 26, (length,), generator=generator).tolist()
        return " ".join(chr(ord("a") + letter) for letter in letters)

    return [
        {
            "query": text(8),
            "passage": text(longest),
            "target_query": text(8),
            "passage_negatives": [text(longest) for _ in range(negatives)],
            "target_query_negatives": [text(8) for _ in range(negatives)],
        }
        for _ in range(size)
    ]


def ragged_rows():
    """Rows with both, unequal and no negatives, and with every kind of duplicate."""
    rows = make_rows(6)
    rows[1]["passage_negatives"] = rows[1]["passage_negatives"][:1]
    rows[2]["target_query_negatives"] = rows[2]["target_query_negatives"][:1]
    rows[3].update(passage_negatives=[], target_query_negatives=[])
    rows[4]["passage_negatives"][0] = rows[4]["passage"]  # its own positive
    rows[4]["passage_negatives"][1] = rows[0]["passage"]  # another row's positive
    rows[5].update(passage=rows[0]["passage"])  # two questions about one passage
    rows[5]["target_query_negatives"][1] = rows[1]["target_query"]
    return rows


def spread(rows, columns=COLUMNS):
    """Rows as one list of texts per column; a missing negative is an empty text."""

    def cell(row, column):
        base, _, number = column.partition("_negative_")
        if not number:
            return row[column]
        texts = row[f"{base}_negatives"]
        return texts[int(number) - 1] if int(number) <= len(texts) else ""

    return {column: [cell(row, column) for row in rows] for column in columns}


def features_of(model, rows, columns=COLUMNS, prompts=None):
    texts = spread(rows, columns)
    return [model.preprocess(texts[column], prompt=(prompts or {}).get(column)) for column in columns]


def _log_softmax(scores):
    largest = max(float(score.detach()) for score in scores.values())
    total = sum(torch.exp(score - largest) for score in scores.values())
    return {key: score - largest - torch.log(torch.as_tensor(total)) for key, score in scores.items()}


def clear_by_loops(rows, vector_of, alpha=0.4, beta=0.2, scale=20.0, kl="reverse_forward", mask_duplicates=True):
    """CLEAR, one pair at a time: nothing padded, nothing batched; returns the loss and its parts."""

    def slots(row, base):
        return [row[base], *row[f"{base}_negatives"]]

    def candidates(i, base):
        other = {"passage": "target_query", "target_query": "passage"}[base]
        for j, row in enumerate(rows):
            for slot, text in enumerate(slots(row, base)):
                twin = slots(row, other)[slot] if slot < len(slots(row, other)) else None
                repeated = text == rows[i][base] or (twin is not None and twin == rows[i][other])
                own = slot == 0 and j == i
                if text and (own or not (mask_duplicates and repeated)):
                    yield (slot, j), text

    def cosine(a, b):
        return torch.dot(a, b) / (a.norm() * b.norm())

    forward, reverse, divergence = [], [], []
    for i, row in enumerate(rows):
        question, passage = vector_of(row["query"]), vector_of(row["passage"])
        s = {key: scale * cosine(question, vector_of(text)) for key, text in candidates(i, "passage")}
        r = {key: scale * cosine(passage, vector_of(text)) for key, text in candidates(i, "target_query")}
        forward.append(-_log_softmax(s)[0, i])
        reverse.append(-_log_softmax(r)[0, i])
        both = sorted(set(s) & set(r))
        log_s, log_r = _log_softmax({key: s[key] for key in both}), _log_softmax({key: r[key] for key in both})
        terms = {
            "reverse_forward": lambda a, b: torch.exp(b) * (b - a),
            "forward_reverse": lambda a, b: torch.exp(a) * (a - b),
            "detached": lambda a, b: torch.exp(b.detach()) * (b.detach() - a),
            "js": lambda a, b: 0.5 * torch.exp(a) * (a - _middle(a, b)) + 0.5 * torch.exp(b) * (b - _middle(a, b)),
            "none": lambda a, b: 0.0 * a,
        }
        divergence.append(sum(terms[kl](log_s[key], log_r[key]) for key in both))
    parts = {name: sum(part) / len(rows) for name, part in
             (("forward", forward), ("reverse", reverse), ("kl", divergence))}  # fmt: skip
    if kl == "none":
        return (1 - alpha) * parts["forward"] + alpha * parts["reverse"], parts
    return (1 - alpha - beta) * parts["forward"] + alpha * parts["reverse"] + beta * parts["kl"], parts


def _middle(a, b):
    return torch.log(0.5 * torch.exp(a) + 0.5 * torch.exp(b))


def one_by_one(model):
    """Encode a text alone, once, with a graph."""
    known = {}

    def vector_of(text):
        if text not in known:
            known[text] = model(model.preprocess([text]))["sentence_embedding"][0]
        return known[text]

    return vector_of


def gradients(model, loss):
    """Back-propagate and return every parameter's gradient, flat; the model is left without gradients."""
    model.zero_grad()
    loss.backward()
    flat = torch.cat([
        (torch.zeros_like(weight) if weight.grad is None else weight.grad).flatten().clone()
        for weight in model.parameters()
    ])  # fmt: skip
    model.zero_grad()
    return flat


def assert_same(found, expected, tolerance=1e-10):
    """Compare tensors by their largest difference, relative to the largest expected value."""
    difference = float((found - expected).abs().max() / expected.abs().max().clamp(min=1e-30))
    assert difference < tolerance, difference


def count_encoded(model):
    """Return a list that grows by the size of each mini-batch which the model encodes."""
    counts = []
    model[0].register_forward_pre_hook(lambda module, args: counts.append(len(args[0]["input_ids"])))
    return counts


def train_in_process(rank, world, folder, checkpoint, losses):
    """One of several processes: a gradient of each loss on this process's rows, averaged by DDP."""
    from sentence_transformers import SentenceTransformer
    from torch.nn.parallel import DistributedDataParallel

    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=world)
    rows = joint_rows()
    rows = rows[rank * len(rows) // world : (rank + 1) * len(rows) // world]
    results = {}
    for name, (make, settings) in losses.items():
        model = SentenceTransformer(str(checkpoint), device="cpu").double().eval()
        wrapped = DistributedDataParallel(model, find_unused_parameters=True)
        loss_fn = make(model, COLUMNS, **settings)
        features = features_of(model, rows)
        loss_fn.model = wrapped
        loss = loss_fn(features, None)
        results[name] = (float(loss.detach()), gradients(wrapped, loss))
    torch.save(results, f"{folder}/rank{rank}.pt")
    torch.distributed.barrier()
    # Freeing DistributedDataParallel's process group at exit can wait for ever on gloo's own threads (torch 2.13).
    os._exit(0)


def joint_rows():
    """Eight rows; the second half is longer, so that processes have different numbers of mini-batches."""
    rows = make_rows(4, seed=1, longest=8) + make_rows(4, seed=2, longest=40)
    rows[0]["passage_negatives"][1] = rows[6]["passage"]
    rows[2]["passage_negatives"] = rows[2]["passage_negatives"][:1]
    rows[7]["target_query_negatives"] = []
    return rows
