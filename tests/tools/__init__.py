"""What models call, and the fragment loader."""
