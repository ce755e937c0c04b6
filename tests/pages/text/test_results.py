"""Sentences on results, computed from the figures alone."""

from typing import Any

import pytest

from pages.text import results

V: dict[str, Any] = {
    "rows": [
        {"name": "3 s", "paper": {"track_accuracy": 0.92}, "track_accuracy": {"mean": 0.62}},
        {"name": "10 s", "paper": {"track_accuracy": 0.57}, "track_accuracy": {"mean": 0.65}},
        {"name": "20 s", "paper": None, "track_accuracy": {"mean": 0.5}},
    ]
}


def measured(accuracy: float, **more: Any) -> dict[str, Any]:
    return {"track_accuracy": accuracy, "labels": ["rock", "hiphop"], **more}


def test_a_comparison_has_every_row_that_the_paper_has_too() -> None:
    assert results.comparison(V) == (
        "3 s 62% (paper 92%); 10 s 65% (paper 57%). Best here: 10 s; paper: 3 s."
    )
    assert results.comparison({"rows": V["rows"][2:]}) == ""
    assert results.comparison({"rows": V["rows"][:1]}) == "3 s 62% (paper 92%)."
    assert results.best({"rows": V["rows"][:2][::-1]}) == "Best here: 10 s; paper: 3 s."


def test_differences_from_the_paper_are_computed() -> None:
    found = {"P": measured(0.845), "F": measured(0.614), "N": measured(0.566), "M": measured(0.63)}
    random, disjoint, new, mood = results.differences_from_paper(found)
    assert "reports 92%, this network reaches 84.5% (−7.5 points)" in random
    assert "61.4% (−23.1 points from the random split)" in disjoint
    assert "56.6% (−27.9 points from the random split)" in new
    assert "74%" in mood
    assert "−11.0 points" in mood
    assert "+1.0 points" in results.differences_from_paper({"P": measured(0.93)})[0]
    assert results.differences_from_paper({}) == []


def test_the_headline_needs_no_figure() -> None:
    assert results.headline({}) == ""
    found = {"N": measured(0.669), "M": measured(0.641)}
    assert results.headline(found) == (
        "**Two of three new songs get the right genre (66.9%), and as many the right mood "
        "(64.1%).** "
    )
    found["M"] = measured(0.41)
    assert "songs get the right genre (66.9%); two of five get the right" in results.headline(found)
    assert "Four of five new songs" in results.headline({"N": measured(0.8)})


def test_a_card_counts_only_where_songs_are_enough() -> None:
    few = measured(0.5, confusion=[[1, 0], [0, 20]])
    many = measured(0.5, confusion=[[30, 10], [20, 40]])
    text = results.card({"New songs": few, "Others": many}, "rock")
    assert "New songs: too few to tell (1)" in text
    assert "Others (40): **75% recognised**, 60% right when named" in text
    assert text.endswith("Most often mistaken for Hip-hop (25%).")
    assert results.card({"New songs": few}, "hiphop").endswith("Rarely mistaken for another class.")


def test_new_songs_are_described_genre_by_genre() -> None:
    recall = {"rock": {"tracks": 10, "recall": 0.9}, "hiphop": {"tracks": 20, "recall": 0.5}}
    new = measured(0.7, recall=recall | {"pop": {"tracks": 2, "recall": 1.0}})
    assert results.new_songs(new | {"labels": ["rock", "hiphop", "pop", "jazz"]}) == (
        "Accuracy is highest for Rock (90% of 10 songs), lowest for Hip-hop (50% of 20 songs). "
        "Too few songs to tell: Pop (2). No songs: Jazz."
    )
    one = measured(0.9, recall={"rock": recall["rock"]})
    assert results.new_songs(one).startswith("Accuracy is highest for Rock (90% of 10 songs). No")


def test_a_confusion_names_the_commonest_mistake() -> None:
    assert results.confusion(measured(0.5, confusion=[[3, 1], [0, 0]])) == (
        "Rock 75% correct, mostly confused with Hip-hop."
    )
    assert results.confusion(measured(1.0, confusion=[[3, 0], [0, 2]])) == (
        "Rock 100% correct; Hip-hop 100% correct."
    )


@pytest.mark.parametrize("missing", [{}, {"val_loss": None, "val_track": None}])
def test_training_curves_with_and_without_validation(missing: dict[str, Any]) -> None:
    run = {"epoch": [1, 2, 3], "train_loss": [2.0, 1.0, 0.5]}
    text = "Over 3 epochs the training loss falls from 2.00 to 0.50."
    assert results.training_curve(run | missing) == text
    full = run | {"val_loss": [1.9, None, 1.4], "val_track": [0.2, None, 0.55]}
    assert results.training_curve(full) == (
        f"{text} The validation loss is lowest at epoch 3 (1.40) and ends at 1.40. "
        "The final validation accuracy is 55%."
    )
