"""Which phones outside ring or talk because we called them: a fold of facts, so that no tick searches all calls."""

from callcenter.calls import facts as cf
from callcenter.calls.model import Role
from callcenter.facts import Body


class Outside:
    """Numbers on a line of ours, and elders who are being called back."""

    def __init__(self) -> None:
        self._numbers: dict[str, str] = {}
        self._elders: set[str] = set()

    def apply(self, body: Body) -> None:
        """Take in what happened to a leg."""
        match body:
            case cf.LegAdded(role=Role.ELDER, leg_id=leg_id):
                self._elders.add(leg_id)
            case cf.LegAdded(role=role, leg_id=leg_id, number=number) if role != Role.SEAT:
                self._numbers[leg_id] = number
            case cf.LegJoined(leg_id=leg_id):
                self._elders.discard(leg_id)
            case cf.LegEnded(leg_id=leg_id):
                self._numbers.pop(leg_id, None)
                self._elders.discard(leg_id)
            case _:
                pass

    @property
    def numbers(self) -> frozenset[str]:
        """Numbers that ring or talk."""
        return frozenset(self._numbers.values())

    @property
    def count(self) -> int:
        """How many lines out are held."""
        return len(self._numbers) + len(self._elders)

    @property
    def called_back(self) -> int:
        """How many elders are being called back now and are not in their rooms yet."""
        return len(self._elders)
