"""A mood collection built as the paper's was: a playlist of yours for each mood, 30 s of each song.

spotify_login → playlist → download → report. Audio comes from Deezer and Apple, never from Spotify.
"""
