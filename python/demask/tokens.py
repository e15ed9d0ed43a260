"""Turns tokens into texts and texts into ids, with any kind of tokenizer."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Union

from .protocol import EngineError
from .recorder import _texts

# A token's text in the protocol: a text, {"control": name}, {"bytes": [...]}, or None for a token without a text.
Text = Union[str, Dict[str, Any], None]

# The names of mask tokens in known tokenizers.
MASK_NAMES = ("<|mdm_mask|>", "<|mask|>", "[MASK]")


class Tokens:
    """A tokenizer of transformers (fast or slow) or of tokenizers; or, for the texts of tokens alone, anything that the
    recorder takes; or None."""

    def __init__(self, tokenizer: Any = None) -> None:
        self.tokenizer = tokenizer
        self._text = _texts(tokenizer)

    @property
    def template(self) -> bool:
        """Whether there is a chat template."""
        return bool(getattr(self.tokenizer, "chat_template", None))

    def texts(self, first: int, count: int) -> List[Text]:
        """The texts of the ids from `first` on, `count` of them."""
        return [self._one(token) for token in range(first, first + count)]

    def _one(self, token: int) -> Text:
        if self._text is None:
            return None
        try:
            text = self._text(token)
        except (IndexError, KeyError, OverflowError, TypeError, ValueError):
            # Tokenizers raise different exceptions for a token that they do not have.
            return None
        if isinstance(text, dict):
            return {"control": str(text["control"])}
        if isinstance(text, (bytes, bytearray)):
            try:
                return bytes(text).decode("utf-8")
            except UnicodeDecodeError:
                return {"bytes": list(text)}
        # Half a surrogate pair cannot be sent, so it is replaced.
        return None if text is None else str(text).encode("utf-8", "replace").decode("utf-8")

    def chat(self, messages: List[Mapping[str, Any]], variables: Mapping[str, Any], begun: str = "") -> List[int]:
        """The ids of a conversation through the chat template, with the generation prompt and `begun` behind it."""
        if not self.template:
            raise EngineError("unsupported", "the engine's tokenizer has no chat template: give the prompt as text")
        given = {**dict(variables), "tokenize": False, "add_generation_prompt": True}
        made = self.tokenizer.apply_chat_template(messages, **given)
        # The template has written the special tokens already.
        return self.encode(str(made) + begun, special=False)

    def encode(self, text: str, special: bool = True) -> List[int]:
        """The ids of a text. `special`: whether the tokenizer adds the special tokens that it puts around a text."""
        encode = getattr(self.tokenizer, "encode", None)
        if not callable(encode):
            raise EngineError("unsupported", "the engine has no tokenizer: give the prompt as token ids")
        ids = encode(text, add_special_tokens=special)
        ids = getattr(ids, "ids", ids)
        return [int(token) for token in ids]

    def decode(self, ids: List[int]) -> str:
        """The text of ids, control tokens by name."""
        decode = getattr(self.tokenizer, "decode", None)
        if not callable(decode):
            raise EngineError("unsupported", "the engine has no tokenizer")
        return str(decode(ids, skip_special_tokens=False))

    def id_of(self, text: str) -> Optional[int]:
        """The id of the token with this text or name; None if there is none."""
        for name in ("get_vocab", "get_added_vocab"):
            vocabulary = getattr(self.tokenizer, name, None)
            found = vocabulary().get(text) if callable(vocabulary) else None
            if found is not None:
                return int(found)
        return None

    @property
    def mask(self) -> Optional[int]:
        """The mask token that the tokenizer names, else by its name in known tokenizers."""
        named = id_(getattr(self.tokenizer, "mask_token_id", None))
        return named if named is not None else next(
            (found for found in map(self.id_of, MASK_NAMES) if found is not None), None
        )

    @property
    def eos(self) -> Optional[int]:
        """The end-of-sequence token that the tokenizer names."""
        return id_(getattr(self.tokenizer, "eos_token_id", None))


def id_(value: Any) -> Optional[int]:
    """A token id, or the first of a list of them; None for anything else."""
    if isinstance(value, (list, tuple)):
        value = value[0] if value else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
