"""`clearbench export-model`: write a packaged encoder as a folder for other programs."""

from pathlib import Path
from typing import Annotated

import typer


def export_model(
    name: Annotated[str, typer.Argument(help="Short name: `e5-small` or `minilm`.")],
    folder: Annotated[Path, typer.Argument(help="Folder to write, new or empty.")],
) -> None:
    """Write an encoder from a package as a sentence-transformers folder, for use in other programs.

    Example: clearbench export-model e5-small e5-small/
    """
    from clearbench.encoders.packaged.convert import export_model as export

    installed = export(name, folder)
    model = installed.model
    print(f"{folder}: {model.title}, from {model.package} {installed.version}, weights under {model.licence}")
