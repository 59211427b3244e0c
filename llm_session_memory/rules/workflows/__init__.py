"""The format of workflows: which fields there are, which values they take, and in which order steps run. Pure."""
