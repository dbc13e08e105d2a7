"""A loss under the ordinary trainer of sentence-transformers."""

import pytest
from builders.loss import COLUMNS, features_of, make_rows, spread

from clearbench.common.errors import TrainingError
from clearbench.training.loss.clear import CLEARLoss


def trainer_for(model, columns, loss, folder, rows):
    from datasets import Dataset
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments

    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(folder), per_device_train_batch_size=4, max_steps=12, learning_rate=5e-3, report_to="none",
        use_cpu=True, save_strategy="no", disable_tqdm=True, dataloader_pin_memory=False,
    )  # fmt: skip
    dataset = Dataset.from_dict(spread(rows, columns))
    return SentenceTransformerTrainer(model=model, args=arguments, train_dataset=dataset, loss=loss)


@pytest.mark.parametrize("limits", [{}, {"mini_batch_tokens": 60}], ids=str)
def test_trains_with_the_trainer_alone(model, tmp_path, limits):
    rows = make_rows(8)
    rows[3]["passage_negatives"] = []
    loss = CLEARLoss(model, COLUMNS, **limits)
    before = float(CLEARLoss(model, COLUMNS)(features_of(model, rows)).detach())
    trainer = trainer_for(model, COLUMNS, loss, tmp_path, rows)
    trainer.train()
    model.eval()
    assert float(CLEARLoss(model, COLUMNS)(features_of(model, rows)).detach()) < before - 0.1


def test_columns_in_another_order_are_noticed_in_the_trainer(model, tmp_path):
    loss = CLEARLoss(model, COLUMNS)
    other = (*COLUMNS[:1], COLUMNS[2], COLUMNS[1], *COLUMNS[3:])
    trainer = trainer_for(model, other, loss, tmp_path, make_rows(8))
    with pytest.raises(TrainingError, match="not in the order"):
        trainer.train()
