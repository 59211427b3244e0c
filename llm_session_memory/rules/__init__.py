"""The rules: values in, a decision out. No files, no SQL, no clock, no click, no llm."""
