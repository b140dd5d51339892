"""What can be said of fences: the bodies of their facts (A5)."""

from datetime import datetime

from callcenter.facts import Body, kind


@kind("fence.crossed")
class FenceCrossed(Body, frozen=True):
    """Somebody went where the fence alarms. ``side``: where she is now; ``metres``: how far from the fence's line."""

    fence_id: str
    elder_id: str
    device_id: str
    side: str
    metres: float
    latitude: float
    longitude: float
    at: datetime
    accuracy_m: float | None = None
    on_test: bool = False


@kind("fence.returned")
class FenceReturned(Body, frozen=True):
    """She is clearly back; the fence is armed again. ``side``: where she is now."""

    fence_id: str
    elder_id: str
    device_id: str
    side: str
    at: datetime
