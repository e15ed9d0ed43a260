"""`demask.Recording` against the recordings that are shipped, with pyarrow and without, by the program that $DEMASK names."""

import html.parser
import os
import struct
import sys
import tempfile
import unittest
import warnings
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "python"))

import demask
from demask import program

SHORT, LONG = (ROOT / "recordings" / name for name in ("short-answer.jsonl", "stage-2-expansions.jsonl"))


def without_pyarrow():
    return mock.patch.dict(sys.modules, {"pyarrow": None})


def single(number):
    """As a 32-bit number holds it."""
    return struct.unpack("f", struct.pack("f", number))[0] if isinstance(number, float) else number


class Frame(html.parser.HTMLParser):
    """What an iframe holds, as a browser reads it."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


class Tables(unittest.TestCase):
    def test_with_pyarrow_they_are_arrow_and_without_it_the_same_rows(self):
        import pyarrow

        for file in (SHORT, LONG):
            for name in ("steps", "positions"):
                table = getattr(demask.Recording(file), name)
                self.assertIsInstance(table, pyarrow.Table)
                with without_pyarrow():
                    rows = getattr(demask.Recording(file), name)
                self.assertEqual(table.column_names, list(rows[0]))
                singles = {field.name for field in table.schema if field.type == pyarrow.float32()}
                self.assertEqual(bool(singles), True)
                exact = [{key: single(value) if key in singles else value for key, value in row.items()} for row in rows]
                self.assertEqual(table.to_pylist(), exact)

    def test_steps_and_positions_count_as_the_recording_does(self):
        with without_pyarrow():
            recording = demask.Recording(SHORT)
            steps, positions = recording.steps, recording.positions
        self.assertEqual([row["step"] for row in steps], [0, 1, 2])
        self.assertEqual(len(positions), sum(row["length"] for row in steps))
        self.assertEqual(sum(row["action"] == "fill" for row in positions), sum(row["filled"] or 0 for row in steps))


class Texts(unittest.TestCase):
    def test_the_text_at_each_step(self):
        recording = demask.Recording(str(LONG))
        start, last = recording.text(0), recording.text()
        self.assertEqual(set(start), {" ", "▒"})
        self.assertNotIn("▒", last)
        self.assertTrue(last.startswith("Once a small owl lived by the tower."), last)
        masks = [recording.text(step).count("▒") for step in (20, 40, 62)]
        self.assertTrue(masks[0] > masks[1] > masks[2] == 0, masks)
        self.assertEqual(recording.text(62), last)
        with self.assertRaisesRegex(RuntimeError, "goes to step 62"):
            recording.text(63)
        with self.assertRaises(TypeError):
            recording.text("0; quit")

    def test_the_difference_of_two_runs(self):
        short = demask.Recording(SHORT)
        self.assertTrue(short.diff(SHORT)["equal"])
        found = short.diff(demask.Recording(LONG))
        self.assertFalse(found["equal"])
        self.assertEqual([found[side]["steps"] for side in "ab"], [2, 62])


class Player(unittest.TestCase):
    def test_the_page_of_export_stands_in_a_frame_of_its_own(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / '-"><script>alert(1)<.jsonl'
            file.write_bytes(SHORT.read_bytes())
            shown = demask.Recording(file)._repr_html_()
            page = program.run("export", "--to", "html", "--", str(file), "-").decode()
        (tag, attributes), *more = Frame(shown).tags
        self.assertEqual((tag, more), ("iframe", []))
        self.assertEqual(attributes["srcdoc"], page)
        self.assertEqual(attributes["sandbox"], "allow-scripts")
        self.assertIn(file.name, attributes["title"])


class Trouble(unittest.TestCase):
    def test_a_file_that_is_missing_or_no_recording_is_named(self):
        with self.assertRaisesRegex(FileNotFoundError, "none.jsonl"):
            demask.Recording("none.jsonl")
        note = demask.Recording(ROOT / "README.md")
        for use in (lambda: note.steps, note.text, note._repr_html_, lambda: note.diff(SHORT)):
            with self.assertRaisesRegex(RuntimeError, "README.md"):
                use()

    def test_a_recording_that_is_cut_opens_with_a_warning(self):
        with tempfile.TemporaryDirectory() as folder:
            cut = Path(folder) / "cut.jsonl"
            cut.write_bytes(LONG.read_bytes()[:200_000])
            with self.assertWarnsRegex(UserWarning, "is cut in line"):
                rows = demask.Recording(cut).steps
        self.assertGreater(len(rows), 1)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.assertEqual(len(demask.Recording(SHORT).steps), 3)

    def test_the_program_is_looked_for_in_its_places(self):
        named = os.environ[program.VARIABLE]
        self.assertEqual(program.path(), named)
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(
            program.sysconfig, "get_path", lambda *_: str(Path(folder) / "scripts")
        ):
            nothing = {program.VARIABLE: "", "PATH": folder}
            with mock.patch.dict(os.environ, nothing):
                with self.assertRaisesRegex(FileNotFoundError, "pip install"):
                    program.path()
                on_path = Path(folder) / "demask"
                on_path.symlink_to(named)
                self.assertEqual(program.path(), str(on_path))
                installed = Path(folder) / "scripts/demask"
                installed.parent.mkdir()
                installed.symlink_to(named)
                self.assertEqual(program.path(), str(installed))
            with mock.patch.dict(os.environ, {program.VARIABLE: folder + "/no"}):
                with self.assertRaisesRegex(FileNotFoundError, "unset it"):
                    program.path()


if __name__ == "__main__":
    unittest.main()
