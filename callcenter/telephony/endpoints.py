"""Names of a seat's phones in Asterisk: its own is the seat's user name, the one in the browser has a suffix."""

WEB_SUFFIX = "-web"
"""No account's user name ends so (`callcenter.accounts.model`)."""


def web_endpoint(seat: str) -> str:
    """The endpoint of a seat's phone in the browser."""
    return f"{seat}{WEB_SUFFIX}"


def is_web(endpoint: str) -> bool:
    """Whether an endpoint is a phone in a browser."""
    return endpoint.endswith(WEB_SUFFIX)


def seat_of(endpoint: str) -> str:
    """The seat whose phone it is."""
    return endpoint.removesuffix(WEB_SUFFIX)
