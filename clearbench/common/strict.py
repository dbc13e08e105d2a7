"""The base of the models that files are read into: nothing changes what was read, and unknown keys are refused."""

from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """A pydantic model whose fields cannot be changed, and which refuses a key that it does not know.

    A default that is a list or a dict is written `Field(default=[])`: pydantic copies it for each instance.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
