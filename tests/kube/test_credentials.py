"""Which cluster is spoken to, and as whom."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from portal.kube.client import connect
from portal.kube.credentials import Credentials, credentials
from portal.kube.errors import BadContext, NoCredentials, Unauthorized

PEM = base64.b64encode(b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n").decode()


def kubeconfig(path: Path, *, user: dict[str, Any] | None = None, current: str | None = "one", **cluster: Any) -> str:
    """Write a kubeconfig with two contexts and return its path."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "first", "cluster": {"server": "http://127.0.0.1:1/", **cluster}},
            {"name": "second", "cluster": {"server": "http://127.0.0.1:2"}},
        ],
        "users": [{"name": "me", "user": user or {}}],
        "contexts": [
            {"name": "one", "context": {"cluster": "first", "user": "me"}},
            {"name": "staging", "context": {"cluster": "second", "user": "me"}},
        ],
        **({"current-context": current} if current else {}),
    }
    path.write_text(yaml.safe_dump(document))
    return str(path)


def from_file(path: str, context: str | None = None) -> Credentials:
    return credentials(path, context, {})


def test_the_current_context_counts(tmp_path: Path) -> None:
    assert from_file(kubeconfig(tmp_path / "config")).host == "http://127.0.0.1:1"


def test_a_context_can_be_named(tmp_path: Path) -> None:
    assert from_file(kubeconfig(tmp_path / "config"), "staging").host == "http://127.0.0.1:2"


def test_a_file_without_contexts_may_be_another_file(tmp_path: Path) -> None:
    path = tmp_path / "application.yaml"
    path.write_text("startpunkt: {}\n", encoding="utf-8")

    with pytest.raises(BadContext, match="has no context at all; is it a kubeconfig"):
        from_file(str(path))


def test_a_misspelt_context_is_said_with_what_may_be_meant(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config")

    with pytest.raises(BadContext) as raised:
        from_file(path, "stagign")

    assert str(raised.value) == f'{path} has no context "stagign" (did you mean "staging"?)'


def test_a_kubeconfig_without_a_current_context_names_its_contexts(tmp_path: Path) -> None:
    with pytest.raises(BadContext, match="choose one with --context: one, staging"):
        from_file(kubeconfig(tmp_path / "config", current=None))


def test_the_environment_names_a_kubeconfig(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config")

    assert connect(environ={"KUBECONFIG": f"/nowhere{os.pathsep}{path}"}).host == "http://127.0.0.1:1"


def test_a_flag_wins_over_the_pod_and_the_pod_over_the_environment(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config")
    (tmp_path / "token").write_text("secret")
    (tmp_path / "ca.crt").write_text("ca")
    environ = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443", "KUBECONFIG": path}

    assert connect(path, environ=environ, account=tmp_path).host == "http://127.0.0.1:1"
    assert connect(environ=environ, account=tmp_path).host == "https://10.0.0.1:443"


@pytest.mark.parametrize(
    ("file", "environ", "said"),
    [
        ("/nowhere/config", {}, "kubeconfig /nowhere/config is not there"),
        (None, {"KUBECONFIG": "/nowhere/a:/nowhere/b"}, "KUBECONFIG names /nowhere/a:/nowhere/b, which is not there"),
    ],
)
def test_what_was_looked_for_and_is_not_there_is_said(file: str | None, environ: dict[str, str], said: str) -> None:
    with pytest.raises(NoCredentials, match=said):
        credentials(file, None, environ)


def test_nothing_at_all_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    with pytest.raises(NoCredentials) as raised:
        credentials(None, None, {})

    assert "no --kubeconfig" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "text", ["[1]", "a: [", "", "contexts: [{name: one, context: {cluster: gone}}]\ncurrent-context: one\n"]
)
def test_a_file_that_is_no_kubeconfig_is_said_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)

    with pytest.raises(NoCredentials) as raised:
        from_file(str(path))

    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_token_is_sent(tmp_path: Path) -> None:
    who = from_file(kubeconfig(tmp_path / "config", user={"token": "abc"}))

    assert who.headers() == {"Authorization": "Bearer abc"}


def test_a_password_is_sent(tmp_path: Path) -> None:
    who = from_file(kubeconfig(tmp_path / "config", user={"username": "u", "password": "p"}))

    assert who.headers() == {"Authorization": "Basic dTpw"}


def test_nobody_sends_nothing(tmp_path: Path) -> None:
    assert from_file(kubeconfig(tmp_path / "config")).headers() == {}


def test_a_token_file_is_read_again_when_asked_to(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old\n")
    who = from_file(kubeconfig(tmp_path / "config", user={"tokenFile": str(token)}))
    before = who.headers()
    token.write_text("new\n")

    assert before == {"Authorization": "Bearer old"}
    assert who.renew(before)
    assert who.headers() == {"Authorization": "Bearer new"}
    assert not who.renew(who.headers())


def test_the_token_of_a_pod_is_read_again_when_asked_to(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("old")
    (tmp_path / "ca.crt").write_text("ca")
    who = credentials(None, None, {"KUBERNETES_SERVICE_HOST": "::1", "KUBERNETES_SERVICE_PORT": "443"}, tmp_path)
    (tmp_path / "token").write_text("new")

    assert who.host == "https://[::1]:443"
    assert who.renew({"Authorization": "bearer old"})
    assert who.headers()["Authorization"].lower() == "bearer new"


def test_a_kubeconfig_that_vanished_leaves_the_credentials_as_they_were(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", user={"token": "abc"})
    who = from_file(path)
    Path(path).unlink()

    assert not who.renew(who.headers())
    assert who.headers() == {"Authorization": "Bearer abc"}


def test_client_certificates_and_server_names_reach_the_connections(tmp_path: Path) -> None:
    user = {"client-certificate-data": PEM, "client-key-data": PEM}
    cluster = {"server": "https://127.0.0.1:1", "certificate-authority-data": PEM, "tls-server-name": "kube.test"}

    arguments = from_file(kubeconfig(tmp_path / "config", user=user, **cluster)).pool.connection_pool_kw

    assert Path(arguments["cert_file"]).read_bytes() == base64.b64decode(PEM)
    assert Path(arguments["key_file"]).read_bytes() == base64.b64decode(PEM)
    assert arguments["server_hostname"] == "kube.test"


def test_a_plugin_is_asked_and_asked_again_when_its_token_expires(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin"
    plugin.write_text(
        "#!/bin/sh\n"
        f"echo x >> {tmp_path}/count\n"
        'echo \'{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":'
        '{"expirationTimestamp":"2020-01-01T00:00:00Z","token":"token-\'$(wc -l < ' + f"{tmp_path}/count" + ")'\"}}'\n"
    )
    plugin.chmod(plugin.stat().st_mode | stat.S_IEXEC)
    user = {
        "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin), "interactiveMode": "Never"}
    }
    who = from_file(kubeconfig(tmp_path / "config", user=user))

    first, second = who.headers()["Authorization"], who.headers()["Authorization"]

    assert first.startswith("Bearer token-")
    assert first != second


def test_credentials_that_cannot_be_read_any_more_are_said_as_ours() -> None:
    class Broken:
        host = ""

        def auth_settings(self) -> dict[str, Any]:
            raise FileNotFoundError("token")

    who = Credentials(lambda _: None)
    who._configuration = Broken()

    with pytest.raises(Unauthorized, match="cannot be read: token"):
        who.headers()


def test_who_is_refused_with_an_older_token_is_not_told_to_read_it_again(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("new")
    who = from_file(kubeconfig(tmp_path / "config", user={"tokenFile": str(token)}))
    token.unlink()

    assert who.renew({"Authorization": "Bearer old"})
    assert who.headers() == {"Authorization": "Bearer new"}
