"""What Asterisk would find out only in a call: applications, functions and contexts that are not there (R24)."""

import pytest

from callcenter.asterisk_config import DIALPLAN
from callcenter.asterisk_dialplan import missing

SHOWN = {
    "core show applications": "    -= Registered Asterisk Applications =-\n   Answer: Answer a channel.\n"
    "   Goto: Jump.\n   GotoIf: Jump if.\n   Set: Set.\n   ExecIf: If.\n   PlayTones: Play.\n"
    "    -= 6 Applications Registered =-\n",
    "core show functions": "Installed Custom Functions:\n-----\nCALLERID   CALLERID(x)  Gets.\n"
    "TIMEOUT    TIMEOUT(x)  Sets.\n",
}


def said(*steps: str, absent: tuple[str, ...] = ()) -> list[str]:
    return missing(["\n".join(["[here]", *steps])], SHOWN.__getitem__, absent)


@pytest.mark.parametrize(
    "step",
    [
        "exten => s,1,Answer(,i)",
        "exten => _[+*#0-9].,1,Set(X=${CALLERID(num)})",
        " same => n(again),Playtones(941+1633/100)",
        ' same => n,GotoIf($["${X}" = "1"]?here,s,1)',
        ' same => n,GotoIf($["${X}" = "1"]?bye)',
        " same => n,Goto(cc-${CC_LINE},s,1)",
        ' same => n,ExecIf($["${X}" != ""]?Set(TIMEOUT(absolute)=0))',
        "; exten => s,1,Nothing()",
    ],
)
def test_what_asterisk_has_is_no_complaint(step: str) -> None:
    assert said(step) == []


@pytest.mark.parametrize(
    ("step", "word"),
    [
        ("exten => s,1,Answr(,i)", "Answr"),
        ("exten => s,1", "application"),
        (' same => n,ExecIf($["${X}" = ""]?Dail(PJSIP/op1))', "Dail"),
        (" same => n,Set(X=${CALLERIDS(num)})", "CALLERIDS"),
        (" same => n,Goto(nowhere,s,1)", "context nowhere"),
        (' same => n,GotoIf($["${X}" = "1"]?nowhere,s,1)', "context nowhere"),
    ],
)
def test_what_it_lacks_is_said_with_the_line(step: str, word: str) -> None:
    (sentence,) = said(step)
    assert sentence == f"no {word} for: {step.strip()}"


def test_what_this_machines_asterisk_came_without_is_not_asked_for() -> None:
    steps = ("exten => *43,1,Echo()", " same => n,Set(X=${TALK_DETECT(set)})")
    assert len(said(*steps)) == 2
    assert said(*steps, absent=("app_echo", "func_talkdetect")) == []


def test_the_products_own_dialplan_names_only_contexts_it_has() -> None:
    texts = [path.read_text("utf-8") for path in sorted(DIALPLAN.glob("*.conf"))]
    assert not [line for line in missing(texts, SHOWN.__getitem__) if line.startswith("no context")]
