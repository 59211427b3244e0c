"""Servers that fail: one model a fault, see `answers`."""

from __future__ import annotations

import math
import time

from tests.drill.answers import SHORT
from tests.drill.fault import fault
from tests.drill.world import Asked, World


def _asked(world: World, *models: str) -> Asked:
    """Prompt a model by the number of the run, to the end, every second time without streaming."""
    model = models[world.number // 2 % len(models)]
    asked = world.ask("-m", model, *(("--no-stream",) if world.number % 2 else ()))
    asked.running.command += f" [{model}]"
    asked.running.end()
    return asked


@fault("HTTP 500, 404, 302", "JSON errors, a redirect to nowhere; streaming and not", times=6)
def status(world: World) -> None:
    _asked(world, "error-500", "error-404", "redirect")


@fault("HTML instead of JSON", "a proxy's page, with status 502 and with 200", times=4)
def html(world: World) -> None:
    _asked(world, "html-502", "html-200")


@fault("garbage", "bytes that are not JSON, at once, after three words, half a line, an empty body", times=8)
def garbage(world: World) -> None:
    _asked(world, "garbage", "garbage-later", "half-a-line", "empty-body")


@fault("JSON of another kind", "`null`, a list, a number, a message or a text that is null, in mid-stream", times=10)
def null(world: World) -> None:
    _asked(world, "null", "list", "number", "null-message", "null-content")


@fault("error in mid-stream", "an error line with escape codes, an error that is an object", times=4)
def error(world: World) -> None:
    asked = _asked(world, "error-later", "error-object")
    world.expect("\x1b" not in asked.running.err, "escape codes of a server reach the terminal")


@fault("broken off", "connection closed, no last line, wrong length; streaming and not", times=6)
def broken_off(world: World) -> None:
    _asked(world, "broken-off", "no-last-line", "wrong-length")


@fault("server dies in a reply", "it stops listening at a random word", times=2)
def dies(world: World) -> None:
    asked = world.ask("-m", "slow")
    asked.running.until_word(world.random.randrange(10))
    world.server.down()
    asked.running.end()
    world.refuses = True
    asked.must_keep = True


@fault("server hangs", "silent before or after the first words, then Ctrl-C", times=2)
def hangs(world: World) -> None:
    asked = world.ask("-m", ("hang-before", "hang-after")[world.number % 2])
    world.until_arrived(asked)
    time.sleep(1)
    asked.running.signal("SIGINT")


@fault("server hangs at its list of models", "silent before anything is sent, then Ctrl-C")
def hangs_early(world: World) -> None:
    world.server.ask_delay["/api/tags"] = math.inf
    asked = world.ask("-m", "llama3")
    asked.running.until(lambda: any(one.path == "/api/tags" for one in world.server.arrived), "the question for models")
    time.sleep(1)
    asked.running.signal("SIGINT")
    asked.running.end()
    world.server.ask_delay.clear()


@fault("connection refused", "no server, in a session and in a new one", times=2)
def refused(world: World) -> None:
    nobody = {"OLLAMA_HOST": "http://127.0.0.1:9"}
    if world.number:
        world.ask("-m", "llama3", session="new", env=nobody).running.end()
    else:
        asked = world.ask(env=nobody)
        asked.must_keep = True
        asked.running.end()


@fault("impossible token counts", "10^30, below zero, null, words, lists, fractions", times=12)
def counts(world: World) -> None:
    models = ("huge-counts", "negative-counts", "null-counts", "text-counts", "list-counts", "float-counts")
    asked = _asked(world, *models)
    asked.at_least = len(asked.running.printed(None, asked.tag))


@fault("text that no file can hold", "half a surrogate, NUL and escape codes in a reply", times=4)
def surrogate(world: World) -> None:
    asked = _asked(world, "half-surrogate", "nul")
    asked.at_least = SHORT
    world.expect(asked.running.code == 0, f"fails: {asked.running.err.strip()}")


@fault("empty replies", "blank, empty, only thoughts", times=6)
def nothing(world: World) -> None:
    _asked(world, "blank", "nothing", "only-thinking")


@fault("very long replies", "a line of 1 MB, 3,000 chunks", times=4)
def long(world: World) -> None:
    asked = _asked(world, "long", "many-chunks")
    asked.at_least = SHORT
    world.expect(asked.running.code == 0, f"fails: {asked.running.err.strip()}")


@fault("the same, then again", "an attempt of each kind, `retry` with a good model", times=3)
def retried(world: World) -> None:
    asked = world.ask("-m", ("error-500", "broken-off", "garbage-later")[world.number % 3])
    asked.running.end()
    world.expect(world.kept_of(asked.tag) == "attempt", "no attempt is kept")
    world.llm("sessions", "retry", "work")
    world.expect(world.kept_of(asked.tag) == "attempt", "the attempt is lost")
