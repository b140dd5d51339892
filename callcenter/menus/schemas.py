"""What the desk sends of menus."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from callcenter.menus.model import Do
from callcenter.shapes import WHOLE, Line

NODE_PATTERN = r"^[a-z][a-z0-9-]{0,31}$"
PROMPT_PATTERN = r"^[a-z0-9-]{1,40}$"
CUSTOM_PATTERN = r"^custom-[a-z0-9-]{1,33}$"
NodeName = Annotated[str, Field(pattern=NODE_PATTERN, examples=["main"])]
PromptName = Annotated[str, Field(pattern=PROMPT_PATTERN, examples=["menu"])]
Key = Annotated[str, Field(pattern=r"^[0-9*]$")]


_ONLY_THESE: JsonDict = {"additionalProperties": False}
"""No other names than those of the pattern."""


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ActionInput(_Input):
    """What a key leads to. ``to``: the node, queue, prompt or number; empty where there is only one."""

    do: Do = Field(examples=["queue"])
    to: str = Field("", max_length=40, pattern=r"^[0-9A-Za-z+-]*$")


class NodeInput(_Input):
    """One place in a menu."""

    prompts: list[PromptName] = Field(max_length=10)
    choices: dict[Key, ActionInput] = Field({}, max_length=11, json_schema_extra=_ONLY_THESE)
    otherwise: ActionInput = Field(description="After so many tries without a key that counts.")
    timeout_seconds: Annotated[int, Field(ge=1, le=30), WHOLE] = 5
    tries: Annotated[int, Field(ge=1, le=5), WHOLE] = 3
    again: list[PromptName] = Field([], max_length=10, description="Said after wrong or no input; as prompts if empty.")


class MenuInput(_Input):
    """A draft of a menu. It may be anything; what is wrong with it is told by check, and keeps it from going live."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "春节菜单",
                    "root": "main",
                    "nodes": {
                        "main": {
                            "prompts": ["hotline-welcome", "menu"],
                            "choices": {"0": {"do": "queue"}, "9": {"do": "emergency"}},
                            "otherwise": {"do": "queue"},
                        }
                    },
                }
            ]
        },
    )

    name: Line
    line: Literal["hotline"] = "hotline"
    root: NodeName = "main"
    nodes: dict[NodeName, NodeInput] = Field(min_length=1, max_length=50, json_schema_extra=_ONLY_THESE)
