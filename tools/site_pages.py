"""What mkdocs does beside its own work: a hook, named in mkdocs.yml.

Pages that list the program's own things (commands, names, flags) hold a marker where the list
belongs; it is made from the program while the site is built, so that it cannot be out of date.
Notebooks are run and become pages with their results; the files of the root that readers ask
for become pages, too. Links are written as they work in a checkout and turned into those of
the site.
"""

import os
import posixpath
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from mkdocs.structure.files import File, Files
from nbconvert import MarkdownExporter
from nbconvert.preprocessors import ExecutePreprocessor

import pages

ROOT = Path(__file__).resolve().parents[1]

CELL_S = 300
"""How long a cell of a notebook may take, seconds."""


def on_files(files: Files, config: Any) -> Files:  # noqa: ANN401 (mkdocs' configuration)
    """Add the pages that are made: notebooks, and files of the root."""
    for name, page in pages.ROOT_PAGES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    for file in list(files):
        if file.src_uri.endswith(".ipynb"):
            for page, content in notebook_pages(Path(file.abs_src_path), file.src_uri).items():
                files.append(File.generated(config, page, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:  # noqa: ANN401
    """Fill in the markers of a page and turn its links into the site's."""
    return pages.site_links(pages.filled(markdown), page.file.src_uri)


def notebook_pages(path: Path, source: str) -> dict[str, str | bytes]:
    """Run a notebook and return its page and its pictures, by their place in the site.

    Parameters
    ----------
    path : Path
        The notebook.
    source : str
        Where it lies, from the folder of the documents.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails; the site is not built then.
    """
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        run = ExecutePreprocessor(timeout=CELL_S, kernel_name="python3")
        run.preprocess(notebook, {"metadata": {"path": folder}})
        # Not where it happened to run.
        places = [f"{os.path.realpath(folder)}{os.sep}", f"{folder}{os.sep}"]
    stem = posixpath.basename(source).removesuffix(".ipynb")
    text, more = MarkdownExporter().from_notebook_node(
        notebook, {"unique_key": stem, "output_files_dir": f"{stem}_files"}
    )
    for place in places:
        text = text.replace(place, "")
    here = posixpath.dirname(source)
    made: dict[str, str | bytes] = {posixpath.join(here, f"{stem}.md"): text}
    for name, content in more["outputs"].items():
        made[posixpath.join(here, name)] = content
    return made
