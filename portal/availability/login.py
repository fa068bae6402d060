"""Which redirects lead to a login."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, urlsplit

# Whole segments of a path, without an extension such as `.php`.
SEGMENT: Final = re.compile(
    r"(?:log|sign)[-_]?(?:in|on)|sso|saml2?|oauth2?|oidc|openid-connect|authorize|auth|authenticat(?:e|ion)|adfs|cas|idp"
)
# First labels of another host's name.
LABEL: Final = re.compile(
    r"log[io]n|signin|sso|authn?|oauth2?|oidc|idp?|identity|accounts?|keycloak|authelia|authentik|dex|zitadel|pomerium"
)
QUERY: Final = frozenset(("redirect_uri", "client_id", "samlrequest", "rd", "wtrealm"))


def leads_to_login(asked: str, location: str) -> bool:
    """Tell whether a redirect from `asked` to `location`, both absolute URLs, asks the visitor to log in."""
    here, there = urlsplit(asked), urlsplit(location)
    if any(SEGMENT.fullmatch(each) for each in _segments(there.path) - _segments(here.path)):
        return True
    if there.hostname != here.hostname and LABEL.fullmatch((there.hostname or "").partition(".")[0]):
        return True
    return any(name.lower() in QUERY for name, _ in parse_qsl(there.query, keep_blank_values=True))


def _segments(path: str) -> frozenset[str]:
    return frozenset(each.partition(".")[0] for each in path.lower().split("/"))
