"""Every page that Satchel makes, in a real browser: light and dark, printed, on a phone, and used."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from eval.intents.discover import Cluster, Discovery, Session
from eval.intents.discover import page as clusters
from eval.intents.report import page as intents
from eval.report.load import load_runs
from eval.report.page import page as report
from tests.browser.conftest import Open
from tests.serving import Server
from tests.unit.eval.runs import sample_runs
from tests.unit.insight.test_report import FOUND, QUALITY

PHONE = 375
CLUSTER = Cluster(0, 7, {"coding": 5}, ((Session("s1", ("fix it " * 60,)), None),), ("code", "error"))
# What WCAG 2.2 asks of text, level AA.
CONTRAST = 4.5

# The lowest contrast of any text with what is behind it, by WCAG's formula.
_LOWEST_CONTRAST = """() => {
  const rgb = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const paper = light(rgb(getComputedStyle(document.body).backgroundColor));
  const shown = [...document.body.querySelectorAll("*")].filter((one) =>
    [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()) &&
    !["SCRIPT", "STYLE", "OPTION"].includes(one.tagName) && one.getClientRects().length);
  return Math.min(...shown.map((one) => {
    const style = getComputedStyle(one);
    return ratio(light(rgb(one.namespaceURI.endsWith("svg") ? style.fill : style.color)), paper);
  }));
}"""
_WIDTH = "document.documentElement.scrollWidth"


@pytest.fixture(params=["report", "clusters", "intents"])
def made(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of each page that a command writes."""
    texts = {
        "report": lambda: report(load_runs(sample_runs(tmp_path, monkeypatch)), "bm25"),
        "clusters": lambda: clusters(Discovery((CLUSTER,), 0.9, 7)),
        "intents": lambda: intents(FOUND, QUALITY),
    }
    path = tmp_path / "page.html"
    long = texts[request.param]().replace("<code>", "<code>/a/path" + "/without/a/space" * 12)
    path.write_text(long, encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_can_be_read(opened: Open, made: str, scheme: str) -> None:
    """All text stands out from its paper, which is dark where the reader wants it so."""
    page = opened(made, scheme=scheme)

    assert page.evaluate(_LOWEST_CONTRAST) >= CONTRAST
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(int(part) for part in paper[4:-1].split(",")) < 3 * 128) is (scheme == "dark")


def test_a_page_fits_a_phone(opened: Open, made: str) -> None:
    """Nothing makes the page wider than the screen; wide tables scroll by themselves."""
    assert opened(made, width=PHONE).evaluate(_WIDTH) <= PHONE


def test_a_page_can_be_printed(opened: Open, made: str) -> None:
    """On white, also for a reader who likes it dark on the screen."""
    page = opened(made, scheme="dark")
    page.emulate_media(media="print", color_scheme="light")

    assert page.evaluate(_LOWEST_CONTRAST) >= CONTRAST
    assert page.pdf().startswith(b"%PDF")


def test_failures_are_browsed(opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By words and by type; one that is opened shows what was packed."""
    path = tmp_path / "page.html"
    path.write_text(report(load_runs(sample_runs(tmp_path, monkeypatch)), "newest"), encoding="utf-8")
    page = opened(path.as_uri())
    shown = page.locator(".failures details:visible")
    every = shown.count()

    page.locator(".filter input").first.fill("hens")
    assert 0 < shown.count() < every
    shown.first.locator("summary").click()
    expect(shown.first.locator("ol, ul").first).to_be_visible()
    page.locator(".filter input").first.fill("no such words")
    expect(shown).to_have_count(0)


def test_the_api_explains_itself(opened: Open, server: Server) -> None:
    """The page of a running service lists its operations, with nothing from elsewhere."""
    page: Page = opened(f"{server.url}/docs")

    expect(page.get_by_text("/v1/context", exact=True).first).to_be_visible()
