"""The operator's WeChat templates: which one says which kind of notice, and what stands in its fields."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

from bot.domain.notices import Kind

Value = Literal["title", "what", "when", "where", "who"]
"""What a notice can say of an activity, in short: name, what happens, start, address, organiser."""

TemplateId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z_]{2,24}\d{1,3}$")]


class Template(BaseModel):
    """One template of the account's console: its id and, by its own field's name (`thing1`), what stands there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: TemplateId
    fields: dict[FieldName, Value]


def _read(value: object) -> Any:
    """JSON from the environment; a table from the file as it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError('needs JSON such as {"reminder": {"id": "…", "fields": {"thing1": "title"}}}') from None


Templates = Annotated[dict[Kind, Template], BeforeValidator(_read)]
"""By kind of notice."""
