"""Turn values into HTML, SVG and files. Pure: no Datasette, no SQL."""
