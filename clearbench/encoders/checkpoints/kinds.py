"""Which kinds of models are not dense encoders, and are refused by name before their weights are loaded.

sentence-transformers converts most of them to a dense model with mean pooling, which gives plausible figures of a model
that nobody trained.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clearbench.common.errors import EncoderError
from clearbench.encoders.checkpoints.metadata import CONFIG, MODULE_CONFIGS, SETTINGS, Module, read_modules, read_object

DENSE = "SentenceTransformer"
"""What sentence-transformers calls a dense model; older versions did not write it down."""


@dataclass(frozen=True)
class OtherKind:
    """A kind of model that does not give one vector per text.

    Attributes:
        what: What it is, for messages.
        model_types: What sentence-transformers calls it.
        modules: Class of a module that only this kind has, as a regular expression over the whole dotted name.
        architectures: Architecture in config.json that only this kind has, as a regular expression.
        tasks: What a transformer module of this kind is loaded for.
        settings: Keys of config_sentence_transformers.json that only this kind has.
        similarities: Similarities that only this kind has.
        files: Files that only this kind has.
        pooled_is_dense: Whether modules.json can make a dense model of such an architecture: its vectors are then
            taken from below the head.
    """

    what: str
    model_types: tuple[str, ...]
    modules: str
    architectures: str
    tasks: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    similarities: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    pooled_is_dense: bool = False


OTHER_KINDS = (
    OtherKind(
        "a sparse model such as SPLADE, which gives weights of words",
        model_types=("SparseEncoder",),
        modules=r".*\.sparse_encoder\..*|(.*\.)?(SpladePooling|MLMTransformer|SparseAutoEncoder|CSRSparsity|IDF"
        r"|SparseStaticEmbedding)",
        architectures=r".*Splade.*",
        tasks=("fill-mask",),
    ),
    OtherKind(
        "a late-interaction model such as ColBERT, which gives a vector per token",
        model_types=("MultiVectorEncoder", "ColBERT"),
        modules=r"pylate\..*|.*\.multi_vector_encoder\..*|(.*\.)?(MultiVectorMask|TokenPooling)",
        architectures=r".*Col(BERT|Pali|Qwen|Idefics|Flor|Smol).*",
        tasks=("retrieval",),
        settings=("attend_to_expansion_tokens", "do_query_expansion", "skiplist_words"),
        similarities=("maxsim", "xtr"),
        files=("artifact.metadata",),
    ),
    OtherKind(
        "a cross-encoder (reranker) or another classifier, which scores a query and a passage together",
        model_types=("CrossEncoder",),
        modules=r".*\.cross_encoder\..*|(.*\.)?LogitScore",
        architectures=r".*For(SequenceClassification|TokenClassification|MultipleChoice|QuestionAnswering)",
        tasks=("sequence-classification", "text-classification", "text-generation"),
        pooled_is_dense=True,
    ),
)
"""Tried in this order."""


def refuse_other_kinds(folder: Path, source: str) -> None:
    """Refuse a checkpoint that is not a dense encoder.

    A plain masked language model is taken for what the user says with --pooling: nothing in its folder tells a SPLADE
    model without modules.json from it.

    Args:
        folder: The checkpoint's folder.
        source: What the user typed, for messages.
    Raises:
        EncoderError: It is a sparse, late-interaction or cross-encoder model, or one of a kind that is not known.
    """
    for kind in OTHER_KINDS:
        for sign in _signs(kind, folder):
            raise EncoderError(
                f"{source} is {kind.what} ({sign}). Dense models are evaluated and trained here: one vector per text. "
                "Give the folder of a dense model; this kind is not supported."
            )
    model_type = read_object(folder / SETTINGS).get("model_type", DENSE)
    if model_type != DENSE:
        raise EncoderError(
            f"{source}: {SETTINGS} calls the model {model_type!r}, expected {DENSE!r}. Only dense models, which give "
            "one vector per text, are evaluated and trained here."
        )


def _signs(kind: OtherKind, folder: Path) -> Iterator[str]:
    """Yield the signs, in words, that a folder holds a kind of model."""
    modules = read_modules(folder)
    settings = read_object(folder / SETTINGS)
    if (model_type := settings.get("model_type")) in kind.model_types:
        yield f"{SETTINGS} says {model_type}"
    yield from (f"it has the module {module.type}" for module in modules if re.fullmatch(kind.modules, module.type))
    yield from (f"{SETTINGS} has {key!r}" for key in kind.settings if key in settings)
    if str(settings.get("similarity_fn_name")).lower() in kind.similarities:
        yield f"its similarity is {settings['similarity_fn_name']}"
    yield from (f"it has the file {name}" for name in kind.files if (folder / name).is_file())
    for transformer in _transformer_folders(folder, modules):
        yield from _task_signs(kind, transformer)
        if not (modules and kind.pooled_is_dense):
            yield from _architecture_signs(kind, transformer)


def _transformer_folders(folder: Path, modules: tuple[Module, ...]) -> list[Path]:
    """Return the folders that may have a transformer's configuration: the modules', or the checkpoint's own."""
    return [folder / path for path in dict.fromkeys(module.path for module in modules)] if modules else [folder]


def _task_signs(kind: OtherKind, folder: Path) -> Iterator[str]:
    for file in sorted(folder.glob(MODULE_CONFIGS)):
        if (task := read_object(file).get("transformer_task")) in kind.tasks:
            yield f"{file.name} says {task}"


def _architecture_signs(kind: OtherKind, folder: Path) -> Iterator[str]:
    architectures = read_object(folder / CONFIG).get("architectures")
    for name in architectures if isinstance(architectures, list) else []:
        if re.fullmatch(kind.architectures, str(name), flags=re.IGNORECASE):
            yield f"{CONFIG} says {name}"
