"""Candidates of all processes: two processes equal one on the joint batch."""

from typing import Any

import torch
from builders.loss import COLUMNS, features_of, gradients, joint_rows, train_in_process
from torch.multiprocessing.spawn import spawn

from clearbench.training.loss.clear import CLEARLoss
from clearbench.training.loss.infonce import InfoNCELoss

LOSSES: dict[str, Any] = {
    "plain": (CLEARLoss, {"gather_across_devices": True}),
    "cached": (CLEARLoss, {"gather_across_devices": True, "mini_batch_tokens": 60}),
    "not gathered": (CLEARLoss, {"mini_batch_tokens": 60}),
    "infonce": (InfoNCELoss, {"gather_across_devices": True, "anchors": ("query", "target_query")}),
    "infonce cached": (InfoNCELoss, {"gather_across_devices": True, "mini_batch_size": 5}),
}


def test_two_processes_equal_one_on_the_joint_batch(checkpoint, tmp_path):
    # Each process averages over its own rows, DistributedDataParallel averages gradients over processes: together the
    # mean over the joint batch. Negatives, duplicates and empty texts of the other process count too.
    from sentence_transformers import SentenceTransformer

    spawn(train_in_process, (2, str(tmp_path), str(checkpoint), LOSSES), nprocs=2)
    ranks = [torch.load(tmp_path / f"rank{rank}.pt") for rank in range(2)]
    model = SentenceTransformer(str(checkpoint), device="cpu").double().eval()
    features = features_of(model, joint_rows())
    for name, (make, settings) in LOSSES.items():
        one = make(model, COLUMNS, **{**settings, "gather_across_devices": False})(features)
        value = sum(rank[name][0] for rank in ranks) / 2
        gradient = gradients(model, one)
        for rank in ranks:
            off = float((rank[name][1] - gradient).abs().max() / gradient.abs().max())
            assert (off < 1e-10) == (name != "not gathered"), (name, off)
        assert (abs(value - float(one.detach())) < 1e-10) == (name != "not gathered"), name
