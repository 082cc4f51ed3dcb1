"""
Walk a parsed JSON value: every key, every string, every number that is long enough to mean something.

The walk counts strings and numbers in the order of the text, so that any of them can be found in the bytes later; where nothing is found,
the bytes are never looked at again.
"""

from __future__ import annotations

import json
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from excise.errors import ExciseError, InternalError
from excise.privacy.detect.detector import ELEMENT_END, KEY_END
from excise.privacy.walk import runs, skip
from excise.privacy.walk.document import KEY_ALONE, NUMBER, OWN_KEY, SIGNED, Piece
from excise.privacy.walk.layer import Layer, Place, Trail, path
from excise.privacy.walk.signs import NO_SIGNS, Signs, is_block, is_turn, signs_of
from excise.privacy.walk.tokens import JSON_NUMBER, JSON_STRING, locate
from excise.wire import strict_json

if TYPE_CHECKING:
    from excise.privacy.walk.intake import Intake

_NESTED_DEPTH = 3  # JSON in a string of JSON in a string
_LEAST_NUMBER = 100_000  # six digits
_RUN = 8  # numbers in one list from which on they are a vector, not a pair of coordinates
_IDS_OF_TOKENS = "token ids cannot be scanned; send text (LangChain: check_embedding_ctx_length=False)"
_TOKEN_KEYS = frozenset(("input", "prompt", "context", "tokens", "input_ids", "token_ids", "prompt_token_ids"))
_OUTER_PLACES = (Place.HEADER, Place.QUERY, Place.PATH)  # JSON in one of these still stands there
_SLOW_HEADS = "{[ \n\r\t"
_SLOW_STARTS = frozenset(_SLOW_HEADS)
_SHORT = 16  # shorter strings are no ids, no signatures, no data


class Tree:
    """
    One JSON text: where its strings stand, found when the first of them is needed.

    Args:
        carrier: The layer whose text is this JSON, or has it at `start`.
    """

    __slots__ = ("_layers", "_place", "_spans", "carrier")

    def __init__(self, carrier: Layer) -> None:
        self.carrier = carrier
        self._place = carrier.place if carrier.place in _OUTER_PLACES else Place.BODY_STRING
        self._layers: dict[int, Layer] = {}  # by ordinal; numbers from -1 downwards
        self._spans: dict[int, tuple[int, int]] = {}

    def known(self, piece: Piece) -> Layer | None:
        """
        The layer of a value, if it was made before.
        """
        return self._layers.get(~piece.ordinal if piece.kind & NUMBER else piece.ordinal)

    def layer(self, piece: Piece, text: str) -> Layer:
        """
        The layer of a value.
        """
        number = bool(piece.kind & NUMBER)
        if piece.kind & KEY_ALONE:
            return self.string(piece.ordinal, text, (piece.trail, piece.step), place=Place.BODY_KEY)
        if not number:
            return self.string(piece.ordinal, text, (piece.trail, piece.step), signed=bool(piece.kind & SIGNED))
        at = ~piece.ordinal
        if at not in self._layers:
            self._layers[at] = Layer(
                text,
                self.carrier,
                lambda: self._range(at),
                codec=JSON_NUMBER,
                place=Place.BODY_NUMBER,
                trail=(piece.trail, piece.step),
                depth=self.carrier.depth + 1,
            )
        return self._layers[at]

    def key_layer(self, piece: Piece, text: str) -> Layer:
        """
        The layer of the key in front of a value.
        """
        ordinal = piece.ordinal - 1 if not piece.kind & NUMBER else piece.offset
        return self.string(ordinal, text, (piece.trail, piece.step), place=Place.BODY_KEY)

    def string(self, ordinal: int, text: str, trail: Trail, *, place: Place | None = None, signed: bool = False) -> Layer:
        if ordinal not in self._layers:
            self._layers[ordinal] = Layer(
                text,
                self.carrier,
                lambda: self._range(ordinal),
                codec=JSON_STRING,
                place=place or self._place,
                trail=trail,
                signed=signed,
                depth=self.carrier.depth + 1,
            )
        return self._layers[ordinal]

    def _range(self, at: int) -> tuple[int, int]:
        if at not in self._spans:
            # All that may be asked for at once: looking through the text again for each would be quadratic.
            strings, numbers = locate(
                self.carrier.text, (one for one in self._layers if one >= 0), (~one for one in self._layers if one < 0)
            )
            self._spans = strings | {~one: span for one, span in numbers.items()}
        start, end = self._spans[at]
        layer = self._layers[at]
        spelled = self.carrier.text[start:end]
        # The walk and the text must agree on what the string is, or something else would be changed.
        if at >= 0 and json.loads(f'"{spelled}"') != layer.text:
            raise InternalError
        return start, end


class Walk:
    """
    One pass over a JSON value.

    Args:
        tree: What it is the value of.
        intake: Gets the strings.
        nesting: How many JSON texts this one is inside of.
        own: It is the request's own JSON, where the provider's signatures and ciphertext stand; not a file's, not a string's.
    """

    def __init__(self, tree: Tree, intake: Intake, nesting: int = 0, *, own: bool = False) -> None:
        self._tree = tree
        self._intake = intake
        self._document = intake.document
        self._coverage = intake.coverage
        self._nesting = nesting
        self._own = own
        self._root: Trail = None
        self._turn: Trail = None  # the model's turn in hand
        self._strings = 0  # so far, keys included
        self._numbers = 0
        self._inexact: list[tuple[int, Piece, str]] = []

    def run(self, value: Any, trail: Trail, key: str = "") -> None:
        self._root = trail
        if type(value) is dict:
            self._object(value, trail, signed=0)
        elif type(value) is list:
            self._list(value, trail, key, signed=0)
        elif type(value) is str:
            self._strings = 1
            self._string(value, key, trail, "#", NO_SIGNS, 0)
        elif type(value) in (int, float):
            self._numbers = 1
            self._number(value, key, trail, "#", 0)
        self._exactly()

    def _object(self, node: dict[str, Any], trail: Trail, signed: int) -> None:
        document = self._document
        starts, pieces, parts = document.starts, document.pieces, document.parts
        tree, new = self._tree, tuple.__new__
        signs = signs_of(node)
        if self._own and "role" in node and is_turn(node, trail, self._root):
            self._turn = trail
        if signs is not NO_SIGNS:
            if not self._own:
                signs = Signs(declared=signs.declared)
            elif signs.signed and not is_block(node, trail, self._turn):
                signs = Signs(declared=signs.declared, sealed=signs.sealed)
        signed_keys = signs.signed
        spoken, quiet_keys, quiet_values = skip.SPOKEN_KEYS, skip.QUIET_KEYS, skip.QUIET_VALUES
        for key, value in node.items():
            self._strings += 1
            kind = type(value)
            if kind is str:
                self._strings += 1
                if len(value) < _SHORT and value and value[0] not in _SLOW_HEADS:
                    if key in quiet_keys and value in quiet_values:
                        continue
                    starts.append(document.length)
                    shift = len(key) + 1
                    kinds = OWN_KEY | signed | (SIGNED if key in signed_keys else 0)
                    pieces.append(new(Piece, (tree, shift, 0, self._strings - 1, trail, key, kinds)))
                    parts.append(f"{key}{KEY_END}{value}{ELEMENT_END}")
                    document.length += shift + len(value) + 1
                else:
                    self._string(value, key, trail, key, signs, OWN_KEY | signed | signs.marks(key))
            elif kind is dict or kind is list:
                if key not in spoken:
                    self._key(key, trail)
                if kind is dict:
                    self._object(value, (trail, key), signed)
                else:
                    self._list(value, (trail, key), key, signed)
            elif kind is int or kind is float:
                self._numbers += 1
                if not self._number(value, key, trail, key, OWN_KEY) and key not in spoken:
                    self._key(key, trail)
            elif key not in spoken:
                self._key(key, trail)

    def _list(self, node: list[Any], trail: Trail, key: str, signed: int) -> None:
        if len(node) >= _RUN and self._vector(node, trail, key):
            return
        if len(node) >= _RUN and self._strings_alone(node, trail, key, signed):
            return
        for at, value in enumerate(node):
            kind = type(value)
            if kind is str:
                self._strings += 1
                self._string(value, key, trail, at, NO_SIGNS, signed)
            elif kind is dict:
                self._object(value, (trail, at), signed)
            elif kind is list:
                self._list(value, (trail, at), key, signed)
            elif kind is int or kind is float:
                self._numbers += 1
                self._number(value, key, trail, at, 0)

    def _vector(self, node: list[Any], trail: Trail, key: str) -> bool:
        """
        A long list of nothing but numbers: an embedding, token ids, or many short numbers.
        """
        kinds = set(map(type, node))
        if not kinds <= {int, float}:
            return False
        if kinds == {int} and key in _TOKEN_KEYS and min(node) >= 0:
            # Token ids are text that only the model's own tokenizer reads.
            size = sum(map(len, map(str, node[:64]))) * len(node) // min(len(node), 64) + len(node)
            self._coverage.add_unknown(path(trail), _IDS_OF_TOKENS, size)
        elif max(node) >= _LEAST_NUMBER or min(node) <= -_LEAST_NUMBER:
            return False
        else:
            self._coverage.skipped["number-vector"] += len(node) * (2 if float not in kinds else 12)
        self._numbers += len(node)
        return True

    def _strings_alone(self, node: list[Any], trail: Trail, key: str, signed: int) -> bool:
        """
        A long list of nothing but strings in which nothing can be hidden: names, identifiers, lines.
        """
        if set(map(type, node)) != {str} or key in skip.ID_KEYS or not _SLOW_STARTS.isdisjoint([value[:1] for value in node]):
            return False
        sizes = list(map(len, node))
        if max(sizes) >= runs.LONG:
            return False
        document, tree, new, first = self._document, self._tree, tuple.__new__, self._strings
        head = f"{key}{KEY_END}" if key else ""
        shift = len(head)
        *starts, document.length = accumulate([shift + size + 1 for size in sizes], initial=document.length)
        document.starts += starts
        document.pieces += [new(Piece, (tree, shift, 0, first + at, trail, at, signed)) for at in range(len(node))]
        document.parts.append(head + (ELEMENT_END + head).join(node) + ELEMENT_END)
        self._strings += len(node)
        return True

    def _key(self, key: str, trail: Trail) -> None:
        # Words of the protocols have nothing in them.
        if key and key not in skip.SPOKEN_KEYS:
            document = self._document
            document.starts.append(document.length)
            document.pieces.append(Piece(self._tree, 0, 0, self._strings - 1, trail, key, KEY_ALONE))
            document.parts.append(key + ELEMENT_END)
            document.length += len(key) + 1

    def _string(self, value: str, key: str, trail: Trail, step: str | int, signs: Signs, kind: int) -> None:
        size = len(value)
        if size >= _SHORT:
            if key in skip.ID_KEYS and skip.is_id(value, key):
                self._skip("id", value, key, trail, kind)
                return
            if (sealed := signs.unseal(key, value)) is not None:
                self._skip("sealed", value, key, trail, kind)
                self._intake.readable(sealed, (trail, step))
                return
        ordinal = self._strings - 1
        if size > 1 and value[0] in _SLOW_HEADS and self._nested(value, ordinal, trail, step, kind):
            if kind & OWN_KEY:
                self._strings -= 1
                self._key(key, trail)
                self._strings += 1
            return
        if size >= signs.least(key) and (cuts := self._intake.cuts(value, key, signs)):
            if kind & OWN_KEY:
                self._strings -= 1
                self._key(key, trail)
                self._strings += 1
            layer = self._tree.string(ordinal, value, (trail, step), signed=bool(kind & SIGNED))
            self._intake.put(layer, cuts, key)
            return
        document = self._document
        shift = len(key) + 1 if key else 0
        document.starts.append(document.length)
        document.pieces.append(Piece(self._tree, shift, 0, ordinal, trail, step, kind))
        document.parts.append(f"{key}{KEY_END}{value}{ELEMENT_END}" if key else value + ELEMENT_END)
        document.length += shift + size + 1

    def _skip(self, rule: str, value: str, key: str, trail: Trail, kind: int) -> None:
        self._coverage.skipped[rule] += len(value)
        if kind & OWN_KEY:
            self._strings -= 1
            self._key(key, trail)
            self._strings += 1

    def _nested(self, value: str, ordinal: int, trail: Trail, step: str | int, kind: int) -> bool:
        """
        Whether the string is a JSON text of its own: then its strings are what is scanned.
        """
        inner = parse(value) if self._nesting < _NESTED_DEPTH else None
        if inner is None:
            return False
        layer = self._tree.string(ordinal, value, (trail, step), signed=bool(kind & SIGNED))
        Walk(Tree(layer), self._intake, self._nesting + 1).run(inner, ((trail, step), "#"))
        return True

    def _number(self, value: int | float, key: str, trail: Trail, step: str | int, kind: int) -> bool:
        if type(value) is int:
            if -_LEAST_NUMBER < value < _LEAST_NUMBER:
                return False
            text = str(value)
        else:
            text = repr(value)
            if len(text) < 7 and "e" not in text:
                return False
        document = self._document
        shift = len(key) + 1 if key else 0
        # A number has no string of its own: the key's ordinal goes in the offset's place.
        piece = Piece(self._tree, shift, self._strings - 1, self._numbers - 1, trail, step, kind | NUMBER)
        if type(value) is float:
            self._inexact.append((self._numbers - 1, piece, key))
            return True
        document.starts.append(document.length)
        document.pieces.append(piece)
        document.parts.append(f"{key}{KEY_END}{text}{ELEMENT_END}" if key else text + ELEMENT_END)
        document.length += shift + len(text) + 1
        return True

    def _exactly(self) -> None:
        """
        Numbers that are not whole, as they are written: floats lose digits, and write large numbers otherwise.
        """
        if not self._inexact:
            return
        document = self._document
        _, spans = locate(self._tree.carrier.text, (), [number for number, _, _ in self._inexact])
        for number, piece, key in self._inexact:
            start, end = spans[number]
            text = self._tree.carrier.text[start:end]
            document.starts.append(document.length)
            document.pieces.append(piece)
            document.parts.append(f"{key}{KEY_END}{text}{ELEMENT_END}" if key else text + ELEMENT_END)
            document.length += piece.shift + len(text) + 1


def parse(text: str) -> Any:
    """
    The object or list `text` is as a whole, strictly; `None` where it is none.
    """
    head, last = text.lstrip(" \n\r\t")[:1], text.rstrip(" \n\r\t")[-1:]
    if head + last not in ("{}", "[]"):
        return None
    try:
        return strict_json.load(text.encode("utf-8"))
    except (ExciseError, UnicodeEncodeError):
        # Not JSON, or not for all readers the same: then it is text.
        return None
