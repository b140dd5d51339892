"""A press of the watchdog's own comes up on nobody's page; a person's does, and so does what the watchdog finds."""

from types import SimpleNamespace
from typing import cast

from callcenter.accounts.permissions import Principal, Role
from callcenter.api.deps import Services
from callcenter.api.live import tells
from callcenter.watchdog import facts as f
from tests.domain.test_synthetic_press import Chain
from tests.support.world import WANG, World


def test_given_both_kinds_of_press_then_the_live_socket_tells_of_the_persons_only(world: World) -> None:
    who = Principal("admin", Role.ADMIN)
    services = cast(Services, SimpleNamespace(controller=world.controller, settings=world.controller.settings))
    Chain(world).good()
    ours = world.journal.facts()
    world.press(WANG)
    theirs = world.journal.facts()[len(ours) :]
    assert {fact.kind for fact in ours if tells(who, services, fact)} == {f.PressDone.KIND}
    assert {fact.kind for fact in theirs if tells(who, services, fact)} >= {"emergency.opened", "call.opened"}
    raised = world.controller.ledger.record(f.Raised(check="x", severity="warning", detail="y"), actor="watchdog")
    assert tells(who, services, raised[0])
