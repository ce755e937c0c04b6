"""The Lightning module: loss, augmentation, optimiser and schedule, validation by track."""

from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from crnn.audio.front_end import FrontEnd
from crnn.augment.effects.equaliser import POINTS, equalise
from crnn.augment.masks import FrequencyMask, TimeMask
from crnn.augment.noise_mix import BackgroundNoise
from crnn.augment.time_warp import TimeWarp
from crnn.model.network import CRNN
from crnn.model.segments import plan_segments, pool_segments
from training.distributed import ProcessGroup
from training.engine.band_limit import band_limit
from training.engine.freq_mixstyle import freq_mixstyle
from training.engine.recipes import Recipe

# Between the seeds of two processes: more than a run has steps, so that no two share a seed.
_SEED_STRIDE = 2**40


class TrainingModule(pl.LightningModule):
    """One network in training. ValueError where the recipe weighs tags and the collection has none.

    Args:
        front_end: of the spectrograms.
        steps: training steps of the whole run, the length of a one-cycle schedule.
        n_tags: number of the collection's tags, L.
        n_outputs: number of the teacher's outputs, D.
    """

    def __init__(
        self,
        recipe: Recipe,
        front_end: FrontEnd,
        n_classes: int,
        seed: int,
        steps: int,
        n_tags: int = 0,
        n_outputs: int = 0,
    ) -> None:
        super().__init__()
        self.recipe, self.front_end, self.seed, self.steps = recipe, front_end, seed, steps
        self.network = CRNN(recipe.model_config(front_end, n_classes))
        if recipe.tags and not n_tags:
            raise ValueError(
                f"tags = {recipe.tags:g} weighs tags, and this collection has none; set tags to 0"
            )
        # Apart from the network, which alone a checkpoint holds.
        width = self.network.embedding_size
        self.tagger = nn.Linear(width, n_tags) if recipe.tags else None
        self.student = nn.Linear(width, n_outputs) if recipe.distillation else None
        self.floor = front_end.floor if front_end.floor is not None else -front_end.top_db
        self.masks = (
            FrequencyMask(recipe.frequency_mask, recipe.masks),
            TimeMask(round(recipe.time_mask / front_end.hop_seconds), recipe.masks),
        )
        self.time_warp = TimeWarp(round(recipe.time_warp / front_end.hop_seconds))
        self._valid: list[tuple[Tensor, Tensor, int]] = []

    def augment(self, mel: Tensor, generator: Generator) -> Tensor:
        """Level, equaliser, band, style, noise, warp, masks, sampled per example: [B, 1, M, W]."""
        recipe = self.recipe
        if recipe.gain_db or recipe.equaliser_db:
            mel = self._equalise(mel, generator)
        if recipe.band_limit:
            mel = band_limit(mel, recipe.band_limit, self.front_end, generator, self.floor)
        if recipe.mixstyle:
            mel = freq_mixstyle(mel, recipe.mixstyle, generator, self.floor)
        if recipe.noise_db:
            low, high = recipe.noise_db
            # One ratio for the batch.
            noise = BackgroundNoise(
                low + (high - low) * float(torch.rand(1, generator=generator)), recipe.noise
            )
            mel = noise.apply(mel, noise.sample(mel.shape, generator), self.front_end)
        if self.time_warp.max_shift:
            mel = self.time_warp.apply(mel, self.time_warp.sample(mel.shape, generator))
        for mask in self.masks:
            if mask.max_width and mask.count:
                mel = mask.apply(mel, mask.sample(mel.shape, generator), self.floor)
        return mel

    def _equalise(self, mel: Tensor, generator: Generator) -> Tensor:
        """Add a level and a smooth curve over the bands; silence stays silence."""

        def uniform(points: int, limit: float) -> Tensor:
            return (torch.rand(len(mel), 1, points, generator=generator) * 2 - 1) * limit

        level = uniform(1, self.recipe.gain_db)
        return equalise(mel, level, uniform(POINTS, self.recipe.equaliser_db), self.floor)

    def on_train_epoch_start(self) -> None:
        # Dropout uses the global generator: seeded by epoch, so that a resumed run continues alike.
        torch.manual_seed(self.seed * 7919 + self.current_epoch + self.global_rank * _SEED_STRIDE)

    def training_step(
        self, batch: tuple[Tensor, Tensor, Tensor, Tensor], batch_index: int
    ) -> Tensor:
        mel, candidates, tags, outputs = batch
        # Seeded by step and process, so that a resumed run continues alike and no two processes
        # sample the same.
        generator = Generator().manual_seed(
            self.seed * 1_000_003 + self.global_step + self.global_rank * _SEED_STRIDE
        )
        mel = self.augment(mel, generator)
        lam, partner = self._mixup(len(mel), generator)
        if lam < 1:
            mel = lam * mel + (1 - lam) * mel[partner]
        embedding = self.network.dropout(self.network.embed(mel))
        logits = self.network.linear(embedding)
        loss = self._loss(logits, candidates)
        if lam < 1:
            loss = lam * loss + (1 - lam) * self._loss(logits, candidates[partner])
            tags = lam * tags + (1 - lam) * tags[partner]
            outputs = lam * outputs + (1 - lam) * outputs[partner]
        if self.tagger is not None:
            tag_logits = self.tagger(embedding).float()
            tag_loss = functional.binary_cross_entropy_with_logits(tag_logits, tags)
            loss = loss + self.recipe.tags * tag_loss
        if self.student is not None:
            distillation = functional.mse_loss(self.student(embedding).float(), outputs)
            loss = loss + self.recipe.distillation * distillation
        self.log(
            "train_loss",
            loss,
            on_step=False,
            on_epoch=True,
            prog_bar=True,
            sync_dist=True,
            batch_size=len(mel),
        )
        return loss

    def _mixup(self, size: int, generator: Generator) -> tuple[float, Tensor]:
        """λ, one for the batch (1 without mixup), and the partner of each example [B]."""
        if not self.recipe.mixup:
            return 1.0, torch.arange(size, device=self.device)
        place = (self.seed, self.global_step) + (self.global_rank,) * (self.global_rank > 0)
        lam = float(np.random.default_rng(place).beta(self.recipe.mixup, self.recipe.mixup))
        return lam, torch.randperm(size, generator=generator).to(self.device)

    def _loss(self, logits: Tensor, candidates: Tensor) -> Tensor:
        """Cross-entropy of the candidates' total probability, with label smoothing; [B, K] each.

        With one candidate an example this is the usual cross-entropy; for several see Jin &
        Ghahramani 2002, Learning with multiple labels.
        """
        log_p = logits.float().log_softmax(-1)
        total = -log_p.masked_fill(candidates == 0, -torch.inf).logsumexp(-1)
        smoothing = self.recipe.label_smoothing
        return ((1 - smoothing) * total - smoothing * log_p.mean(-1)).mean()

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor], batch_index: int) -> None:
        segments, target, track = batch
        self._valid.append((self.network(segments).float(), target, int(track)))

    def on_validation_epoch_end(self) -> None:
        rows = []
        for logits, target, track in self._valid:
            probabilities = logits.softmax(-1).cpu().double().numpy()
            # Tracks are about equally long, so the tail's smaller weight is left out.
            overall = pool_segments(probabilities, plan_segments(len(logits), 1))
            loss = float(functional.cross_entropy(logits, target.expand(len(logits))))
            correct = float((logits.argmax(-1) == target).float().mean())
            rows.append((track, loss, correct, float(overall.argmax() == int(target))))
        self._valid.clear()
        # By track: some processes repeat one of another's, since all take as many steps.
        gathered = ProcessGroup.current().gather(rows)  # equally many in each
        by_track = {row[0]: row[1:] for rows in zip(*gathered, strict=True) for row in rows}
        columns = zip(*by_track.values(), strict=True)
        for name, values in zip(("val_loss", "val_segment", "val_track"), columns, strict=True):
            self.log(name, float(np.mean(values)), prog_bar=True, sync_dist=True)

    def configure_optimizers(self) -> Any:
        recipe = self.recipe
        kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
        optimizer = kinds[recipe.optimizer](
            self.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        if recipe.schedule == "constant":
            return optimizer
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=recipe.learning_rate,
            total_steps=self.steps,
            # PyTorch divides by the length of the rise less one step, which must not be 0.
            pct_start=0.2 if self.steps > 10 else 0.45,
            cycle_momentum=False,
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
