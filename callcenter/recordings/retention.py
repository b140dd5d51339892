"""How long a recording must be kept: the policy in recordings/retention.json (E3, GS 5.4.2.2)."""

from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec

from callcenter.errors import InvalidInput

POLICY_FILE = Path(__file__).parents[2] / "recordings" / "retention.json"


class Period(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number of days, and why so many."""

    days: int
    reason: str


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The period of one line."""

    line: str
    days: int
    reason: str


class RetentionPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of the policy."""

    version: int
    in_force_from: date
    authority: str
    rules: tuple[Rule, ...]
    otherwise: Period

    def until(self, line: str | None, started_at: datetime) -> datetime:
        """Until when a recording of a line that began then must be kept."""
        days = next((rule.days for rule in self.rules if rule.line == line), self.otherwise.days)
        return started_at + timedelta(days=days)


def load_policy(path: Path = POLICY_FILE) -> RetentionPolicy:
    """Read the policy; raises `InvalidInput` that names the file and what is wrong with it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=RetentionPolicy)
    except (OSError, msgspec.DecodeError) as error:
        raise InvalidInput(f"the retention policy {path} cannot be used: {error}") from error
