"""The watchdog: what is wrong just now, how the last synthetic press went, and pressing one at once."""

from typing import Annotated, Self

from fastapi import Depends
from pydantic import AwareDatetime, BaseModel

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.deps import ControllerDep, require
from callcenter.api.problems import responses
from callcenter.watchdog import facts as f
from callcenter.watchdog.press import Result
from callcenter.watchdog.rules import PATIENCE
from callcenter.watchdog.service import Active

router = idempotency.router("/watchdog", "watchdog", live=True)

Reader = Annotated[Principal, Depends(require("emergencies:read"))]
Manager = Annotated[Principal, Depends(require("seats:manage"))]


class FindingView(BaseModel):
    """One thing that is wrong. ``subject``: the id of what it is about, empty when it is about the whole."""

    check: str
    subject: str
    severity: str
    detail: str
    since: AwareDatetime

    @classmethod
    def of(cls, active: Active) -> Self:
        finding = active.finding
        return cls(
            check=finding.check,
            subject=finding.subject,
            severity=finding.severity,
            detail=finding.detail,
            since=active.since,
        )


class PressView(BaseModel):
    """How a synthetic press went: ``done``, ``failed`` or ``skipped``.

    Milliseconds from its INVITE to the machine's answer, to the test seat in the room, and until the caller's own
    voice had come back from there. ``stage``: how far a failed one came (called, answered, human).
    """

    result: str
    system_ms: int | None = None
    human_ms: int | None = None
    heard_ms: int | None = None
    recorded: bool | None = None
    stage: str | None = None
    why: str | None = None

    @classmethod
    def of(cls, result: Result) -> Self:
        match result:
            case f.PressDone():
                return cls(
                    result="done",
                    system_ms=result.system_ms,
                    human_ms=result.human_ms,
                    heard_ms=result.heard_ms,
                    recorded=result.recorded,
                )
            case f.PressFailed():
                return cls(result="failed", stage=result.stage, why=result.why)
            case _:
                return cls(result="skipped", why=result.why)


class WatchdogView(BaseModel):
    """The worst and oldest first. ``healthy``: what the watch outside is told. ``checks``: everything looked at."""

    healthy: bool
    findings: list[FindingView]
    last_press: PressView | None
    checks: list[str]


@router.get("", responses=responses())
async def read_watchdog(controller: ControllerDep, _: Reader) -> WatchdogView:
    """What is wrong just now; empty findings are the good news."""
    watch = controller.watch
    return WatchdogView(
        healthy=watch.well(),
        findings=[FindingView.of(active) for active in watch.watchdog.active()],
        last_press=PressView.of(watch.press.last) if watch.press.last else None,
        checks=sorted(PATIENCE),
    )


@router.post("/press", responses=responses(409))
async def press_now(controller: ControllerDep, _: Manager) -> PressView:
    """Press once through the whole chain and say how it went, within half a minute; nobody's phone rings.

    Left out while somebody waits for a human; 409 while another such press is under way.
    """
    return PressView.of(await controller.watch.press.press())
