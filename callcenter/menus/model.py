"""A menu as pure data, and what may be wrong with it (B1).

A menu is a graph of nodes. A node says something and waits for one key; each key, and silence, leads to an action.
`problems` finds every way in which a caller could be lost; a menu that has any is never live.
"""

import functools
from collections.abc import Callable, Collection, Iterator, Mapping
from enum import StrEnum

import msgspec


class Do(StrEnum):
    """What a key, or no key, leads to. ``to`` names the node, queue, prompt or number."""

    NODE = "node"
    QUEUE = "queue"
    EMERGENCY = "emergency"
    VOICEMAIL = "voicemail"
    CALLBACK = "callback"
    MESSAGE = "message"
    NUMBER = "number"


STAYS = frozenset({Do.NODE, Do.MESSAGE})
"""Actions after which the caller is still in the menu; a message is said and leads back to the node it was asked in."""
HUMAN = frozenset({Do.QUEUE, Do.NUMBER})
"""Actions that lead to somebody who speaks."""
KEYS = "0123456789*"
"""Keys that a menu may offer; # ends an input."""
EMERGENCY_KEY = "9"


class Action(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a key leads."""

    do: Do
    to: str = ""


class Node(msgspec.Struct, frozen=True, omit_defaults=True):
    """One place in a menu.

    ``prompts``: what is said first, ``again``: what is said after wrong or no input (the same if empty); before the
    last try, after no input, only that there was none.
    ``timeout_seconds``: how long a key is waited for after the words; ``tries``: how often it is asked in all, before
    ``otherwise`` is done.
    """

    prompts: tuple[str, ...]
    choices: Mapping[str, Action]
    otherwise: Action
    timeout_seconds: int = 5
    tries: int = 3
    again: tuple[str, ...] = ()


class Menu(msgspec.Struct, frozen=True):
    """One version of a menu; ``root``: the node at which every caller begins."""

    id: str
    root: str
    nodes: Mapping[str, Node]
    line: str = "hotline"
    version: int = 1


class MenuProblem(msgspec.Struct, frozen=True):
    """Why a menu must not go live. ``node``: where; empty for the menu as a whole. ``key``: which, where it is one
    key's, or ``otherwise``; ``to``: the name that is wrong."""

    node: str
    code: str
    text: str
    key: str = ""
    to: str = ""


BUILT_IN = Menu(
    id="built-in",
    root="main",
    version=0,
    nodes={
        "main": Node(
            prompts=("hotline-welcome", "recorded-line", "menu"),
            again=("menu",),
            choices={
                "0": Action(Do.QUEUE),
                "1": Action(Do.QUEUE),
                "2": Action(Do.QUEUE),
                "3": Action(Do.QUEUE),
                EMERGENCY_KEY: Action(Do.EMERGENCY),
            },
            otherwise=Action(Do.QUEUE),
            timeout_seconds=3,
            tries=2,
        )
    },
)
"""What callers hear while no menu has been published: 1 service, 2 complaint, 3 enquiry, 9 emergency, 0 operator.

Who presses nothing waits for a human some 25 s after the call is answered: 15 s of words, 3 s, ``no-input``, 3 s. A
queue without a name is the first there is."""


def problems(
    menu: Menu, *, prompts: Collection[str], queues: Collection[str], callable_number: Callable[[str], bool]
) -> list[MenuProblem]:
    """Everything that is wrong with a menu, by node.

    ``prompts``: names that can be played; ``queues``: codes of queues ("" stands for the first and is always known);
    ``callable_number``: whether a number may be dialled from the menu.
    """
    if menu.root not in menu.nodes:
        return [
            MenuProblem("", "unknown_node", f"the menu begins at {menu.root!r}, which is no node of it", to=menu.root)
        ]
    found: list[MenuProblem] = []
    for name, node in menu.nodes.items():
        found += _of_node(menu, name, node, prompts, queues, callable_number)
    reached = reachable(menu, menu.root)
    found += [
        MenuProblem(name, "unreachable", "no key leads here; remove the node, or let one lead to it")
        for name in menu.nodes
        if name not in reached
    ]
    for name in menu.nodes:
        if name not in reached:
            continue
        if not any(action.do in HUMAN for one in reachable(menu, name) for action in actions(menu.nodes[one])):
            found.append(MenuProblem(name, "no_human", "from here no way leads to an operator; add a key to a queue"))
        if _silent_loop(menu, name):
            found.append(
                MenuProblem(name, "endless", "who presses no key goes round for ever; let 'otherwise' lead to a queue")
            )
    return found


def actions(node: Node) -> Iterator[Action]:
    """Every action of a node."""
    yield from node.choices.values()
    yield node.otherwise


def reachable(menu: Menu, start: str) -> set[str]:
    """The nodes that keys or silence lead to from ``start``, itself among them; unknown ones are left out."""
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name in seen or name not in menu.nodes:
            continue
        seen.add(name)
        ahead += [action.to for action in actions(menu.nodes[name]) if action.do is Do.NODE]
    return seen


def _silent_loop(menu: Menu, start: str) -> bool:
    """Whether a caller who presses nothing comes by the same node twice."""
    seen: set[str] = set()
    name = start
    while name in menu.nodes:
        if name in seen:
            return True
        seen.add(name)
        otherwise = menu.nodes[name].otherwise
        if otherwise.do is Do.MESSAGE:
            return True
        if otherwise.do is not Do.NODE:
            return False
        name = otherwise.to
    return False


def _of_node(
    menu: Menu,
    name: str,
    node: Node,
    prompts: Collection[str],
    queues: Collection[str],
    callable_number: Callable[[str], bool],
) -> Iterator[MenuProblem]:
    if not node.prompts:
        yield MenuProblem(name, "silent", "nothing is said here; the caller would wait in silence")
    for prompt in (*node.prompts, *node.again):
        if prompt not in prompts:
            yield MenuProblem(name, "unknown_prompt", f"there is no prompt {prompt!r}; upload it first", to=prompt)
    if node.choices.get(EMERGENCY_KEY) != Action(Do.EMERGENCY):
        yield MenuProblem(name, "no_emergency", "key 9 must be the emergency, everywhere (B1)")
    for key, action in (*node.choices.items(), ("", node.otherwise)):
        where = f"key {key}" if key else "pressing nothing"
        problem = functools.partial(_of_key, name, key or "otherwise", action.to)
        if key and (len(key) != 1 or key not in KEYS):
            yield MenuProblem(name, "unknown_key", f"{key!r} is no key; use one of {KEYS}", key)
        if action.do is Do.NODE and action.to not in menu.nodes:
            yield problem("unknown_node", f"{where} leads to {action.to!r}, which is no node: a dead end")
        elif action.do is Do.QUEUE and action.to and action.to not in queues:
            yield problem("unknown_queue", f"{where} leads to the queue {action.to!r}, which does not exist")
        elif action.do is Do.MESSAGE and action.to not in prompts:
            yield problem("unknown_prompt", f"{where} says {action.to!r}, which is no prompt")
        elif action.do is Do.NUMBER and not callable_number(action.to):
            yield problem("unknown_number", f"{where} dials {action.to!r}, which is no number to be dialled")


def _of_key(node: str, key: str, to: str, code: str, text: str) -> MenuProblem:
    return MenuProblem(node, code, text, key, to)


def prompts_of(menu: Menu) -> set[str]:
    """Every prompt that a menu plays."""
    named = {prompt for node in menu.nodes.values() for prompt in (*node.prompts, *node.again)}
    said = {one.to for node in menu.nodes.values() for one in actions(node) if one.do is Do.MESSAGE}
    return named | said
