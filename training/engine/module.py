"""The Lightning module: loss, augmentation of each batch, optimiser and schedule, validation by track."""

from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from crnn.audio.front_end import FrontEnd, band_frequencies
from crnn.augment.masks import FrequencyMask, TimeMask
from crnn.augment.noise_mix import BackgroundNoise
from crnn.augment.time_warp import TimeWarp
from crnn.model.network import CRNN
from crnn.model.segments import average, plan
from training.engine.freq_mixstyle import freq_mixstyle
from training.engine.recipes import Recipe

# Of the drawn equaliser curve, from the lowest to the highest band: about one an octave.
_KNOBS = 8
# Between the seeds of two processes: more than a run has steps, so that no two share a draw.
_APART = 2**40


class TrainingModule(pl.LightningModule):
    """One network in training. steps: of the whole run, over which a one-cycle schedule is laid; n_tags: L; teacher: a trained
    network of the same classes, whose answers are learned as well as the labels.
    """

    def __init__(
        self,
        recipe: Recipe,
        front_end: FrontEnd,
        n_classes: int,
        seed: int,
        steps: int,
        n_tags: int = 0,
        teacher: CRNN | None = None,
    ) -> None:
        super().__init__()
        self.recipe, self.front_end, self.seed, self.steps = recipe, front_end, seed, steps
        self.network = CRNN(recipe.model_config(front_end, n_classes))
        if recipe.tags and not n_tags:
            raise ValueError(
                f"tags = {recipe.tags:g} weighs tags, and this collection has none; set tags to 0"
            )
        # Beside the classes, and gone when training ends: a checkpoint holds the network alone.
        self.tagger = nn.Linear(self.network.embedding_size, n_tags) if recipe.tags else None
        # In a list, since it is not this network's: neither learns, nor is averaged, nor kept.
        self._teacher = [] if teacher is None else [teacher.eval().requires_grad_(False)]
        self.floor = front_end.floor if front_end.floor is not None else -front_end.top_db
        self.time_mask = TimeMask(round(recipe.time_mask / front_end.hop_seconds), recipe.masks)
        self.frequency_mask = FrequencyMask(recipe.frequency_mask, recipe.masks)
        self.time_warp = TimeWarp(round(recipe.time_warp / front_end.hop_seconds))
        self._valid: list[tuple[Tensor, Tensor, int]] = []

    def augment(self, mel: Tensor, generator: Generator) -> Tensor:
        """Level, equaliser, style, pitch, then noise, warp and masks, drawn per item: [B, 1, M, W] -> the same shape."""
        if self.recipe.gain_db or self.recipe.equaliser_db:
            level = (torch.rand(len(mel), 1, 1, generator=generator) * 2 - 1) * self.recipe.gain_db
            knobs = (
                torch.rand(len(mel), 1, _KNOBS, generator=generator) * 2 - 1
            ) * self.recipe.equaliser_db
            curve = functional.interpolate(
                knobs, size=mel.shape[2], mode="linear", align_corners=True
            )
            gain = (level + curve).unsqueeze(-1)  # [B, 1, M, 1]
            # What lies on the floor is silence, and stays silence however loud it is played.
            mel = torch.where(mel > self.floor, mel + gain.to(mel.device), mel).clamp(
                min=self.floor
            )
        if self.recipe.mixstyle:
            mel = freq_mixstyle(mel, self.recipe.mixstyle, generator, self.floor)
        if self.recipe.pitch:
            mel = self._transpose(
                mel, (torch.rand(len(mel), generator=generator) * 2 - 1) * self.recipe.pitch
            )
        if self.recipe.noise_db:
            low, high = self.recipe.noise_db
            ratio = low + (high - low) * float(
                torch.rand(1, generator=generator)
            )  # one for the batch
            noise = BackgroundNoise(ratio, self.recipe.noise)
            mel = noise.apply(mel, noise.sample(mel.shape, generator), self.front_end)
        if self.time_warp.max_shift:
            mel = self.time_warp.apply(mel, self.time_warp.sample(mel.shape, generator))
        for mask in (self.frequency_mask, self.time_mask):
            if mask.max_width and mask.count:
                mel = mask.apply(mel, mask.sample(mel.shape, generator), self.floor)
        return mel

    def _transpose(self, mel: Tensor, semitones: Tensor) -> Tensor:
        """Read every band where it sounded before a shift of semitones [B]; linear between bands, ends repeated."""
        hertz = torch.from_numpy(band_frequencies(self.front_end))
        source = hertz / torch.exp2(semitones.double() / 12).unsqueeze(-1)  # [B, M]
        # Band frequencies rise with the band, so a search and a line between neighbours turn Hz into bands.
        upper = torch.searchsorted(hertz, source.contiguous()).clamp(1, len(hertz) - 1)
        low, high = hertz[upper - 1], hertz[upper]
        share = ((source - low) / (high - low)).clamp(0, 1).float().to(mel.device)[:, None, :, None]
        upper = upper.to(mel.device)[:, None, :, None].expand(mel.shape)
        return mel.gather(2, upper - 1) * (1 - share) + mel.gather(2, upper) * share

    def on_fit_start(self) -> None:
        for teacher in self._teacher:
            teacher.to(self.device)

    def on_train_epoch_start(self) -> None:
        # Dropout draws from the global generator: seeded by epoch, so that a resumed run goes on as it would have.
        torch.manual_seed(self.seed * 7919 + self.current_epoch + self.global_rank * _APART)

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], batch_index: int) -> Tensor:
        mel, candidates, tags = batch
        # Its own generator, from seed and step: a resumed run goes on with the draws it would have had. Each of several
        # processes has draws of its own.
        generator = Generator().manual_seed(
            self.seed * 1_000_003 + self.global_step + self.global_rank * _APART
        )
        mel = self.augment(mel, generator)
        if self.recipe.mixup:
            place = (self.seed, self.global_step) + (self.global_rank,) * (self.global_rank > 0)
            share = float(np.random.default_rng(place).beta(self.recipe.mixup, self.recipe.mixup))
            partner = torch.randperm(len(mel), generator=generator).to(mel.device)
            mel = share * mel + (1 - share) * mel[partner]
            heard = self.network.dropout(self.network.embed(mel))
            logits = self.network.linear(heard)
            loss = share * self._loss(logits, candidates) + (1 - share) * self._loss(
                logits, candidates[partner]
            )
            tags = share * tags + (1 - share) * tags[partner]
        else:
            heard = self.network.dropout(self.network.embed(mel))
            logits = self.network.linear(heard)
            loss = self._loss(logits, candidates)
        for teacher in self._teacher:
            with torch.no_grad():
                answer = (
                    teacher(mel).float().softmax(-1)
                )  # to the crop as it is heard here, mixed and masked
            learned = functional.cross_entropy(logits.float(), answer)
            loss = (1 - self.recipe.distillation) * loss + self.recipe.distillation * learned
        if self.tagger is not None:
            said = self.tagger(heard).float()
            loss = loss + self.recipe.tags * functional.binary_cross_entropy_with_logits(said, tags)
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

    def _loss(self, logits: Tensor, candidates: Tensor) -> Tensor:
        """Cross-entropy of the candidates together (Jin & Ghahramani 2002, learning with multiple labels), smoothed: [B, K] each.

        With one candidate a row this is the usual cross-entropy with label smoothing.
        """
        log_p = logits.float().log_softmax(-1)
        together = -log_p.masked_fill(candidates == 0, -torch.inf).logsumexp(-1)
        smoothing = self.recipe.label_smoothing
        return ((1 - smoothing) * together - smoothing * log_p.mean(-1)).mean()

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor], batch_index: int) -> None:
        segments, target, track = batch
        self._valid.append((self.network(segments).float(), target, int(track)))

    def on_validation_epoch_end(self) -> None:
        rows: list[tuple[float, ...]] = []
        for logits, target, track in self._valid:
            probabilities = logits.softmax(-1).cpu().double().numpy()
            # Tracks of one collection are of one length; what a tail's smaller weight changes here is negligible.
            overall = average(probabilities, plan(len(logits), 1))
            loss = float(functional.cross_entropy(logits, target.expand(len(logits))))
            right = float((logits.argmax(-1) == target).float().mean())
            rows.append((track, loss, right, float(overall.argmax() == int(target))))
        self._valid.clear()
        # Of all processes; some have one of the others' tracks too, since all take as many steps.
        by_track = {row[0]: row[1:] for row in self._everyones(rows)}
        for name, values in zip(
            ("val_loss", "val_segment", "val_track"),
            zip(*by_track.values(), strict=True),
            strict=True,
        ):
            self.log(name, float(np.mean(values)), prog_bar=True, sync_dist=True)

    def _everyones(self, rows: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
        """Rows of numbers, equally many in each process, in the order in which one process would have met them."""
        if self.trainer.world_size == 1:
            return rows
        mine = torch.tensor(rows, dtype=torch.float64, device=self.device)
        gathered = self.trainer.strategy.all_gather(mine)  # [world, N, columns]
        return [tuple(row) for row in gathered.transpose(0, 1).flatten(0, 1).tolist()]

    def configure_optimizers(self) -> Any:
        recipe = self.recipe
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[
            recipe.optimizer
        ]
        optimizer = kind(
            self.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        if recipe.schedule == "constant":
            return optimizer
        # A rise of exactly one step would be divided by its length, 0.
        rise = 0.2 if self.steps > 10 else 0.45
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=recipe.learning_rate,
            total_steps=self.steps,
            pct_start=rise,
            cycle_momentum=False,
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
