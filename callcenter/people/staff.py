"""Staff without accounts, as the ratios count them: care workers and managers, by area and day (B3, SZ 5.1)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec


class StaffKind(StrEnum):
    """What somebody does for the elders: 服务员, 管理人员."""

    WORKER = "worker"
    MANAGER = "manager"


class Member(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Somebody of the staff. Days are ISO 8601 dates in Shanghai, both included; empty: without a bound."""

    kind: str
    area: str = ""
    starts_on: str = ""
    ends_on: str = ""

    def there(self, day: str) -> bool:
        """Whether they are employed on that day."""
        return self.starts_on <= day and (not self.ends_on or day <= self.ends_on)


def counted(members: Iterable[Member], day: str) -> Mapping[str, Counter[str]]:
    """How many are there on ``day``, by kind and area. A kind of which nobody was ever registered is left out."""
    found: dict[str, Counter[str]] = {}
    for member in members:
        of = found.setdefault(member.kind, Counter())
        if member.there(day):
            of[member.area] += 1
    return found
