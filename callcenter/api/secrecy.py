"""Whether an operator is told that a supervisor is on the call: the settings say; supervisors always are."""

from callcenter.accounts.permissions import Permission, Principal
from callcenter.api.deps import Services
from callcenter.calls.facts import CallMonitored, MonitorEnded
from callcenter.calls.model import Role
from callcenter.facts import Fact
from callcenter.recordings.model import RecordingKind
from callcenter.timeline.model import FactRow

_TOLD = frozenset({CallMonitored.KIND, MonitorEnded.KIND})


def tells_of_monitors(who: Principal, services: Services) -> bool:
    """Whether somebody is told of supervisors who listen or whisper."""
    return services.settings.monitor_shown or who.may(Permission.CALLS_MONITOR)


def secret(who: Principal, services: Services, fact: Fact | FactRow) -> bool:
    """Whether a fact tells of a supervisor on a call to somebody who is not told of that."""
    if tells_of_monitors(who, services):
        return False
    found = fact.data.get if isinstance(fact, FactRow) else lambda name: getattr(fact.body, name, None)
    return fact.kind in _TOLD or found("role") == Role.MONITOR or found("kind") == RecordingKind.WHISPER
