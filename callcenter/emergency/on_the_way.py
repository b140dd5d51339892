"""Whom the ladder has called and not let go of yet: a fold of facts, so that no tick searches all open calls."""

from callcenter.calls import facts as cf
from callcenter.calls.model import Role
from callcenter.facts import Body


class OnTheWay:
    """On-call mobiles that ring or talk, and elders who are being called back."""

    def __init__(self) -> None:
        self._duty: dict[str, str] = {}
        self._elders: set[str] = set()

    def apply(self, body: Body) -> None:
        """Take in what happened to a leg."""
        match body:
            case cf.LegAdded(role=Role.DUTY, leg_id=leg_id, number=number):
                self._duty[leg_id] = number
            case cf.LegAdded(role=Role.ELDER, leg_id=leg_id):
                self._elders.add(leg_id)
            case cf.LegJoined(leg_id=leg_id):
                self._elders.discard(leg_id)
            case cf.LegEnded(leg_id=leg_id):
                self._duty.pop(leg_id, None)
                self._elders.discard(leg_id)
            case _:
                pass

    def on_duty(self, number: str) -> bool:
        """Whether an on-call mobile rings or talks."""
        return number in self._duty.values()

    @property
    def called_back(self) -> int:
        """How many elders are being called back now and are not in their rooms yet."""
        return len(self._elders)
