"""A track and what the networks say of it, as Listen draws it."""

import streamlit as st

from pages.listen import attribution, baseline
from pages.listen import timeline as along_view
from pages.shared import session


def show(track: session.Track) -> None:
    """Everything the networks say of a track."""
    from crnn.inference import export, valence_arousal
    from crnn.inference import timeline as along
    from crnn.viz import prediction as figures
    from pages.text import predictions

    st.subheader(session.plain(track.name), anchor=False)
    if track.origin is not None:
        origin(track.origin)
    st.caption(track.about)
    st.audio(track.data, format=track.mime)
    for notice in track.notices:
        st.info(notice, icon=":material/info:")
    analysis = track.analysis
    along_view.show(track)
    for column, classifier, prediction in zip(
        st.columns(len(analysis.predictions), gap="large"),
        session.classifiers(),
        analysis.predictions,
        strict=True,
    ):
        with column:
            title = prediction.task.capitalize()
            st.subheader(title, anchor=False)
            if said := predictions.ood_warning(prediction):
                st.warning(said, icon=":material/help:")
            st.markdown(predictions.certainty(prediction))
            if prediction.repeated:
                st.info(
                    f"The track is shorter than the {prediction.segment_seconds:g} s that the network reads at once, so it "
                    "was repeated to fill them.",
                    icon=":material/repeat:",
                )
            st.plotly_chart(
                figures.top_classes(prediction, "The likeliest three"),
                key=f"top-{title}",
                alt=predictions.describe(prediction, 3),
            )
            st.plotly_chart(
                figures.distribution(prediction, "All classes"),
                key=f"all-{title}",
                alt=predictions.describe(prediction),
            )
            st.caption(predictions.accuracy(classifier.checkpoint))
            if valence_arousal.has_places(prediction.labels):
                found = along.from_prediction(prediction, track.seconds)
                st.plotly_chart(
                    valence_arousal.figure(found),
                    key=f"plane-{title}",
                    alt=valence_arousal.describe(found),
                )
                st.caption(valence_arousal.describe(found))
    attribution.show(track)
    baseline.show(track)
    result = export.to_record(track.name, track.seconds, analysis.predictions)
    with st.container(horizontal=True):
        name = session.stem(track.name)
        st.download_button(
            "JSON",
            export.to_json(result, indent=1),
            f"{name}.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "CSV",
            export.to_csv([result]),
            f"{name}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )


def origin(of: session.Origin) -> None:
    """The cover, whole; who made it, with a link back; whose preview was analysed."""
    info, preview = of.info, of.preview
    picture, text = (
        st.columns([1, 6], vertical_alignment="center") if info.cover else (None, st.container())
    )
    if picture is not None:
        picture.image(info.cover, width=120)
    by = f", by {session.plain(', '.join(info.artists))}" if info.artists else ""
    lines = [f"[{session.plain(info.title)}]({info.link}) on Spotify{by}"]
    recording = f"{session.plain(preview.artist)} – {session.plain(preview.title)}"
    linked = f"[{recording}]({preview.page})" if preview.page else recording
    lines.append(
        f"What you hear and what was analysed: the preview that {preview.service} offers of {linked}."
    )
    text.markdown("  \n".join(lines))
    if of.tried:
        text.caption(" ".join(of.tried))
