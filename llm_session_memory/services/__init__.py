"""The use cases: everything a person or a program can ask for, built on the store and the rules."""
