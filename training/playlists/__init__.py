"""A mood data set the paper's way: one playlist of one's own a mood, thirty seconds of each song, never from Spotify.

    login ──> reading ──> choosing ──> building ──> report
    token     entries     songs of     previews,    what was found,
              of a list   one mood     manifest     what was not

terms: what must be known first. wishes: which playlist is which mood. polite: how often who is asked. journal: what a stopped run
left.
"""
