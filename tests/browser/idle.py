"""When a page has come to rest, and what then stands in it."""

from playwright.sync_api import Page, expect

PATIENCE = 120_000  # ms

# Streamlit leaves the last run's charts in the page, hidden, until the run that replaces them has
# ended: before that, some charts are there twice.
IDLE = """() =>
  document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
  && !document.querySelector('[data-testid=stSkeleton],[data-stale=true],[data-testid=stSpinner]')
  && [...document.querySelectorAll('[data-testid=stPlotlyChart]')]
    .every(chart => chart.querySelector('.main-svg text'))"""


def rest(page: Page) -> None:
    """Wait until no script runs, nothing of an earlier run is left and every chart is drawn."""
    page.wait_for_function(IDLE, timeout=PATIENCE)


def chart_words(page: Page) -> list[str]:
    """The words and numbers in each chart of a page at rest."""
    rest(page)
    charts = page.get_by_test_id("stPlotlyChart").all()
    return [" ".join(chart.locator("text").all_text_contents()) for chart in charts]


def shared_link(page: Page) -> str:
    """What the Share button copies."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Share").click()
    expect(page.get_by_text("Link copied.")).to_be_visible()
    return str(page.evaluate("() => navigator.clipboard.readText()"))
