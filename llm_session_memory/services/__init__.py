"""The use cases: what a person or a program asks for, done with the store and the rules."""
