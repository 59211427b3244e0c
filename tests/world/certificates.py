"""A file with one certificate: reading all the world's takes 20 ms each time that llm-ollama's client is made."""

from __future__ import annotations

from pathlib import Path

import certifi

_END = "-----END CERTIFICATE-----\n"


def one_certificate(folder: str) -> str:
    """Write a file with the first of the certificates that are known, for SSL_CERT_FILE; return its path."""
    first, end, _ = Path(certifi.where()).read_text("utf-8").partition(_END)
    path = Path(folder, "certificate.pem")
    path.write_text(first + end, "utf-8")
    return str(path)
