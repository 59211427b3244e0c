"""Rules of the Datasette plugin. They hold on Datasette 0.65 and on 1.0 alike: run them in an environment of each."""
