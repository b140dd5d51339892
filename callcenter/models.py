"""Every module that declares tables, imported in one place: migrations and tests see the whole schema."""

import callcenter.accounts.model
import callcenter.alarms.model
import callcenter.api.idempotency_model
import callcenter.audit.model
import callcenter.callbacks.tables
import callcenter.calls.tables
import callcenter.complaints.model
import callcenter.devices.model
import callcenter.emergency.tables
import callcenter.follow_ups.model
import callcenter.imports.model
import callcenter.intake.model
import callcenter.knowledge.model
import callcenter.location.model
import callcenter.menus.tables
import callcenter.notifications.tables
import callcenter.people.model
import callcenter.people.shifts
import callcenter.people.staff_register
import callcenter.queues.tables
import callcenter.recordings.model
import callcenter.reports.tables
import callcenter.timeline.model
import callcenter.voicemail.tables
import callcenter.webhooks.model
import callcenter.work_orders.model  # noqa: F401
from callcenter.db import Base

metadata = Base.metadata
