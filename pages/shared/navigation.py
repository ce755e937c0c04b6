"""The app's pages and their addresses: menu, titles, sharing, the way in on a fresh server."""

import math

import streamlit as st

from pages.shared import models

NAME = "Genre & Mood Spectrum"
DESCRIPTION = (
    "Find out what genre and mood a song has, moment by moment. Two small neural networks listen "
    "and show their reasoning."
)
PAGES = {
    "listen": ("Listen", "graphic_eq"),
    "lab": ("Lab", "science"),
    "compare": ("Compare", "compare_arrows"),
    "how": ("How it works", "conversion_path"),
    "results": ("Results", "query_stats"),
}


def pages() -> list[st.Page]:
    """All pages in the order of the menu, which students' page of a room is not in."""
    return [
        st.Page(
            f"pages/{name}/page.py",
            title=title,
            icon=f":material/{icon}:",
            url_path=name,
            default=name == "listen",
        )
        for name, (title, icon) in PAGES.items()
    ] + [st.Page("pages/room/page.py", title="Class quiz", url_path="room", visibility="hidden")]


def enter() -> None:
    """Leave Streamlit's older form of several pages for app.py's.

    Because a folder is called pages/, Streamlit starts in its older form, in which an address names
    a file of that folder, until app.py has run once. Without such a file, the first visitor who
    follows a link to a page would see "Page not found". The page is loaded again, not only run
    again: the browser, too, has learned the older form's pages.
    """
    st.navigation(pages(), position="hidden")  # from here on, the server uses the newer form
    st.html("<script>window.location.reload()</script>", unsafe_allow_javascript=True)
    st.stop()


def clean_address() -> None:
    """Leave out of the address what no control can read, so that each begins with its default.

    Streamlit takes an empty value for "nothing chosen", even where something has to be, and fails
    at numbers that are not finite. To be called before any control is drawn.
    """
    address = {key: st.query_params.get_all(key) for key in st.query_params}
    readable = {key: [v for v in values if _readable(v)] for key, values in address.items()}
    if readable != address:
        st.query_params.from_dict(readable)
        st.rerun()  # controls read the address that this run began with


def set_title(name: str) -> None:
    """What the browser's tab and a bookmark are called."""
    st.set_page_config(page_title=f"{name} – {NAME}")


def describe() -> None:
    """Description and Open Graph tags, for programs that run a page's scripts before they read it.

    Streamlit sends every page with the same head; what reads only that gets none of this.
    """
    st.html(
        f"""<script>
        for (const [kind, name, content] of [
          ["name", "description", {DESCRIPTION!r}], ["property", "og:title", {NAME!r}],
          ["property", "og:description", {DESCRIPTION!r}], ["property", "og:type", "website"],
        ]) {{
          const tag = document.head.querySelector(`meta[${{kind}}="${{name}}"]`)
            ?? document.head.appendChild(document.createElement("meta"))
          tag.setAttribute(kind, name)
          tag.content = content
        }}
        </script>""",
        unsafe_allow_javascript=True,
    )


def let_swipes_scroll() -> None:
    """Keep touches from the figures, which would hold a swipe; a tap still arrives as a click."""
    st.html(
        """<script>
        if (!window.swipesScroll) {
          window.swipesScroll = true
          for (const type of ["touchstart", "touchmove"]) document.addEventListener(type,
            event => { if (event.target.closest?.(".js-plotly-plot")) event.stopPropagation() },
            { capture: true, passive: true })
        }
        </script>""",
        unsafe_allow_javascript=True,
    )


def scroll_to(key: str, occasion: str) -> None:
    """Bring a container to the middle of the window.

    occasion: another one than the last time, or the browser would not run the script again.
    """
    st.html(
        f"""<script data-occasion="{occasion}">
        for (const wait of [100, 600]) setTimeout(() => document.querySelector(".st-key-{key}")
          ?.scrollIntoView({{ block: "center" }}), wait)
        </script>""",
        unsafe_allow_javascript=True,
    )


def _readable(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:  # no number
        return bool(value.strip())


def share() -> None:
    """A button that copies the address, as the controls have left it."""
    note = "Opens this page as it is now, without your own songs."
    if not models.all_bundled():
        note += " It uses the built-in models."
    _share(key="share", width="content", data={"page": st.context.url, "note": note})


_share = st.components.v2.component(
    "share",
    html="""<button type="button"><span aria-hidden="true">↗</span> Share</button>
      <div role="status"></div>""",
    css="""
      button { font: inherit; font-size: 0.9rem; height: 2.5rem; padding: 0 0.9rem; cursor: pointer;
        color: var(--st-text-color); background: var(--st-background-color); white-space: nowrap;
        border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius); }
      button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
      button:focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
      [role=status]:not(:empty) { position: absolute; right: 0; top: 2.9rem; width: 17rem;
        z-index: 9; padding: 0.7rem 0.9rem; font-size: 0.875rem; border-radius: 0.6rem;
        color: var(--st-text-color); background: var(--st-secondary-background-color);
        border: 1px solid var(--st-border-color); }
      input { width: 100%; margin-top: 0.4rem; font: inherit; }
    """,
    js="""export default ({ data, parentElement }) => {
      const button = parentElement.querySelector("button")
      const status = parentElement.querySelector("[role=status]")
      let timer
      button.onclick = async () => {
        const address = data.page + window.location.search
        status.textContent = ""
        try {
          await navigator.clipboard.writeText(address)
          status.textContent = `Link copied. ${data.note}`
        } catch {  // only safe origins may write there
          const field = Object.assign(document.createElement("input"),
            { value: address, readOnly: true, ariaLabel: "Link" })
          status.append(`Copy this link. ${data.note}`, field)
          field.select()
        }
        clearTimeout(timer)
        timer = setTimeout(() => { status.textContent = "" }, 8000)
      }
    }""",
)
