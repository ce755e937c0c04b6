"""From music collections to this project's checkpoints and figures: `python -m training --help`.

    data ─────────> engine ──────> evaluation ──> experiments, ood, baseline ──> release
    collections,    recipes,       protocols      the paper's tables, …          checkpoints,
    splits, crops   runs           F, P, N, M                                    cards, report

A collection of one's own comes in by `data.manifest`; `playlists` makes one from Spotify playlists.
What serving needs too (front end, segments, network, checkpoint) is imported from `crnn`.
"""
