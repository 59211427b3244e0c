"""Reading any log of llm."""
