"""Text of the site's pages: markers filled in from the program, links that work in the site."""

import posixpath
import re

import program_pages

ROOT_PAGES = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changes.md"}
"""Files of the root that are pages of the site."""

MARKER = re.compile(r"^<!-- made from the program: (\w+) -->$", re.MULTILINE)
MADE = {
    "commands": program_pages.commands,
    "names": program_pages.names,
    "flags": program_pages.flags,
}

LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?(\))")


def filled(markdown: str) -> str:
    """Put what is made from the program where a page has a marker for it."""
    return MARKER.sub(lambda found: MADE[found[1]](), markdown)


def site_links(markdown: str, source: str) -> str:
    """Turn links that work in a checkout into links of the site.

    Parameters
    ----------
    markdown : str
        Text of a page.
    source : str
        Where the page lies, from the folder of the documents. A page made of a file of the
        root has that file's links. Links to what is no page (the licence, a script) stay.
    """
    here = posixpath.dirname(source)
    folder = "" if source in ROOT_PAGES.values() else posixpath.join("docs", here)

    def turned(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, link[2]))
        there = ROOT_PAGES.get(target, target.removeprefix("docs/"))
        if re.match(r"[a-z]+:", link[2]) or there == target:
            return link[0]
        there = re.sub(r"\.ipynb$", ".md", there)
        return f"{link[1]}{posixpath.relpath(there, here or '.')}{link[3] or ''}{link[4]}"

    return LINK.sub(turned, markdown)
