from __future__ import annotations

import shutil
import ssl
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from portal.availability.certificates import TrustStore, expiry_from_der
from tests.availability.servers import Authority

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is missing: apt-get install openssl")


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ("20301231235959Z", datetime(2030, 12, 31, 23, 59, 59, tzinfo=UTC)),  # written as UTCTime
        ("20991231235959Z", datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)),  # written as GeneralizedTime
    ],
)
def test_the_end_of_a_certificate_is_read_from_its_bytes(tmp_path: Path, ends: str, expected: datetime) -> None:
    authority = Authority(tmp_path, "authority")
    authority.server("server", ends=ends)

    assert expiry_from_der(authority.der("server")) == expected


@pytest.mark.parametrize("der", [b"", b"\x30", b"\x30\x82\x01", bytes(200), b"\x30\x03\x02\x01\x00"])
def test_what_is_no_certificate_has_no_end(der: bytes) -> None:
    assert expiry_from_der(der) is None


def test_a_context_is_built_once() -> None:
    trust = TrustStore()

    assert trust.context(ca_file=None, ignore=False) is trust.context(ca_file=None, ignore=False)
    assert trust.context(ca_file=None, ignore=True).verify_mode == ssl.CERT_NONE


def test_checks_that_begin_together_share_one_context(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[ssl.SSLContext] = []

    def slowly(_ca_file: str | None) -> ssl.SSLContext:
        time.sleep(0.01)
        built.append(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        return built[-1]

    monkeypatch.setattr("portal.availability.certificates._verifying", slowly)
    trust = TrustStore()
    checks = [threading.Thread(target=trust.context, kwargs={"ca_file": None, "ignore": False}) for _ in range(5)]
    for each in checks:
        each.start()
    for each in checks:
        each.join()

    assert len(built) == 1


def test_ignoring_certificates_asks_nothing_of_the_ca_file() -> None:
    assert TrustStore().context(ca_file="/nowhere/ca.pem", ignore=True).check_hostname is False
