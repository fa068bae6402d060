"""What can go wrong while a URL is asked, each error with the reason that the card shows as its text."""

from __future__ import annotations


class AvailabilityError(Exception):
    """Root of this room: a check that got no answer; `str()` is the reason."""


class AddressRefusedError(AvailabilityError):
    """Raised when the guard forbids every address a name stands for; nothing was sent."""


class LookupsBusyError(AvailabilityError):
    """Raised when no name lookup was free in time, which says nothing about the target."""


class NoFileLeftError(AvailabilityError):
    """Raised when we have no file or memory left for a connection, which says nothing about the target."""


class NotResolvedError(AvailabilityError):
    """Raised when a name has no address."""


class NotConnectedError(AvailabilityError):
    """Raised when no address of the target accepts a connection."""


class NotTrustedError(AvailabilityError):
    """Raised when no TLS connection comes about, for want of trust or of a common language."""


class HistoryUnreadableError(AvailabilityError):
    """Raised when a saved history is not one of ours."""


class OutOfTimeError(AvailabilityError):
    """Raised when the time of a check is up."""
