"""A track and what the networks say of it, as Listen draws it."""

import streamlit as st

from pages.parts import along_view, shared, svm_view, why_view


def show(track: shared.Track) -> None:
    """Everything the networks say of a track."""
    from crnn import along, export, figures, mood_plane, words

    st.subheader(shared.plain(track.name), anchor=False)
    if track.origin is not None:
        origin(track.origin)
    st.caption(track.about)
    st.audio(track.data, format=track.mime)
    for notice in track.notices:
        st.info(notice, icon=":material/info:")
    analysis = track.analysis
    along_view.show(track)
    for column, classifier, prediction in zip(
        st.columns(len(analysis.predictions), gap="large"), shared.classifiers(), analysis.predictions, strict=True
    ):
        with column:
            title = prediction.task.capitalize()
            st.subheader(title, anchor=False)
            if said := words.doubt(prediction):
                st.warning(said, icon=":material/help:")
            st.markdown(words.certainty(prediction))
            if prediction.repeated:
                st.info(
                    f"The track is shorter than the {prediction.segment_seconds:g} s that the network reads at once, so it "
                    "was repeated to fill them.",
                    icon=":material/repeat:",
                )
            st.plotly_chart(
                figures.top(prediction, "The likeliest three"), key=f"top-{title}", alt=words.spoken(prediction, 3)
            )
            st.plotly_chart(
                figures.distribution(prediction, "All classes"), key=f"all-{title}", alt=words.spoken(prediction)
            )
            st.caption(words.track_record(classifier.checkpoint))
            if mood_plane.known(prediction.labels):
                found = along.moments(prediction, track.seconds)
                st.plotly_chart(mood_plane.figure(found), key=f"plane-{title}", alt=mood_plane.told(found))
                st.caption(mood_plane.told(found))
    why_view.show(track)
    svm_view.show(track)
    result = export.record(track.name, track.seconds, analysis.predictions)
    with st.container(horizontal=True):
        name = shared.stem(track.name)
        st.download_button(
            "JSON",
            export.to_json(result, indent=1),
            f"{name}.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "CSV", export.to_csv([result]), f"{name}.csv", "text/csv", icon=":material/download:", on_click="ignore"
        )


def origin(of: shared.Origin) -> None:
    """The cover, whole; who made it, with a link back; whose preview was analysed."""
    info, preview = of.info, of.preview
    picture, text = st.columns([1, 6], vertical_alignment="center") if info.cover else (None, st.container())
    if picture is not None:
        picture.image(info.cover, width=120)
    by = f", by {shared.plain(', '.join(info.artists))}" if info.artists else ""
    lines = [f"[{shared.plain(info.title)}]({info.link}) on Spotify{by}"]
    recording = f"{shared.plain(preview.artist)} – {shared.plain(preview.title)}"
    linked = f"[{recording}]({preview.page})" if preview.page else recording
    lines.append(f"What you hear and what was analysed: the preview that {preview.service} offers of {linked}.")
    text.markdown("  \n".join(lines))
    if of.tried:
        text.caption(" ".join(of.tried))
