"""The model card of a trained checkpoint: what the model is and how it was trained."""

from collections.abc import Iterator

from clearbench.common.files import TRAINING_FILE
from clearbench.common.text import count
from clearbench.encoders.checkpoints.checkpoint import HUB_ID
from clearbench.records.training import TrainingManifest, read_evaluation_key


def model_card(manifest: TrainingManifest, name: str) -> str:
    """Return the text of README.md.

    Args:
        manifest: The manifest of the finished run.
        name: Name of the checkpoint.
    """
    base = manifest.base
    lines = [
        "---",
        "library_name: sentence-transformers",
        "pipeline_tag: sentence-similarity",
        *([f"base_model: {base.source}"] if HUB_ID.fullmatch(base.source) else []),
        "tags: [sentence-transformers, sentence-similarity, feature-extraction, clearbench]",
        "---",
        f"# {name}",
        "",
        f"Fine-tuned from `{base.source}` for retrieval across languages with clearbench.",
        "",
        "## Training",
        "",
        *(f"- {fact}" for fact in _facts(manifest)),
        *_evaluation_table(manifest),
        "",
        "## Use",
        "",
        "```python",
        "from sentence_transformers import SentenceTransformer",
        "",
        f'model = SentenceTransformer("{name}")',
        "```",
        "",
    ]
    if base.query_prompt or base.passage_prompt:
        lines += [f"Put {base.query_prompt!r} before queries and {base.passage_prompt!r} before passages.", ""]
    lines += [f"All settings, the loss curve and software versions are in `{TRAINING_FILE}`.", ""]
    return "\n".join(lines)


def _facts(manifest: TrainingManifest) -> Iterator[str]:
    config, rows = manifest.config, manifest.rows
    languages = ", ".join(f"{language} ({number:,})" for language, number in rows.languages.items())
    yield f"Loss: `{config['loss']}`, {manifest.formula}, scale {config['scale']:g}"
    yield (
        f"Rows: {rows.num_rows:,} ({rows.num_distinct_rows:,} of them in batches), target languages {languages}, "
        f"up to {rows.negatives} hard negatives each, fingerprint {rows.fingerprint}"
    )
    yield (
        f"{manifest.step} of {config['steps']} steps of {config['batch_size']} rows on "
        f"{count(manifest.devices, 'device')}, {config['batches']} batches, duplicates: {manifest.duplicates}"
    )
    adapters = f"; LoRA of rank {config['lora']}, merged" if config["lora"] else ""
    yield (
        f"Learning rate {config['learning_rate']:g}, {config['schedule']}, {config['warmup']:.0%} warm-up; weight "
        f"decay {config['weight_decay']:g}; {config['dtype']}; at most {manifest.max_length} tokens a text; seed "
        f"{config['seed']}{adapters}"
    )
    yield f"Base checkpoint hash {manifest.base.weights}"
    yield from (f"Note: {note}" for note in manifest.notes)
    if manifest.loss_curve:
        first, last = manifest.loss_curve[0]["loss"], manifest.loss_curve[-1]["loss"]
        yield f"Loss {first:.4f} at the first step, {last:.4f} at the last step"


def _evaluation_table(manifest: TrainingManifest) -> Iterator[str]:
    if manifest.evaluations:
        first, last = manifest.evaluations[0], manifest.evaluations[-1]
        yield from ("", "In training:", "", "| pair | measure | before | after |", "|---|---|---|---|")
        for key in last:
            if key != "step" and key in first:
                task, pair, measure = read_evaluation_key(key)
                yield f"| {task}:{pair} | {measure} | {first[key]:.4f} | {last[key]:.4f} |"
