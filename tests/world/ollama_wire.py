"""The HTTP of the stand-in Ollama server: sockets, chunks, and connections broken on purpose."""

import contextlib
import json
import socket
import socketserver
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.world import ollama_replies as replies
from tests.world.ollama_replies import Course, Json
from tests.world.ollama_rules import Arrived, OllamaModel, full_name, size_after_dropping


class Listener(ThreadingHTTPServer):
    """The listening socket, with one thread per connection; all connections can be broken at once."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, stand_in: Any, wire: "type[BaseHTTPRequestHandler] | None" = None) -> None:
        """Listen on a free port of the loopback interface, for a stand-in that keeps its own troubles."""
        self.stand_in = stand_in
        self.connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), wire or Wire)

    def server_bind(self) -> None:
        """Bind without HTTPServer's DNS lookup of this machine's name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.socket.getsockname()[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember a new connection."""
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a closed connection."""
        self.connections.discard(request)
        super().shutdown_request(request)

    def tear_connections(self) -> None:
        """Close all connections, whatever they are doing."""
        for connection in list(self.connections):
            tear(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep an error of the stand-in for the test. A client that hangs up is not an error."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError):
            self.stand_in.note_trouble(error)


class Wire(BaseHTTPRequestHandler):
    """One connection: reads requests, writes answers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # small chunks would wait for the client's delayed acknowledgements
    server: Listener

    def do_HEAD(self) -> None:
        """Answer like GET, but without a body."""
        self.do_GET()

    def do_GET(self) -> None:
        """Answer requests without a body."""
        stand_in = self.server.stand_in
        stand_in.note(Arrived(self.path, {}))
        if self._wait(stand_in.ask_delay.get(self.path, 0)):
            return
        listing = stand_in.listing(self.path)
        if listing is not None:
            self._send_json(200, listing)
        elif self.path == "/":
            self._send(200, b"Ollama is running", "text/plain; charset=utf-8")
        else:
            self._send(404, b"404 page not found", "text/plain")

    def do_POST(self) -> None:
        """Answer a chat, or a request about a model."""
        stand_in = self.server.stand_in
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        arrived = Arrived(self.path, body, tuple(body.get("messages") or ()))
        model = stand_in.models.get(full_name(body.get("model") or ""))
        if self.path == "/api/chat" and model is not None:
            self._chat(model, arrived)
            return
        stand_in.note(arrived)
        if self._wait(stand_in.ask_delay.get(self.path, 0)):
            return
        if self.path not in ("/api/chat", "/api/show"):
            self._send(404, b"404 page not found", "text/plain")
        elif model is None:
            self._send_json(404, {"error": f"model '{body.get('model')}' not found"})
        else:
            self._send_json(200, replies.shown(model))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as http.server calls it
        """Print nothing on stderr, because requests are recorded."""

    def _chat(self, model: OllamaModel, arrived: Arrived) -> None:
        """Receive a chat, and answer it as the script says unless the server itself refuses it."""
        stand_in = self.server.stand_in
        objection = replies.objection(model, arrived.body)
        if objection is not None:
            stand_in.note(arrived)
            self._send_json(objection.status, {"error": objection.message})
            return
        arrived, prompt = stand_in.take_chat(model, arrived)
        if self._wait(stand_in.ask_delay.get(self.path, 0)):
            return
        if not arrived.messages:
            # Clients load a model in advance with an empty chat.
            said = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "load"}
            self._send_json(200, {**self._heading(arrived), **said})
        elif arrived.cut == "refused":
            error = replies.overflow(size_after_dropping(prompt), arrived.num_ctx or 0)
            self._send_json(400, {"error": error})
        elif arrived.body.get("stream", True):
            self._stream(arrived, stand_in.course_for(arrived))
        else:
            self._answer_at_once(arrived, stand_in.course_for(arrived))

    def _answer_at_once(self, arrived: Arrived, course: Course) -> None:
        """Answer in one JSON document."""
        if self._sent_raw(course) or self._wait(course.every * len(course.messages)):
            return
        if course.pause_after is not None and self._wait(course.pause):
            return
        if course.fail is not None:
            self._send_json(course.fail.status, {"error": course.fail.message})
            return
        document = {
            **self._heading(arrived),
            "message": replies.whole_message(course),
            **replies.measures(arrived, course, self.server.stand_in.count),
        }
        self._send_json(200, document, half=course.ending != "done")
        if course.ending != "done":
            self._break_off(course)

    def _stream(self, arrived: Arrived, course: Course) -> None:
        """Answer in chunks of NDJSON, as far as the script goes."""
        if self._sent_raw(course):
            return
        if course.fail is not None and course.fail.after_chunks is None:
            self._send_json(course.fail.status, {"error": course.fail.message})
            return
        heading = self._heading(arrived)
        # The extra step after all messages allows a pause before the end.
        for place, message in enumerate((*course.messages, None)):
            if self._wait(course.pause if place == course.pause_after else course.every if place else 0):
                return
            if place == 0:
                self._open_stream()
            if message is not None:
                self._write_line({**heading, "message": message, "done": False})
        self._end_stream(arrived, course)

    def _end_stream(self, arrived: Arrived, course: Course) -> None:
        """End a stream: normally, without a `done` chunk, with an error, or broken off."""
        if course.ending == "torn":
            self._break_off(course)
            return
        if course.ending == "done":
            last = {"message": {"role": "assistant", "content": ""}}
            numbers = replies.measures(arrived, course, self.server.stand_in.count)
            self._write_line({**self._heading(arrived), **last, **numbers})
        elif course.fail is not None:
            self._write_line({"error": course.fail.message})
        self.wfile.write(b"0\r\n\r\n")

    def _sent_raw(self, course: Course) -> bool:
        """Send the bytes of an answer that is none of Ollama's, if it is one; return whether it is."""
        if course.raw is None:
            return False
        self._send(course.raw.status, course.raw.body, course.raw.kind, length=course.raw.length)
        if course.raw.length is not None:
            self._tear()
        return True

    def _break_off(self, course: Course) -> None:
        """Break this connection. If the server dies, it stops listening before the client can notice."""
        if course.down:
            self.server.stand_in.down()
        self._tear()

    def _heading(self, arrived: Arrived) -> Json:
        """Return the fields that each chunk of an answer begins with."""
        return {"model": arrived.body["model"], "created_at": replies.NOW}

    def _wait(self, seconds: float) -> bool:
        """Wait as scripted; return True if the server went down in the meantime, and this connection with it."""
        if not self.server.stand_in.wait(seconds):
            return False
        self._tear()
        return True

    def _tear(self) -> None:
        self.close_connection = True
        tear(self.connection)

    def _send_json(self, status: int, document: Json, *, half: bool = False) -> None:
        self._send(status, json.dumps(document).encode(), "application/json; charset=utf-8", half=half)

    def _send(self, status: int, body: bytes, kind: str, *, half: bool = False, length: int | None = None) -> None:
        """Send a body; with `half`, only half of the length in the header, which may also be given."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if half:
            self.wfile.write(body[: len(body) // 2])
        elif self.command != "HEAD":
            self.wfile.write(body)

    def _open_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _write_line(self, document: Json) -> None:
        line = json.dumps(document).encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))


def tear(connection: socket.socket) -> None:
    """End a connection in both directions at once, as the death of a process does."""
    with contextlib.suppress(OSError):  # it may be closed already
        connection.shutdown(socket.SHUT_RDWR)
