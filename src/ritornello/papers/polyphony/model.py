"""The frame model: foresees the next frame of a piano-roll, slot by slot.

Two views of the past are added up in the logits:

- a recurrent trunk (the residual blocks of the note model) reads the maps of the past as whole
  frames, and a small network joins its state with what the frame has so far;
- a convolution along the pitch axis and a recurrent block for each pitch see the same maps, with
  the same weights at every pitch, so that what they learn in one key they know in all (the idea of
  Johnson 2017, "Generating polyphonic music using tied parallel networks").

Time comes first: [time, batch, ...].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ritornello.note_model.cells.cell import State
from ritornello.note_model.network import Block, through
from ritornello.papers.polyphony.encoding import CLASSES, PITCHES, SHIFTS
from ritornello.papers.polyphony.voice_clues import TONES

_REACH = 12  # semitones that the convolution sees to each side
_LEAP = 24  # semitones that a voice may fall
_BELOW = 48  # intervals below the last note of a frame


@dataclass(frozen=True)
class FrameModelConfig:
    """Settings of the network.

    Attributes:
        maps, scalars, voices: sizes of the inputs.
        cell: a name in `ritornello.note_model.cells.CELLS`.
        layers, width: of the trunk. head_width: of the network that joins.
        channels, local_layers: of the network around each pitch.
        dropout: share of units dropped in training.
        clues: rows of the table of clues, see `voice_clues`; 0 for music that is not in parts.
        told_shift: whether the network knows how far an excerpt is transposed, as of music that
            is all in one key.
    """

    maps: int
    scalars: int
    voices: int = 1
    cell: str = "qrnn"
    layers: int = 2
    width: int = 128
    head_width: int = 128
    channels: int = 32
    local_layers: int = 1
    dropout: float = 0.3
    clues: int = 0
    told_shift: bool = True


class FrameBatch(NamedTuple):
    """Excerpts side by side, and the slots of all their frames.

    maps float32 [time, batch, maps * voices, 88]; scalars float32 [time, batch, columns];
    shift int64 [batch], the transposition; frame int64 [slots], time * batch + row, ascending;
    voice int64 [slots]; prefix float32 [slots, voices, 88]; legal bool [slots, CLASSES]; target
    int64 [slots]; clues, of music in parts, rows int32 [slots, clues] and tones float32
    [slots, TONES], see `VoiceClues`.
    """

    maps: Tensor
    scalars: Tensor
    shift: Tensor
    frame: Tensor
    voice: Tensor
    prefix: Tensor
    legal: Tensor
    target: Tensor
    clues: tuple[Tensor, ...] = ()


class FrameModel(nn.Module):
    """Nats of each slot, exactly; the state is an argument and a result."""

    def __init__(self, config: FrameModelConfig) -> None:
        super().__init__()
        self.config = config
        planes = config.maps * config.voices
        width, head = config.width, config.head_width
        self.read = nn.Linear(planes * PITCHES + config.scalars, width)
        self.shift = nn.Embedding(len(SHIFTS), width)
        self.blocks = nn.ModuleList(
            Block(config.cell, width, config.dropout) for _ in range(config.layers)
        )
        self.norm = nn.RMSNorm(width, eps=1e-5)
        self.voice = nn.Embedding(config.voices, head)
        self.join_state = nn.Linear(width, head)
        self.join_prefix = nn.Linear(config.voices * PITCHES, head, bias=False)
        self.middle = nn.Linear(head, head)
        self.out = nn.Linear(head, CLASSES)
        channels = config.channels
        self.around = nn.Conv1d(planes, channels, 2 * _REACH + 1, padding=_REACH)
        self.place = nn.Linear(config.scalars + width, channels)
        self.local_blocks = nn.ModuleList(
            Block("qrnn", channels, 0.0) for _ in range(config.local_layers)
        )
        self.local_norm = nn.RMSNorm(channels, eps=1e-5)
        self.query = nn.Linear(head, channels)
        self.join_intervals = nn.Linear(_BELOW, head, bias=False)
        self.above_last = nn.Linear(head, PITCHES + 1)
        self.above_first = nn.Linear(head, PITCHES + 1)
        if config.voices > 1:
            self.motion = nn.Linear(head, PITCHES + 1)
        if config.clues:
            self.clues = nn.EmbeddingBag(config.clues, head, mode="sum")
            nn.init.normal_(self.clues.weight, std=0.1)
            self.tones = nn.Linear(TONES, head)
            self.clue_norm = nn.RMSNorm(head, eps=1e-5)
        self.input_dropout = nn.Dropout(config.dropout / 2)
        self.dropout = nn.Dropout(config.dropout)

    def initial_state(self, batch: int) -> list[State]:
        """The state before a piece: for each block a tuple of tensors [batch, ...]."""
        trunk = [block.initial_state(batch) for block in cast(list[Block], self.blocks)]
        local = [
            block.initial_state(batch * PITCHES) for block in cast(list[Block], self.local_blocks)
        ]
        return trunk + [_split_keys(state, batch) for state in local]

    def forward(self, batch: FrameBatch, state: list[State]) -> tuple[Tensor, list[State]]:
        """Negative log likelihood of each slot [slots], and the state after the last frame."""
        logits, after = self.logits(batch, state)
        return F.cross_entropy(logits, batch.target, reduction="none"), after

    def logits(self, batch: FrameBatch, state: list[State]) -> tuple[Tensor, list[State]]:
        """Masked logits [slots, CLASSES], and the state after the last frame."""
        hidden, after = self._trunk(batch, state[: self.config.layers])
        hidden = self.dropout(hidden.flatten(0, 1))
        keys, local_after = self._keys(batch, hidden, state[self.config.layers :])
        frame, voice = batch.frame, batch.voice
        last, first, below = _relative(batch.prefix)
        joined = self.join_state(hidden)[frame] + self.join_prefix(batch.prefix.flatten(1))
        joined = joined + self.join_intervals(below)
        if self.config.clues:
            joined = joined + self._asked(*batch.clues)
        joined = F.silu(joined + self.voice(voice))
        joined = self.dropout(F.silu(self.middle(joined))) + joined
        logits = self.out(joined)
        logits = logits + _interval_logits(self.above_last(joined), last, last >= 0)
        logits = logits + _interval_logits(self.above_first(joined), first, first < PITCHES)
        if self.config.voices > 1:
            before = _last_pitch(batch)
            logits = logits + _interval_logits(self.motion(joined), before - _LEAP, before >= 0)
        logits = logits + F.pad(_nearby(batch, self.query(joined), keys), (0, 1))
        return logits.masked_fill(~batch.legal, -torch.inf), after + local_after

    def _asked(self, rows: Tensor, tones: Tensor) -> Tensor:
        """What the clues of each slot say, [slots, head]."""
        keep = self.dropout(torch.ones(rows.shape, dtype=torch.float32))
        found = self.clues(rows, per_sample_weights=keep) + self.tones(tones)
        result: Tensor = self.clue_norm(found)
        return result

    def _keys(
        self, batch: FrameBatch, hidden: Tensor, state: list[State]
    ) -> tuple[Tensor, list[State]]:
        """What is around each pitch before each frame, [frames, channels, 88]; and the state."""
        steps, rows = batch.maps.shape[:2]
        maps = self._without_some(batch.maps)
        x = self.around(maps.flatten(0, 1)).transpose(1, 2)
        place = self.place(torch.cat([batch.scalars.flatten(0, 1), hidden], dim=-1))
        x = (x + place[:, None]).float().reshape(steps, rows * PITCHES, -1)
        joined = [tuple(tensor.flatten(0, 1) for tensor in before) for before in state]
        x, after = through(self.local_blocks, x, joined)
        keys = F.silu(self.local_norm(x)).reshape(steps, rows, PITCHES, -1).transpose(2, 3)
        return self._without_some(keys).flatten(0, 1), [_split_keys(one, rows) for one in after]

    def _without_some(self, maps: Tensor) -> Tensor:
        """Maps [time, rows, channels, 88] without some channels of each row, in training only."""
        result: Tensor = maps * self.dropout(maps.new_ones(1, *maps.shape[1:3], 1))
        return result

    def _trunk(self, batch: FrameBatch, state: list[State]) -> tuple[Tensor, list[State]]:
        seen = torch.cat([batch.maps.flatten(2), batch.scalars], dim=-1)
        shift = batch.shift if self.config.told_shift else torch.zeros_like(batch.shift)
        x = self.read(self.input_dropout(seen)) + self.shift(shift)
        x, after = through(self.blocks, x, state)
        return self.norm(x), after


def _split_keys(state: State, rows: int) -> State:
    """The state of all keys of all rows, [rows * 88, channels], as [rows, 88, channels]."""
    return tuple(tensor.reshape(rows, PITCHES, -1) for tensor in state)


def _nearby(batch: FrameBatch, queries: Tensor, keys: Tensor) -> Tensor:
    """How well each slot's query [slots, channels] fits each key of its frame, [slots, 88]."""
    # Slots of a frame side by side, so that no key is copied for each slot.
    seat = torch.arange(len(batch.frame)) - torch.searchsorted(batch.frame, batch.frame)
    seats = queries.new_zeros(len(keys), int(seat.max()) + 1, keys.shape[1])
    seats[batch.frame, seat] = queries
    return torch.bmm(seats, keys)[batch.frame, seat]


def _relative(prefix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of what a frame has so far: its highest key (-1 if none) and its lowest (88 if none), both
    [slots], and what sounds at each interval below the highest, [slots, _BELOW]."""
    pitch = torch.arange(PITCHES)
    roll = prefix.amax(1) > 0
    last = torch.where(roll, pitch, -1).amax(-1)
    first = torch.where(roll, pitch, PITCHES).amin(-1)
    index = last[:, None] - torch.arange(_BELOW)
    below = torch.where(index >= 0, roll.gather(1, index.clamp(min=0)), False)
    return last, first, below.float()


def _last_pitch(batch: FrameBatch) -> Tensor:
    """The pitch of each slot's voice in the frame before [slots]; -1 after a rest."""
    before = batch.maps.flatten(0, 1)[batch.frame, batch.voice]  # the first map is that frame
    return torch.where(before.any(-1), before.argmax(-1), -1)


def _interval_logits(scores: Tensor, root: Tensor, known: Tensor) -> Tensor:
    """Scores of the intervals above a key [slots, 89], as logits of classes.

    Args:
        root: the key [slots], which may lie below the keyboard. known: where there is one; the
            logits are 0 elsewhere.
    """
    interval = torch.arange(PITCHES) - root[:, None]
    used = (interval >= 0) & (interval <= PITCHES) & known[:, None]
    found = scores.gather(1, torch.where(used, interval, 0))
    return F.pad(torch.where(used, found, 0.0), (0, 1))
