"""A user's sampler: a tiny model of torch, temperature, and remasking of what was written with little confidence."""

import random

import torch

# So small a model is slower on several threads.
torch.set_num_threads(1)

MASK, EOS, VOCABULARY = 49, 48, 50
PROMPT, LENGTH = [3, 1, 4, 1, 5], 24


class Model(torch.nn.Module):
    """Every position sees every other."""

    def __init__(self, width=32):
        super().__init__()
        self.embed = torch.nn.Embedding(VOCABULARY, width)
        self.place = torch.nn.Embedding(64, width)
        self.mix = torch.nn.TransformerEncoderLayer(width, 2, 64, dropout=0.0, batch_first=True)
        self.head = torch.nn.Linear(width, VOCABULARY)

    def forward(self, x):
        return self.head(self.mix(self.embed(x) + self.place(torch.arange(x.shape[1]))))


def model():
    torch.manual_seed(1)
    return Model().eval()


def start():
    """The first canvas, `[1, prompt + length]`, and the state: a generator, scores, and a cache that is changed in place."""
    x = torch.tensor([PROMPT + [MASK] * LENGTH])
    state = {
        "generator": torch.Generator().manual_seed(5),
        "python": random.Random(5),
        "sure": torch.ones(x.shape[1]),
        "made": [0],
    }
    return x, state


class Sampler:
    """`proposing` shows each step before it is made; `wide` adds so many numbers to the state."""

    def __init__(self, steps=60, proposing=False, wide=0):
        self.model, self.steps, self.proposing, self.wide = model(), steps, proposing, wide
        self.calls = 0

    @torch.no_grad()
    def __call__(self, x, state, dbg):
        self.calls += 1
        temperature = dbg.knob("temperature", 1.0, 0.1, 5.0)
        count = dbg.knob("count", 2, 1, 8)
        if state["made"][0] >= self.steps:
            return None
        if self.wide:
            state["wide"] = torch.zeros(self.wide)
        state["made"][0] += 1
        logits = self.model(x)
        logits[..., MASK] = -torch.inf
        p = (logits[0] / float(temperature)).softmax(-1)
        # Three generators: one of its own, torch's, and Python's.
        tokens = torch.multinomial(p, 1, generator=state["generator"])[:, 0]
        order = torch.rand(x.shape[1])
        order[x[0] != MASK] = -1
        places = order.topk(int(count)).indices
        places = places[order[places] >= 0]
        picked = tokens[places]
        dbg.predicted(logits=logits)
        if self.proposing:
            places, picked = dbg.propose(x, places, picked)
        x[0, places] = picked
        state["sure"][places] = p[places, picked]
        # Two in three steps mask the least sure token again.
        if state["python"].random() < 0.66:
            written = (x[0] != MASK) & (torch.arange(x.shape[1]) >= len(PROMPT))
            least = torch.where(written, state["sure"], torch.inf).argmin()
            if written[least]:
                x[0, least] = MASK
        return x
