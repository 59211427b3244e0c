"""The tools that a model can call while it answers, and the loader of `session:` fragments."""
