"""From music collections to the checkpoints and figures of this project: `python -m training --help`.

    collections ──> splits ──> data ──> module ──> runs ──> evaluate ──> protocols ──> bundle
    tracks + mels   who is     random   Lightning  one run  scores of    P, F, N, M    checkpoint
                    tested     crops    module     folder   one run      as JSON       + model card

A collection of one's own comes in by `manifest` (a table, or a folder of audio); `playlists` makes one from Spotify playlists.
Frames of any collection are computed by `frames`, in `parts` that a stop keeps and processes share.

Everything that serving needs too (front end, segments, network, masks, checkpoint folder) is imported from `crnn`.
"""
