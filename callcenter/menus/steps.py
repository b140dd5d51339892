"""One step through a menu as a pure function: where the caller is and what she pressed → what comes next (B1).

Where she is travels with her call, as a word in a channel variable: a restart of the controller loses nobody, and a
menu that is replaced meanwhile goes on for her as it began.
"""

from dataclasses import dataclass

from callcenter.menus.model import Action, Do, Menu, Node

WRONG, SILENT = "wrong-input", "no-input"
MOST_STEPS = 100
"""After so many steps she is taken to an operator, whatever she presses: a line held by a machine is a line lost."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a caller is. ``tries``: how often she was asked at this node; ``steps``: in all."""

    menu: str
    node: str
    tries: int = 1
    steps: int = 1

    def word(self) -> str:
        """As it travels with the call: ``main/1/1@<menu id>``."""
        return f"{self.node}/{self.tries}/{self.steps}@{self.menu}"


def read_place(word: str) -> Place | None:
    """The place that a word of `Place.word` stands for; None for any other text."""
    where, at, menu = word.partition("@")
    node, *counts = where.split("/")
    if not at or len(counts) != 2:
        return None
    if not all(count.isascii() and count.isdigit() and len(count) < 6 for count in counts):
        return None
    return Place(menu, node, int(counts[0]), int(counts[1]))


@dataclass(frozen=True, slots=True)
class Ask:
    """Say the prompts and wait for one key."""

    place: Place
    prompts: tuple[str, ...]
    seconds: int


@dataclass(frozen=True, slots=True)
class Leave:
    """The menu is over for her. ``key``: what she pressed last; empty when she pressed nothing that counts."""

    action: Action
    key: str


OPERATOR = Leave(Action(Do.QUEUE), "0")
"""Where everything leads that a menu does not foresee."""


def begin(menu: Menu) -> Ask | Leave:
    """The first step."""
    return _enter(menu, menu.root, 1)


def advance(menu: Menu, place: Place, key: str) -> Ask | Leave:
    """The next step; ``key`` is empty when none was pressed in time."""
    node = menu.nodes.get(place.node)
    steps = place.steps + 1
    if node is None or steps > MOST_STEPS:
        return OPERATOR
    action = node.choices.get(key) if key else None
    if action is not None:
        return _follow(menu, place, node, action, key, steps)
    if place.tries < node.tries:
        asked = Place(menu.id, place.node, place.tries + 1, steps)
        return Ask(asked, _once_more(node, asked, key), node.timeout_seconds)
    return _follow(menu, place, node, node.otherwise, "", steps)


def _once_more(node: Node, asked: Place, key: str) -> tuple[str, ...]:
    # A dial telephone has no keys, and somebody confused finds none: who has pressed nothing is not made to listen to
    # all of it once more before she reaches a human (B1).
    if not key and asked.tries == node.tries:
        return (SILENT,)
    return (WRONG if key else SILENT, *(node.again or node.prompts))


def _follow(menu: Menu, place: Place, node: Node, action: Action, key: str, steps: int) -> Ask | Leave:
    match action.do:
        case Do.NODE:
            return _enter(menu, action.to, steps)
        case Do.MESSAGE:
            said = (action.to, *(node.again or node.prompts))
            return Ask(Place(menu.id, place.node, 1, steps), said, node.timeout_seconds)
        case _:
            # Who pressed nothing is on record as somebody who wanted a human.
            return Leave(action, key or "0")


def _enter(menu: Menu, name: str, steps: int) -> Ask | Leave:
    node = menu.nodes.get(name)
    if node is None:
        return OPERATOR
    return Ask(Place(menu.id, name, 1, steps), node.prompts, node.timeout_seconds)
