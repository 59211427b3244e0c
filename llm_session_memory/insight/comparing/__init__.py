"""What the answers of several conversations or models to the same prompts show: figures, tests and sentences.

Pure: it takes `reader.compared.Compared` and returns frozen values. `statistics` needs numpy and scipy (the extra
`compare`) and imports them late; without them there are counts, means and medians, but no tests.
"""
