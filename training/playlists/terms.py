"""What whoever builds such a set should know before the first request. Their own words decide; these say where to read them."""

TERMS = """\
Building a mood data set from playlists asks three services for things that have terms of use. Read them first:

  Spotify   developer.spotify.com/terms and /policy. The policy of 15 May 2025 forbids, in section III.14, to use Spotify content
            to train a machine learning model, or to feed it into one in any other way. So this command takes no audio from Spotify,
            and there is no option that would make it. From your playlists it reads which songs you put under which mood, in
            order to find those songs elsewhere. Titles and lists are Spotify content, too: whether your use of them is allowed
            is for you to judge. Keep them no longer than you need them: delete the output folder's journal.jsonl, and the
            manifest's columns title and spotify, when the set is built.
  Deezer    developers.deezer.com, terms of use: what its API and its previews may be used for.
  Apple     the terms of the iTunes Search API and of its previews.

Recordings stay their owners': keep the audio on your own machine, for your own study, and pass on neither it nor the set.
(Looked up for this project in November 2026; terms change.)

If you have read the terms and your use is allowed, start the command again with --i-have-read-the-terms."""
