"""A mood data set the paper's way: one playlist of one's own a mood, 30 s of each song, never from Spotify.

    spotify_login ──> playlist ─────────> download ────────────> report
    token             entries, songs of   previews, journal,     what was found,
                      one mood            manifest               what was missing

cli: the command, its terms of use, which playlist is which mood. rate_limit: waits between requests.
"""
