"""Menus as data: what is wrong with one, and how callers go through it (B1)."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.menus.book import Book, restore, save
from callcenter.menus.model import BUILT_IN, Action, Do, Menu, Node, problems, prompts_of
from callcenter.menus.steps import MOST_STEPS, OPERATOR, Ask, Leave, Place, advance, begin, read_place

PROMPTS = {"hello", "menu", "sorry", "hotline-welcome", "recorded-line"}
QUEUES = {"general", "service"}
QUEUE, EMERGENCY = Action(Do.QUEUE), Action(Do.EMERGENCY)


def node(otherwise: Action = QUEUE, **choices: Action) -> Node:
    keys = {name.removeprefix("k"): action for name, action in choices.items()}
    return Node(prompts=("hello",), choices={"9": EMERGENCY, **keys}, otherwise=otherwise)


def menu(**nodes: Node) -> Menu:
    return Menu(id="m1", root="main", nodes=nodes)


def codes(one: Menu) -> set[tuple[str, str]]:
    found = problems(one, prompts=PROMPTS, queues=QUEUES, callable_number=lambda number: number == "12345")
    return {(problem.node, problem.code) for problem in found}


def test_the_built_in_menu_has_no_problem_and_is_what_callers_know() -> None:
    """B1: 1 service, 2 complaint, 3 enquiry, 9 emergency, 0 operator."""
    assert codes(BUILT_IN) == set()
    assert set(BUILT_IN.nodes["main"].choices) == set("01239")
    assert prompts_of(BUILT_IN) == {"hotline-welcome", "recorded-line", "menu"}


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (Menu(id="m", root="gone", nodes={"main": node()}), {("", "unknown_node")}),
        (menu(main=node(k1=Action(Do.NODE, "nowhere"))), {("main", "unknown_node")}),
        (menu(main=node(Action(Do.NODE, "nowhere"), k0=QUEUE)), {("main", "unknown_node")}),
        (menu(main=node(k1=Action(Do.QUEUE, "sales"))), {("main", "unknown_queue")}),
        (menu(main=node(k1=Action(Do.MESSAGE, "opera"))), {("main", "unknown_prompt")}),
        (menu(main=node(k1=Action(Do.NUMBER, "120"))), {("main", "unknown_number")}),
        (menu(main=node(k1=Action(Do.NUMBER, "12345"))), set()),
        (menu(main=node(kx=QUEUE)), {("main", "unknown_key")}),
        (menu(main=node(), island=node()), {("island", "unreachable")}),
        (menu(main=Node(prompts=("hello",), choices={}, otherwise=QUEUE)), {("main", "no_emergency")}),
        (menu(main=Node(prompts=("hello",), choices={"9": QUEUE}, otherwise=QUEUE)), {("main", "no_emergency")}),
        (menu(main=Node(prompts=(), choices={"9": EMERGENCY}, otherwise=QUEUE)), {("main", "silent")}),
        (menu(main=node(Action(Do.VOICEMAIL))), {("main", "no_human")}),
        (menu(main=node(Action(Do.MESSAGE, "hello"), k0=QUEUE)), {("main", "endless")}),
        (menu(main=node(Action(Do.NODE, "main"), k0=QUEUE)), {("main", "endless")}),
        (
            menu(main=node(Action(Do.NODE, "more"), k0=QUEUE), more=node(Action(Do.NODE, "main"))),
            {("main", "endless"), ("more", "endless")},
        ),
        (menu(main=node(k1=Action(Do.NODE, "more")), more=node(Action(Do.NODE, "main"))), set()),
        (menu(main=node(k1=Action(Do.NODE, "more")), more=node(Action(Do.CALLBACK))), {("more", "no_human")}),
    ],
)
def test_each_way_of_losing_a_caller_is_found(broken: Menu, expected: set[tuple[str, str]]) -> None:
    assert codes(broken) == expected


NAMES = ("main", "a", "b", "c")
ACTIONS = st.one_of(
    st.builds(Action, st.just(Do.NODE), st.sampled_from(NAMES)),
    st.sampled_from([QUEUE, Action(Do.QUEUE, "service"), Action(Do.VOICEMAIL), Action(Do.CALLBACK), EMERGENCY]),
    st.just(Action(Do.MESSAGE, "sorry")),
)
NODES = st.builds(
    Node,
    prompts=st.just(("hello",)),
    choices=st.dictionaries(st.sampled_from("0123456"), ACTIONS, max_size=4).map(lambda keys: {**keys, "9": EMERGENCY}),
    otherwise=ACTIONS,
    tries=st.integers(1, 3),
)
MENUS = st.fixed_dictionaries({"main": NODES}, optional=dict.fromkeys(NAMES[1:], NODES)).map(
    lambda nodes: Menu(id="m1", root="main", nodes=nodes)
)
KEYS = st.lists(st.sampled_from(["", *"0123456789*"]), max_size=30)


@given(MENUS, KEYS)
def test_a_menu_without_problems_takes_everybody_somewhere_whatever_she_presses(one: Menu, keys: list[str]) -> None:
    """Whoever then presses nothing leaves the menu, and 9 is an emergency wherever she is."""
    if codes(one):
        return
    step: Ask | Leave = begin(one)
    for key in keys:
        if isinstance(step, Leave):
            return
        assert advance(one, step.place, "9") == Leave(EMERGENCY, "9")
        step = advance(one, step.place, key)
    silences = 0
    while isinstance(step, Ask):
        step = advance(one, step.place, "")
        silences += 1
        assert silences <= 3 * len(one.nodes) + 1


@given(MENUS, KEYS)
def test_no_menu_however_broken_raises_or_goes_on_for_ever(one: Menu, keys: list[str]) -> None:
    step: Ask | Leave = begin(one)
    for number in range(MOST_STEPS + 1):
        if isinstance(step, Leave):
            return
        assert read_place(step.place.word()) == step.place
        step = advance(one, step.place, keys[number % len(keys)] if keys else "")
    assert isinstance(step, Leave)


def test_wrong_and_missing_input_is_helped_then_it_is_an_operator() -> None:
    asked = begin(BUILT_IN)
    assert isinstance(asked, Ask)
    assert asked.prompts == ("hotline-welcome", "recorded-line", "menu")
    wrong = advance(BUILT_IN, asked.place, "7")
    assert isinstance(wrong, Ask)
    assert wrong.prompts == ("wrong-input", "menu")
    assert advance(BUILT_IN, wrong.place, "") == OPERATOR


def test_who_presses_nothing_hears_all_of_it_again_but_before_the_last_try() -> None:
    """B1: no keys to press, or none to be found: a human, not the same words once more."""
    one = Menu(id="m1", root="main", nodes={"main": Node(prompts=("hello",), choices={}, otherwise=QUEUE, tries=3)})
    heard, step = [], begin(one)
    while isinstance(step, Ask):
        heard.append(step.prompts)
        step = advance(one, step.place, "")
    assert heard == [("hello",), ("no-input", "hello"), ("no-input",)]


def test_a_silent_caller_of_the_built_in_menu_waits_for_a_human_within_25_seconds() -> None:
    """B1: the seconds that its prompts really take, and those in which a key is awaited."""
    manifest = Path(__file__).parents[2] / "asterisk" / "sounds" / "zh" / "manifest.json"
    seconds = {one["name"]: one["seconds"] for one in json.loads(manifest.read_text("utf-8"))["prompts"]}
    passed, step = 0.0, begin(BUILT_IN)
    while isinstance(step, Ask):
        passed += sum(seconds[name] for name in step.prompts) + step.seconds
        step = advance(BUILT_IN, step.place, "")
    assert step == OPERATOR
    assert passed < 25


def test_a_message_is_said_and_leads_back_to_the_question() -> None:
    one = menu(main=node(k1=Action(Do.MESSAGE, "sorry")))
    asked = begin(one)
    assert isinstance(asked, Ask)
    said = advance(one, asked.place, "1")
    assert isinstance(said, Ask)
    assert said.prompts == ("sorry", "hello")
    assert said.place.node == "main"


@pytest.mark.parametrize("word", ["", "main", "main/1@m1", "main/x/1@m1", "main/1/1", "emergency", "a/999999/1@m"])
def test_what_is_no_place_is_none(word: str) -> None:
    assert read_place(word) is None


def test_a_place_in_a_node_that_is_gone_is_an_operator() -> None:
    assert advance(BUILT_IN, Place(BUILT_IN.id, "gone"), "1") == OPERATOR


def test_the_book_is_the_same_after_a_start_from_disk_and_a_damaged_one_is_the_built_in_menu(tmp_path: Path) -> None:
    """A10: menus work without the database."""
    path = tmp_path / "menus.json"
    assert restore(path).live == BUILT_IN
    live, before = menu(main=node()), Menu(id="m0", root="main", nodes={"main": node()})
    save(Book(live, (before,)), path)
    book = restore(path)
    assert (book.live, book.menu("m0"), book.menu("m1"), book.menu("nobody")) == (live, before, live, None)
    path.write_bytes(path.read_bytes().replace(b"hello", b"holla"))
    assert restore(path).live == BUILT_IN
