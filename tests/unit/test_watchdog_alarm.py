"""The supervisor speaks for a process that cannot: a line, a file, a word to the watch outside (R2, R27)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from callcenter.watchdog.alarm import ALARM_SECONDS, Alarm
from tests.support.ports import free_port


@contextmanager
def outside() -> Iterator[tuple[str, list[str]]]:
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(f"{self.path} {self.rfile.read(int(self.headers['Content-Length'])).decode()}")
            self.send_response(200)
            self.end_headers()

        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/x", heard
        server.shutdown()
        thread.join()


def test_given_a_process_that_stays_silent_then_the_alarm_is_raised_once_and_taken_back_when_it_answers(
    tmp_path: Path,
) -> None:
    said: list[str] = []
    with outside() as (url, heard):
        alarm = Alarm(tmp_path / "alarm", url, said.append)
        for second in range(100, 100 + int(ALARM_SECONDS)):
            alarm.probed(False, second)
        assert (said, heard) == ([], [])
        alarm.probed(False, 100 + ALARM_SECONDS)
        alarm.probed(False, 200)
    assert len(said) == len(heard) == 1
    assert heard[0].startswith("/x/fail callcenter has not answered")
    assert "fallback" in (tmp_path / "alarm").read_text("utf-8")
    alarm.probed(True, 201)
    assert said[1] == "callcenter answers again"
    assert not (tmp_path / "alarm").exists()


def test_given_a_short_silence_then_nobody_is_alarmed(tmp_path: Path) -> None:
    said: list[str] = []
    alarm = Alarm(tmp_path / "alarm", "", said.append)
    for second in range(0, 100, 4):
        alarm.probed(second % 8 == 0, second)
    assert said == []


def test_given_nobody_outside_and_no_disk_then_the_line_is_said_all_the_same(tmp_path: Path) -> None:
    said: list[str] = []
    alarm = Alarm(tmp_path / "missing" / "alarm", f"http://127.0.0.1:{free_port()}/x", said.append)
    alarm.probed(False, 1)
    alarm.probed(False, 60)
    assert "callcenter has not answered" in said[0]
    assert "cannot be told" in said[1]
