"""The argument that names a job."""

from __future__ import annotations

from typing import Any

import click

from ..llm_seam.models import known_jobs
from .common import F


def complete_job(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the names of jobs."""
    del param
    return known_jobs(ctx.params.get("database"), incomplete)


def job_argument(function: F) -> F:
    """Give a command the argument that names a job."""
    decorate: Any = click.argument("name", metavar="JOB", shell_complete=complete_job)
    return decorate(function)  # type: ignore[no-any-return]
