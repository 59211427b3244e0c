"""Rate an exchange with a form on its page. Posting it redirects back to the exchange."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qsl

from llm_session_memory.reader.families import called
from llm_session_memory.reader.numbering import numbering
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.tables import present
from llm_session_memory.reader.values import Judged
from llm_session_memory.rules.safe_text import one_line

from ..compat import Forbidden, Refused, Response, checked_by_nobody, csrf_token, tilde_decode
from ..web.access import RATINGS, VisitorLog, log_of, thread_of
from ..web.answering import answering, as_json
from ..web.links import Links, card_id
from ..web.rating import LONGEST_REMARK, Problem, Rating, keep, rating_of

_FORM = "application/x-www-form-urlencoded"

_LONGEST = 40_000
"""Most bytes of a form: the longest note with each character encoded as in `%F0%9F%91%8D`, and some to spare."""

_FIELDS = 20


@answering
async def rate(datasette: Any, request: Any) -> Any:
    """Rate an exchange, or remove its rating."""
    log = await log_of(datasette, request)
    reference = tilde_decode(request.url_vars["session"])
    thread_id = await thread_of(log, request)
    links, as_data = Links(datasette, log.name), request.url_vars.get("format") == "json"
    if request.method in ("GET", "HEAD") and not as_data:
        return Response.redirect(links.session(reference))
    if request.method != "POST":
        said = "Send ratings with POST."
        return Response.json({"ok": False, "error": said, "errors": [said]}, status=405, headers={"Allow": "POST"})
    await _check(datasette, request, log)
    form = await _form(request)
    named, number, turn_id = await log.read(_place, thread_id, form.get("exchange", ""))
    rating = _rating(form)
    problem = await log.write(keep, log.name, (thread_id, turn_id), rating)
    if problem is not None:
        raise Refused(problem.words, 503)
    begin = form.get("from", "")
    asked = {"from": begin} if begin.isascii() and begin.isdigit() and len(begin) < 12 else {}  # noqa: PLR2004
    if as_data:
        kept = None if rating is None else asdict(rating)
        answer = {"ok": True, "session": named, "number": number, "turn_id": turn_id, "rating": kept}
        if form.get("form"):
            rated = _Rated(turn_id, number, Judged() if rating is None else Judged(rating.mark, rating.note or ""))
            shared = form_values(request, links, named, asked.get("from"))
            answer |= {"words": rated.rated, "form": await _as_form(datasette, request, rated, shared)}
        return as_json(answer)
    return Response.redirect(f"{links.session(named, **asked)}#{card_id(turn_id)}", status=303)


@dataclass(frozen=True)
class _Rated:
    """An exchange that was just rated, as the template of its form takes it."""

    id: str
    number: int
    judged: Judged

    @property
    def rated(self) -> str:
        return one_line(self.judged.words, 40)

    @property
    def note(self) -> str:
        return one_line(self.judged.note, 100)


def form_values(request: Any, links: Links, reference: str, start: int | str | None) -> dict[str, Any]:
    """Return the values that all rating forms of a page share. `start` is the first exchange that was asked for."""
    return {
        "url": links.rating(reference),
        "token": csrf_token(request),
        "start": start,
        "longest": LONGEST_REMARK,
    }


async def _as_form(datasette: Any, request: Any, rated: _Rated, shared: Mapping[str, Any]) -> str:
    """Return the form of an exchange as it is now, and the rating in words, as HTML."""
    context = {"card": rated, "rating": shared}
    return str(await datasette.render_template("_sv_rated.html", context, request=request, view_name="sv_rated"))


async def _check(datasette: Any, request: Any, log: VisitorLog) -> None:
    """Raise if this visitor may not rate here, or if nobody can."""
    if checked_by_nobody(request):
        raise Refused(
            "Nothing was changed: the request came from another site, or from a browser without cookies.", 403
        )
    if not log.mutable:
        raise Refused(f"Datasette serves {log.name} as immutable, so exchanges can't be rated.", 403)
    if RATINGS not in log.tables:
        if RATINGS in await log.database.execute_fn(present):
            raise Forbidden("view-table")
        raise Refused(
            f"{log.name} has no ratings table yet. Create it by rating an exchange with `llm sessions rate`,"
            " or by prompting with `llm --session`.",
            409,
        )
    if not await log.may_be_rated_by(datasette, request.actor):
        raise Forbidden("You don't have permission to rate exchanges in this log.")


async def _form(request: Any) -> dict[str, str]:
    """Return the fields of a form."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise Refused(f"Send the rating as a form ({_FORM}).", 415)
    too_long = Refused("The form is too long for a rating.", 413)
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > _LONGEST:
        raise too_long
    body: bytes = await request.post_body()
    if len(body) > _LONGEST:
        raise too_long
    try:
        return dict(parse_qsl(body.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=_FIELDS))
    except ValueError:
        raise too_long from None


def _place(source: Source, thread_id: str, wanted: str) -> tuple[str, int, str]:
    """Find an exchange by its number or the id of its first turn. Return its session, its number and its first turn."""
    session = called(source, [thread_id])[thread_id]
    numbers = numbering(source, thread_id)
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 12:  # noqa: PLR2004  more than any log has
        number = int(wanted) if 1 <= int(wanted) <= len(numbers) else None
    else:
        number = numbers.number_of(wanted or None)
    if number is None:
        if not wanted:
            raise Refused("Which exchange? Give its number or the id of its first turn in `exchange`.", 400)
        raise Refused(f"Exchange “{one_line(wanted, 40)}” not found in “{one_line(session.heading, 120)}”.", 404)
    return session.reference, number, numbers.first[number - 1]


def _rating(form: dict[str, str]) -> Rating | None:
    """Return the rating in a form, or None to remove the current one."""
    if form.get("delete"):
        return None
    made = rating_of(form.get("mark", ""), form.get("note", ""))
    if isinstance(made, Problem):
        raise Refused(made.words, 400)
    return made
