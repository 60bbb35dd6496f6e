"""A real browser, and what it must never meet."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
LOCAL = ("file://", "http://127.0.0.1:", "data:", "blob:")

# Opens a page of a width in pixels, light or dark.
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The Chromium of this machine; `make test` installs it where it may.

    Of one module: its event loop counts as running, and other tests run loops of their own.
    """
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium on this machine: install it, for instance by `apt-get install chromium`")
    with sync_playwright() as playwright:
        # Its own sandbox needs rights that a container lacks; these pages are ours.
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    """Opens pages; in the end, none may have loaded anything from elsewhere or complained."""
    complaints: list[str] = []
    contexts = []

    def open_page(url: str, *, width: int = 1280, scheme: str = "light") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith(LOCAL) else complaints.append(f"loads {asked.url}"),
        )
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints
