"""A TCP proxy that damages what passes through it, in the words of toxiproxy; put before a real API server.

`python -m tests.kube.scenario.proxy TARGET_PORT PORT` prints its port; each line of JSON on its standard input sets the
toxics and is answered by a line. It ends with its standard input.
"""

from __future__ import annotations

import json
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Toxics:
    """What is wrong at the moment; the defaults are a healthy line. Times in seconds.

    `down` refuses connections and ends those that are open; `reset` ends them with RST, new ones at once; `stall` keeps
    them open and passes nothing (blackhole); `limit` ends a connection after so many bytes of answers.
    """

    latency: float = 0.0
    jitter: float = 0.0
    down: bool = False
    reset: bool = False
    stall: bool = False
    slice_bytes: int = 0
    slice_pause: float = 0.0
    limit: int = 0


class Proxy:
    """The proxy itself, two threads for each connection."""

    def __init__(self, target: tuple[str, int], port: int) -> None:
        self._target = target
        self._toxics = Toxics()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._listener: socket.socket | None = None
        self.port = port

    def set(self, toxics: Toxics) -> None:
        """Make these toxics the present ones, for open connections too."""
        self._toxics = toxics
        if toxics.down:
            self._close_listener()
        else:
            self.listen()
        if toxics.down or toxics.reset:
            for pair in list(self._pairs):
                self._end(pair)

    def listen(self) -> None:
        """Listen, on the port of the last time."""
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=256)
            self.port = self._listener.getsockname()[1]
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _close_listener(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                self._connect(listener.accept()[0])

    def _connect(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._target, timeout=5)
        except OSError:
            _reset(client)
            return
        server.settimeout(None)
        pair = (client, server)
        self._pairs.add(pair)
        if self._toxics.reset:
            self._end(pair)
            return
        for source, sink in ((client, server), (server, client)):
            threading.Thread(target=self._pump, args=(pair, source, sink), daemon=True).start()

    def _pump(self, pair: tuple[socket.socket, socket.socket], source: socket.socket, sink: socket.socket) -> None:
        passed = 0
        with suppress(OSError):
            while data := source.recv(65536):
                while self._toxics.stall:
                    time.sleep(0.02)
                toxics = self._toxics
                passed += len(data) if source is pair[1] else 0
                if toxics.limit and passed > toxics.limit:
                    break
                _pass(data, sink, toxics)
        self._end(pair)

    def _end(self, pair: tuple[socket.socket, socket.socket]) -> None:
        self._pairs.discard(pair)
        for end in pair:
            if self._toxics.reset:
                _reset(end)
            else:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()


def _pass(data: bytes, sink: socket.socket, toxics: Toxics) -> None:
    if toxics.latency or toxics.jitter:
        time.sleep(max(0.0, toxics.latency + random.uniform(-toxics.jitter, toxics.jitter)))
    size = toxics.slice_bytes or len(data)
    for start in range(0, len(data), size):
        sink.sendall(data[start : start + size])
        if toxics.slice_pause:
            time.sleep(toxics.slice_pause)


def _reset(end: socket.socket) -> None:
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Wakes the thread that reads here: until it has left, the socket is not really closed.
        end.shutdown(socket.SHUT_RD)
        end.close()


class ProxyProcess:
    """The proxy as a test sees it: a process of its own, so that it can be frozen and killed as well."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self.port = 0
        self.toxics = Toxics()
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def is_running(self) -> bool:
        """Tell whether the process is there, frozen or not."""
        return self._process.poll() is None

    def start(self) -> None:
        """Start the proxy, healthy, on the port of the last time."""
        command = [sys.executable, "-m", "tests.kube.scenario.proxy", str(self._target_port), str(self.port)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self._answer())
        self.toxics = Toxics()

    def set(self, **toxics: Any) -> None:
        """Set the toxics and return when they hold; without arguments the line is healthy again."""
        self.toxics = Toxics(**toxics)
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(self.toxics)) + "\n")
        self._process.stdin.flush()
        self._answer()

    def pause(self) -> None:
        """Freeze the process; the kernel goes on acknowledging for it."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let the process run on."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End the process and with it every connection."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with suppress(OSError):
                stream.close()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def main(target_port: int, port: int) -> None:
    """Run the proxy until standard input ends."""
    proxy = Proxy(("127.0.0.1", target_port), port)
    proxy.listen()
    sys.stdout.write(f"{proxy.port}\n")
    sys.stdout.flush()
    for line in sys.stdin:
        proxy.set(Toxics(**json.loads(line)))
        sys.stdout.write("set\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
