"""Tasks in a browser tab, by Pyodide: the code of a task process, with what a tab has instead."""
