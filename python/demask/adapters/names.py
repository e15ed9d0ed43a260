"""What models are called."""

from __future__ import annotations

from typing import Any


def name_of(model: Any) -> str:
    """Where a model of transformers was loaded from, else its class."""
    return getattr(getattr(model, "config", None), "_name_or_path", "") or type(model).__name__
