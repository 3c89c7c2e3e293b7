"""MVControlNet: a video diffusion U-Net and its control branch (paper, Sec. 4.3, Fig. 3, Table 3)."""

from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from contextalk.core.errors import ShapeError
from contextalk.core.records import NUM_DRAWN
from contextalk.models.blocks import BlockInput, SpatialTemporalBlock, sinusoidal
from contextalk.models.codec import LATENT_CHANNELS
from contextalk.models.conditions import Condition, ConditionEncoder, Modality

Latents = Float[Tensor, "b f 16 16 16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """The defaults are the paper's Table 3; the fields from `per_frame_time` on are departures it has off.

    Attributes:
        modalities: Parts of c_l, in token order.
        num_hints: How many c_v; each enters by a zero convolution of its own.
        base_channels: Width of the finest scale.
        multipliers: Width of each scale over the finest.
        blocks: Basic blocks a scale.
        head_dim: Attention head dimension.
        attention_scales: Which scales attend, 1 the finest.
        downsample_last: Halve after the last scale too (16 → 8 → 4 → 2), as the table's "Downsample scale 1,2,3" reads.
        condition_dim: Width of a c_l token.
        time_dim: Width of the time embedding.
        dropout: Inside basic blocks.
        per_frame_time: Departure: the carried frame is embedded as time 0, so that the network need not guess it is
            clean.
        pooled_condition: Departure: c_l, flattened, is also added to the time embedding frame by frame, a shorter way
            than
            cross-attention for what concerns the whole head (side, mouth).
        hints_in_video_branch: Departure: c_v also enters the video branch itself, each hint by its own
            zero convolution; what is to be copied (border, identity) then need not wait for the control branch to wake.
        predict_points: Departure: the pooled condition also regresses the 70 points (68 and two pupils) in an auxiliary
            loss, so that the condition encoders learn in minutes.
    """

    modalities: tuple[Modality, ...]
    num_hints: int = 1
    base_channels: int = 128
    multipliers: tuple[int, ...] = (1, 2, 4)
    blocks: int = 2
    head_dim: int = 64
    attention_scales: tuple[int, ...] = (1, 2, 3)
    downsample_last: bool = True
    condition_dim: int = 128
    time_dim: int = 128
    dropout: float = 0.1
    per_frame_time: bool = False
    pooled_condition: bool = False
    predict_points: bool = False
    hints_in_video_branch: bool = False

    def __post_init__(self) -> None:
        if "scene" in self.modalities and "place" not in self.modalities:
            raise ValueError("network.modalities has scene, which wants place beside it")
        if self.predict_points and not self.pooled_condition:
            raise ValueError("network.predict_points wants network.pooled_condition")


class MVControlNet(nn.Module):
    """Predicts ε (or v, or flow) of a window of latents under c_l and c_v."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.condition_encoder = ConditionEncoder(config.modalities, config.condition_dim)
        self.time_mlp = nn.Sequential(
            nn.Linear(config.time_dim, config.time_dim), nn.SiLU(), nn.Linear(config.time_dim, config.time_dim)
        )
        self.encoder = Encoder(config)
        self.control = ControlBranch(config)
        self.decoder = Decoder(config, self.encoder.skip_channels)
        if config.hints_in_video_branch:
            width = config.base_channels * config.multipliers[0]
            self.hint_encoders = nn.ModuleList(_hint_encoder(width) for _ in range(config.num_hints))
        if config.pooled_condition:
            num_tokens = sum(cast(int, encoder.num_tokens) for encoder in self.condition_encoder.encoders.values())
            self.pool = nn.Sequential(
                nn.Linear(num_tokens * config.condition_dim, 2 * config.condition_dim),
                nn.SiLU(),
                nn.Linear(2 * config.condition_dim, config.time_dim),
            )
        if config.predict_points:
            self.points_head = nn.Linear(config.time_dim, 2 * NUM_DRAWN)

    def forward(
        self, noisy: Latents, time: Float[Tensor, "b"], condition: Condition, *, first_is_clean: bool
    ) -> Latents:
        """Predict for every frame; the carried frame's prediction means nothing and is not in the loss (paper, Eq. 8).

        Args:
            noisy: x_t; with `first_is_clean` its frame 0 is a clean latent.
            time: Diffusion time in [0, 1000].
            condition: c_l and c_v of the same B and F.
            first_is_clean: Whether frame 0 is carried.

        Returns:
            The prediction, float32.

        Raises:
            ShapeError: A hint of another shape than `noisy`, or another number of hints.
        """
        return self.predict(noisy, time, condition, first_is_clean=first_is_clean)[0]

    def predict(
        self, noisy: Latents, time: Float[Tensor, "b"], condition: Condition, *, first_is_clean: bool
    ) -> tuple[Latents, Float[Tensor, "b f 70 2"] | None]:
        """As `forward`, with the auxiliary points in units of the crop (0 … 1), None without `predict_points`."""
        self._check(noisy, condition)
        batch, frames = noisy.shape[:2]
        tokens = self.condition_encoder(condition)
        embedding = self._embed_time(time, frames, first_is_clean=first_is_clean)
        points = None
        if self.config.pooled_condition:
            pooled = self.pool(tokens.flatten(2))
            embedding = embedding + pooled
            points = self._points(pooled) if self.config.predict_points else None
        given = BlockInput(frames=frames, time=embedding.flatten(0, 1), tokens=tokens.flatten(0, 1))
        x = noisy.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        hints = [hint.flatten(0, 1).contiguous(memory_format=torch.channels_last) for hint in condition.hints]
        entered = self.encoder.enter(x)
        if self.config.hints_in_video_branch:
            for encode, hint in zip(self.hint_encoders, hints, strict=True):
                entered = entered + encode(hint)
        skips, middle = self.encoder(entered, given)
        control_skips, control_middle = self.control(x, hints, given)
        skips = [skip + control for skip, control in zip(skips, control_skips, strict=True)]
        out = self.decoder(middle + control_middle, skips, given)
        return out.float().unflatten(0, (batch, frames)), points

    REGRESSION = ("condition_encoder", "pool", "points_head")
    """What `regress_points` consists of."""

    def regress_points(self, condition: Condition) -> Float[Tensor, "b f 70 2"]:
        """The auxiliary points alone, from c_l without any x_t: a pass that costs a hundredth of `predict`."""
        return self._points(self.pool(self.condition_encoder(condition).flatten(2)))

    def _points(self, pooled: Tensor) -> Float[Tensor, "b f 70 2"]:
        return self.points_head(functional.silu(pooled)).unflatten(-1, (NUM_DRAWN, 2)).float()

    def _embed_time(self, time: Tensor, frames: int, *, first_is_clean: bool) -> Float[Tensor, "b f t"]:
        times = time.float()[:, None].expand(-1, frames)
        if first_is_clean and self.config.per_frame_time:
            times = torch.cat([torch.zeros_like(times[:, :1]), times[:, 1:]], dim=1)
        waves = sinusoidal(times.reshape(-1), self.config.time_dim)
        return self.time_mlp(waves).unflatten(0, (-1, frames))

    def _check(self, noisy: Tensor, condition: Condition) -> None:
        if len(condition.hints) != self.config.num_hints:
            raise ShapeError(f"{len(condition.hints)} hints given, the network has {self.config.num_hints}")
        for hint in condition.hints:
            if hint.shape != noisy.shape:
                raise ShapeError(f"hint {tuple(hint.shape)} and x_t {tuple(noisy.shape)} disagree")


class Encoder(nn.Module):
    """Contracting half and middle: also what the control branch copies."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        widths = [config.base_channels * multiplier for multiplier in config.multipliers]
        self.enter = nn.Conv2d(LATENT_CHANNELS, widths[0], 3, padding=1)
        self.scales = nn.ModuleList()
        self.skip_channels = [widths[0]]
        channels = widths[0]
        for index, width in enumerate(widths):
            blocks = nn.ModuleList()
            for _ in range(config.blocks):
                blocks.append(_block(config, channels, width, scale=index + 1))
                channels = width
                self.skip_channels.append(width)
            scale = nn.ModuleDict({"blocks": blocks})
            if index + 1 < len(widths) or config.downsample_last:
                scale["down"] = nn.Conv2d(width, width, 3, stride=2, padding=1)
                self.skip_channels.append(width)
            self.scales.append(scale)
        last = len(widths)
        self.middle = nn.ModuleList([_block(config, channels, channels, scale=last) for _ in range(config.blocks)])

    def forward(self, x: Float[Tensor, "n c h w"], given: BlockInput) -> tuple[list[Tensor], Tensor]:
        """Entered picture → (skips, finest first; output of the middle)."""
        skips = [x]
        for scale in cast(list[nn.ModuleDict], self.scales):
            for block in cast(nn.ModuleList, scale["blocks"]):
                x = block(x, given)
                skips.append(x)
            if "down" in scale:
                x = scale["down"](x)
                skips.append(x)
        for block in self.middle:
            x = block(x, given)
        return skips, x


class ControlBranch(nn.Module):
    """A trainable copy of the encoder; c_v enters and the results leave by zero convolutions, silent at the start."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.encoder = Encoder(config)
        width = self.encoder.skip_channels[0]
        self.hint_encoders = nn.ModuleList(_hint_encoder(width) for _ in range(config.num_hints))
        self.skip_outs = nn.ModuleList(_zero_convolution(channels) for channels in self.encoder.skip_channels)
        self.middle_out = _zero_convolution(self.encoder.skip_channels[-1])

    def forward(self, x: Tensor, hints: list[Tensor], given: BlockInput) -> tuple[list[Tensor], Tensor]:
        """What is added to the video branch's skips and middle."""
        entered = self.encoder.enter(x)
        for encode, hint in zip(self.hint_encoders, hints, strict=True):
            entered = entered + encode(hint)
        skips, middle = self.encoder(entered, given)
        return [out(skip) for out, skip in zip(self.skip_outs, skips, strict=True)], self.middle_out(middle)


class Decoder(nn.Module):
    """Expanding half: each block takes one skip, coarsest first."""

    def __init__(self, config: NetworkConfig, skip_channels: list[int]) -> None:
        super().__init__()
        widths = [config.base_channels * multiplier for multiplier in config.multipliers]
        channels, skips = widths[-1], list(skip_channels)
        self.deepest = nn.ModuleList()
        if config.downsample_last:
            self.deepest.append(_block(config, channels + skips.pop(), channels, scale=len(widths)))
        self.scales = nn.ModuleList()
        for scale in range(len(widths), 0, -1):
            parts = nn.ModuleDict()
            if scale < len(widths) or config.downsample_last:
                parts["up"] = nn.Conv2d(channels, channels, 3, padding=1)
            blocks = nn.ModuleList()
            for _ in range(config.blocks + 1):
                blocks.append(_block(config, channels + skips.pop(), widths[scale - 1], scale=scale))
                channels = widths[scale - 1]
            parts["blocks"] = blocks
            self.scales.append(parts)
        self.leave = nn.Sequential(
            nn.GroupNorm(min(8, channels), channels), nn.SiLU(), nn.Conv2d(channels, LATENT_CHANNELS, 3, padding=1)
        )

    def forward(self, x: Tensor, skips: list[Tensor], given: BlockInput) -> Tensor:
        """Middle's output and skips (finest first) → (N, 16, 16, 16)."""
        skips = list(skips)
        for block in self.deepest:
            x = block(torch.cat([x, skips.pop()], dim=1), given)
        for parts in cast(list[nn.ModuleDict], self.scales):
            if "up" in parts:
                x = parts["up"](functional.interpolate(x, scale_factor=2, mode="nearest"))
            for block in cast(nn.ModuleList, parts["blocks"]):
                x = block(torch.cat([x, skips.pop()], dim=1), given)
        return self.leave(x)


def _block(config: NetworkConfig, channels_in: int, channels: int, *, scale: int) -> SpatialTemporalBlock:
    return SpatialTemporalBlock(
        channels_in,
        channels,
        time_dim=config.time_dim,
        token_dim=config.condition_dim,
        head_dim=config.head_dim,
        attention=scale in config.attention_scales,
        dropout=config.dropout,
    )


def _hint_encoder(width: int) -> nn.Sequential:
    """c_v → what is added to the encoded x_t; silent at the start."""
    return nn.Sequential(
        nn.Conv2d(LATENT_CHANNELS, width, 3, padding=1),
        nn.SiLU(),
        nn.Conv2d(width, width, 3, padding=1),
        nn.SiLU(),
        _zero_convolution(width),
    )


def _zero_convolution(channels: int) -> nn.Conv2d:
    layer = nn.Conv2d(channels, channels, 1)
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
