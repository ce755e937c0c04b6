"""Sentences about results."""

from typing import Any

from pages.text import results

V: dict[str, Any] = {
    "table": "V",
    "title": "Table V: segments",
    "context": "Protocol F, 2 seeds",
    "note": "Nothing falls.",
    "rows": [
        {
            "name": "3 s",
            "paper": {"track_accuracy": 0.92, "track_macro_f1": 0.922},
            "runs": ["a", "b"],
            "track_accuracy": {"mean": 0.62, "sd": 0.012, "each": [0.63, 0.61]},
            "validation_loss": {"mean": 1.2345, "sd": None},
        },
        {
            "name": "10 s",
            "paper": {"track_accuracy": 0.57},
            "runs": ["c"],
            "track_accuracy": {"mean": 0.65, "sd": None, "each": [0.65]},
            "strange_figure": 12.3456,
        },
        {"name": "20 s", "paper": None, "track_accuracy": {"mean": 0.5}},
    ],
}


def accuracy(value: float, **more: Any) -> dict[str, Any]:
    return {"track_accuracy": value, "labels": ["a", "b"], **more}


def test_differences_from_the_paper_are_computed() -> None:
    protocols = {
        "P": accuracy(0.845),
        "F": accuracy(0.614),
        "N": accuracy(0.566),
        "M": accuracy(0.63),
    }
    sentences = results.differences_from_paper(protocols)
    assert "the paper reports 92%, our network reaches 84.5% (−7.5 points)" in sentences[0]
    assert "61.4% (−23.1 points vs. P)" in sentences[1]
    assert "56.6% (−27.9 points vs. P)" in sentences[2]
    assert "74%" in sentences[3]
    assert "−11.0 points" in sentences[3]
    assert "(+1.0 points)" in results.differences_from_paper({"P": accuracy(0.93)})[0]
    assert results.differences_from_paper({}) == []


def test_genres_with_few_new_songs_are_only_counted() -> None:
    songs = {
        "labels": ["a", "b", "c"],
        "recall": {"a": {"tracks": 10, "recall": 0.9}, "b": {"tracks": 2, "recall": 1.0}},
    }
    assert results.describe_generalisation(songs) == (
        "On new songs, accuracy is highest for a (90% of 10). Too few songs: b (2). None: c."
    )


def test_the_best_rows_are_computed() -> None:
    assert (
        results.comparison(V)
        == "3 s 62% (paper 92%); 10 s 65% (paper 57%). Best here: 10 s; in the paper: 3 s."
    )
    assert results.comparison({"rows": [V["rows"][2]]}) == ""
    assert results.comparison({"rows": V["rows"][:1]}) == "3 s 62% (paper 92%)."


def test_curves_with_and_without_validation() -> None:
    run = {
        "name": "r",
        "task": "genre",
        "label": "l",
        "epoch": [1, 2, 3],
        "train_loss": [2.0, 1.0, 0.5],
    }
    assert (
        results.curve_summary(run)
        == "Over 3 epochs the training loss falls from 2.00 to 0.50 nats."
    )
    full = run | {"val_loss": [1.9, None, 1.4], "val_track": [0.2, None, 0.55]}
    assert "lowest at epoch 3 (1.40)" in results.curve_summary(full)
    assert "validation accuracy: 55%" in results.curve_summary(full)
