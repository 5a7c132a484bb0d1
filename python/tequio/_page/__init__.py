"""A job of the web page's editor, by Pyodide: looked at, planned, and run on a sample."""
