"""Small PyTorch modules, written as timm, torchvision and detectors write theirs.

Imported by tests only after `pytest.importorskip("torch")`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody knows it by
from torch import Tensor, nn


class ConvAct(nn.Module):
    def __init__(self, i: int, o: int, k: int = 1, s: int = 1, g: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=False)
        self.norm = nn.BatchNorm2d(o)
        self.act = nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.norm(self.conv(x)))


class C2f(nn.Module):
    """Chunk, a list that grows, concatenation: the block of a YOLO."""

    def __init__(self, i: int, o: int, n: int = 1) -> None:
        super().__init__()
        self.half = o // 2
        self.first = ConvAct(i, o)
        self.inner = nn.ModuleList(ConvAct(self.half, self.half, 3) for _ in range(n))
        self.last = ConvAct((2 + n) * self.half, o)

    def forward(self, x: Tensor) -> Tensor:
        parts = list(self.first(x).chunk(2, 1))
        parts.extend(block(parts[-1]) for block in self.inner)
        return self.last(torch.cat(parts, 1))


class Detector(nn.Module):
    """Backbone, upsampling neck, and a head whose decoding reads the sizes of its tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvAct(3, 16, 3, 2)
        self.low = C2f(16, 32)
        self.down = ConvAct(32, 64, 3, 2)
        self.high = C2f(64, 64, 2)
        self.up = nn.Upsample(scale_factor=2)
        self.neck = C2f(96, 32)
        self.head = nn.Conv2d(32, 68, 1)
        self.dfl = nn.Conv2d(16, 1, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        low = self.low(self.stem(x))
        high = self.high(self.down(low))
        both = self.head(self.neck(torch.cat([self.up(high), low], 1)))
        n = both.shape[0]
        box, score = both.view(n, 68, -1).split((64, 4), 1)
        anchors = box.shape[2]
        distance = self.dfl(box.view(n, 4, 16, anchors).transpose(2, 1).softmax(1))
        before, after = distance.view(n, 4, anchors).chunk(2, 1)
        grid = torch.arange(anchors, device=x.device).float()[None, None]
        return torch.cat([(grid - before + grid + after) / 2, after - before, score.sigmoid()], 1)


class SqueezeExcite(nn.Module):
    """As timm writes it: a mean over space, two 1x1 convolutions, a product."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(c, c // 4, 1)
        self.expand = nn.Conv2d(c // 4, c, 1)

    def forward(self, x: Tensor) -> Tensor:
        s = x.mean((2, 3), keepdim=True)
        return x * self.expand(F.relu(self.reduce(s), inplace=True)).sigmoid()


class Inverted(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.expand = nn.Conv2d(c, 4 * c, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(4 * c)
        self.depthwise = nn.Conv2d(4 * c, 4 * c, 5, padding=2, groups=4 * c, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * c)
        self.se = SqueezeExcite(4 * c)
        self.project = nn.Conv2d(4 * c, c, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(c)

    def forward(self, x: Tensor) -> Tensor:
        y = F.hardswish(self.norm1(self.expand(x)))
        y = self.se(F.hardswish(self.norm2(self.depthwise(y))))
        return x + self.norm3(self.project(y))


class Functional(nn.Module):
    """Functional calls, branches on attributes and shapes, channel shuffle, a residual sum."""

    def __init__(self, *, deep: bool = True) -> None:
        super().__init__()
        self.deep = deep
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU6())
        self.blocks = nn.Sequential(*[Inverted(16) for _ in range(2)])
        self.grouped = nn.Conv2d(16, 32, 3, padding=1, groups=4)
        self.dropout = nn.Dropout(0.2)
        self.classifier = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        if self.deep and x.shape[2] > 4:
            x = self.blocks(x)
        x = F.relu(self.grouped(x))
        n, c, h, w = x.shape
        x = x.view(n, 4, c // 4, h, w).transpose(1, 2).reshape(n, c, h, w)
        x = F.max_pool2d(x, 2)
        x = F.adaptive_avg_pool2d(x, 1)
        return self.classifier(self.dropout(torch.flatten(x, 1)))


class Inception(nn.Module):
    """Parallel branches of several depths, an auxiliary head in training only."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(8, 8, 1)
        self.b = nn.Sequential(
            nn.Conv2d(8, 4, 1), nn.ReLU(), nn.Conv2d(4, 8, (1, 7), padding=(0, 3))
        )
        self.c = nn.Conv2d(8, 8, 1)
        self.aux = nn.Linear(8, 2)
        self.up = nn.ConvTranspose2d(24, 6, 4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        parts = [self.a(x), self.b(x), self.c(F.avg_pool2d(x, 3, 1, 1))]
        if self.training:
            return self.aux(x.mean((2, 3)))
        return self.up(torch.cat(parts, 1))


class Branching(nn.Module):
    """Python that depends on data: only a tracing exporter can follow one path of it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        if y.sum().item() > 1e9:
            y = y * 2
        return y.relu()


class UNet(nn.Module):
    """Ronneberger's, with padding and normalisation, and learned up-sampling."""

    def __init__(self, classes: int) -> None:
        super().__init__()

        def double(i: int, o: int) -> nn.Sequential:
            pairs = ((nn.Conv2d(k, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)) for k in (i, o))
            return nn.Sequential(*(part for pair in pairs for part in (*pair, nn.ReLU())))

        widths = (64, 128, 256, 512, 1024)
        ups = list(zip(widths[1:], widths, strict=False))[::-1]
        self.down = nn.ModuleList(double(i, o) for i, o in zip((3, *widths), widths, strict=False))
        self.up = nn.ModuleList(nn.ConvTranspose2d(i, o, 2, 2) for i, o in ups)
        self.joined = nn.ModuleList(double(2 * o, o) for _, o in ups)
        self.last = nn.Conv2d(64, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for number, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if number else x)
            kept.append(x)
        for up, block, skip in zip(self.up, self.joined, kept[-2::-1], strict=True):
            x = block(torch.cat([skip, up(x)], 1))
        return self.last(x)
