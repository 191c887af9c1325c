"""What the buttons copy runs when it is pasted."""

from __future__ import annotations

import codeop
import subprocess
import sys

import pytest
from playwright.sync_api import Page

from .conftest import ROOT, pages_with, url

SOME_PAGES = pages_with('class="copy-all"')[::8]  # the code itself is looked at without a browser
PAGE = "tensors_and_gradients/computational_graph.html"  # cheap to run
REMEMBER = """() => {
  window.copied = [];
  document.addEventListener("copy", (event) => window.copied.push(event.target.value));
}"""
CLICK_ALL = """(selector) => {
  for (const button of document.querySelectorAll(selector)) button.click();
  return window.copied;
}"""


def copied(page: Page, name: str, selector: str) -> list[str]:
    page.goto(url(name))
    page.evaluate(REMEMBER)
    page.wait_for_selector(selector, state="attached")
    found: list[str] = page.evaluate(CLICK_ALL, selector)
    assert len(found) == page.locator(selector).count()
    return found


@pytest.mark.parametrize("name", SOME_PAGES)
def test_pythons_prompt_takes_what_is_copied(name: str, page: Page) -> None:
    examples = copied(page, name, ".highlight:has(.gp) .copybtn")
    for text in [*examples, *copied(page, name, ".copy-all")]:
        waiting: list[str] = []
        for line in text.split("\n"):
            waiting.append(line)
            if codeop.compile_command("\n".join(waiting)) is not None:
                waiting.clear()
        # The end of a last statement of several lines is the reader's own empty line.
        assert codeop.compile_command("\n".join([*waiting, "", ""])) is not None, text


def test_what_copy_all_takes_along_is_enough(page: Page) -> None:
    for text in copied(page, PAGE, ".copy-all"):
        done = subprocess.run(
            [sys.executable, "-i", "-q"],
            input=text + "\n\n",
            capture_output=True,
            text=True,
            cwd=ROOT,
        )
        assert "Error" not in done.stderr, f"{text}\n{done.stderr}"


def test_a_copied_definition_brings_its_imports_and_shows_none(page: Page) -> None:
    texts = copied(page, PAGE, ".canonical .copybtn, details .highlight:not(:has(.gp)) .copybtn")
    with_imports = [text for text in texts if text.startswith(("import ", "from "))]
    assert len(with_imports) > 3
    for text in with_imports:
        done = subprocess.run([sys.executable, "-"], input=text, text=True, cwd=ROOT, check=False)
        assert done.returncode == 0, text
    shown = page.locator(".canonical pre").all_inner_texts()
    assert shown
    assert not any(text.startswith(("import ", "from ")) for text in shown)
