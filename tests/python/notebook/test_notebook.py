"""The example notebook, run from its first cell to its last by nbclient, with the program that $DEMASK names."""

import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import nbclient
import nbformat

ROOT = Path(__file__).resolve().parents[3]
NOTEBOOK = ROOT / "examples/python/notebook.ipynb"


def outputs(cell, kind):
    """What a cell shows as a type of MIME."""
    return ["".join(shown["data"][kind]) for shown in cell["outputs"] if kind in shown.get("data", {})]


class Example(unittest.TestCase):
    def test_every_cell_runs_and_shows_what_it_says(self):
        notebook = nbformat.read(NOTEBOOK, as_version=4)
        nbformat.validate(notebook)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for cell in code:
            self.assertEqual((cell.outputs, cell.execution_count), ([], None), "the file holds no outputs")
        path = [str(ROOT / "python"), os.environ.get("PYTHONPATH")]
        with tempfile.TemporaryDirectory() as folder, mock.patch.dict(
            os.environ, {"PYTHONPATH": os.pathsep.join(part for part in path if part)}
        ):
            client = nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}})
            client.execute()
            self.assertTrue((Path(folder) / "run.jsonl").exists())
        self.assertEqual([cell.execution_count for cell in code], list(range(1, len(code) + 1)))
        players = [shown for cell in code for shown in outputs(cell, "text/html") if shown.startswith("<iframe")]
        self.assertGreaterEqual(len(players), 1)
        shown = "\n".join(shown for cell in code for shown in outputs(cell, "text/plain"))
        self.assertIn("pyarrow.Table", shown)
        printed = "".join(output["text"] for cell in code for output in cell["outputs"] if output["output_type"] == "stream")
        self.assertRegex(printed, r"threshold \d passes: +(owl|goat) (finds|hides) a (drum|ball)")
        self.assertRegex(printed, r"mine: +(owl|goat) (finds|hides) a (drum|ball)")
        self.assertIn(" 0  ▒ ▒ ▒ ▒ ▒ ▒ ▒ ▒ ▒ ▒ ▒\n", printed)


if __name__ == "__main__":
    unittest.main()
