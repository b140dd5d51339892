"""The generic gateway's file: what it may say, what is refused when it is read, what a request becomes (A3)."""

import base64
import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.asterisk_config import REPO
from callcenter.errors import InvalidInput
from callcenter.notifications.channel import NotSent, Order, Receipt, e164
from callcenter.notifications.gateway import Config, genuine, judge, load, read_reports, render
from callcenter.notifications.model import AttemptEvent
from callcenter.notifications.templates import at, check, fill

MOMENT = {"timestamp": "1772433600", "milliseconds": "1772433600000", "nonce": "0011223344556677"}
ORDER = Order("0190b7c2-a", "13800000001", "王秀英跌倒 & 求助", (), "alert", {"elder": "王秀英", "place": "3栋"})


def example() -> dict[str, Any]:
    """The file in docs/messages.md."""
    text = (REPO / "docs" / "messages.md").read_text("utf-8")
    found = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    assert found is not None
    document: dict[str, Any] = json.loads(found[1])
    return document


def written(folder: Path, document: object) -> Path:
    path = folder / "gateway.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
    return path


def test_given_the_documented_example_when_read_then_its_request_is_what_such_a_provider_expects(
    tmp_path: Path,
) -> None:
    config = load(written(tmp_path, example()))
    url, headers, body = render(config, ORDER, MOMENT)
    assert url == "https://sms.example.com/v3/send?appid=1400000000&random=0011223344556677"
    signed = b"appid=1400000000&random=0011223344556677&time=1772433600&phone=13800000001"
    key = example()["signature"]["key"].encode()
    assert headers["Authorization"] == "HMAC " + hmac.new(key, signed, "sha256").hexdigest()
    assert json.loads(body) == {
        "phones": ["13800000001"],
        "template_id": "1871234",
        "template_params": ["王秀英", "3栋"],
        "timestamp": "1772433600",
        "session": "0190b7c2-a",
    }


def test_given_a_form_and_a_url_with_values_when_rendered_then_each_is_encoded_in_its_own_way() -> None:
    config = Config.model_validate(
        {
            "url": "http://sms.example.com/send/{e164}?t={text}",
            "headers": {"X-Name": "{text}"},
            "form": {"msg": "{text}", "json": "{params}", "brace": "{{x}}"},
            "signature": {"algorithm": "md5", "of": "{to}k", "encoding": "base64"},
        }
    )
    url, headers, body = render(config, ORDER, MOMENT)
    assert url.startswith("http://sms.example.com/send/%2B8613800000001?t=%E7%8E%8B")
    assert "&" not in url
    assert headers["X-Name"].isascii()
    form = parse_qs(body.decode())
    assert form["msg"] == ["王秀英跌倒 & 求助"]
    assert form["brace"] == ["{x}"]
    assert json.loads(form["json"][0]) == ORDER.params
    assert config.signature is not None
    digest = hashlib.md5(b"13800000001k", usedforsecurity=False).digest()
    assert config.signature.sign({"to": ORDER.to}) == base64.b64encode(digest).decode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "ftp://x"}, "url"),
        ({"json": {"a": "{nobody}"}}, "{nobody}"),
        ({"json": {"a": "lone { brace"}}, "lone"),
        ({"form": {"a": "b"}}, "json or form"),
        ({"surprise": 1}, "surprise"),
        ({"accepted": {"pointer": "/code"}}, "belong together"),
        ({"accepted": {"pointer": "code", "equals": ["0"]}}, "begins with /"),
        ({"report": {"secret": "short", "id": "/a", "status": "/b", "delivered": ["x"]}}, "report.secret"),
        ({"report": {"secret": "s" * 16, "status": "/b", "delivered": ["x"]}}, "id or provider_id"),
        ({"report": {"secret": "s" * 16, "id": "/a", "status": "/b", "delivered": ["x"], "failed": ["x"]}}, "share"),
        ({"signature": {"algorithm": "rot13", "of": "x"}}, "algorithm"),
        ({"signature": {"algorithm": "md5", "of": "{signature}"}}, "{signature}"),
    ],
)
def test_given_a_mistake_in_the_file_when_read_then_it_is_named_and_no_secret_is_told(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        load(written(tmp_path, {**example(), **change}))
    assert said in refusal.value.message
    assert "gateway.json" in refusal.value.message
    assert example()["signature"]["key"] not in refusal.value.message


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"'])
def test_given_no_json_object_when_read_then_it_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput, match=r"gateway\.json"):
        load(written(tmp_path, text))


def test_given_no_file_when_read_then_the_sentence_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        load(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("status", "text", "outcome"),
    [
        (200, '{"result": 0, "sid": "s-1"}', Receipt("s-1")),
        (200, '{"result": "0", "sid": 7}', Receipt("7")),
        (200, '{"result": 0}', Receipt("")),
        (200, '{"result": 1016, "errmsg": "13800000001"}', ("refused_1016", False, False)),
        (200, '{"result": 1023}', ("refused_1023", True, False)),
        (200, '{"result": "13800000001"}', ("refused_number", False, False)),
        (200, "<html>", ("garbage", False, True)),
        (200, "[]", ("refused_", False, False)),
        (404, '{"result": 0}', ("http_404", False, False)),
    ],
)
def test_given_an_answer_when_judged_then_it_was_taken_refused_or_doubtful(
    status: int, text: str, outcome: Receipt | tuple[str, bool, bool]
) -> None:
    config = Config.model_validate(example())
    if isinstance(outcome, Receipt):
        assert judge(config, status, text) == outcome
        return
    with pytest.raises(NotSent) as refusal:
        judge(config, status, text)
    assert (refusal.value.why, refusal.value.again, refusal.value.unknown) == outcome


def test_given_a_template_that_the_file_does_not_know_then_the_gateway_says_no() -> None:
    config = Config.model_validate(example())
    with pytest.raises(NotSent, match="no_template"):
        render(config, Order("a", "13800000001", "x", (), "birthday"), MOMENT)


def test_given_reports_when_read_then_each_names_its_message_and_unknown_words_are_no_news() -> None:
    rule = Config.model_validate(example()).report
    assert rule is not None
    body = json.dumps(
        {
            "reports": [
                {"session": "a1", "sid": "s1", "report_status": "SUCCESS"},
                {"sid": "s2", "report_status": "REJECTD"},
                {"session": "a3", "report_status": "ON ITS WAY"},
                {"session": "a4"},
                "nonsense",
            ]
        }
    ).encode()
    assert list(read_reports(rule, body)) == [
        ("a1", "s1", AttemptEvent.DELIVER, "report_SUCCESS"),
        ("", "s2", AttemptEvent.FAIL, "report_REJECTD"),
    ]
    assert list(read_reports(rule, b"{}")) == []
    with pytest.raises(InvalidInput):
        read_reports(rule, b"\xff")
    signature = hmac.new(rule.secret.encode(), body, "sha256").hexdigest()
    assert genuine(rule, body, signature)
    assert genuine(rule, body, "sha256=" + signature.upper())
    assert not genuine(rule, body + b" ", signature)
    assert not genuine(rule, body, "")
    assert not genuine(rule, body, "é")


def test_given_a_provider_that_signs_nothing_then_the_token_in_its_url_decides() -> None:
    rule = Config.model_validate({**example(), "report": {**example()["report"], "by": "token"}}).report
    assert rule is not None
    assert genuine(rule, b"{}", "", rule.secret)
    for wrong in ("", rule.secret[:-1], "é"):
        assert not genuine(rule, b"{}", hmac.new(rule.secret.encode(), b"{}", "sha256").hexdigest(), wrong)


@given(st.text(), st.text())
def test_given_any_text_when_filled_in_then_it_is_there_as_it_is_and_is_not_filled_again(text: str, other: str) -> None:
    assert fill("<{text}>{{", {"text": text, "other": other}) == f"<{text}>{{"
    assert fill({"a": ["{text}", 1, None]}, {"text": text}) == {"a": [text, 1, None]}


def test_given_a_pointer_when_followed_then_it_finds_what_rfc_6901_says() -> None:
    document = {"a/b": {"m~n": [10, {"": 1}]}}
    assert at(document, "") == document
    assert at(document, "/a~1b/m~0n/0") == 10
    assert at(document, "/a~1b/m~0n/1/") == 1
    assert at(document, "/a~1b/m~0n/9") is None
    assert at(document, "/a~1b/m~0n/x") is None
    check({"k": "{to}{params.x}"}, {"to"})


@pytest.mark.parametrize(
    ("number", "expected"),
    [("13800000001", "+8613800000001"), ("051287654321", "+8651287654321"), ("+14155552671", "+14155552671")],
)
def test_given_a_number_then_e164_is_what_carriers_abroad_dial(number: str, expected: str) -> None:
    assert e164(number) == expected


def test_given_a_short_code_then_no_provider_is_asked() -> None:
    with pytest.raises(NotSent, match="not_reachable"):
        e164("120")
