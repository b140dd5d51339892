"""Whether a message is still wanted when its turn to be sent comes."""

from callcenter.emergency.service import Emergencies
from callcenter.notifications.model import CONFIRMED, Message, Want


def still_wanted(emergencies: Emergencies, message: Message) -> Want:
    """No alert once its emergency is closed; no announcement by phone to whom the emergency itself has called."""
    incident = emergencies.find(message.incident_id or "")
    if incident is None:
        return Want.ANYTHING
    if not incident.open:
        return Want.NOTHING if message.purpose in CONFIRMED else Want.ANYTHING
    legs = [leg for call in emergencies.calls_of(incident) for leg in call.legs.values()]
    return Want.TEXT if any(leg.number == message.to for leg in legs) else Want.ANYTHING
