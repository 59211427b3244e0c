"""The seam to llm."""
