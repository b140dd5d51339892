"""Every error the product raises: a code, a human sentence that names the remedy, an HTTP status (RFC 9457)."""

from typing import ClassVar


class CallCenterError(Exception):
    """Base of all our errors. ``code`` is stable and machine-readable; ``status`` the HTTP status at the edge."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500

    def __init__(self, message: str, **extra: object) -> None:
        super().__init__(message)
        self.message = message
        self.extra = extra


class InvalidInput(CallCenterError):
    """The caller sent something that cannot be used."""

    code = "invalid_input"
    status = 422


class NotFound(CallCenterError):
    """Nothing of that id is here, or not for the caller's eyes."""

    code = "not_found"
    status = 404


class Conflict(CallCenterError):
    """The request does not fit the present state."""

    code = "conflict"
    status = 409


class IllegalTransition(Conflict):
    """A state machine was asked for a step its table does not hold."""

    code = "illegal_transition"


class NotAuthenticated(CallCenterError):
    """No valid token."""

    code = "not_authenticated"
    status = 401


class Forbidden(CallCenterError):
    """A valid token whose role may not do this."""

    code = "forbidden"
    status = 403


class Unavailable(CallCenterError):
    """A part this request needs is down; nothing was lost, try again."""

    code = "unavailable"
    status = 503


class PbxUnavailable(Unavailable):
    """The link to Asterisk is down or silent."""

    code = "pbx_unavailable"


class PbxRefused(CallCenterError):
    """Asterisk answered with an error."""

    code = "pbx_refused"
    status = 502


class TooManyAttempts(CallCenterError):
    """The caller has to wait; ``extra["retry_after"]`` says how many seconds."""

    code = "too_many_attempts"
    status = 429


class PreconditionFailed(Conflict):
    """The thing was changed by somebody else since the caller read it (If-Match, RFC 9110 §13.1.1)."""

    code = "precondition_failed"
    status = 412
