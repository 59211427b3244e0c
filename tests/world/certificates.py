"""A file with one certificate: llm-ollama's client takes 20 ms to read all of them each time it is created."""

from __future__ import annotations

from pathlib import Path

import certifi

_END = "-----END CERTIFICATE-----\n"


def one_certificate(folder: str) -> str:
    """Write a file with the first known certificate, for SSL_CERT_FILE, and return its path."""
    first, end, _ = Path(certifi.where()).read_text("utf-8").partition(_END)
    path = Path(folder, "certificate.pem")
    path.write_text(first + end, "utf-8")
    return str(path)
