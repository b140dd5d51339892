"""The web server's settings that a proxy in front of it depends on."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from callcenter import web
from tests.support.asterisk import test_settings

PROXIES_KEEP_SECONDS = 60
"""How long nginx, HAProxy and the clouds' load balancers keep an idle connection to us."""


def test_given_a_proxy_that_keeps_its_connections_when_idle_then_it_closes_them_and_not_we(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Or else a request is lost now and then: it was sent when we had just closed."""
    monkeypatch.setattr(web, "create_app", lambda services: services)
    services: Any = SimpleNamespace(settings=test_settings(tmp_path))
    assert web.Web(services).config.timeout_keep_alive > PROXIES_KEEP_SECONDS
