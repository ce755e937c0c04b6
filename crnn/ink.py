"""Text in figures that is easy to read: Streamlit's own grey reaches a contrast of 3.7 on a light page, AA asks for 4.5."""

import plotly.graph_objects as go


def inked(figure: go.Figure, colour: str | None) -> go.Figure:
    """The figure with its text in the page's own text colour; None leaves it to the theme."""
    if colour is not None:
        font = {"color": colour}
        figure.update_layout(font=font, legend={"font": font})
        for axes in (figure.update_xaxes, figure.update_yaxes):
            axes(tickfont=font, title={"font": font})
    return figure
