"""From chat messages to the model's tokens, and from its tokens back to text.

The ChatML rendering of Qwen's published template is fixed in code: no template of a model folder is ever
run, and a question that spells ``<|im_end|>`` stays text. One implementation for viewer and trainer.
"""

from __future__ import annotations

import codecs
import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from tokenizers import Tokenizer

from ...errors import BundleError

Message = dict[str, Any]
"""``{"role": ..., "content": str | [{"type": "image"} | {"type": "text", "text": ...}, ...]}``"""

_SYSTEM: Final = "You are a helpful assistant."
_STOPS: Final = ("<|im_end|>", "<|endoftext|>")
_NEVER_SAID: Final = (
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
    "<|im_start|>",
)


class Special(str):
    """A control token's name, to be looked up rather than spelled."""

    __slots__ = ()


def render(
    messages: Sequence[Message], image_tokens: int, *, system: str = "", reply_next: bool = True
) -> list[str]:
    """The conversation as ChatML pieces: plain text (``str``) and control tokens (:class:`Special`).

    Parameters
    ----------
    image_tokens : int
        Tokens of each image: its height times its width over 28 squared.
    system : str
        What the system says where the messages do not start with a system message of their own.
    reply_next : bool
        End with the opening of the assistant's turn.
    """
    pieces: list[str] = []
    if system and messages and messages[0]["role"] != "system":
        pieces += _turn("system", [system])
    for message in messages:
        pieces += _turn(message["role"], _content(message["content"], image_tokens))
    if reply_next:
        pieces += [Special("<|im_start|>"), "assistant\n"]
    return pieces


def _turn(role: str, content: Iterable[str]) -> list[str]:
    return [Special("<|im_start|>"), f"{role}\n", *content, Special("<|im_end|>"), "\n"]


def _content(content: str | Sequence[Message], image_tokens: int) -> Iterator[str]:
    if isinstance(content, str):
        yield content
        return
    for part in content:
        if part["type"] == "image":
            yield Special("<|vision_start|>")
            yield from [Special("<|image_pad|>")] * image_tokens
            yield Special("<|vision_end|>")
        else:
            yield part["text"]


class ChatTokenizer:
    """A model folder's byte-level BPE, with Qwen's control tokens.

    Parameters
    ----------
    folder : Path
        Holds ``tokenizer.json``.

    Raises
    ------
    BundleError
        If the file is missing or damaged, or a control token is not in it.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._bpe = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # the library raises bare Exception
            raise BundleError(
                f"The tokenizer in {folder.name} is missing or damaged; copy the model folder again."
            ) from error
        self._bpe.encode_special_tokens = True  # text that spells a control token stays text
        self.size: int = self._bpe.get_vocab_size(with_added_tokens=True)
        self.system = _default_system(folder)
        self.image_id = self._control_id("<|image_pad|>")
        self.stop_ids = frozenset(self._control_id(name) for name in _STOPS)
        known = map(self._bpe.token_to_id, _NEVER_SAID)
        self.never_said: tuple[int, ...] = tuple(token_id for token_id in known if token_id is not None)

    def _control_id(self, name: str) -> int:
        token_id = self._bpe.token_to_id(name)
        if token_id is None:
            raise BundleError(f"The tokenizer lacks {name}; this is not a Qwen2.5-VL model.")
        return int(token_id)

    def encode(self, messages: Sequence[Message], image_tokens: int, *, reply_next: bool = True) -> list[int]:
        """Token ids of a conversation (see :func:`render`)."""
        ids: list[int] = []
        pieces = render(messages, image_tokens, system=self.system, reply_next=reply_next)
        for plain, piece in _joined(pieces):
            ids += self.encode_text(piece) if plain else [self._control_id(piece)]
        return ids

    def encode_text(self, text: str) -> list[int]:
        """Token ids of plain text, control tokens spelled out."""
        return list(self._bpe.encode(text, add_special_tokens=False).ids)

    def text_stream(self) -> TextStream:
        """A decoder for one reply."""
        return TextStream(self._bpe)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of a whole reply, exactly what :class:`TextStream` would have given."""
        stream = self.text_stream()
        return "".join(map(stream.feed, ids)) + stream.finish()


def _default_system(folder: Path) -> str:
    """The system message with which the model was trained; the folder's template is read, never run.

    Qwen's published template opens with one; a template without it means a model that never saw it.
    """
    texts = []
    for name in ("chat_template.jinja", "chat_template.json", "tokenizer_config.json"):
        with contextlib.suppress(OSError):
            texts.append((folder / name).read_text(encoding="utf-8", errors="replace"))
    has_template = any("<|im_start|>" in text and "{%" in text for text in texts)
    return _SYSTEM if not has_template or any(_SYSTEM in text for text in texts) else ""


def _joined(pieces: Sequence[str]) -> Iterator[tuple[bool, str]]:
    """Neighbouring plain pieces as one, as the published template would tokenize them: (is plain, piece)."""
    text = ""
    for piece in pieces:
        if not isinstance(piece, Special):
            text += piece
            continue
        if text:
            yield True, text
            text = ""
        yield False, piece
    if text:
        yield True, text


class TextStream:
    """Tokens to text as they come; a character is given out only when all its bytes are there."""

    def __init__(self, bpe: Tokenizer) -> None:
        self._bpe = bpe
        self._added = {
            token_id: "" if token.special else token.content
            for token_id, token in bpe.get_added_tokens_decoder().items()
        }
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def feed(self, token_id: int) -> str:
        """The text that this token completes; control tokens give none."""
        if token_id in self._added:
            return self._utf8.decode(self._added[token_id].encode())
        token = self._bpe.id_to_token(token_id)
        return self._utf8.decode(bytes(_BYTE_OF[letter] for letter in token)) if token else ""

    def finish(self) -> str:
        """What an unfinished character leaves: U+FFFD, or nothing."""
        return self._utf8.decode(b"", final=True)


def _byte_alphabet() -> dict[str, int]:
    """GPT-2's printable letter for each byte, backwards (openai/gpt-2, ``encoder.py``, bytes_to_unicode)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    other = [byte for byte in range(256) if byte not in printable]
    letters = {chr(byte): byte for byte in printable}
    return letters | {chr(256 + rank): byte for rank, byte in enumerate(other)}


_BYTE_OF: Final = _byte_alphabet()
