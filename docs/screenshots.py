"""The pictures of the pages, wide and on a phone, in both themes, from the demo's log: `python -m docs.screenshots`.

Needs chromium, Playwright and Pillow.
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

_PICTURES = {
    "list": "/logs/-/sessions",
    "transcript": "/logs/-/session/bridge",
    "search": "/logs/-/sessions/search?q=deadline",
    "context": "/logs/-/session/bridge/context/8",
    "replay": "/logs/-/session/bridge/replay?at=8:0.1&autoplay=0",
    "analytics": "/logs/-/sessions/analytics",
}

_SIZES = {"": (1400, 900), "-phone": (390, 844)}
_THEMES = ("", "-dark")
_COLOURS = 128


def main() -> None:
    """Hold the demo's conversation, serve its log, and take a picture of each kind of page."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "logs.db"
        os.environ["LLM_USER_PATH"] = folder  # commands on the pages then need no path
        subprocess.run([sys.executable, "-m", "llm", "sessions", "demo", "-d", str(log)], check=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with subprocess.Popen([sys.executable, "-m", "datasette", str(log), "--port", str(port)]) as server:
            _wait(f"http://127.0.0.1:{port}")
            _take(f"http://127.0.0.1:{port}")
            server.terminate()


def _take(root: str) -> None:
    from playwright.sync_api import ViewportSize, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for kind, (width, height) in _SIZES.items():
            for theme in _THEMES:
                seen: ViewportSize = {"width": width, "height": height}
                page = browser.new_page(viewport=seen, color_scheme="dark" if theme else "light")
                for name, address in _PICTURES.items():
                    page.goto(root + address)
                    page.wait_for_load_state("networkidle")
                    _keep(page.screenshot(), Path(__file__).parent / f"{name}{kind}{theme}.png")
                page.close()
        browser.close()


def _keep(picture: bytes, path: Path) -> None:
    """Write a picture with the colours that it needs, which takes a third of the space."""
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            path, optimize=True
        )


def _wait(root: str) -> None:
    for _ in range(100):
        if _answers(root):
            return
        time.sleep(0.1)


def _answers(root: str) -> bool:
    try:
        urllib.request.urlopen(f"{root}/-/versions.json").close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
