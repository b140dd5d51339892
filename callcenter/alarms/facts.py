"""What can be said of alarms and of devices: the bodies of their facts (A5, F1, R18)."""

from datetime import datetime

from callcenter.facts import Body, kind


@kind("alarm.received")
class AlarmReceived(Body, frozen=True):
    """A source sent an alarm for the first time; what it sends again is no fact.

    ``source``: its name. ``reference``: what the source calls the alarm. ``device``: serial or number, as it came;
    ``elder_code``: the number in the register that nobody has. ``device_id``, ``elder_id``: whom it was found to be of.
    ``caller``: number to call back. ``battery``: percent.
    ``at``: when it happened by the device's clock. ``on_test``: the device was being tested. ``digest``: of everything
    that makes two reports the same alarm.
    """

    alarm_id: str
    source: str
    reference: str
    event: str
    digest: str
    device: str = ""
    elder_code: str = ""
    device_id: str | None = None
    elder_id: str | None = None
    caller: str = ""
    battery: int | None = None
    at: datetime | None = None
    on_test: bool = False
    latitude: float | None = None
    longitude: float | None = None
    accuracy_m: float | None = None
    fix_at: datetime | None = None


@kind("alarm.test_acknowledged")
class TestAcknowledged(Body, frozen=True):
    """A test alarm went all the way and was answered by the machine; no human was called (F2, R26)."""

    __test__ = False  # pytest takes the name for a test

    alarm_id: str
    device_id: str | None = None


@kind("device.battery_low")
class DeviceBatteryLow(Body, frozen=True):
    """A battery will not last; at most once a day and device. ``told``: whether somebody could be told (F1)."""

    device_id: str
    elder_id: str
    percent: int | None = None
    told: bool = False
