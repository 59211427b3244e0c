"""The pictures of the pages, from the demo's log: `python -m docs.screenshots`; needs chromium and Playwright."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

_PICTURES = {
    "list": "/demo/-/sessions",
    "transcript": "/demo/-/session/bridge",
    "search": "/demo/-/sessions/search?q=deadline",
    "context": "/demo/-/session/bridge/context/8",
    "replay": "/demo/-/session/bridge/replay?at=8:0.1&autoplay=0",
    "analytics": "/demo/-/sessions/analytics",
}


def main() -> None:
    """Hold the demo's conversation, serve its log, and take a picture of each kind of page."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "demo.db"
        subprocess.run([sys.executable, "-m", "llm", "sessions", "demo", "-d", str(log)], check=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with subprocess.Popen([sys.executable, "-m", "datasette", str(log), "--port", str(port)]) as server:
            _wait(f"http://127.0.0.1:{port}")
            _take(f"http://127.0.0.1:{port}")
            server.terminate()


def _take(root: str) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1000, "height": 640})
        for name, address in _PICTURES.items():
            page.goto(root + address)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=Path(__file__).parent / f"{name}.png")
        browser.close()


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
