"""Logs: JSON lines on standard error."""

import logging
import sys

import structlog


def configure_logging(level: str) -> None:
    """JSON lines on stderr, one an event; ids only, never personal data (I1)."""
    number = getattr(logging, level.upper())
    # Libraries only warn, whatever our own level: they tell URLs with tokens in them, statements with their values.
    logging.basicConfig(level=max(number, logging.WARNING), format="%(message)s", force=True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
