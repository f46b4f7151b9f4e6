"""The vision transformer: an image as a sentence of patches.

Dosovitskiy et al., "An image is worth 16×16 words: transformers for image recognition at scale",
ICLR 2021, table 1, https://arxiv.org/abs/2010.11929; names and details as in torchvision.

ViT-B/16:

| layer | what | output | parameters |
|---|---|---|---|
| | image | 3×224×224 | |
| conv_proj | each patch of 16×16 as a vector of 768 | 768×14×14 | 590 592 |
| class_token | one more vector, learnt, put before the others | 197×768 | 768 |
| encoder.pos_embedding | what tells places apart is added | 197×768 | 151 296 |
| encoder.layers | 12 layers: attention with 12 heads, 768 → 3072 → 768 | 197×768 | 85 054 464 |
| encoder.ln | layer norm | 197×768 | 1 536 |
| heads | the first vector, 768 → 1000 | 1000 | 769 000 |
| | | | **86 567 656** |

`vit_cifar` takes 32×32 in patches of 4×4, as 65 vectors of 192 through 6 layers with 3 heads:
2 693 578 parameters. Nothing in a transformer knows that pixels have neighbours; trained on little
data it stays behind a convolutional network of the same size.
"""
import math

import numpy as np

from .. import nn, ops


class EncoderBlock(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)):  (N, L, E) → same."""

    def __init__(self, num_heads, hidden_dim, mlp_dim, dropout, attention_dropout):
        self.ln_1 = nn.LayerNorm(hidden_dim, eps=1e-6)
        self.self_attention = nn.MultiheadAttention(hidden_dim, num_heads, attention_dropout,
                                                    batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.ln_2 = nn.LayerNorm(hidden_dim, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(hidden_dim, mlp_dim), nn.GELU(), nn.Dropout(dropout),
                                 nn.Linear(mlp_dim, hidden_dim), nn.Dropout(dropout))
        for linear in (self.mlp[0], self.mlp[3]):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.normal_(linear.bias, std=1e-6)

    def forward(self, x):
        y = self.ln_1(x)
        x = x + self.dropout(self.self_attention(y, y, y, need_weights=False)[0])
        return x + self.mlp(self.ln_2(x))


class Encoder(nn.Module):
    """Places added, then the layers, then layer norm:  (N, L, E) → same."""

    def __init__(self, seq_length, num_layers, num_heads, hidden_dim, mlp_dim, dropout,
                 attention_dropout):
        self.pos_embedding = nn.Parameter(np.empty((1, seq_length, hidden_dim), np.float32))
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.Sequential({
            f"encoder_layer_{i}": EncoderBlock(num_heads, hidden_dim, mlp_dim, dropout,
                                               attention_dropout) for i in range(num_layers)})
        self.ln = nn.LayerNorm(hidden_dim, eps=1e-6)
        nn.init.normal_(self.pos_embedding, std=0.02)

    def forward(self, x):
        return self.ln(self.layers(self.dropout(x + self.pos_embedding)))


class VisionTransformer(nn.Module):
    """(N, C, image_size, image_size) → logits (N, num_classes); patch_size divides image_size."""

    def __init__(self, image_size, patch_size, num_layers, num_heads, hidden_dim, mlp_dim,
                 dropout=0.0, attention_dropout=0.0, num_classes=1000, in_channels=3):
        if image_size % patch_size:
            raise ValueError(f"VisionTransformer: image_size should be a multiple of the "
                             f"patch_size {patch_size}, got {image_size}")
        self.image_size = image_size
        self.conv_proj = nn.Conv2d(in_channels, hidden_dim, patch_size, stride=patch_size)
        self.class_token = nn.Parameter(np.zeros((1, 1, hidden_dim), np.float32))
        self.encoder = Encoder((image_size // patch_size) ** 2 + 1, num_layers, num_heads,
                               hidden_dim, mlp_dim, dropout, attention_dropout)
        self.heads = nn.Sequential({"head": nn.Linear(hidden_dim, num_classes)})
        self.reset_parameters()

    def reset_parameters(self):
        """The patches' projection keeps their variance; the head begins at zero."""
        fan_in, _ = nn.init.fans(self.conv_proj.weight)
        nn.init.trunc_normal_(self.conv_proj.weight, std=math.sqrt(1 / fan_in))
        for zero in (self.conv_proj.bias, self.heads.head.weight, self.heads.head.bias):
            nn.init.zeros_(zero)

    def forward(self, x):
        if x.shape[-2:] != (self.image_size, self.image_size):
            raise ValueError("VisionTransformer: the positions are learnt for images of "
                             f"{self.image_size}×{self.image_size}, got shape {x.shape}")
        x = self.conv_proj(x)                            # (N, 768, 14, 14)
        x = x.flatten(2).transpose(1, 2)                 # (N, 196, 768)
        x = ops.cat([self.class_token.expand(len(x), -1, -1), x], 1)     # (N, 197, 768)
        return self.heads(self.encoder(x)[:, 0])         # (N, num_classes)


def vit_b_16(num_classes=1000, in_channels=3, image_size=224, dropout=0.0):
    """ViT-B/16: 86 567 656 parameters."""
    return VisionTransformer(image_size, 16, 12, 12, 768, 3072, dropout, 0.0, num_classes,
                             in_channels)


def vit_cifar(num_classes=10, in_channels=3, image_size=32, dropout=0.0):
    """A small vision transformer for CIFAR: 2 693 578 parameters."""
    return VisionTransformer(image_size, 4, 6, 3, 192, 768, dropout, 0.0, num_classes, in_channels)
