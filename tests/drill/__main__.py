"""`python -m tests.drill`, with a home of its own for llm."""

import os
import shutil
import sys
import tempfile

if __name__ == "__main__":
    # llm-ollama fixes its cache folder at its first import, and it must not be that of the person running the drill.
    home = tempfile.mkdtemp(prefix="llm-drill-home-")
    os.environ["LLM_USER_PATH"] = home
    from tests.drill.main import main

    try:
        sys.exit(main())
    finally:
        shutil.rmtree(home, ignore_errors=True)
