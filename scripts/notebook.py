"""Executes a notebook, and fails unless every cell of code ran and four figures were drawn."""

import os
import sys
import tempfile

import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
nbformat.validate(notebook)
with tempfile.TemporaryDirectory() as home:
    # The sample, and nothing of the user's.
    for name in ["ORCH_METRICS", "ORCH_EXPERIMENT", "XDG_STATE_HOME"]:
        os.environ.pop(name, None)
    for name in ["HOME", "IPYTHONDIR", "MPLCONFIGDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"]:
        os.environ[name] = home
    place = os.path.dirname(os.path.abspath(sys.argv[1]))
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": place}}).execute()
code = [cell for cell in notebook.cells if cell.cell_type == "code"]
unrun = [cell.source for cell in code if cell.execution_count is None]
figures = sum("image/png" in output.get("data", {}) for cell in code for output in cell.outputs)
if unrun or figures != 4:
    sys.exit(f"{sys.argv[1]}: {len(unrun)} cells did not run, and {figures} figures were drawn")
if len(sys.argv) > 2:
    nbformat.write(notebook, sys.argv[2])
print(f"{sys.argv[1]}: {len(code)} cells, {figures} figures")
