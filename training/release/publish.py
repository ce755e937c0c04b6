"""Push a checkpoint folder to the Hugging Face Hub, with a model card that the Hub can read."""

from pathlib import Path
from typing import Any

import httpx2
import huggingface_hub
from huggingface_hub import CommitOperationAdd, EvalResult, HfApi, ModelCard, ModelCardData
from huggingface_hub.errors import HfHubHTTPError

from crnn.errors import CheckpointError
from crnn.model import hub, metadata
from crnn.model.checkpoint import Checkpoint
from crnn.model.hub import HubAddress, parse_address
from training.release import card as cards

# What a protocol's figures were measured on, as a model-index names it: identifier, name, split.
_MEASURED_ON = {
    "F": ("marsyas/gtzan", "GTZAN, fault-filtered lists", "test"),
    "P": ("marsyas/gtzan", "GTZAN, random tracks", "test"),
    "N": ("moods4q", "moods4q, songs of one GTZAN genre", "test"),
    "M": ("moods4q", "moods4q, five moods, folds by artist", "test"),
    "M-quadrants": ("moods4q", "moods4q, four quadrants, folds by artist", "test"),
}
_METRICS = {
    "track_accuracy": ("accuracy", "Track accuracy"),
    "track_macro_f1": ("f1", "Macro F1 over tracks"),
    "track_mean_recall": ("recall", "Mean recall over classes"),
    "segment_accuracy": ("accuracy", "Segment accuracy"),
    "calibration_error": ("ece", "Expected calibration error"),
}


def publish(folder: Path, repo: str, private: bool = False, revision: str | None = None) -> str:
    """Push config, weights and card in one commit; returns the commit's address.

    The token comes from HF_TOKEN or `hf auth login`. private: make the repository so; one that
    exists and is public is left alone. revision: a branch, made where it is missing. Raises
    CheckpointError: folder, name, token, rights, or no answer.
    """
    address = parse_address(f"{repo}@{revision}" if revision else repo)
    if address.revision != (revision or "main"):
        raise CheckpointError(f"“{repo}” names a revision of its own; give it as --revision.")
    if not folder.is_dir():
        raise CheckpointError(
            f"{folder}: no such folder. A folder with config.json and model.safetensors is needed."
        )
    checkpoint = Checkpoint.load(folder)  # nothing is pushed that could not be loaded again
    content = card(checkpoint)
    if huggingface_hub.get_token() is None:
        raise CheckpointError(
            "There is no token for the Hub. Make one with write access on huggingface.co "
            "(Settings, Access Tokens), then set HF_TOKEN or run `hf auth login`."
        )
    try:
        return _push(
            address,
            folder,
            content,
            private,
            f"{checkpoint.task.capitalize()}, weights {checkpoint.digest}",
        )
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise CheckpointError(_sentence(error, address)) from error
    except ValueError as error:
        # The Hub's opinion of the card; it names the entry.
        reason = " ".join(str(error).split())[:300]
        raise CheckpointError(f"The Hub does not take the model card: {reason}") from error


def _push(address: HubAddress, folder: Path, content: str, private: bool, message: str) -> str:
    api = HfApi(endpoint=hub.endpoint(), library_name="genre-mood-spectrum")
    api.create_repo(address.repo, private=private or None, exist_ok=True)
    if private and not api.model_info(address.repo).private:
        raise CheckpointError(
            f"{address.repo} is there already, and public: nothing was pushed. Make it private in "
            "its settings, choose another name, or leave out --private."
        )
    if address.revision != "main":
        api.create_branch(address.repo, branch=address.revision, exist_ok=True)
    operations = [
        CommitOperationAdd(hub.CONFIG, folder / hub.CONFIG),
        CommitOperationAdd(hub.WEIGHTS, folder / hub.WEIGHTS),
        CommitOperationAdd(hub.CARD, content.encode()),
    ]
    done = api.create_commit(
        address.repo, operations, commit_message=message, revision=address.revision
    )
    return str(done.commit_url)


def card(checkpoint: Checkpoint) -> str:
    """A header with licence, tags and model-index, then the own or a generated card."""
    own = metadata.card(checkpoint.folder) if checkpoint.folder is not None else ""
    try:
        body = own.strip() or metadata.strip_header(cards.network(checkpoint))
    except KeyError as error:
        raise CheckpointError(
            "There is no README.md, and too little is known of this checkpoint to write one "
            f"({error} is missing). Write one: training data, measured figures, limits, what it is "
            "meant for."
        ) from error
    header = ModelCardData(
        license="mit",
        library_name="genre-mood-spectrum",
        tags=["audio-classification", "music", checkpoint.task, "crnn"],
        pipeline_tag="audio-classification",
        model_name=f"{checkpoint.task.capitalize()} CRNN",
        eval_results=results(checkpoint) or None,
        metrics=sorted({kind for kind, _ in _METRICS.values()}) if checkpoint.results else None,
    )
    return str(ModelCard(f"---\n{header.to_yaml()}\n---\n\n{body}\n"))


def results(checkpoint: Checkpoint) -> list[EvalResult]:
    """The measured figures, one entry for each metric of each protocol."""
    entries = []
    for protocol, figures in checkpoint.results.items():
        kind, name, split = _MEASURED_ON.get(protocol, ("unknown", f"protocol {protocol}", "test"))
        for key, (metric, metric_name) in _METRICS.items():
            if key in figures:
                entries.append(
                    EvalResult(
                        task_type="audio-classification",
                        task_name=f"Music {checkpoint.task}",
                        dataset_type=kind,
                        dataset_name=name,
                        dataset_config=f"protocol {protocol}",
                        dataset_split=split,
                        metric_type=metric,
                        metric_name=metric_name,
                        metric_value=float(figures[key]),
                    )
                )
    return entries


def _sentence(error: Exception, address: HubAddress) -> str:
    """What went wrong, without the client's own words: those may repeat what was sent."""
    status: Any = getattr(getattr(error, "response", None), "status_code", None)
    known = {
        401: "The Hub does not accept the token. Make a new one with write access and set it as "
        "HF_TOKEN.",
        403: f"The Hub does not let this token write to {address.repo.split('/')[0]}. Use a token "
        "with write access, or a name of your own.",
        404: f"The Hub does not find {address}. Check the spelling, and that the token may write "
        "there.",
    }
    if status in known:
        return known[status]
    if isinstance(error, HfHubHTTPError) and status is not None:
        return f"The Hub answered {status} and {address} was not pushed. Try again later."
    return (
        f"The Hugging Face Hub does not answer, and {address} was not pushed. Try again when there "
        "is a network."
    )
