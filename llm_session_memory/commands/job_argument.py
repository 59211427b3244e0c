"""The argument that names a job."""

from __future__ import annotations

from typing import Any

import click

from ..llm_seam.models import known_jobs
from .common import F, completing

complete_job = completing(known_jobs)


def job_argument(function: F) -> F:
    """Give a command the argument that names a job."""
    decorate: Any = click.argument("name", metavar="JOB", shell_complete=complete_job)
    return decorate(function)  # type: ignore[no-any-return]
